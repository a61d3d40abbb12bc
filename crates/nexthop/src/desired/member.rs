//! A member of a group: where it is in its life.

use super::nexthops::{Nexthop, Nexthops};
use crate::id::{GroupId, MemberId, NexthopId, PortId};
use crate::snapshot::{Adjacency, Member};
use crate::spec::AdminState;
use evenkeel_packet::Mac;
use std::net::IpAddr;
use std::sync::Arc;

/// A nexthop in one group.
#[derive(Debug, Clone)]
pub(super) struct MemberState {
    pub(super) group: GroupId,
    pub(super) name: Arc<str>,
    pub(super) address: IpAddr,
    pub(super) nexthop: NexthopId,
    pub(super) weight: u16,
    pub(super) phase: Phase,
    /// Since when it is known to be gone; `None` also if nobody has asked yet.
    pub(super) gone_ms: Option<u64>,
    /// Forgotten: the id waits for another member.
    pub(super) is_free: bool,
}

/// Where a member is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Active,
    Draining,
    /// Draining until a moment.
    Removing {
        at_ms: u64,
    },
    Gone,
}

/// What is known of a member, for reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberInfo<'d> {
    /// Its id.
    pub id: MemberId,
    /// Id of its group.
    pub group_id: GroupId,
    /// Name of its group.
    pub group: &'d str,
    /// Its name in the group.
    pub name: &'d str,
    /// Address of the server.
    pub address: IpAddr,
    /// The server.
    pub nexthop: NexthopId,
    /// Interface that the configuration names.
    pub port: Option<PortId>,
    /// MAC that the configuration gives.
    pub mac: Option<Mac>,
    /// How it is reached; `None`: not known, and it is not used.
    pub adjacency: Option<Adjacency>,
    /// 0 to 1000.
    pub weight: u16,
    /// Draining also while it is being removed and when it is gone.
    pub state: AdminState,
    /// When it will be gone, if it is being removed.
    pub removed_at_ms: Option<u64>,
    /// Removed, and the deadline is over.
    pub gone: bool,
}

impl Phase {
    pub(super) fn deadline_ms(self) -> Option<u64> {
        match self {
            Self::Removing { at_ms } => Some(at_ms),
            Self::Active | Self::Draining | Self::Gone => None,
        }
    }
}

impl MemberState {
    /// True if it is to own buckets.
    pub(super) fn is_taker(&self) -> bool {
        self.phase == Phase::Active && self.weight > 0
    }

    /// True unless it is gone or about to be.
    pub(super) fn stays(&self) -> bool {
        matches!(self.phase, Phase::Active | Phase::Draining)
    }

    pub(super) fn info<'d>(&'d self, id: MemberId, group: &'d str, nexthop: &Nexthop) -> MemberInfo<'d> {
        MemberInfo {
            id,
            group_id: self.group,
            group,
            name: &self.name,
            address: self.address,
            nexthop: self.nexthop,
            port: nexthop.port,
            mac: nexthop.mac,
            adjacency: nexthop.adjacency,
            weight: self.weight,
            state: if self.phase == Phase::Active { AdminState::Active } else { AdminState::Draining },
            removed_at_ms: self.phase.deadline_ms(),
            gone: self.phase == Phase::Gone,
        }
    }

    /// What workers need to know of it.
    pub(super) fn record(&self, nexthops: &Nexthops) -> Member {
        let adjacency = nexthops.nexthop(self.nexthop).and_then(|nexthop| nexthop.adjacency);
        let nowhere = Adjacency { port: PortId(0), source: Mac::default(), destination: Mac::default() };
        Member {
            adjacency: adjacency.unwrap_or(nowhere),
            group: self.group,
            nexthop: self.nexthop,
            gone: self.phase == Phase::Gone,
            resolved: adjacency.is_some(),
        }
    }
}
