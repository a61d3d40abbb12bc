//! Random changes of every kind: verbs, configurations, what the neighbour table and the NIC do.

use crate::model::{Model, Phase};
use crate::world::{self, GROUPS, SERVERS, TARGETS, TIMEOUTS};
use evenkeel_nexthop::{
    AdminState, Change, GroupSpec, NexthopSpec, PinMatch, PinSpec, PortId, Prefix, ServiceSpec, Verb,
};
use fastrand::Rng;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One change.
#[derive(Debug)]
pub(crate) enum Step {
    /// What an operator, an event or the watcher of liveness says; it may make no sense.
    Verb(Change),
    /// Another configuration, with the deadline of removals.
    Reload {
        services: Vec<ServiceSpec>,
        groups: Vec<GroupSpec>,
        remove_ms: u64,
    },
    /// The neighbour table says where a server is, or that it doesn't answer.
    Neighbour {
        server: u8,
        port: Option<PortId>,
    },
    /// The NIC hands flows to other workers.
    Spread,
    /// A static pin.
    Pin(PinSpec),
    Unpin {
        group: String,
        matches: PinMatch,
    },
}

impl Step {
    /// `clients` are those that there were so far.
    pub(crate) fn random(random: &mut Rng, model: &Model, clients: u32) -> Self {
        match random.u8(0..108) {
            0..8 => {
                let (services, groups) = configuration(random, &model.configured);
                let remove_ms = random.choice([0, 2_000, 20_000]).unwrap_or(0);
                Self::Reload { services, groups, remove_ms }
            }
            8..13 => {
                let server = random.u8(0..SERVERS / 6) * 6 + 5;
                let port = random.bool().then(|| world::port(random.u8(..)));
                Self::Neighbour { server, port }
            }
            13..16 => Self::Spread,
            16..23 => Self::Pin(pin(random, model, clients)),
            23 | 24 => match random.choice(&model.pins.list) {
                Some(pin) => Self::Unpin { group: GROUPS[pin.group].into(), matches: pin.matches },
                None => Self::Spread,
            },
            _ => Self::Verb(change(random, model)),
        }
    }
}

fn pin(random: &mut Rng, model: &Model, clients: u32) -> PinSpec {
    let group = random.choice(&model.configured).map_or("nobody", |group| group.name.as_str());
    let (target, client) = (random.u8(0..TARGETS.len() as u8), random.u32(1..=clients));
    let (source, _) = world::source(target, client);
    let matches = if random.u8(0..4) == 0 {
        PinMatch::Flow(world::key(target, client))
    } else {
        // of one client, of some, of nearly all
        let shorter = random.choice([0, 4, 11, 14, 16]).unwrap_or(0);
        PinMatch::Source(prefix(source, if source.is_ipv4() { 32 } else { 128 } - shorter))
    };
    let time = |random: &mut Rng| match random.u8(0..16) {
        0 => Some(0),
        1..3 => Some(3_000),
        3..5 => Some(15_000),
        _ => None,
    };
    let nexthop = name(random, model, group, |member| model.members[member].stays());
    let (idle_ms, hard_ms) = (time(random), time(random));
    PinSpec { matches, group: group.into(), nexthop, idle_ms, hard_ms }
}

/// The prefix of an address.
fn prefix(address: IpAddr, len: u8) -> Prefix {
    let address = match address {
        IpAddr::V4(address) => {
            Ipv4Addr::from_bits(address.to_bits() & u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0))
                .into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    };
    Prefix::new(address, len).expect("no host bits are set")
}

fn change(random: &mut Rng, model: &Model) -> Change {
    let group = random.choice(&model.configured).map_or("nobody", |group| group.name.as_str());
    let group = if random.u8(..) == 0 { "mail" } else { group };
    let verb = verb(random);
    let nexthop = match verb {
        Verb::Add { address, .. } if random.u8(0..8) > 0 => format!("added{}", world::server(address)),
        Verb::Up => name(random, model, group, |member| model.is_down(member)),
        Verb::Activate => name(random, model, group, |member| model.members[member].phase != Phase::Active),
        _ => name(random, model, group, |member| model.members[member].phase != Phase::Gone),
    };
    Change { group: group.into(), nexthop, verb }
}

/// The name of a member of a group that seems `likely`, mostly.
fn name(random: &mut Rng, model: &Model, group: &str, likely: impl Fn(usize) -> bool) -> String {
    let all = model.members.iter().enumerate().filter(|(_, member)| GROUPS[member.group] == group);
    let all: Vec<_> = all.map(|(number, _)| number).collect();
    let some: Vec<_> = all.iter().copied().filter(|&number| likely(number)).collect();
    let from = if some.is_empty() || random.u8(0..16) == 0 { &all } else { &some };
    random.choice(from).map_or("nobody".into(), |&number| model.members[number].name.clone())
}

fn verb(random: &mut Rng) -> Verb {
    match random.u8(0..84) {
        0..15 => Verb::Drain,
        15..32 => Verb::Activate,
        32..46 => {
            let NexthopSpec { address, weight, port, mac, .. } = nexthop(random, random_server);
            Verb::Add { address, weight, port, mac }
        }
        46..54 => {
            let deadline_ms = random.choice([None, Some(500), Some(4_000)]).flatten();
            Verb::Remove { deadline_ms }
        }
        54..58 => Verb::Remove { deadline_ms: Some(0) },
        58..68 => Verb::Weight(weight(random)),
        68..75 => Verb::Down,
        _ => Verb::Up,
    }
}

/// A configuration that differs from one a little, or wholly.
pub(crate) fn configuration(random: &mut Rng, before: &[GroupSpec]) -> (Vec<ServiceSpec>, Vec<GroupSpec>) {
    let is_new = before.is_empty() || random.u8(0..4) == 0;
    let mut groups: Vec<GroupSpec> = Vec::new();
    for name in GROUPS {
        match before.iter().find(|group| group.name == name) {
            Some(group) if !is_new => groups.extend(changed(random, group)),
            _ if random.u8(0..4) < if is_new { 3 } else { 1 } => groups.push(group(random, name)),
            _ => {}
        }
    }
    if groups.is_empty() {
        groups.push(group(random, GROUPS[0]));
    }
    random.shuffle(&mut groups);
    let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    let services = world::services(|| {
        let group = if random.u8(0..6) == 0 { None } else { random.choice(&names) };
        Some((group?.clone(), random.choice(TIMEOUTS)?))
    });
    (services, groups)
}

fn group(random: &mut Rng, name: &str) -> GroupSpec {
    let mut group = GroupSpec { name: name.into(), buckets: buckets(random), nexthops: Vec::new() };
    for _ in 0..random.u8(2..20) {
        push(&mut group, nexthop(random, random_server));
    }
    group
}

/// The same group with a thing or two changed; perhaps it goes.
fn changed(random: &mut Rng, group: &GroupSpec) -> Option<GroupSpec> {
    let mut group = group.clone();
    for _ in 0..random.u8(0..4) {
        let some = if group.nexthops.is_empty() { 0 } else { random.usize(0..group.nexthops.len()) };
        match (random.u8(0..8), group.nexthops.get_mut(some)) {
            (0, _) => group.buckets = buckets(random),
            (1 | 2, _) => push(&mut group, nexthop(random, random_server)),
            (3, Some(_)) => drop(group.nexthops.remove(some)),
            // the name goes to another address
            (4, Some(_)) => {
                let name = group.nexthops.remove(some).name;
                push(&mut group, NexthopSpec { name, ..nexthop(random, random_server) });
            }
            (5, Some(old)) => {
                let NexthopSpec { weight, state, port, .. } = nexthop(random, |_| world::server(old.address));
                (old.weight, old.state, old.port) = (weight, state, port);
            }
            (6, Some(old)) => old.name = format!("{}again", old.name),
            (7, _) if random.u8(0..4) == 0 => return None,
            _ => {}
        }
    }
    Some(group)
}

/// Appends it unless its name or its address is there.
fn push(group: &mut GroupSpec, nexthop: NexthopSpec) {
    let clashes = |other: &NexthopSpec| other.address == nexthop.address || other.name == nexthop.name;
    if !group.nexthops.iter().any(clashes) {
        group.nexthops.push(nexthop);
    }
}

fn nexthop(random: &mut Rng, server: impl FnOnce(&mut Rng) -> u8) -> NexthopSpec {
    let server = server(random);
    let is_learned = world::is_learned(server);
    NexthopSpec {
        name: format!("s{server}"),
        address: world::address(server),
        weight: weight(random),
        state: if random.u8(0..10) == 0 { AdminState::Draining } else { AdminState::Active },
        port: (!is_learned).then(|| world::port(u8::from(random.u8(0..4) == 0))),
        mac: (!is_learned).then(|| world::mac(server)),
    }
}

fn random_server(random: &mut Rng) -> u8 {
    random.u8(0..SERVERS)
}

fn weight(random: &mut Rng) -> u16 {
    match random.u8(0..20) {
        0..12 => 1,
        12..16 => random.u16(1..10),
        16..19 => random.u16(0..=1000),
        _ => 0,
    }
}

fn buckets(random: &mut Rng) -> u32 {
    64 << random.u32(0..5)
}
