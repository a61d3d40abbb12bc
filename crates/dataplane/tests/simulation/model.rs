//! What the box should be: groups, members, services and who is up, kept as the product's description says.
//!
//! Shares with the code only the words in which changes are asked for.

use crate::buckets::{Scores, Takers};
use crate::pins::{StaticPin, StaticPins};
use crate::world::{self, GROUPS, SERVERS, TARGETS};
use evenkeel_nexthop::{
    AdminState, Change, GroupSpec, NexthopSpec, PinSpec, PortId, Protocol, ServiceSpec, Timeouts, Verb,
};
use evenkeel_packet::FlowKey;
use std::collections::HashSet;
use std::net::IpAddr;
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(crate) struct Model {
    pub(crate) seed: u64,
    scores: Scores,
    groups: Vec<Group>,
    /// All that there ever were: one for each address in each group.
    pub(crate) members: Vec<Member>,
    services: Vec<ServiceSpec>,
    /// The group of each target's service, and how long its flows may be idle.
    serving: [Option<(usize, Timeouts)>; TARGETS.len()],
    pub(crate) pins: StaticPins,
    /// Groups of the configuration that was read last.
    pub(crate) configured: Vec<GroupSpec>,
    /// Servers that are down, behind an interface.
    down: HashSet<(IpAddr, Option<PortId>)>,
    /// Where the neighbour table says that servers are, by number.
    pub(crate) neighbours: [Option<PortId>; SERVERS as usize],
    pub(crate) remove_ms: u64,
}

/// Buckets of a group that the configuration has or had.
struct Group {
    buckets: u32,
    takers: Takers,
    owners: Vec<Option<IpAddr>>,
}

#[derive(Clone)]
pub(crate) struct Member {
    /// By place in [`GROUPS`].
    pub(crate) group: usize,
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    /// Interface that the configuration names.
    pub(crate) port: Option<PortId>,
    pub(crate) weight: u16,
    pub(crate) phase: Phase,
    /// Forwarded to it.
    pub(crate) packets: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Active,
    Draining,
    Removing { at_ms: u64 },
    Gone,
}

/// A change makes no sense.
#[derive(Debug)]
pub(crate) struct Refused;

impl Model {
    pub(crate) fn new(seed: u64, remove_ms: u64) -> Self {
        let group = || Group { buckets: 0, takers: Vec::new(), owners: Vec::new() };
        Self {
            seed,
            scores: Scores::new(seed),
            groups: GROUPS.iter().map(|_| group()).collect(),
            members: Vec::new(),
            services: Vec::new(),
            serving: [None; TARGETS.len()],
            pins: StaticPins::default(),
            configured: Vec::new(),
            down: HashSet::new(),
            neighbours: [None; SERVERS as usize],
            remove_ms,
        }
    }

    /// One verb, done or refused whole.
    pub(crate) fn apply(&mut self, change: &Change, now_ms: u64) -> Result<(), Refused> {
        if !self.configured.iter().any(|group| group.name == change.group) {
            return Err(Refused);
        }
        let group = group_number(&change.group);
        if let Verb::Add { address, weight, port, .. } = change.verb {
            return self.add(group, &change.nexthop, address, weight, port);
        }
        let number = self.named(group, &change.nexthop).ok_or(Refused)?;
        let member = &mut self.members[number];
        if member.phase == Phase::Gone {
            return Err(Refused);
        }
        match change.verb {
            Verb::Drain => member.phase = Phase::Draining,
            Verb::Activate => member.phase = Phase::Active,
            Verb::Remove { deadline_ms } => {
                member.phase = removing(now_ms, deadline_ms.unwrap_or(self.remove_ms));
            }
            Verb::Weight(weight) if weight > 1000 => return Err(Refused),
            Verb::Weight(weight) => member.weight = weight,
            Verb::Down => drop(self.down.insert((member.address, member.port))),
            Verb::Up => drop(self.down.remove(&(member.address, member.port))),
            Verb::Add { .. } => {}
        }
        Ok(())
    }

    /// Of several with a name the one that stays, else the newest of those that are there.
    fn named(&self, group: usize, name: &str) -> Option<usize> {
        let has_name = |&number: &usize| {
            let member = &self.members[number];
            member.group == group && member.name == name
        };
        (0..self.members.len()).filter(has_name).max_by_key(|&number| {
            let member = &self.members[number];
            (member.stays(), member.phase != Phase::Gone, number)
        })
    }

    /// A static pin; false if it was there just so.
    pub(crate) fn pin(&mut self, spec: &PinSpec, now_ms: u64) -> Result<bool, Refused> {
        if !self.configured.iter().any(|group| group.name == spec.group) {
            return Err(Refused);
        }
        let group = group_number(&spec.group);
        let member = self.named(group, &spec.nexthop).ok_or(Refused)?;
        let PinSpec { matches, idle_ms, hard_ms, .. } = *spec;
        if !self.members[member].stays() || [idle_ms, hard_ms].contains(&Some(0)) {
            return Err(Refused);
        }
        let (since_ms, used_ms, packets) = (now_ms, now_ms, 0);
        Ok(self.pins.add(StaticPin { group, matches, member, idle_ms, hard_ms, since_ms, used_ms, packets }))
    }

    /// Ends static pins that are over; how many.
    pub(crate) fn expire_pins(&mut self, now_ms: u64) -> usize {
        let members = &self.members;
        self.pins.expire(now_ms, |member| members[member].stays())
    }

    fn add(
        &mut self,
        group: usize,
        name: &str,
        address: IpAddr,
        weight: u16,
        port: Option<PortId>,
    ) -> Result<(), Refused> {
        let clashes = |member: &Member| member.name == name || member.address == address;
        if weight > 1000 || self.present(group).any(|(_, member)| clashes(member)) {
            return Err(Refused);
        }
        if !self.used().contains(&(address, port)) {
            self.down.remove(&(address, port));
        }
        self.enter(Member {
            group,
            name: name.into(),
            address,
            port,
            weight,
            phase: Phase::Active,
            packets: 0,
        });
        Ok(())
    }

    /// Servers of members that are not gone. One that begins anew is up.
    fn used(&self) -> HashSet<(IpAddr, Option<PortId>)> {
        let present = self.members.iter().filter(|member| member.phase != Phase::Gone);
        present.map(|member| (member.address, member.port)).collect()
    }

    /// A member is its address: whoever comes back is the one that went.
    fn enter(&mut self, member: Member) {
        let is_it = |old: &&mut Member| (old.group, old.address) == (member.group, member.address);
        match self.members.iter_mut().find(is_it) {
            Some(old) => *old = Member { packets: old.packets, ..member },
            None => self.members.push(member),
        }
    }

    /// Another configuration in place of the one before: the difference, as verbs.
    pub(crate) fn reload(&mut self, services: Vec<ServiceSpec>, groups: Vec<GroupSpec>, now_ms: u64) {
        let used = self.used();
        let before = std::mem::take(&mut self.configured);
        let gone = removing(now_ms, self.remove_ms);
        for old in &before {
            let new = groups.iter().find(|group| group.name == old.name);
            let stays =
                |address| new.is_none_or(|new| new.nexthops.iter().any(|nexthop| nexthop.address == address));
            let lists = |address| old.nexthops.iter().any(|nexthop| nexthop.address == address);
            for member in self.members.iter_mut().filter(|member| member.group == group_number(&old.name)) {
                let leaves = new.is_none() || lists(member.address) && !stays(member.address);
                if leaves && member.stays() {
                    member.phase = gone;
                }
            }
        }
        for new in &groups {
            self.groups[group_number(&new.name)].buckets = new.buckets;
            let old = before.iter().find(|old| old.name == new.name);
            for nexthop in &new.nexthops {
                let same = |old: &&NexthopSpec| old.address == nexthop.address;
                self.reload_nexthop(&new.name, old.and_then(|old| old.nexthops.iter().find(same)), nexthop);
            }
        }
        for begun in self.used().difference(&used) {
            self.down.remove(begun);
        }
        self.services = services;
        self.configured = groups;
        for (target, serving) in (0..).zip(&mut self.serving) {
            let service = service(&self.services, &world::key(target, 0));
            *serving = service.map(|service| (group_number(&service.group), service.timeouts));
        }
    }

    /// What operators did meanwhile stays as far as both configurations say the same.
    fn reload_nexthop(&mut self, group: &str, old: Option<&NexthopSpec>, new: &NexthopSpec) {
        let group = group_number(group);
        let phase = match new.state {
            AdminState::Active => Phase::Active,
            AdminState::Draining => Phase::Draining,
        };
        let (name, address, port, weight) = (new.name.clone(), new.address, new.port, new.weight);
        let present =
            self.present(group).find(|(_, member)| member.address == address).map(|(number, _)| number);
        match (present, old) {
            (Some(number), old) => {
                let member = &mut self.members[number];
                (member.name, member.port) = (name, port);
                if old.is_none_or(|old| old.weight != weight) {
                    member.weight = weight;
                }
                if old.is_none_or(|old| old.state != new.state) {
                    member.phase = phase;
                }
            }
            (None, None) => self.enter(Member { group, name, address, port, weight, phase, packets: 0 }),
            (None, Some(_)) => {}
        }
    }

    /// Removals whose deadline is over.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        for member in &mut self.members {
            if matches!(member.phase, Phase::Removing { at_ms } if at_ms <= now_ms) {
                member.phase = Phase::Gone;
            }
        }
    }

    /// Assigns the buckets of the groups whose takers changed.
    pub(crate) fn assign(&mut self) {
        for number in 0..self.groups.len() {
            let takers = self.present(number).map(|(_, member)| member).filter(|member| member.takes());
            let mut takers: Takers = takers.map(|member| (member.address, member.weight)).collect();
            takers.sort_unstable();
            let group = &mut self.groups[number];
            if group.takers != takers || group.owners.len() != group.buckets as usize {
                group.owners = self.scores.owners(group.buckets, &takers);
                group.takers = takers;
            }
        }
    }

    /// By bucket of a group, the owner.
    pub(crate) fn owners(&self, group: &str) -> &[Option<IpAddr>] {
        &self.groups[group_number(group)].owners
    }

    /// The group that serves a target, and how long its flows may be idle.
    pub(crate) fn serving(&self, target: u8) -> Option<(usize, Timeouts)> {
        self.serving[usize::from(target)]
    }

    /// Who takes a new flow of a group, and the static pin by which: one whose member can, else the bucket decides.
    pub(crate) fn select(&mut self, group: usize, key: &FlowKey) -> Option<(usize, Option<usize>)> {
        let pin = self.pins.of(group, key).map(|number| (self.pins.list[number].member, Some(number)));
        pin.filter(|(member, _)| self.is_usable(*member)).or_else(|| {
            let buckets = u64::from(self.groups[group].buckets);
            Some((self.taker(group, (flow_hash(key, self.seed) % buckets) as u32)?, None))
        })
    }

    /// Who takes the new flows of a bucket: its owner, or the one that it likes best of those that can.
    pub(crate) fn taker(&mut self, group: usize, bucket: u32) -> Option<usize> {
        let buckets = self.groups[group].buckets;
        let owner = self.groups[group].owners[bucket as usize]?;
        let takers = || self.present(group).filter(|(_, member)| member.takes());
        let (owner, _) = takers().find(|(_, member)| member.address == owner).expect("owners are takers");
        if self.is_usable(owner) {
            return Some(owner);
        }
        let usable = takers().filter(|(number, _)| self.is_usable(*number));
        let usable: Vec<_> = usable.map(|(number, member)| (number, member.address, member.weight)).collect();
        let cost = |&(_, address, weight): &(usize, IpAddr, u16)| {
            (self.scores.cost(buckets, bucket, address, weight), address)
        };
        usable.into_iter().min_by_key(cost).map(|(number, ..)| number)
    }

    /// True if flows of the member are forwarded to it.
    pub(crate) fn is_usable(&self, number: usize) -> bool {
        let member = &self.members[number];
        member.phase != Phase::Gone && self.egress(number).is_some() && !self.is_down(number)
    }

    /// The port behind which a member is.
    pub(crate) fn egress(&self, number: usize) -> Option<PortId> {
        let member = &self.members[number];
        let server = world::server(member.address);
        if world::is_learned(server) { self.neighbours[usize::from(server)] } else { member.port }
    }

    pub(crate) fn is_down(&self, number: usize) -> bool {
        let member = &self.members[number];
        self.down.contains(&(member.address, member.port))
    }

    /// Members of a group that are not gone.
    pub(crate) fn present(&self, group: usize) -> impl Iterator<Item = (usize, &Member)> {
        let all = self.members.iter().enumerate();
        all.filter(move |(_, member)| member.group == group && member.phase != Phase::Gone)
    }
}

impl Member {
    /// True unless it is gone or about to be.
    pub(crate) fn stays(&self) -> bool {
        matches!(self.phase, Phase::Active | Phase::Draining)
    }

    /// True if it is to own buckets.
    pub(crate) fn takes(&self) -> bool {
        self.phase == Phase::Active && self.weight > 0
    }

    /// True if both are one server behind one interface.
    pub(crate) fn is_same_server(&self, other: &Self) -> bool {
        (self.address, self.port) == (other.address, other.port)
    }
}

pub(crate) fn group_number(name: &str) -> usize {
    GROUPS.iter().position(|group| *group == name).expect("one of the groups")
}

fn removing(now_ms: u64, deadline_ms: u64) -> Phase {
    if deadline_ms == 0 { Phase::Gone } else { Phase::Removing { at_ms: now_ms + deadline_ms } }
}

/// Among the services that match wholly the one with the longest prefix, then exact protocol, then listed port.
fn service<'s>(services: &'s [ServiceSpec], key: &FlowKey) -> Option<&'s ServiceSpec> {
    let matches = |service: &&ServiceSpec| {
        let protocol = match service.protocol {
            Protocol::Tcp => key.protocol() == 6,
            Protocol::Udp => key.protocol() == 17,
            Protocol::Any => true,
        };
        let port = service.ports.is_empty() || service.ports.contains(&key.destination_port());
        protocol && port && service.vip.contains(key.destination())
    };
    let specific = |service: &&ServiceSpec| {
        (service.vip.len, service.protocol != Protocol::Any, !service.ports.is_empty())
    };
    services.iter().filter(matches).max_by_key(specific)
}

/// XXH3-64 of addresses, ports and protocol in wire order.
fn flow_hash(key: &FlowKey, seed: u64) -> u64 {
    let mut bytes = Vec::with_capacity(37);
    for address in [key.source(), key.destination()] {
        match address {
            IpAddr::V4(address) => bytes.extend(address.octets()),
            IpAddr::V6(address) => bytes.extend(address.octets()),
        }
    }
    bytes.extend(key.source_port().to_be_bytes());
    bytes.extend(key.destination_port().to_be_bytes());
    bytes.push(key.protocol());
    xxh3_64_with_seed(&bytes, seed)
}
