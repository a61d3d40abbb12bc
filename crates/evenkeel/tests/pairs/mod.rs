//! Random pairs of configurations, of which the second differs from the first in anything, and captures of flows for them.

mod reality;

pub(crate) use reality::{Reality, Went};

use crate::capture::Flow;
use fastrand::Rng;
use std::fmt::Write as _;

/// A configuration as a test changes it.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    remove: &'static str,
    groups: Vec<Group>,
    /// VIP, protocol, ports, group.
    services: Vec<(&'static str, &'static str, &'static str, String)>,
}

#[derive(Debug, Clone)]
struct Group {
    name: &'static str,
    buckets: u32,
    nexthops: Vec<Nexthop>,
}

#[derive(Debug, Clone)]
struct Nexthop {
    name: String,
    server: u8,
    weight: u16,
    state: &'static str,
}

const GROUPS: [&str; 3] = ["web", "dns", "rest"];
const SERVERS: u8 = 14;
/// What services may be: those of [`Flow`] fall under several of them.
const SERVICES: [(&str, &str, &str); 5] = [
    ("192.0.2.10", "tcp", "[80]"),
    ("192.0.2.0/24", "any", "[]"),
    ("2001:db8::10", "udp", "[80]"),
    ("2001:db8::10", "any", "[]"),
    ("2001:db8::/64", "tcp", "[80, 443]"),
];

impl Draft {
    pub(crate) fn random(random: &mut Rng) -> Self {
        let mut draft = Self { remove: "0s", groups: Vec::new(), services: Vec::new() };
        draft.groups = GROUPS.map(|name| Group::random(random, name)).into();
        draft.services(random);
        draft
    }

    /// The same with some things changed.
    pub(crate) fn changed(&self, random: &mut Rng) -> Self {
        let mut draft = self.clone();
        draft.remove = if random.bool() { "0s" } else { "4s" };
        for _ in 0..random.u8(0..6) {
            let group = random.usize(0..draft.groups.len());
            draft.groups[group].change(random);
        }
        if random.u8(0..4) == 0 {
            draft.groups.remove(random.usize(0..draft.groups.len()));
        } else if random.u8(0..4) == 0 {
            draft.groups.reverse();
        }
        let is_there = |name: &String| draft.groups.iter().any(|group| group.name == name);
        if random.u8(0..3) == 0 || !draft.services.iter().all(|service| is_there(&service.3)) {
            draft.services(random);
        }
        draft
    }

    fn services(&mut self, random: &mut Rng) {
        let groups: Vec<&str> = self.groups.iter().map(|group| group.name).collect();
        let services = SERVICES.into_iter().filter_map(|(vip, protocol, ports)| {
            let group = random.choice(&groups).filter(|_| random.u8(0..5) > 0)?;
            Some((vip, protocol, ports, (*group).to_owned()))
        });
        self.services = services.collect();
    }

    /// The server of `GROUP/NEXTHOP`.
    pub(crate) fn server(&self, name: &str) -> Option<u8> {
        let (group, nexthop) = name.split_once('/')?;
        let group = self.groups.iter().find(|other| other.name == group)?;
        group.nexthops.iter().find(|other| other.name == nexthop).map(|nexthop| nexthop.server)
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("[timeouts]\nremove = \"{}\"\n", self.remove);
        text += "[[interface]]\nname = \"eth1\"\nmac = \"02:00:00:00:01:01\"\n";
        for (number, (vip, protocol, ports, group)) in self.services.iter().enumerate() {
            let ports = if *ports == "[]" { String::new() } else { format!("ports = {ports}\n") };
            writeln!(
                text,
                "[[service]]\nname = \"service{number}\"\nvip = \"{vip}\"\nprotocol = \"{protocol}\"\n{ports}group = \"{group}\""
            )
            .unwrap();
        }
        for Group { name, buckets, nexthops } in &self.groups {
            writeln!(text, "[[group]]\nname = \"{name}\"\nbuckets = {buckets}").unwrap();
            for Nexthop { name, server, weight, state } in nexthops {
                writeln!(
                    text,
                    "[[group.nexthop]]\nname = \"{name}\"\naddress = \"198.51.100.{server}\"\nweight = {weight}\n\
                     state = \"{state}\"\nmac = \"02:00:00:00:02:{server:02x}\""
                )
                .unwrap();
            }
        }
        text
    }
}

impl Group {
    fn random(random: &mut Rng, name: &'static str) -> Self {
        let mut group = Self { name, buckets: 64 << random.u32(0..4), nexthops: Vec::new() };
        for _ in 0..random.u8(1..9) {
            let nexthop = Nexthop::random(random);
            group.push(nexthop);
        }
        group
    }

    fn change(&mut self, random: &mut Rng) {
        let some = random.usize(0..self.nexthops.len().max(1));
        match (random.u8(0..7), self.nexthops.get_mut(some)) {
            (0, _) => self.buckets = 64 << random.u32(0..4),
            (1, _) => self.push(Nexthop::random(random)),
            (2 | 3, Some(_)) => drop(self.nexthops.remove(some)),
            (4, Some(nexthop)) => nexthop.weight = random.u16(0..5),
            (5, Some(nexthop)) => nexthop.state = if random.bool() { "active" } else { "draining" },
            // the name goes to another server
            (6, Some(_)) => {
                let name = self.nexthops.remove(some).name;
                self.push(Nexthop { name, ..Nexthop::random(random) });
            }
            _ => {}
        }
    }

    fn push(&mut self, nexthop: Nexthop) {
        let clashes = |other: &Nexthop| other.name == nexthop.name || other.server == nexthop.server;
        if !self.nexthops.iter().any(clashes) {
            self.nexthops.push(nexthop);
        }
    }
}

impl Nexthop {
    fn random(random: &mut Rng) -> Self {
        let server = random.u8(1..=SERVERS);
        let state = if random.u8(0..8) == 0 { "draining" } else { "active" };
        Self {
            name: format!("s{server}"),
            server,
            weight: random.choice([0, 1, 1, 2, 7]).unwrap_or(1),
            state,
        }
    }
}

/// A packet of a capture.
pub(crate) struct Sent {
    /// Its flow.
    pub(crate) number: u16,
    /// Pins its flow if nobody knows it yet.
    pub(crate) opens: bool,
    pub(crate) frame: Vec<u8>,
}

/// A capture: packets of flows, TCP with all kinds of flags.
pub(crate) fn capture(random: &mut Rng, flows: u16) -> Vec<Sent> {
    let packet = |_| {
        let number = random.u16(0..flows);
        let flags = random.choice([SYN, SYN, ACK, ACK, FIN, RST]).unwrap_or(SYN);
        let mut frame = Flow::frame(number);
        set_flags(&mut frame, number, flags);
        let opens = Flow::ends(number).2 != 6 || [SYN, ACK].contains(&flags);
        Sent { number, opens, frame }
    };
    (0..2 * flows).map(packet).collect()
}

const SYN: u8 = 0x02;
pub(crate) const ACK: u8 = 0x10;
const FIN: u8 = 0x11;
const RST: u8 = 0x04;

/// Sets the TCP flags of a flow's frame, if it is TCP.
pub(crate) fn set_flags(frame: &mut [u8], number: u16, flags: u8) {
    let (source, _, protocol) = Flow::ends(number);
    if protocol == 6 {
        frame[14 + if source.is_ipv4() { 20 } else { 40 } + 13] = flags;
    }
}
