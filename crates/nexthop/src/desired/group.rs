//! A group: its members, its assignment, and the table that the last snapshot had of it.

use super::member::{MemberState, Phase};
use super::nexthops::Nexthops;
use crate::assignment::{Assignment, NOBODY, Taker};
use crate::group_table::{GroupTable, Slot, StandIns};
use crate::id::MemberId;
use crate::liveness::Liveness;
use crate::score::Scorer;
use crate::spec::MIN_BUCKETS;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A group, or what is left of one until its members are gone.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) name: Arc<str>,
    /// In order of configuration, then of adding; gone ones too.
    pub(super) members: Vec<MemberId>,
    /// Members, weights or admin states changed since the last snapshot.
    pub(super) changed: bool,
    assignment: Assignment,
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
        Self { name, members: Vec::new(), changed: true, assignment, last: Arc::new(last) }
    }

    pub(super) fn buckets(&self) -> u32 {
        self.assignment.owners().len() as u32
    }

    /// Another number of buckets: all are assigned anew.
    pub(super) fn set_buckets(&mut self, buckets: u32, seed: u64) {
        if buckets != self.buckets() {
            self.assignment = Assignment::new(buckets, seed);
            self.changed = true;
        }
    }

    /// Gives the memory of a group that the configuration no longer has back; its members own nothing any more.
    pub(super) fn retire(&mut self, seed: u64) {
        self.set_buckets(MIN_BUCKETS, seed);
    }

    /// The group's table: the last one, or one that shares with it what didn't change.
    pub(super) fn table(
        &mut self,
        seed: u64,
        members: &[MemberState],
        nexthops: &Nexthops,
        liveness: &Liveness,
    ) -> Arc<GroupTable> {
        let (owners, wants) = if std::mem::take(&mut self.changed) {
            self.assign(members)
        } else {
            (Arc::clone(&self.last.owners), Arc::clone(&self.last.wants))
        };
        let slots = self.slots(seed, members, nexthops);
        let standing_in = StandIns::write(&owners, &slots, liveness);
        self.last = Arc::new(GroupTable { name: Arc::clone(&self.name), owners, slots, standing_in, wants });
        Arc::clone(&self.last)
    }

    /// Assigns the buckets anew: owners, and what each member should own.
    #[expect(clippy::type_complexity, reason = "for now")]
    fn assign(&mut self, members: &[MemberState]) -> (Arc<[u16]>, Arc<[(MemberId, f64)]>) {
        let own = || self.members.iter().filter_map(|id| Some((*id, members.get(id.index())?)));
        let takers: Vec<Taker> = own()
            .filter(|(_, member)| member.is_taker())
            .map(|(_, member)| Taker { address: member.address, weight: member.weight })
            .collect();
        let total: u64 = takers.iter().map(|taker| u64::from(taker.weight)).sum();
        let want = |member: &MemberState| {
            let weight = if member.is_taker() { f64::from(member.weight) } else { 0.0 };
            f64::from(self.buckets()) * weight / (total.max(1) as f64)
        };
        let wants = own()
            .filter(|(_, member)| member.phase != Phase::Gone)
            .map(|(id, member)| (id, want(member)))
            .collect();
        self.assignment.set_takers(&takers);
        (self.assignment.owners().into(), wants)
    }

    fn slots(&self, seed: u64, members: &[MemberState], nexthops: &Nexthops) -> Arc<[Option<Slot>]> {
        let own = self.members.iter().filter_map(|id| Some((*id, members.get(id.index())?)));
        let takers: HashMap<IpAddr, (MemberId, &MemberState)> = own
            .filter(|(_, member)| member.is_taker())
            .map(|(id, member)| (member.address, (id, member)))
            .collect();
        let slot = |taker: Option<Taker>| {
            let taker = taker?;
            let (id, member) = takers.get(&taker.address)?;
            Some(Slot {
                member: *id,
                nexthop: member.nexthop,
                resolved: nexthops.nexthop(member.nexthop).is_some_and(|nexthop| nexthop.adjacency.is_some()),
                address: taker.address,
                scorer: Scorer::new(taker.address, taker.weight, seed, self.buckets()),
            })
        };
        self.assignment.takers().take(usize::from(NOBODY)).map(slot).collect()
    }
}
