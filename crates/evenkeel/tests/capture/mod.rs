//! Captures of flows that a test knows by number, and running `evenkeel` on them.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

const OWN_MAC: [u8; 6] = [2, 0, 0, 0, 1, 1];

/// One group of so many servers, each with its number as weight; a service of TCP over IPv4, one of anything over IPv6.
pub(crate) fn config(servers: u8) -> String {
    let mut text = "[[interface]]\nname = \"eth1\"\nmac = \"02:00:00:00:01:01\"\n".to_owned();
    for (name, vip, protocol) in [("web", "192.0.2.10", "tcp"), ("web6", "2001:db8::10", "any")] {
        text += &format!(
            "[[service]]\nname = \"{name}\"\nvip = \"{vip}\"\nprotocol = \"{protocol}\"\ngroup = \"web\"\n"
        );
    }
    text += "[[group]]\nname = \"web\"\nbuckets = 64\n";
    for server in 1..=servers {
        text += &format!(
            "[[group.nexthop]]\nname = \"s{server}\"\naddress = \"198.51.100.{server}\"\nweight = {server}\n\
             mac = \"02:00:00:00:02:0{server}\"\n"
        );
    }
    text
}

/// A flow, by its number, which is its client port.
pub(crate) struct Flow;

impl Flow {
    /// Endpoints and protocol number.
    pub(crate) fn ends(number: u16) -> (IpAddr, IpAddr, u8) {
        match number % 3 {
            0 => ([203, 0, 113, (number / 7) as u8].into(), [192, 0, 2, 10].into(), 6),
            other => {
                let client = [0x2001, 0xdb8, 1, 0, 0, 0, number / 5, 1];
                let protocol = if other == 1 { 6 } else { 17 };
                (client.into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10].into(), protocol)
            }
        }
    }

    /// Its first packet, to port 80.
    pub(crate) fn frame(number: u16) -> Vec<u8> {
        let (source, destination, protocol) = Self::ends(number);
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
}

pub(crate) fn write_pcap(file: &Path, frames: impl Iterator<Item = Vec<u8>>) {
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

/// Standard output of a command that is done with status 0.
pub(crate) fn evenkeel(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_evenkeel")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
