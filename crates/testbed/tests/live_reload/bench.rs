//! What makes configurations and frames for one lab.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use evenkeel_testbed::frames::build::{Link, Seen, Segment, client};
use evenkeel_testbed::frames::mac_of;
use evenkeel_testbed::lab::plan::{WEB4, WEB6};
use evenkeel_testbed::lab::{self, Lab, LabSpec};

use super::{Member, Pair};

/// Flows of each service that begin before the reload.
pub(super) const FLOWS: u32 = 100;
/// Flows of each service that begin after it.
const NEWCOMERS: u32 = 50;
/// Deadline of a removed nexthop: long enough to send the second part in, on a busy machine too.
pub(super) const DEADLINE: Duration = Duration::from_secs(3);
const SECOND_NS: u64 = 1_000_000_000;

/// What makes configurations and frames for one lab.
pub(super) struct Bench {
    pub(super) lab: Lab,
    pub(super) link: Link,
    pub(super) server_macs: Vec<[u8; 6]>,
    balancer_macs: [[u8; 6]; 2],
}

/// A part of the capture: its time in nanoseconds, its frames.
pub(super) type Part = (u64, Vec<Vec<u8>>);
/// Destination MACs of each flow's frames in each part.
pub(super) type Ways = BTreeMap<(usize, SocketAddr, SocketAddr, u8), Vec<[u8; 6]>>;

impl Bench {
    pub(super) fn lay() -> Self {
        let lab = Lab::lay(LabSpec { servers: 5, ..LabSpec::default() }).unwrap();
        let server =
            |server: &lab::server::Server| server.namespace().within(|| mac_of("eth0")).unwrap().unwrap();
        let server_macs = lab.servers().iter().map(server).collect();
        let balancer = |interface| lab.balancer().within(|| mac_of(interface)).unwrap().unwrap();
        let balancer_macs = ["eth1", "eth2"].map(balancer);
        Self { link: Link::to_balancer(&lab).unwrap(), server_macs, balancer_macs, lab }
    }

    /// The configuration of both the daemon and the replay.
    pub(super) fn config(&self, members: &[Member]) -> String {
        let mut text = format!("[timeouts]\nremove = \"{}s\"\n\n", DEADLINE.as_secs());
        for (interface, own) in ["eth1", "eth2"].iter().zip(self.balancer_macs) {
            writeln!(text, "[[interface]]\nname = \"{interface}\"\nmac = \"{}\"\n", mac(own)).unwrap();
        }
        for (name, vip, protocol, port) in services() {
            writeln!(
                text,
                "[[service]]\nname = \"{name}\"\nvip = \"{vip}\"\nprotocol = \"{protocol}\"\nports = [{port}]\ngroup = \"all\"\n"
            )
            .unwrap();
        }
        text += "[[group]]\nname = \"all\"\n\n";
        for &(server, weight, state) in members {
            writeln!(
                text,
                "[[group.nexthop]]\n{}weight = {weight}\nstate = \"{state}\"\n",
                self.nexthop(server, "name")
            )
            .unwrap();
        }
        text
    }

    /// What says who a nexthop is.
    fn nexthop(&self, server: usize, name_key: &str) -> String {
        let (address, interface) = self.lab.nexthop(server, WEB4.into());
        format!(
            "{name_key} = \"s{}\"\naddress = \"{address}\"\ninterface = \"{interface}\"\nmac = \"{}\"\n",
            server + 1,
            mac(self.server_macs[server])
        )
    }

    /// The difference of the pair as verbs: what left is removed, what came is added.
    pub(super) fn events(&self, pair: &Pair) -> String {
        let mut text = String::new();
        let mut event = |body: String| {
            writeln!(text, "[[event]]\nat = \"1s\"\ngroup = \"all\"\n{body}").unwrap();
        };
        for &(server, weight, state) in pair.new {
            let named = format!("nexthop = \"s{}\"\n", server + 1);
            let Some(&(_, old_weight, old_state)) = pair.old.iter().find(|old| old.0 == server) else {
                event(format!("action = \"add\"\nweight = {weight}\n{}", self.nexthop(server, "nexthop")));
                continue;
            };
            if weight != old_weight {
                event(format!("action = \"weight\"\nweight = {weight}\n{named}"));
            }
            if state != old_state {
                let action = if state == "draining" { "drain" } else { "activate" };
                event(format!("action = \"{action}\"\n{named}"));
            }
        }
        for &(server, ..) in pair.old.iter().filter(|old| pair.new.iter().all(|new| new.0 != old.0)) {
            event(format!("action = \"remove\"\nnexthop = \"s{}\"\n", server + 1));
        }
        text
    }

    pub(super) fn parts(&self) -> [Part; 3] {
        let first = self.frames(0..FLOWS, true);
        let second = [self.frames(0..FLOWS, false), self.frames(FLOWS..FLOWS + NEWCOMERS, true)].concat();
        let third = self.frames(0..FLOWS + NEWCOMERS, false);
        [(0, first), (SECOND_NS + SECOND_NS / 10, second), (6 * SECOND_NS, third)]
    }

    /// A packet of each flow of these clients, and before it the flow's first, if it begins.
    pub(super) fn frames(&self, clients: std::ops::Range<u32>, begins: bool) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        for (number, (_, vip, protocol, port)) in
            clients.flat_map(|number| services().map(|service| (number, service)))
        {
            let (source, destination) = (client(vip, number), SocketAddr::new(vip, port));
            if protocol == "udp" {
                frames.extend(
                    (0..1 + usize::from(begins)).map(|_| self.link.udp(source, destination).unwrap()),
                );
                continue;
            }
            if begins {
                frames.push(self.link.tcp(source, destination, Segment::Syn).unwrap());
            }
            frames.push(self.link.tcp(source, destination, Segment::Ack).unwrap());
        }
        frames
    }
}

pub(super) fn note(ways: &mut Ways, part: usize, seen: Seen) {
    let flow = (part, seen.source, seen.destination, seen.protocol);
    ways.entry(flow).or_default().push(seen.to);
}

/// Name, VIP, protocol and port of the services, which one group serves.
pub(super) fn services() -> [(&'static str, IpAddr, &'static str, u16); 4] {
    [
        ("web4", WEB4.into(), "tcp", 80),
        ("web6", WEB6.into(), "tcp", 80),
        ("dns4", WEB4.into(), "udp", 53),
        ("dns6", WEB6.into(), "udp", 53),
    ]
}

fn mac(octets: [u8; 6]) -> String {
    octets.map(|octet| format!("{octet:02x}")).join(":")
}
