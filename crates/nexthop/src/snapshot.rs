//! The snapshot: all services, groups, buckets and adjacencies at one moment. Immutable; workers share it.

use crate::group_table::GroupTable;
use crate::id::{GroupId, MemberId, NexthopId, PortId, ServiceId};
use crate::liveness::Liveness;
use crate::pins::{PinId, PinTable};
use crate::service_table::ServiceTable;
use crate::timeouts::{TimeoutSets, TimeoutsId};
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6, Mac};
use std::net::IpAddr;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How to reach a nexthop on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjacency {
    /// Interface on which frames leave.
    pub port: PortId,
    /// MAC of that interface.
    pub source: Mac,
    /// MAC of the server, or of the router before it.
    pub destination: Mac,
}

/// What a packet of a known flow needs to know of the member that serves it, in one record of 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// How to reach it; meaningless without [`resolved`](Self::resolved).
    pub adjacency: Adjacency,
    /// Group whose member it is.
    pub group: GroupId,
    /// The server, whose liveness counts.
    pub nexthop: NexthopId,
    /// Removed, and the deadline is over.
    pub gone: bool,
    /// False while it is not known how to reach it.
    pub resolved: bool,
}

/// Who takes a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The member.
    pub member: MemberId,
    /// The static pin that decided; `None`: the bucket did.
    pub pin: Option<PinId>,
}

/// What a snapshot says of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Name for operators.
    pub name: Arc<str>,
    /// The group that serves it.
    pub group: GroupId,
    /// How long its flows may be idle.
    pub timeouts: TimeoutsId,
}

/// All services, groups, buckets and adjacencies at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Its number; higher is later.
    pub generation: u64,
    /// By [`ServiceId`], which is good for this snapshot alone.
    pub services: Arc<[Service]>,
    /// Idle times, by [`TimeoutsId`]. A number means the same in every snapshot that flows with it live to see.
    pub timeouts: Arc<TimeoutSets>,
    /// Static pins: before buckets, for flows that nobody serves.
    pub pins: Arc<PinTable>,
    pub(crate) hash_seed: u64,
    pub(crate) table: Arc<ServiceTable>,
    /// By [`PortId`].
    pub(crate) own_macs: Arc<[Mac]>,
    /// By [`MemberId`].
    pub(crate) members: Vec<Member>,
    /// By [`GroupId`].
    pub(crate) groups: Vec<Arc<GroupTable>>,
}

impl Snapshot {
    /// The box's own MACs by [`PortId`]. Those of ports that were closed are among them.
    #[inline]
    #[must_use]
    pub fn own_macs(&self) -> &[Mac] {
        &self.own_macs
    }

    /// The service of a packet: among those that match wholly the one with the longest prefix, then exact protocol,
    /// then listed port.
    #[inline]
    #[must_use]
    pub fn classify(&self, key: &FlowKey) -> Option<ServiceId> {
        self.table.classify(key)
    }

    /// The same of an IPv4 packet.
    #[inline]
    #[must_use]
    pub fn classify4(&self, key: &FlowKey4) -> Option<ServiceId> {
        self.table.classify4(key)
    }

    /// The same of an IPv6 packet.
    #[inline]
    #[must_use]
    pub fn classify6(&self, key: &FlowKey6) -> Option<ServiceId> {
        self.table.classify6(key)
    }

    /// The service of a packet whose ports are not known, as a later fragment's: of the longest prefix with a service
    /// of this protocol, exact protocol before any, any port before listed ones, first in the configuration.
    #[must_use]
    pub fn classify_addresses(&self, key: &FlowKey) -> Option<ServiceId> {
        self.table.classify_addresses(key)
    }

    /// True if some service has this address.
    #[inline]
    #[must_use]
    pub fn is_vip(&self, address: IpAddr) -> bool {
        self.table.is_vip(address)
    }

    /// True if some service has this address and takes this protocol, on whatever ports.
    #[must_use]
    pub fn has_protocol(&self, destination: IpAddr, protocol: u8) -> bool {
        self.table.has_protocol(destination, protocol)
    }

    /// The group that serves a service.
    #[inline]
    #[must_use]
    pub fn group_of(&self, service: ServiceId) -> Option<GroupId> {
        self.services.get(service.index()).map(|service| service.group)
    }

    /// How long the flows of a service may be idle; any for an id of another snapshot.
    #[inline]
    #[must_use]
    pub fn timeouts_of(&self, service: ServiceId) -> TimeoutsId {
        self.services.get(service.index()).map_or(TimeoutsId(0), |service| service.timeouts)
    }

    /// The bucket table of a group.
    #[must_use]
    pub fn group(&self, group: GroupId) -> Option<&GroupTable> {
        self.groups.get(group.index()).map(Arc::as_ref)
    }

    /// All groups in the order of their ids. Groups that the configuration no longer has are among them, without
    /// buckets that anybody owns.
    pub fn groups(&self) -> impl Iterator<Item = (GroupId, &GroupTable)> {
        self.groups.iter().zip(0..).map(|(group, index)| (GroupId(index), group.as_ref()))
    }

    /// What a flow of this member needs; `None` for an id of a later snapshot.
    #[inline]
    #[must_use]
    pub fn member(&self, member: MemberId) -> Option<&Member> {
        self.members.get(member.index())
    }

    /// Number of members, gone ones too: their ids are below it.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// True if flows of this member are forwarded to it: not gone, reachable and up, active or draining.
    #[inline]
    #[must_use]
    pub fn is_usable(&self, member: MemberId, liveness: &Liveness) -> bool {
        self.member(member)
            .is_some_and(|member| !member.gone && member.resolved && liveness.is_up(member.nexthop))
    }

    /// The portable hash of a flow: XXH3-64 of its canonical bytes with the configured seed.
    #[inline]
    #[must_use]
    pub fn flow_hash(&self, key: &FlowKey) -> u64 {
        match key {
            FlowKey::V4(key) => xxh3_64_with_seed(&key.canonical(), self.hash_seed),
            FlowKey::V6(key) => xxh3_64_with_seed(&key.canonical(), self.hash_seed),
        }
    }

    /// The bucket of a flow: the low bits of its hash. 0 for an unknown group.
    #[inline]
    #[must_use]
    pub fn bucket_of(&self, group: GroupId, flow_hash: u64) -> u32 {
        self.group(group).map_or(0, |group| group.bucket_of(flow_hash))
    }

    /// Who takes a flow of a group's services that nobody serves: the member of its static pin, if that can be used; else
    /// as [`select`](Self::select) says. `None`: nobody can.
    #[inline]
    #[must_use]
    pub fn choose(&self, group: GroupId, key: &FlowKey, liveness: &Liveness) -> Option<Choice> {
        let pin = self.pins.of(group, key);
        if let Some(pin) = pin.filter(|pin| self.is_usable(pin.member, liveness)) {
            return Some(Choice { member: pin.member, pin: Some(pin.id) });
        }
        let member = self.select(group, self.flow_hash(key), liveness)?;
        Some(Choice { member, pin: None })
    }

    /// Who takes a new flow with this hash: the owner of its bucket if that is up, else the next usable one by score.
    /// `None`: nobody can.
    #[inline]
    #[must_use]
    pub fn select(&self, group: GroupId, flow_hash: u64, liveness: &Liveness) -> Option<MemberId> {
        let group = self.group(group)?;
        group.select(group.bucket_of(flow_hash), liveness)
    }
}
