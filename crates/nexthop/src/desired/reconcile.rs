//! A new configuration: its difference from the one before, applied as verbs.

use super::Desired;
use super::check::check;
use super::error::DesiredError;
use super::group::Group;
use super::member::Phase;
use crate::id::{GroupId, MemberId, NexthopId};
use crate::service_table::ServiceTable;
use crate::snapshot::Service;
use crate::spec::{GroupSpec, NexthopSpec, ServiceSpec};
use crate::timeouts::TimeoutsId;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What a new configuration changed: how many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Groups that are new or back.
    pub groups_added: usize,
    /// Groups that the configuration no longer has.
    pub groups_removed: usize,
    /// Groups with another number of buckets.
    pub groups_resized: usize,
    /// Members that were added or activated.
    pub activated: usize,
    /// Members that drain now.
    pub drained: usize,
    /// Members that are being removed now.
    pub removed: usize,
    /// Members with another weight.
    pub reweighted: usize,
    /// Members that are reached in another way or have another name.
    pub rebound: usize,
}

impl Desired {
    /// Applies the difference between the configuration read before and this one: members that came are added, those
    /// that left are removed with a deadline of `remove_deadline_ms` from now, states and weights that differ are set.
    /// Members are the same if their address is. What operators changed meanwhile stays as long as the two
    /// configurations say the same of it.
    ///
    /// # Errors
    /// What the configuration's reader should have refused; nothing was done.
    pub fn reconcile(
        &mut self,
        services: Vec<ServiceSpec>,
        mut groups: Vec<GroupSpec>,
        now_ms: u64,
        remove_deadline_ms: u64,
    ) -> Result<Reconciled, DesiredError> {
        let macs = check(&services, &groups, self.nexthops.ports())?;
        self.check_room(&groups)?;
        let timeouts = self.timeouts.with(services.iter().map(|service| service.timeouts), now_ms);
        let timeouts = timeouts.map_err(|_| DesiredError::TooManyTimeouts)?;
        // a MAC that one group gives holds in all
        for nexthop in groups.iter_mut().flat_map(|group| &mut group.nexthops) {
            nexthop.mac = macs.get(&(nexthop.address, nexthop.port)).copied();
        }
        let mut summary = Reconciled::default();
        let used = self.used();
        let before = std::mem::take(&mut self.configured);
        let gone = Phase::removing(now_ms, remove_deadline_ms);
        for old in before.iter() {
            if !groups.iter().any(|group| group.name == old.name) {
                summary.groups_removed += 1;
                self.remove_group(&old.name, gone, &mut summary);
            }
        }
        for group in &groups {
            let old = before.iter().find(|old| old.name == group.name);
            self.reconcile_group(old, group, gone, &used, &mut summary);
        }
        self.begun.extend(self.used().difference(&used));
        self.timeouts = timeouts;
        self.set_services(services);
        self.configured = groups.into();
        Ok(summary)
    }

    /// Checks that there are ids for everything new.
    fn check_room(&self, groups: &[GroupSpec]) -> Result<(), DesiredError> {
        let new_groups = groups.iter().filter(|group| self.group_named(&group.name).is_none()).count();
        let present = self.groups.iter().filter(|group| !group.is_free()).count();
        if present + new_groups > usize::from(u16::MAX) {
            return Err(DesiredError::TooManyServices);
        }
        let mut new: Vec<_> = groups
            .iter()
            .flat_map(|group| &group.nexthops)
            .map(|nexthop| (nexthop.address, nexthop.port))
            .filter(|&(address, port)| self.nexthops.find(address, port).is_none())
            .collect();
        new.sort_unstable();
        new.dedup();
        if self.nexthops.has_room_for(new.len()) { Ok(()) } else { Err(DesiredError::TooManyNexthops) }
    }

    /// A group without members, in the place of one of which nothing is left if there is one.
    fn new_group(&mut self, name: &str, buckets: u32) -> GroupId {
        let group = Arc::new(Group::new(name, buckets, self.hash_seed));
        let free = self.groups.iter().position(|group| group.is_free());
        let place = free.unwrap_or(self.groups.len());
        match self.groups.get_mut(place) {
            Some(slot) => *slot = group,
            None => self.groups.push(group),
        }
        GroupId(place as u16)
    }

    fn set_services(&mut self, services: Vec<ServiceSpec>) {
        self.service_table = Arc::new(ServiceTable::new(&services));
        let service = |spec: &ServiceSpec| {
            let group = self.group_named(&spec.group).unwrap_or(GroupId(u16::MAX));
            let timeouts = self.timeouts.id(&spec.timeouts).unwrap_or(TimeoutsId(0));
            Service { name: spec.name.as_str().into(), group, timeouts }
        };
        self.services = services.iter().map(service).collect();
        self.configured_services = services.into();
    }

    fn remove_group(&mut self, name: &str, gone: Phase, summary: &mut Reconciled) {
        let Some(id) = self.group_named(name) else { return };
        self.remove_members(id, |_| true, gone, summary);
        let seed = self.hash_seed;
        if let Some(group) = self.group_mut(id) {
            group.retire(seed);
        }
    }

    /// Removes the members whose address `leaves` says, unless they are on their way already.
    fn remove_members(
        &mut self,
        group: GroupId,
        leaves: impl Fn(IpAddr) -> bool,
        gone: Phase,
        summary: &mut Reconciled,
    ) {
        let leaving: Vec<MemberId> = self
            .members_of(group)
            .filter(|(_, member)| member.stays() && leaves(member.address))
            .map(|(id, _)| id)
            .collect();
        summary.removed += leaving.len();
        for id in leaving {
            self.change_member(id, |member| member.phase = gone);
        }
    }

    fn reconcile_group(
        &mut self,
        old: Option<&GroupSpec>,
        new: &GroupSpec,
        gone: Phase,
        used: &HashSet<NexthopId>,
        summary: &mut Reconciled,
    ) {
        let seed = self.hash_seed;
        let id = self.group_named(&new.name).unwrap_or_else(|| self.new_group(&new.name, new.buckets));
        summary.groups_added += usize::from(old.is_none());
        summary.groups_resized += usize::from(old.is_some_and(|old| old.buckets != new.buckets));
        if let Some(group) = self.group_mut(id) {
            group.set_buckets(new.buckets, seed);
            group.is_retired = false;
        }
        let old: HashMap<IpAddr, &NexthopSpec> =
            old.into_iter().flat_map(|old| &old.nexthops).map(|nexthop| (nexthop.address, nexthop)).collect();
        let stays: HashSet<IpAddr> = new.nexthops.iter().map(|nexthop| nexthop.address).collect();
        let left = |address| old.contains_key(&address) && !stays.contains(&address);
        self.remove_members(id, left, gone, summary);
        let present = self.members_of(id).filter(|(_, member)| member.phase != Phase::Gone);
        let present: HashMap<IpAddr, MemberId> = present.map(|(id, member)| (member.address, id)).collect();
        for nexthop in &new.nexthops {
            let old = old.get(&nexthop.address).copied();
            match present.get(&nexthop.address) {
                Some(member) => self.reconcile_member(*member, old, nexthop, used, summary),
                None if old.is_none() => {
                    self.enter(id, nexthop);
                    summary.activated += 1;
                }
                // removed by an operator meanwhile, and the configurations say the same of it: it stays removed
                None => {}
            }
        }
    }

    /// The weight and the state of a member that is in the new configuration.
    fn reconcile_member(
        &mut self,
        id: MemberId,
        old: Option<&NexthopSpec>,
        new: &NexthopSpec,
        used: &HashSet<NexthopId>,
        summary: &mut Reconciled,
    ) {
        let (weight, state) = (new.weight, Phase::from(new.state));
        if old.is_none_or(|old| old.weight != weight) {
            summary.reweighted += 1;
            self.change_member(id, |member| member.weight = weight);
        }
        if old.is_none_or(|old| old.state != new.state) {
            *(if state == Phase::Active { &mut summary.activated } else { &mut summary.drained }) += 1;
            self.change_member(id, |member| member.phase = state);
        }
        self.rebind(id, new, used, summary);
    }

    /// The name, the port and the MAC of a member that stays; `used` are the nexthops that were in use before.
    fn rebind(
        &mut self,
        id: MemberId,
        new: &NexthopSpec,
        used: &HashSet<NexthopId>,
        summary: &mut Reconciled,
    ) {
        let Ok(nexthop) = self.nexthops.id(new.address, new.port) else { return };
        let mac_before = self.nexthops.nexthop(nexthop).and_then(|nexthop| nexthop.mac);
        let mut rebound = mac_before != new.mac;
        if rebound {
            self.nexthops.set_mac(nexthop, new.mac);
        }
        let member = self.members.get(id.index());
        let from = member.map(|member| member.nexthop).filter(|from| *from != nexthop);
        // of one that was in use it is known whether it can be reached
        if let Some(from) = from.filter(|_| !used.contains(&nexthop)) {
            self.nexthops.carry_over(from, nexthop);
        }
        if member.is_some_and(|member| member.nexthop != nexthop || *member.name != *new.name) {
            rebound = true;
            self.change_member(id, |member| {
                member.nexthop = nexthop;
                member.name = new.name.as_str().into();
            });
        }
        summary.rebound += usize::from(rebound);
    }
}
