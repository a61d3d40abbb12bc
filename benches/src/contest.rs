//! A case of the walk measured beside the plain way to do it: a stretch of the one, a stretch of the other, in turn, so
//! that whatever else the machine does hits both.

use crate::clock::{cpu_time, median};
use crate::count::allocations;
use crate::plain::Plain;
use crate::rig::{AREA, Rig};
use crate::traffic::{Taker, Traffic};
use std::time::Duration;

/// Packets of a stretch.
const STRETCH: usize = 64 * AREA;

/// The plain forwarder gets this part of the packets: it takes so much longer.
const PLAIN_PART: usize = 4;

/// The walk and the plain forwarder, each with its own copy of a case's traffic.
#[derive(Debug)]
pub struct Contest {
    ours: Side<Rig>,
    plain: Side<Plain>,
    rounds: Vec<Round>,
    allocated: u64,
}

#[derive(Debug)]
struct Side<T> {
    taker: T,
    traffic: Traffic,
}

/// What both took for the same packets, in nanoseconds per packet.
#[derive(Debug, Clone, Copy)]
struct Round {
    ours_ns: f64,
    plain_ns: f64,
}

/// What a contest has seen, medians.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// The plain way, in nanoseconds per packet.
    pub plain_ns: f64,
    /// How often the walk goes into it.
    pub ratio: f64,
}

impl Contest {
    /// Prepares a worker and the plain forwarder for traffic that `traffic` makes.
    #[must_use]
    pub fn new(rig: Rig, traffic: impl Fn() -> Traffic) -> Self {
        let ours = Side::new(rig, traffic());
        // as it comes: nobody has asked for huge pages
        let plain = evenkeel_pages::without(|| Side::new(Plain::default(), traffic()));
        Self { ours, plain, rounds: Vec::new(), allocated: 0 }
    }

    /// Sends `packets` through both; the CPU time that the worker took for so many. The worker's clock goes on by as much.
    pub fn run(&mut self, packets: u64) -> Duration {
        let (mut ours, mut plain, mut sent, mut sent_plain) = (Duration::ZERO, Duration::ZERO, 0, 0);
        while sent < packets {
            let stretch = STRETCH.min((packets - sent) as usize);
            let before = allocations();
            let (time, count) = self.ours.send(stretch);
            self.allocated += allocations() - before;
            ours += time;
            let (time_plain, count_plain) = self.plain.send(stretch.div_ceil(PLAIN_PART));
            plain += time_plain;
            (sent, sent_plain) = (sent + count, sent_plain + count_plain);
            self.ours.taker.pass(time);
        }
        let per_packet = |time: Duration, sent: u64| time.as_nanos() as f64 / sent as f64;
        if sent >= AREA as u64 {
            self.rounds
                .push(Round { ours_ns: per_packet(ours, sent), plain_ns: per_packet(plain, sent_plain) });
        }
        // a capture is sent whole, so it may have been more
        ours.mul_f64(packets as f64 / sent as f64)
    }

    /// Allocations while the worker had packets.
    #[must_use]
    pub const fn allocated(&self) -> u64 {
        self.allocated
    }

    /// What was seen; `None` if hardly a packet was sent.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        (!self.rounds.is_empty()).then(|| Outcome {
            plain_ns: median(self.rounds.iter().map(|round| round.plain_ns)),
            ratio: median(self.rounds.iter().map(|round| round.plain_ns / round.ours_ns)),
        })
    }
}

impl<T: Taker> Side<T> {
    fn new(mut taker: T, mut traffic: Traffic) -> Self {
        traffic.prepare(&mut taker);
        Self { taker, traffic }
    }

    /// Sends at least so many packets; the CPU time that they took, and how many they were.
    fn send(&mut self, packets: usize) -> (Duration, u64) {
        let (mut time, mut sent) = (Duration::ZERO, 0);
        while sent < packets {
            sent += self.traffic.write(&mut self.taker, packets - sent);
            let before = cpu_time();
            self.taker.drain();
            time += cpu_time() - before;
        }
        (time, sent as u64)
    }
}
