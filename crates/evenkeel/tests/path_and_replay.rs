//! `path` and `replay` agree on the nexthop of a thousand new flows.

use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

const OWN_MAC: [u8; 6] = [2, 0, 0, 0, 1, 1];
const FLOWS: u16 = 1000;

fn config() -> String {
    let mut text = "[[interface]]\nname = \"eth1\"\nmac = \"02:00:00:00:01:01\"\n".to_owned();
    for (name, vip, protocol) in [("web", "192.0.2.10", "tcp"), ("web6", "2001:db8::10", "any")] {
        text += &format!(
            "[[service]]\nname = \"{name}\"\nvip = \"{vip}\"\nprotocol = \"{protocol}\"\ngroup = \"web\"\n"
        );
    }
    text += "[[group]]\nname = \"web\"\nbuckets = 64\n";
    for server in 1..=7 {
        text += &format!(
            "[[group.nexthop]]\nname = \"s{server}\"\naddress = \"198.51.100.{server}\"\nweight = {server}\n\
             mac = \"02:00:00:00:02:0{server}\"\n"
        );
    }
    text
}

/// Endpoints and protocol number of a flow; its client port is its number.
fn flow(number: u16) -> (IpAddr, IpAddr, u8) {
    match number % 3 {
        0 => ([203, 0, 113, (number / 7) as u8].into(), [192, 0, 2, 10].into(), 6),
        other => {
            let client = [0x2001, 0xdb8, 1, 0, 0, 0, number / 5, 1];
            (client.into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10].into(), if other == 1 { 6 } else { 17 })
        }
    }
}

/// The first packet of a flow, to port 80.
fn frame(number: u16) -> Vec<u8> {
    let (source, destination, protocol) = flow(number);
    let mut l4 = [number.to_be_bytes(), 80u16.to_be_bytes()].concat();
    match protocol {
        6 => l4.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]),
        _ => l4.extend([0, 8, 0, 0]),
    }
    let mut frame = [&OWN_MAC[..], &[2, 0, 0, 0, 1, 0x63]].concat();
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            frame.extend([8, 0, 0x45, 0]);
            frame.extend((20 + l4.len() as u16).to_be_bytes());
            frame.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
            frame.extend(source.octets().into_iter().chain(destination.octets()));
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend((l4.len() as u16).to_be_bytes());
            frame.extend([protocol, 64]);
            frame.extend(source.octets().into_iter().chain(destination.octets()));
        }
        _ => unreachable!("both ends are of one family"),
    }
    frame.extend(l4);
    frame
}

fn write_pcap(file: &Path, frames: impl Iterator<Item = Vec<u8>>) {
    let words = |words: [u32; 4]| words.map(u32::to_le_bytes).concat();
    let mut bytes = [&0xa1b2_c3d4u32.to_le_bytes()[..], &[2, 0, 4, 0]].concat();
    bytes.extend(words([0, 0, 65_535, 1]));
    for (index, frame) in (0..).zip(frames) {
        let len = frame.len() as u32;
        bytes.extend(words([100, index, len, len]));
        bytes.extend(frame);
    }
    fs::write(file, bytes).unwrap();
}

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

fn evenkeel(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_evenkeel")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Number of the nexthop that `path` names for a flow.
fn named(config: &str, number: u16) -> u8 {
    let (source, destination, protocol) = flow(number);
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
    fs::write(at("lb.toml"), config()).unwrap();
    write_pcap(&at("in.pcap"), (0..FLOWS).map(frame));
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
