//! The desired state: what operators and files ask for, its verbs, and the way to a snapshot.
//!
//! Kept by whoever publishes snapshots; workers never see it. Time is an argument, in milliseconds of any clock.

mod apply;
mod change;
mod check;
mod error;
mod group;
mod member;
mod nexthops;
mod pins;
mod ports;
mod reconcile;
mod recycle;
#[cfg(test)]
mod tests;
mod timeouts;

pub use change::{Change, ChangeError, Verb};
pub use error::DesiredError;
pub use member::MemberInfo;
pub use pins::{PinEnd, PinError, PinInfo};
pub use reconcile::Reconciled;
pub use recycle::GONE_KNOWN;

use crate::id::{GroupId, MemberId, NexthopId, PortId};
use crate::liveness::Liveness;
use crate::service_table::ServiceTable;
use crate::snapshot::{Adjacency, Service, Snapshot};
use crate::spec::{AdminState, GroupSpec, NexthopSpec, ServiceSpec};
use evenkeel_packet::Mac;
use group::Group;
use member::{MemberState, Phase};
use nexthops::Nexthops;
use pins::Pins;
use std::collections::HashSet;
use std::sync::Arc;
use timeouts::TimeoutTable;

/// Deadline of a removal that names none, in milliseconds.
const DEFAULT_REMOVE_DEADLINE_MS: u64 = 300_000;

/// What the box is to do: services, groups, their members, and how to reach these.
///
/// A copy is cheap: it shares the groups' assignments, and pays for those that change. So what must happen whole or not
/// at all is tried on a copy.
#[derive(Debug, Clone)]
pub struct Desired {
    hash_seed: u64,
    remove_deadline_ms: u64,
    generation: u64,
    nexthops: Nexthops,
    /// State of the nexthops that the last snapshot is of.
    nexthops_seen: u64,
    /// Nexthops that a reload has brought in: they are up at the next snapshot, whatever they were in an earlier life.
    begun: Vec<NexthopId>,
    /// By [`MemberId`], gone ones too.
    members: Vec<MemberState>,
    /// Ids of forgotten members.
    free_members: Vec<MemberId>,
    /// By [`GroupId`], gone ones too. A copy shares them until one of both changes.
    groups: Vec<Arc<Group>>,
    services: Arc<[Service]>,
    service_table: Arc<ServiceTable>,
    timeouts: TimeoutTable,
    pins: Pins,
    /// The groups of the configuration that was read last: the next one is compared with it.
    configured: Arc<[GroupSpec]>,
    configured_services: Arc<[ServiceSpec]>,
}

impl Desired {
    /// The desired state that a configuration asks for. `ports` are the box's own MACs by [`PortId`], all open.
    ///
    /// # Errors
    /// What the configuration's reader should have refused.
    pub fn new(
        hash_seed: u64,
        ports: Vec<Mac>,
        services: Vec<ServiceSpec>,
        groups: Vec<GroupSpec>,
    ) -> Result<Self, DesiredError> {
        let mut desired = Self {
            hash_seed,
            remove_deadline_ms: DEFAULT_REMOVE_DEADLINE_MS,
            generation: 0,
            nexthops: Nexthops::new(ports),
            nexthops_seen: 0,
            begun: Vec::new(),
            members: Vec::new(),
            free_members: Vec::new(),
            groups: Vec::new(),
            services: Arc::default(),
            service_table: Arc::default(),
            timeouts: TimeoutTable::new(),
            pins: Pins::default(),
            configured: Arc::default(),
            configured_services: Arc::default(),
        };
        desired.reconcile(services, groups, 0, DEFAULT_REMOVE_DEADLINE_MS)?;
        desired.begun.clear();
        Ok(desired)
    }

    /// Sets the deadline of removals that name none, in milliseconds; 300,000 at first.
    pub fn set_remove_deadline_ms(&mut self, deadline_ms: u64) {
        self.remove_deadline_ms = deadline_ms;
    }

    /// The services of the configuration that was read last.
    #[must_use]
    pub fn services(&self) -> &[ServiceSpec] {
        &self.configured_services
    }

    /// The groups of the configuration that was read last.
    #[must_use]
    pub fn configured_groups(&self) -> &[GroupSpec] {
        &self.configured
    }

    /// All members in the order of the configuration, then of adding; gone ones too, unless they were
    /// [forgotten](Self::recycle). One with the id of a forgotten one stands in its place.
    pub fn members(&self) -> impl ExactSizeIterator<Item = MemberInfo<'_>> {
        (0..self.members.len())
            .filter_map(|index| self.member(MemberId(index as u32)))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// One member; `None` if there never was one with this id, or it was forgotten.
    #[must_use]
    pub fn member(&self, id: MemberId) -> Option<MemberInfo<'_>> {
        let member = self.members.get(id.index()).filter(|member| !member.is_free)?;
        let group = self.groups.get(member.group.index())?;
        Some(member.info(id, &group.name, self.nexthops.nexthop(member.nexthop)?))
    }

    /// How a nexthop is reached; none while it can't be.
    #[must_use]
    pub fn adjacency(&self, nexthop: NexthopId) -> Option<Adjacency> {
        self.nexthops.nexthop(nexthop)?.adjacency
    }

    /// Sets how to reach a nexthop, as the kernel says; `None`: it can't be reached and is not used. Without effect on
    /// nexthops whose port and MAC the configuration gives. True if something changed.
    pub fn set_adjacency(&mut self, nexthop: NexthopId, adjacency: Option<Adjacency>) -> bool {
        self.nexthops.set_adjacency(nexthop, adjacency)
    }

    /// Opens a port of the box, or gives an open one another MAC. True if something changed.
    pub fn open_port(&mut self, port: PortId, mac: Mac) -> bool {
        self.nexthops.open_port(port, mac)
    }

    /// Closes a port: nexthops behind it are not resolved from the next snapshot on. What came in on it before is still
    /// taken. True if it was open.
    pub fn close_port(&mut self, port: PortId) -> bool {
        self.nexthops.close_port(port)
    }

    /// Says that the interface that had the number `from` has the number `to` from now on: nexthops that name it go
    /// along. `to` is a number that [`names_port`](Self::names_port) denies, or one that was opened for this.
    pub fn move_port(&mut self, from: PortId, to: PortId) {
        self.nexthops.move_port(from, to);
        let mut configured = self.configured.to_vec();
        let nexthops = configured.iter_mut().flat_map(|group| &mut group.nexthops);
        nexthops.filter(|nexthop| nexthop.port == Some(from)).for_each(|nexthop| nexthop.port = Some(to));
        self.configured = configured.into();
    }

    /// True if the port is open, or a member that isn't gone names it.
    #[must_use]
    pub fn names_port(&self, port: PortId) -> bool {
        let named =
            |member: &MemberState| self.nexthops.nexthop(member.nexthop).and_then(|nexthop| nexthop.port);
        let present = self.members.iter().filter(|member| member.phase != Phase::Gone);
        self.nexthops.ports().is_open(port) || present.map(named).any(|named| named == Some(port))
    }

    /// When the next removal is over, in milliseconds of the clock that [`apply`](Self::apply) was given.
    #[must_use]
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.members.iter().filter_map(|member| member.phase.deadline_ms()).min()
    }

    /// Ends the removals whose deadline is `now_ms` or before; true if there were any.
    pub fn expire_removals(&mut self, now_ms: u64) -> bool {
        let over = |member: &&mut MemberState| member.phase.deadline_ms().is_some_and(|at| at <= now_ms);
        let mut any = false;
        for member in self.members.iter_mut().filter(over) {
            member.phase = Phase::Gone;
            any = true;
            if let Some(group) = self.groups.get_mut(member.group.index()) {
                Arc::make_mut(group).changed = true;
            }
        }
        any
    }

    /// Numbers the next snapshot above this generation: for a copy that comes back after another one was published.
    pub fn number_above(&mut self, generation: u64) {
        self.generation = self.generation.max(generation);
    }

    /// The snapshot of this state. What did not change since the last one is shared with it. Nexthops that a reload has
    /// brought in are set up.
    pub fn snapshot(&mut self, liveness: &Liveness) -> Snapshot {
        self.generation += 1;
        self.begun.drain(..).for_each(|nexthop| liveness.set(nexthop, true));
        let members = self.members.iter().map(|member| member.record(&self.nexthops)).collect();
        let (all, nexthops) = (&self.members, &self.nexthops);
        let seen = std::mem::replace(&mut self.nexthops_seen, nexthops.version());
        let changed = (seen != nexthops.version()).then_some(nexthops);
        let table = |group: &mut Arc<Group>| {
            let current = group.current(changed, liveness);
            current.unwrap_or_else(|| Arc::make_mut(group).table(all, nexthops, liveness))
        };
        let groups = self.groups.iter_mut().map(table).collect();
        Snapshot {
            generation: self.generation,
            services: Arc::clone(&self.services),
            timeouts: Arc::clone(self.timeouts.sets()),
            pins: self.pins.table(&self.members),
            hash_seed: self.hash_seed,
            table: Arc::clone(&self.service_table),
            own_macs: Arc::clone(self.nexthops.ports().macs()),
            members,
            groups,
        }
    }

    fn group_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(id.index()).map(Arc::make_mut)
    }

    fn group_named(&self, name: &str) -> Option<GroupId> {
        let place = self.groups.iter().position(|group| group.name.as_ref() == name)?;
        u16::try_from(place).ok().map(GroupId)
    }

    /// Changes a member; its group is assigned anew at the next snapshot.
    fn change_member(&mut self, id: MemberId, change: impl FnOnce(&mut MemberState)) {
        let Some(member) = self.members.get_mut(id.index()) else { return };
        change(member);
        if let Some(group) = self.groups.get_mut(member.group.index()) {
            Arc::make_mut(group).changed = true;
        }
    }

    /// Enters a member, or takes up a gone one with the same address again, so that its flows stay. Capacity was checked.
    fn enter(&mut self, group_id: GroupId, spec: &NexthopSpec) {
        let Ok(nexthop) = self.nexthops.id(spec.address, spec.port) else { return };
        self.nexthops.set_mac(nexthop, spec.mac);
        let Some(group) = self.groups.get_mut(group_id.index()).map(Arc::make_mut) else { return };
        let is_back = |id: &MemberId| {
            self.members
                .get(id.index())
                .is_some_and(|member| member.phase == Phase::Gone && member.address == spec.address)
        };
        let phase = Phase::from(spec.state);
        let member = MemberState {
            group: group_id,
            name: spec.name.as_str().into(),
            address: spec.address,
            nexthop,
            weight: spec.weight,
            phase,
            gone_ms: None,
            is_free: false,
        };
        group.changed = true;
        match group.members.iter().copied().find(is_back).and_then(|id| self.members.get_mut(id.index())) {
            Some(gone) => *gone = member,
            None => {
                let id = self.admit(member);
                if let Some(group) = self.group_mut(group_id) {
                    group.members.push(id);
                }
            }
        }
    }

    /// True if some group has a member at this nexthop.
    fn is_used(&self, nexthop: NexthopId) -> bool {
        self.members.iter().any(|member| member.nexthop == nexthop && member.phase != Phase::Gone)
    }

    /// All nexthops at which some group has a member.
    fn used(&self) -> HashSet<NexthopId> {
        let present = self.members.iter().filter(|member| member.phase != Phase::Gone);
        present.map(|member| member.nexthop).collect()
    }
}

impl From<AdminState> for Phase {
    fn from(state: AdminState) -> Self {
        match state {
            AdminState::Active => Self::Active,
            AdminState::Draining => Self::Draining,
        }
    }
}
