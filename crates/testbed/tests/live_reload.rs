//! Reloads between pairs of configurations while a capture is replayed through veth: each packet must go where `evenkeel
//! replay` sends it when the difference of the pair comes as events.
//!
//! Three parts: flows begin under the old configuration; after the reload they go on and others begin; after the deadline of
//! removals all go on. Servers have no route back to these clients, so nothing but these frames crosses the load balancer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufWriter;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use evenkeel_capture::{Capture, CaptureWriter};
use evenkeel_control::api::model::Plan;
use evenkeel_testbed::frames::build::{Link, Seen, Segment, client};
use evenkeel_testbed::frames::{FrameSender, FrameTap, mac_of};
use evenkeel_testbed::lab::daemon::Daemon;
use evenkeel_testbed::lab::namespace::succeed;
use evenkeel_testbed::lab::plan::{WEB4, WEB6};
use evenkeel_testbed::lab::{self, Lab, LabSpec};
use evenkeel_testbed::workspace;

/// Flows of each service that begin before the reload.
const FLOWS: u32 = 100;
/// Flows of each service that begin after it.
const NEWCOMERS: u32 = 50;
/// Deadline of a removed nexthop: long enough to send the second part in, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(2);
const SECOND_NS: u64 = 1_000_000_000;

/// A member of the group: server by index, weight, admin state.
type Member = (usize, u16, &'static str);

struct Pair {
    name: &'static str,
    old: &'static [Member],
    new: &'static [Member],
}

const PAIRS: &[Pair] = &[
    Pair {
        name: "drain and return",
        old: &[(0, 1, "active"), (1, 1, "draining"), (2, 1, "active")],
        new: &[(0, 1, "draining"), (1, 1, "active"), (2, 1, "active")],
    },
    Pair {
        name: "one leaves and one comes",
        old: &[(0, 1, "active"), (1, 1, "active"), (2, 1, "active")],
        new: &[(0, 1, "active"), (2, 1, "active"), (3, 1, "active")],
    },
    Pair {
        name: "other weights",
        old: &[(0, 1, "active"), (1, 5, "active"), (2, 2, "active")],
        new: &[(0, 7, "active"), (1, 0, "active"), (2, 2, "active")],
    },
    Pair {
        name: "everything at once",
        old: &[(0, 3, "active"), (1, 1, "active"), (2, 1, "draining"), (3, 2, "active")],
        new: &[(4, 4, "active"), (1, 2, "draining"), (2, 1, "active"), (3, 1, "active")],
    },
    Pair {
        name: "nothing",
        old: &[(0, 1, "active"), (1, 2, "draining")],
        new: &[(0, 1, "active"), (1, 2, "draining")],
    },
];

/// What makes configurations and frames for one lab.
struct Bench {
    lab: Lab,
    link: Link,
    server_macs: Vec<[u8; 6]>,
    balancer_macs: [[u8; 6]; 2],
}

/// A part of the capture: its time in nanoseconds, its frames.
type Part = (u64, Vec<Vec<u8>>);
/// Destination MACs of each flow's frames in each part.
type Ways = BTreeMap<(usize, SocketAddr, SocketAddr, u8), Vec<[u8; 6]>>;

#[test]
fn flows_move_at_a_reload_only_where_the_replay_moves_them() {
    if !lab::available("flows_move_at_a_reload_only_where_the_replay_moves_them") {
        return;
    }
    let bench = Bench::lay();
    for pair in PAIRS {
        let parts = bench.parts();
        let expected = bench.replay(pair, &parts);
        let seen = bench.run(pair, &parts);
        assert_eq!(seen.len(), expected.len(), "{}", pair.name);
        for (flow, way) in &expected {
            assert_eq!(seen.get(flow), Some(way), "{}: part {} of {} {}", pair.name, flow.0, flow.1, flow.2);
        }
        bench.judge(pair, &seen);
        bench.hold_to_plan(pair, &parts[0], &seen);
    }
}

impl Bench {
    fn lay() -> Self {
        let lab = Lab::lay(LabSpec { servers: 5, ..LabSpec::default() }).unwrap();
        let server =
            |server: &lab::server::Server| server.namespace().within(|| mac_of("eth0")).unwrap().unwrap();
        let server_macs = lab.servers().iter().map(server).collect();
        let balancer = |interface| lab.balancer().within(|| mac_of(interface)).unwrap().unwrap();
        let balancer_macs = ["eth1", "eth2"].map(balancer);
        Self { link: Link::to_balancer(&lab).unwrap(), server_macs, balancer_macs, lab }
    }

    /// The configuration of both the daemon and the replay.
    fn config(&self, members: &[Member]) -> String {
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
    fn events(&self, pair: &Pair) -> String {
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

    fn parts(&self) -> [Part; 3] {
        let first = self.frames(0..FLOWS, true);
        let second = [self.frames(0..FLOWS, false), self.frames(FLOWS..FLOWS + NEWCOMERS, true)].concat();
        let third = self.frames(0..FLOWS + NEWCOMERS, false);
        [(0, first), (SECOND_NS + SECOND_NS / 10, second), (4 * SECOND_NS, third)]
    }

    /// A packet of each flow of these clients, and before it the flow's first, if it begins.
    fn frames(&self, clients: std::ops::Range<u32>, begins: bool) -> Vec<Vec<u8>> {
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

    /// Where the replay sends each frame.
    fn replay(&self, pair: &Pair, parts: &[Part]) -> Ways {
        let directory = self.lab.directory();
        let file = |name: &str| directory.join(name);
        fs::write(file("old.toml"), self.config(pair.old)).unwrap();
        fs::write(file("events.toml"), self.events(pair)).unwrap();
        write_capture(&file("in.pcap"), parts);
        let mut replay = Command::new(workspace::evenkeel().unwrap());
        replay.current_dir(&directory).args(["replay", "--config", "old.toml", "--in", "eth1=in.pcap"]);
        succeed(replay.args(["--events", "events.toml", "--out-dir", "out"])).unwrap();
        let out = Capture::read(&file("out").join("eth2.pcap")).unwrap();
        let mut ways = Ways::new();
        for record in out.records() {
            let part = parts.iter().position(|part| part.0 == record.time_ns).unwrap();
            note(&mut ways, part, Seen::of(out.frame(record)).unwrap());
        }
        ways
    }

    /// What `evenkeel plan` said before is what happened: who moves, when and where, and that nobody else does.
    fn hold_to_plan(&self, pair: &Pair, first: &Part, seen: &Ways) {
        let directory = self.lab.directory();
        fs::write(directory.join("new.toml"), self.config(pair.new)).unwrap();
        write_capture(&directory.join("first.pcap"), std::slice::from_ref(first));
        let mut plan = Command::new(workspace::evenkeel().unwrap());
        plan.current_dir(&directory).args([
            "plan",
            "old.toml",
            "new.toml",
            "--in",
            "eth1=first.pcap",
            "--json",
        ]);
        let plan: Plan = serde_json::from_slice(&succeed(&mut plan).unwrap().stdout).unwrap();
        let fate = plan.flows.unwrap();
        assert_eq!(fate.live, u64::from(FLOWS) * services().len() as u64, "{}", pair.name);
        assert_eq!(fate.moves.len() as u64, fate.live - fate.stay, "{}", pair.name);
        let moves: BTreeMap<_, _> = fate
            .moves
            .iter()
            .map(|one| ((one.source.as_str(), one.destination.as_str(), one.protocol.as_str()), one))
            .collect();
        for (&(_, source, destination, protocol), way) in seen.iter().filter(|flow| flow.0.0 == 0) {
            let ends = (source.to_string(), destination.to_string());
            let name = if protocol == 6 { "tcp" } else { "udp" };
            let planned = moves.get(&(ends.0.as_str(), ends.1.as_str(), name));
            for part in 1..3 {
                let moved = planned.filter(|planned| planned.when == "now" || part == 2);
                let to = moved.map_or(way[0], |planned| self.mac_of(planned.to.as_deref().unwrap()));
                let went = &seen[&(part, source, destination, protocol)];
                assert!(
                    went.iter().all(|went| *went == to),
                    "{}: part {part} of {source}: {planned:?}",
                    pair.name
                );
            }
        }
    }

    /// The MAC of `all/sN`.
    fn mac_of(&self, nexthop: &str) -> [u8; 6] {
        let server = nexthop.strip_prefix("all/s").and_then(|number| number.parse::<usize>().ok());
        self.server_macs[server.unwrap() - 1]
    }

    /// Where the running daemon sends each frame.
    fn run(&self, pair: &Pair, parts: &[Part; 3]) -> Ways {
        let mut daemon = Daemon::start(&self.lab, &self.config(pair.old)).unwrap();
        let tap = self.lab.switch().within(|| FrameTap::open("lb")).unwrap().unwrap();
        let sender = self.lab.client().within(|| FrameSender::open("eth0")).unwrap().unwrap();
        let mut ways = Ways::new();
        for (part, (_, frames)) in parts.iter().enumerate() {
            match part {
                1 => {
                    let said = daemon.reload(&self.config(pair.new)).unwrap();
                    assert!(said.contains("reload"), "{}: {said}\n{}", pair.name, daemon.log());
                }
                2 => thread::sleep(DEADLINE + Duration::from_millis(300)),
                _ => {}
            }
            // In pieces that fit the ring of the far end.
            for piece in frames.chunks(128) {
                let sent = sender.send(piece.iter().map(Vec::as_slice)).unwrap();
                assert_eq!(sent, piece.len(), "{}", pair.name);
                see(&tap, &mut ways, part, piece.len());
            }
        }
        let report = daemon.stop().unwrap();
        assert_eq!(report.number("/packets/dropped").unwrap(), 0, "{}", report.json());
        ways
    }

    /// By the rules alone: who was at a server that stays is still there; a removed one keeps its own until the deadline.
    fn judge(&self, pair: &Pair, ways: &Ways) {
        let stays: BTreeSet<_> = pair.new.iter().map(|member| self.server_macs[member.0]).collect();
        let takes = pair.new.iter().filter(|member| member.1 > 0 && member.2 == "active");
        let takes: BTreeSet<_> = takes.map(|member| self.server_macs[member.0]).collect();
        for (&(part, source, destination, protocol), way) in ways {
            let before = ways.get(&(0, source, destination, protocol)).map(|way| way[0]);
            let allowed = |to: &[u8; 6]| match before {
                Some(before) if stays.contains(&before) || part < 2 => *to == before,
                _ => takes.contains(to),
            };
            assert!(way.iter().all(allowed) || part == 0, "{}: part {part} of {source}", pair.name);
        }
    }
}

fn write_capture(file: &Path, parts: &[Part]) {
    let mut capture = CaptureWriter::new(BufWriter::new(File::create(file).unwrap())).unwrap();
    for (time_ns, frames) in parts {
        frames.iter().for_each(|frame| capture.write(*time_ns, frame.len() as u32, frame).unwrap());
    }
    capture.finish().unwrap();
}

/// Takes frames from the tap until so many came.
fn see(tap: &FrameTap, ways: &mut Ways, part: usize, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut buffer = [0; 2048];
    let mut missing = count;
    while missing > 0 {
        match tap.next(&mut buffer).unwrap().map(Seen::of) {
            Some(Some(seen)) if seen.source == client(seen.destination.ip(), number_of(seen.source)) => {
                note(ways, part, seen);
                missing -= 1;
            }
            Some(_) => {}
            None => {
                assert!(
                    Instant::now() < deadline,
                    "{missing} of {count} frames didn't arrive in part {part}"
                );
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// The client's number, from its port.
fn number_of(source: SocketAddr) -> u32 {
    u32::from(source.port()).wrapping_sub(1024)
}

fn note(ways: &mut Ways, part: usize, seen: Seen) {
    let flow = (part, seen.source, seen.destination, seen.protocol);
    ways.entry(flow).or_default().push(seen.to);
}

/// Name, VIP, protocol and port of the services, which one group serves.
fn services() -> [(&'static str, IpAddr, &'static str, u16); 4] {
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
