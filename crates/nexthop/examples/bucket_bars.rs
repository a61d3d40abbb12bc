//! Measures the bucket table against its bars: balance, movement, time.
//!
//! `cargo run --release -p evenkeel-nexthop --example bucket_bars [ROUNDS]`; times are CPU time of the thread,
//! which Linux counts in ticks of some milliseconds: the average says more than the best of short ones.

#[path = "../tests/bucket_bars/measure.rs"]
mod measure;

use evenkeel_nexthop::{
    AdminState, Assignment, Change, Desired, GroupSpec, Liveness, NexthopSpec, PortId, Taker, Verb,
};
use evenkeel_packet::Mac;
use measure::{BUCKETS, differing_weights, equal_weights, taker};

/// Times that each change is measured.
const ROUNDS: usize = 24;

fn main() {
    let sets = std::env::args().nth(1).and_then(|sets| sets.parse().ok()).unwrap_or(4);
    println!("equal weights, {BUCKETS} buckets, {sets} sets");
    println!(
        "{:>9} {:>14} {:>20} {:>20}",
        "nexthops", "largest/mean", "leave: moved/unavoid.", "come: moved/unavoid."
    );
    for nexthops in [10, 100, 1000] {
        let equal = equal_weights(nexthops, sets);
        println!("{nexthops:>9} {:>14.4} {:>20.4} {:>20.4}", equal.largest, equal.leave, equal.come);
    }
    println!("\nweights 1 to 1000, {BUCKETS} buckets, {sets} sets");
    println!("{:>9} {:>22} {:>22}", "nexthops", "most above/allowed", "most below/allowed");
    for nexthops in [2, 10, 100, 1000] {
        let weight = |index: u32| match index {
            0 => 1,
            1 => 1000,
            _ => 1 + (u64::from(index) * 2_654_435_761 % 1000) as u16,
        };
        let off = differing_weights(nexthops, sets, weight);
        println!("{nexthops:>9} {:>22.3} {:>22.3}", off.above, off.below);
    }
    times();
}

fn times() {
    println!("\ntimes, one core");
    for nexthops in [10, 100, 1000] {
        for most in [1, 1000] {
            let takers: Vec<Taker> =
                (0..nexthops).map(|index| taker(9, index, (index % most + 1) as u16)).collect();
            let mut assignment = Assignment::new(BUCKETS, 9);
            let ms = cpu_ms(|| assignment.set_takers(&takers));
            println!("build of {nexthops} nexthops, weights to {most}: {ms:.1} ms");
        }
    }
    changes("one group of 1000", 1, 1000);
    changes("one group of 100", 1, 100);
    changes("100 groups of 100", 100, 100);
}

/// Snapshots after a change of one nexthop in each group.
fn changes(what: &str, groups: usize, nexthops: u32) {
    let nexthop = |index: u32| NexthopSpec {
        name: format!("s{index}"),
        address: taker(3, index, 1).address,
        weight: 1,
        state: AdminState::Active,
        port: Some(PortId(0)),
        mac: Some(Mac([2, 0, 0, 0, 0, 1])),
    };
    let group = |index| GroupSpec {
        name: format!("g{index}"),
        buckets: BUCKETS,
        nexthops: (0..nexthops).map(nexthop).collect(),
    };
    let specs = (0..groups).map(group).collect();
    let mut desired = Desired::new(1, vec![Mac::default()], Vec::new(), specs).expect("a good configuration");
    let liveness = Liveness::new();
    let mut kept = Vec::new();
    kept.push(desired.snapshot(&liveness));
    let add =
        |index| Verb::Add { address: nexthop(index).address, weight: 1, port: Some(PortId(0)), mac: None };
    let pairs = [
        [("leaves", 7, Verb::Drain), ("comes back", 7, Verb::Activate)],
        [
            ("is added", nexthops, add(nexthops)),
            ("is removed", nexthops, Verb::Remove { deadline_ms: Some(0) }),
        ],
        [("gets weight 3", 5, Verb::Weight(3)), ("gets weight 1", 5, Verb::Weight(1))],
        [("goes down", 11, Verb::Down), ("comes up", 11, Verb::Up)],
    ];
    for pair in pairs {
        let mut ms = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for ((_, index, verb), ms) in pair.iter().zip(&mut ms) {
                for group in 0..groups {
                    let (group, nexthop) = (format!("g{group}"), format!("s{index}"));
                    let change = Change { group, nexthop, verb: verb.clone() };
                    desired.apply(&change, 0, &liveness).expect("a good change");
                }
                ms.push(cpu_ms(|| kept.push(desired.snapshot(&liveness))));
                kept.drain(..kept.len() - 1);
            }
        }
        for ((name, ..), ms) in pair.iter().zip(ms) {
            let (lowest, mean) =
                (ms.iter().copied().fold(f64::MAX, f64::min), ms.iter().sum::<f64>() / ROUNDS as f64);
            println!("{what}, one {name}: {mean:.2} ms on average, {lowest:.2} ms at best");
        }
    }
}

/// CPU time of this thread for some work, in milliseconds.
fn cpu_ms<T>(work: impl FnOnce() -> T) -> f64 {
    let now_ns = || {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        stat.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0)
    };
    let start_ns = now_ns();
    let _ = work();
    (now_ns() - start_ns) / 1e6
}
