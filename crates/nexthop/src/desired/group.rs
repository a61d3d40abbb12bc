//! A group: its members, its assignment, and the table that the last snapshot had of it.

use super::member::{MemberState, Phase};
use super::nexthops::Nexthops;
use crate::assignment::{Assignment, Taker};
use crate::group_table::{GroupTable, Slot, StandIns};
use crate::id::MemberId;
use crate::liveness::Liveness;
use crate::spec::MIN_BUCKETS;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Owners by bucket, and what members should own.
type Assigned = (Arc<[u16]>, Arc<[(MemberId, f64)]>);

/// A group, or what is left of one until its members are gone.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) name: Arc<str>,
    /// In order of configuration, then of adding; gone ones too.
    pub(super) members: Vec<MemberId>,
    /// Members, weights or admin states changed since the last snapshot.
    pub(super) changed: bool,
    /// The configuration no longer has it.
    pub(super) is_retired: bool,
    /// Large: a copy of the group shares it until one of both assigns anew.
    assignment: Arc<Assignment>,
    last: Arc<GroupTable>,
}

impl Group {
    pub(super) fn new(name: &str, buckets: u32, seed: u64) -> Self {
        let name: Arc<str> = name.into();
        let assignment = Assignment::new(buckets, seed);
        let last = GroupTable {
            name: Arc::clone(&name),
            owners: assignment.owners().into(),
            slots: Arc::default(),
            standing_in: None,
            wants: Arc::default(),
        };
        let (members, assignment, last) = (Vec::new(), Arc::new(assignment), Arc::new(last));
        Self { name, members, changed: true, is_retired: false, assignment, last }
    }

    pub(super) fn buckets(&self) -> u32 {
        self.assignment.owners().len() as u32
    }

    /// Another number of buckets: all are assigned anew.
    pub(super) fn set_buckets(&mut self, buckets: u32, seed: u64) {
        if buckets != self.buckets() {
            self.assignment = Arc::new(Assignment::new(buckets, seed));
            self.changed = true;
        }
    }

    /// Gives back the memory of a group that the configuration no longer has; its members own nothing any more.
    pub(super) fn retire(&mut self, seed: u64) {
        self.set_buckets(MIN_BUCKETS, seed);
        self.is_retired = true;
    }

    /// True if nothing is left of it but its id.
    pub(super) fn is_free(&self) -> bool {
        self.is_retired && self.members.is_empty()
    }

    /// The last table, if it still holds; `nexthops` if it has changed how they are reached since then.
    pub(super) fn current(
        &self,
        nexthops: Option<&Nexthops>,
        liveness: &Liveness,
    ) -> Option<Arc<GroupTable>> {
        let is_resolved = |nexthops: &Nexthops, slot: &Slot| {
            nexthops.nexthop(slot.nexthop).is_some_and(|nexthop| nexthop.adjacency.is_some())
        };
        let is_other =
            |slot: &Slot| nexthops.is_some_and(|nexthops| is_resolved(nexthops, slot) != slot.resolved);
        if self.changed || self.last.slots.iter().flatten().any(is_other) {
            return None;
        }
        let unusable = StandIns::unusable(&self.last.slots, liveness);
        let holds = match &self.last.standing_in {
            Some(standing_in) => standing_in.is_for(&unusable),
            None => unusable.is_empty(),
        };
        holds.then(|| Arc::clone(&self.last))
    }

    /// The group's table anew; it shares with the last one what did not change.
    pub(super) fn table(
        &mut self,
        members: &[MemberState],
        nexthops: &Nexthops,
        liveness: &Liveness,
    ) -> Arc<GroupTable> {
        let assigned_anew = std::mem::take(&mut self.changed).then(|| self.assign(members));
        let slots = self.slots(members, nexthops);
        let (owners, wants) = match assigned_anew {
            Some((owners, wants)) => (owners, wants),
            None => (Arc::clone(&self.last.owners), Arc::clone(&self.last.wants)),
        };
        let standing_in = self.standing_in(&owners, &slots, liveness);
        self.last = Arc::new(GroupTable { name: Arc::clone(&self.name), owners, slots, standing_in, wants });
        Arc::clone(&self.last)
    }

    /// Who stands in for takers that can't serve: as in the last table if these and the owners are the same.
    fn standing_in(
        &self,
        owners: &Arc<[u16]>,
        slots: &[Option<Slot>],
        liveness: &Liveness,
    ) -> Option<StandIns> {
        let unusable = StandIns::unusable(slots, liveness);
        if unusable.is_empty() {
            return None;
        }
        let last = self.last.standing_in.as_ref();
        let is_same = |last: &&StandIns| Arc::ptr_eq(owners, &self.last.owners) && last.is_for(&unusable);
        Some(last.filter(is_same).cloned().unwrap_or_else(|| StandIns::write(owners, slots, &unusable)))
    }

    /// Assigns the buckets anew: owners, and what each member should own.
    fn assign(&mut self, members: &[MemberState]) -> Assigned {
        let takers: Vec<Taker> = self
            .own(members)
            .filter(|(_, member)| member.is_taker())
            .map(|(_, member)| Taker { address: member.address, weight: member.weight })
            .collect();
        let total: u64 = takers.iter().map(|taker| u64::from(taker.weight)).sum();
        let buckets = f64::from(self.buckets());
        let want = |member: &MemberState| {
            if member.is_taker() { buckets * f64::from(member.weight) / total as f64 } else { 0.0 }
        };
        let present = self.own(members).filter(|(_, member)| member.phase != Phase::Gone);
        let wants = present.map(|(id, member)| (id, want(member))).collect();
        let is_resized = self.last.owners.len() != self.assignment.owners().len();
        let owners = if Arc::make_mut(&mut self.assignment).set_takers(&takers) || is_resized {
            self.assignment.owners().into()
        } else {
            Arc::clone(&self.last.owners)
        };
        (owners, wants)
    }

    fn slots(&self, members: &[MemberState], nexthops: &Nexthops) -> Arc<[Option<Slot>]> {
        let takers = self.own(members).filter(|(_, member)| member.is_taker());
        let takers: HashMap<IpAddr, (MemberId, &MemberState)> =
            takers.map(|(id, member)| (member.address, (id, member))).collect();
        let slot = |taker| {
            let (Taker { address, .. }, scorer) = taker?;
            let &(member, state) = takers.get(&address)?;
            let nexthop = state.nexthop;
            let resolved = nexthops.nexthop(nexthop).is_some_and(|nexthop| nexthop.adjacency.is_some());
            Some(Slot { member, nexthop, resolved, address, scorer })
        };
        self.assignment.scorers().map(slot).collect()
    }

    fn own<'m>(&self, members: &'m [MemberState]) -> impl Iterator<Item = (MemberId, &'m MemberState)> {
        self.members.iter().filter_map(|id| Some((*id, members.get(id.index())?)))
    }
}
