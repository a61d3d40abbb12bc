//! Where packets must go: by the replay, by the plan, by the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;

use evenkeel_capture::{Capture, CaptureWriter};
use evenkeel_control::api::model::Plan;
use evenkeel_testbed::frames::build::Seen;
use evenkeel_testbed::lab::namespace::succeed;
use evenkeel_testbed::workspace;

use super::Pair;
use super::bench::{Bench, FLOWS, Part, Ways, note, services};

impl Bench {
    /// Where the replay sends each frame.
    pub(super) fn replay(&self, pair: &Pair, parts: &[Part]) -> Ways {
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
    pub(super) fn hold_to_plan(&self, pair: &Pair, first: &Part, seen: &Ways) {
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

    /// By the rules alone: who was at a server that stays is still there; a removed one keeps its own until the deadline.
    pub(super) fn judge(&self, pair: &Pair, ways: &Ways) {
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
