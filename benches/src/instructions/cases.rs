//! What is counted: the walk of one kind of packet each, and parsing alone.

use super::measured;
use crate::OWN;
use crate::frames::{Kind, permutation};
use crate::rig::{AREA, Rig};
use std::hint::black_box;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
/// Packets of a case: enough that what is done once per burst, or once, weighs as much as it does in earnest.
const BATCHES: usize = 8;

/// One thing to count.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name: what is done, for which packets, with how many flows.
    pub name: &'static str,
    kind: Kind,
    work: Work,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    Parse,
    /// The walk of packets of so many established flows, in random order.
    Established(u32),
    /// The walk of SYNs of new flows beside so many established ones, in a table of twice as many.
    First(u32),
}

/// All cases.
pub const CASES: [Case; 11] = [
    case("parse/tcp4", Kind::Tcp4, Work::Parse),
    case("parse/tcp6", Kind::Tcp6, Work::Parse),
    case("parse/udp4", Kind::Udp4, Work::Parse),
    case("parse/vlan", Kind::Vlan, Work::Parse),
    case("walk/tcp4-established/64", Kind::Tcp4, Work::Established(64)),
    case("walk/tcp4-established/64k", Kind::Tcp4, Work::Established(65_536)),
    case("walk/tcp6-established/64", Kind::Tcp6, Work::Established(64)),
    case("walk/tcp6-established/64k", Kind::Tcp6, Work::Established(65_536)),
    case("walk/udp4-established/64k", Kind::Udp4, Work::Established(65_536)),
    case("walk/vlan-established/64k", Kind::Vlan, Work::Established(65_536)),
    case("walk/tcp4-first/64k-of-128k", Kind::Tcp4, Work::First(65_536)),
];

const fn case(name: &'static str, kind: Kind, work: Work) -> Case {
    Case { name, kind, work }
}

impl Case {
    /// Sets up and does it once; how many packets [`measured`] saw.
    #[must_use]
    pub fn run(&self) -> u64 {
        match self.work {
            Work::Parse => parse(self.kind),
            Work::Established(flows) => {
                let mut rig = Rig::new(2 * flows.next_power_of_two() as usize);
                rig.establish(self.kind, flows);
                let order = permutation(flows, 2);
                walk(&mut rig, self.kind, ACK, order.iter().copied().cycle())
            }
            Work::First(flows) => {
                let mut rig = Rig::new(2 * flows as usize);
                rig.establish(self.kind, flows);
                walk(&mut rig, self.kind, SYN, flows..)
            }
        }
    }
}

fn walk(rig: &mut Rig, kind: Kind, flags: u8, mut flows: impl Iterator<Item = u32>) -> u64 {
    let mut frame = kind.template(flags);
    let before = rig.totals().packets.forwarded;
    for _ in 0..BATCHES {
        let batch: Vec<u32> = flows.by_ref().take(AREA).collect();
        rig.write(kind, &mut frame, &batch);
        measured(|| rig.drain());
    }
    let forwarded = rig.totals().packets.forwarded - before;
    assert_eq!(forwarded, (BATCHES * AREA) as u64, "every packet belongs to a service");
    forwarded
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
