//! `path` and `replay` agree on the nexthop of a thousand new flows.

mod capture;

use capture::{Flow, config, evenkeel, write_pcap};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

const FLOWS: u16 = 1000;

/// The frames of a little-endian pcap.
fn read_pcap(file: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(file).unwrap();
    let mut rest = &bytes[24..];
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        frames.push(rest[16..16 + len].to_vec());
        rest = &rest[16 + len..];
    }
    frames
}

/// Number of the nexthop that `path` names for a flow.
fn named(config: &str, number: u16) -> u8 {
    let (source, destination, protocol) = Flow::ends(number);
    let src = std::net::SocketAddr::new(source, number).to_string();
    let dst = std::net::SocketAddr::new(destination, 80).to_string();
    let protocol = if protocol == 6 { "tcp" } else { "udp" };
    let arguments =
        ["path", "--config", config, "--src", &src, "--dst", &dst, "--protocol", protocol, "--json"];
    let answer: Value = serde_json::from_slice(&evenkeel(&arguments)).unwrap();
    answer["nexthop"].as_str().unwrap().strip_prefix('s').unwrap().parse().unwrap()
}

#[test]
fn path_names_the_nexthop_that_replay_forwards_to() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("lb.toml"), config(7)).unwrap();
    write_pcap(&at("in.pcap"), (0..FLOWS).map(Flow::frame));
    let (config, input, out) = (at("lb.toml"), format!("eth1={}", at("in.pcap").display()), at("out"));
    let (config, out_text) = (config.to_str().unwrap(), out.to_str().unwrap());
    evenkeel(&["replay", "--config", config, "--in", &input, "--out-dir", out_text]);

    let client_port = |frame: &[u8]| {
        let l4 = if frame[12] == 8 { 34 } else { 54 };
        u16::from_be_bytes([frame[l4], frame[l4 + 1]])
    };
    let forwarded: HashMap<u16, u8> =
        read_pcap(&out.join("eth1.pcap")).iter().map(|frame| (client_port(frame), frame[5])).collect();
    assert_eq!(forwarded.len(), usize::from(FLOWS), "every flow was forwarded");
    let used: std::collections::HashSet<u8> = forwarded.values().copied().collect();
    assert_eq!(used.len(), 7, "every nexthop has flows");
    std::thread::scope(|scope| {
        for half in 0..2 {
            let forwarded = &forwarded;
            scope.spawn(move || {
                for number in (half..FLOWS).step_by(2) {
                    assert_eq!(named(config, number), forwarded[&number], "flow {number}");
                }
            });
        }
    });
}
