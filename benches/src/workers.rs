//! Two workers of one box: what they cost each other, and what flows cost that the NIC moves from one to the other.

use crate::clock::{cpu_time, median};
use crate::frames::{Kind, permutation};
use crate::machine::{Machine, Spec};
use crate::rig::{AREA, Rig};
use crate::traffic::Taker;
use evenkeel_dataplane::{FlowTotals, Totals};
use std::sync::Barrier;
use std::time::Duration;

const KIND: Kind = Kind::Tcp4;
const ACK: u8 = 0x10;

/// Two workers with a million flows each, or as many as said.
#[derive(Debug)]
pub struct Pair {
    machine: Machine,
    /// Flows of each worker, in random order.
    flows: [Vec<u32>; 2],
}

/// What the workers took, in nanoseconds per packet; medians over both workers and all rounds.
#[derive(Debug, Clone, Copy)]
pub struct Company {
    /// One of them alone.
    pub alone_ns: f64,
    /// Both at once.
    pub both_ns: f64,
    /// The second by the first, of each round.
    pub ratio: f64,
}

/// What moving flows took, in nanoseconds per packet; medians.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    /// First packets on the new worker: each finds its flow in the other's shard and takes it over.
    pub moved_ns: f64,
    /// Packets of the same flows after that.
    pub home_ns: f64,
    /// Packets sent to where their flow was not.
    pub packets: u64,
    /// Of the flows, those that came to another nexthop, were adopted or made anew, or are missing.
    pub wrong: u64,
}

impl Pair {
    /// Two workers, `flows` established flows each.
    #[must_use]
    pub fn new(flows: u32) -> Self {
        let mut machine =
            Machine::new(Spec { workers: 2, flow_capacity: 5 * flows as usize, ..Spec::default() });
        let all = permutation(2 * flows, 1);
        let (one, other) = all.split_at(flows as usize);
        let flows = [one.to_vec(), other.to_vec()];
        for (rig, flows) in machine.rigs.iter_mut().zip(&flows) {
            rig.establish(KIND, flows);
        }
        Self { machine, flows }
    }

    /// Rounds in which each worker sends `packets` alone, and then both do at once.
    ///
    /// # Panics
    /// If a worker does.
    #[must_use]
    pub fn company(&mut self, rounds: usize, packets: usize) -> Company {
        let Self { machine, flows } = self;
        let [one, other] = machine.rigs.as_mut_slice() else { unreachable!("a pair has two workers") };
        let (mut alone, mut both, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let single = [send(one, &flows[0], packets), send(other, &flows[1], packets)];
            let barrier = Barrier::new(2);
            let at_once = |rig: &mut Rig, flows: &[u32]| {
                barrier.wait();
                send(rig, flows, packets)
            };
            let together = std::thread::scope(|scope| {
                let second = scope.spawn(|| at_once(other, &flows[1]));
                [at_once(one, &flows[0]), second.join().expect("a worker doesn't panic")]
            });
            ratios.extend(together.iter().zip(single).map(|(together, single)| together / single));
            alone.extend(single);
            both.extend(together);
        }
        Company { alone_ns: median(alone), both_ns: median(both), ratio: median(ratios) }
    }

    /// Rounds in which all flows of the second worker come to the first one, and then back.
    #[must_use]
    pub fn moved(&mut self, rounds: usize) -> Moved {
        let before = self.flow_totals();
        let (mut moved, mut home) = (Vec::new(), Vec::new());
        let flows = &self.flows[1];
        for round in 0..rounds {
            let to = &mut self.machine.rigs[round % 2];
            moved.push(send(to, flows, flows.len()));
            home.push(send(to, flows, flows.len()));
        }
        let packets = (rounds * flows.len()) as u64;
        let (moved_ns, home_ns) = (median(moved), median(home));
        Moved { moved_ns, home_ns, packets, wrong: wrong(&before, &self.flow_totals()) }
    }

    fn flow_totals(&self) -> FlowTotals {
        let counters: Vec<_> = self.machine.rigs.iter().map(Rig::counters).collect();
        Totals::of(&counters).flows
    }
}

/// Flows that have not simply stayed.
fn wrong(before: &FlowTotals, after: &FlowTotals) -> u64 {
    let ended = |flows: &FlowTotals| flows.expired + flows.closed + flows.evicted;
    let begun = |flows: &FlowTotals| flows.created + flows.adopted;
    (after.moved - before.moved)
        + (begun(after) - begun(before))
        + (ended(after) - ended(before))
        + after.live.abs_diff(before.live)
}

/// Sends packets of flows, in their order and round and round; CPU time per packet in nanoseconds.
fn send(rig: &mut Rig, flows: &[u32], packets: usize) -> f64 {
    let mut frame = KIND.template(ACK);
    let (mut time, mut sent) = (Duration::ZERO, 0);
    while sent < packets {
        let begin = sent % flows.len();
        let batch = &flows[begin..flows.len().min(begin + AREA.min(packets - sent))];
        rig.write(KIND, &mut frame, batch);
        let before = cpu_time();
        rig.drain();
        time += cpu_time() - before;
        sent += batch.len();
    }
    time.as_nanos() as f64 / sent as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_that_the_nic_moves_stay_as_they_are() {
        let moved = Pair::new(2000).moved(3);
        assert_eq!((moved.packets, moved.wrong), (6000, 0));
    }

    #[test]
    fn a_flow_that_has_not_stayed_is_counted() {
        let mut pair = Pair::new(100);
        let before = pair.flow_totals();
        // a flow that nobody knows is adopted
        send(&mut pair.machine.rigs[0], &[1000], 1);
        assert_eq!(wrong(&before, &pair.flow_totals()), 2, "one begun, one more live");
    }
}
