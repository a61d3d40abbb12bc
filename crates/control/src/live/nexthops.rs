//! The nexthops that are watched: what routing is asked about each, and what it answered.

use super::event::{NexthopName, UnresolvedNexthop};
use evenkeel_nexthop::{Desired, NexthopId, PortId};
use evenkeel_packet::Mac;
use evenkeel_routing::{Reach, Target, Unresolved};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Time that a new nexthop has to answer before the operator hears that it doesn't.
const GRACE: Duration = Duration::from_secs(1);

/// One watched nexthop.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) id: NexthopId,
    pub(super) name: NexthopName,
    /// Routing's last answer; none before the first.
    pub(super) reach: Option<Reach>,
    /// Its last MAC, also while it is unresolved.
    pub(super) last_mac: Option<Mac>,
    /// When the operator is to hear that it doesn't answer, if it still doesn't.
    owed: Option<Instant>,
}

impl Watched {
    /// What the operator hears while it isn't resolved.
    fn unresolved(&self) -> Option<UnresolvedNexthop> {
        let reason = match &self.reach {
            Some(Reach::Resolved { .. }) => return None,
            Some(Reach::Unresolved(reason)) => Some(reason.clone()),
            None => None,
        };
        Some(UnresolvedNexthop { nexthop: self.name.clone(), reason })
    }
}

/// All nexthops with a present membership. A nexthop is one address and interface, and so one target.
#[derive(Debug, Default)]
pub(super) struct Nexthops {
    watched: BTreeMap<Target, Watched>,
}

impl Nexthops {
    /// Takes up the nexthops of the desired state, keeping what is known of those that stay. `ports` are interface
    /// numbers by [`PortId`].
    pub(super) fn update(&mut self, desired: &Desired, ports: &[u32]) {
        let known = std::mem::take(&mut self.watched);
        for member in desired.members().filter(|member| !member.gone) {
            let membership = format!("{}/{}", member.group, member.name);
            let ifindex = member.port.and_then(|port| ports.get(port.index()).copied());
            let target = Target { address: member.address, ifindex, mac: member.mac };
            if let Some(watched) = self.watched.get_mut(&target) {
                watched.name.memberships += ", ";
                watched.name.memberships += &membership;
                continue;
            }
            let name = NexthopName { memberships: membership, address: member.address };
            let before = known.get(&target);
            let reach = before.and_then(|before| before.reach.clone());
            let (last_mac, owed) = before.map_or((None, None), |before| (before.last_mac, before.owed));
            self.watched.insert(target, Watched { id: member.nexthop, name, reach, last_mac, owed });
        }
    }

    /// What routing is to be asked.
    pub(super) fn targets(&self) -> BTreeSet<Target> {
        self.watched.keys().copied().collect()
    }

    /// The nexthop of a target.
    pub(super) fn at(&self, target: &Target) -> Option<NexthopId> {
        self.watched.get(target).map(|watched| watched.id)
    }

    /// Notes an answer; returns the nexthop as it was before.
    pub(super) fn answer(&mut self, target: &Target, reach: &Reach, now: Instant) -> Option<Watched> {
        let watched = self.watched.get_mut(target)?;
        let before = watched.clone();
        watched.reach = Some(reach.clone());
        watched.owed = None;
        match reach {
            Reach::Resolved { mac, .. } => watched.last_mac = Some(*mac),
            // nobody can have answered yet
            Reach::Unresolved(Unresolved::NoAnswer { .. }) if before.reach.is_none() => {
                watched.owed = Some(now + GRACE);
            }
            Reach::Unresolved(_) => {}
        }
        Some(before)
    }

    /// Nexthops that have not answered in their time; each is told once.
    pub(super) fn take_owed(&mut self, now: Instant) -> Vec<UnresolvedNexthop> {
        let over = |watched: &&mut Watched| watched.owed.is_some_and(|at| at <= now);
        let take = |watched: &mut Watched| {
            watched.owed = None;
            watched.unresolved()
        };
        self.watched.values_mut().filter(over).filter_map(take).collect()
    }

    /// True if the operator hears later that this one doesn't answer.
    pub(super) fn is_owed(&self, target: &Target) -> bool {
        self.watched.get(target).is_some_and(|watched| watched.owed.is_some())
    }

    /// When the next one has not answered in its time.
    pub(super) fn next_owed(&self) -> Option<Instant> {
        self.watched.values().filter_map(|watched| watched.owed).min()
    }

    /// Nexthops that aren't resolved.
    pub(super) fn unresolved(&self) -> Vec<UnresolvedNexthop> {
        self.watched.values().filter_map(Watched::unresolved).collect()
    }

    /// True while a nexthop may still be resolved without anybody's doing: it is being asked for.
    pub(super) fn is_resolving(&self) -> bool {
        let waits = |watched: &Watched| {
            matches!(watched.reach, None | Some(Reach::Unresolved(Unresolved::NoAnswer { .. })))
        };
        self.watched.values().any(waits)
    }
}

/// The port of an interface number.
pub(super) fn port_of(ports: &[u32], ifindex: u32) -> Option<PortId> {
    ports.iter().position(|port| *port == ifindex).and_then(|index| u16::try_from(index).ok()).map(PortId)
}
