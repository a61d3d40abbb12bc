//! What is counted: the walk of one sort of packets each, and parsing alone.

use super::measured;
use crate::OWN;
use crate::frames::Kind;
use crate::rig::{AREA, Rig};
use crate::traffic::{Taker, Traffic};
use std::hint::black_box;

const ACK: u8 = 0x10;
/// Batches of a case: enough that what is done once per burst weighs as much as it does in earnest.
const BATCHES: usize = 8;

/// One thing to count.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name: what is done, for which packets, with how many flows.
    pub name: &'static str,
    work: Work,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    Parse(Kind),
    /// The walk of packets of so many established flows.
    Established(Kind, u32),
    /// The walk of SYNs of new flows beside so many established ones, in a table of twice as many.
    First(Kind, u32),
    /// The walk of the mixed capture.
    Mixed,
}

/// All cases.
pub const CASES: [Case; 12] = [
    case("parse/tcp4", Work::Parse(Kind::Tcp4)),
    case("parse/tcp6", Work::Parse(Kind::Tcp6)),
    case("parse/udp4", Work::Parse(Kind::Udp4)),
    case("parse/vlan", Work::Parse(Kind::Vlan)),
    case("walk/tcp4-established/64", Work::Established(Kind::Tcp4, 64)),
    case("walk/tcp4-established/64k", Work::Established(Kind::Tcp4, 65_536)),
    case("walk/tcp6-established/64", Work::Established(Kind::Tcp6, 64)),
    case("walk/tcp6-established/64k", Work::Established(Kind::Tcp6, 65_536)),
    case("walk/udp4-established/64k", Work::Established(Kind::Udp4, 65_536)),
    case("walk/vlan-established/64k", Work::Established(Kind::Vlan, 65_536)),
    case("walk/tcp4-first/64k-of-128k", Work::First(Kind::Tcp4, 65_536)),
    case("walk/mixed", Work::Mixed),
];

const fn case(name: &'static str, work: Work) -> Case {
    Case { name, work }
}

impl Case {
    /// Sets up and does it once; how many packets `measured` saw.
    #[must_use]
    pub fn run(&self) -> u64 {
        match self.work {
            Work::Parse(kind) => parse(kind),
            Work::Established(kind, flows) => walk(2 * flows, Traffic::established(kind, flows)),
            Work::First(kind, flows) => walk(2 * flows, Traffic::first(kind, flows)),
            Work::Mixed => walk(1 << 16, Traffic::mixed()),
        }
    }
}

fn walk(flow_capacity: u32, mut traffic: Traffic) -> u64 {
    let mut rig = Rig::new(flow_capacity as usize);
    traffic.prepare(&mut rig);
    let before = rig.totals().packets.received;
    for _ in 0..BATCHES {
        traffic.write(&mut rig, AREA);
        measured(|| rig.drain());
    }
    rig.totals().packets.received - before
}

fn parse(kind: Kind) -> u64 {
    let mut frames = vec![kind.template(ACK); AREA];
    for (frame, flow) in frames.iter_mut().zip(0..) {
        kind.set_flow(frame, flow);
    }
    measured(|| {
        for frame in &frames {
            black_box(evenkeel_packet::parse(black_box(frame), frame.len(), OWN));
        }
    });
    frames.len() as u64
}
