//! Measures the bucket table against its bars: balance, movement, time.
//!
//! `cargo run --release -p evenkeel-nexthop --example bucket_bars [ROUNDS]`; times are CPU time of the thread,
//! which Linux counts in ticks of some milliseconds: the average says more than the best of short ones.

use evenkeel_nexthop::{
    AdminState, Assignment, Change, Desired, GroupSpec, Liveness, NexthopSpec, PortId, Taker, Verb,
};
use evenkeel_packet::Mac;
use std::net::IpAddr;

const BUCKETS: u32 = 65_536;
/// Times that each change is measured.
const ROUNDS: usize = 24;

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(4);
    equal_weights(rounds);
    differing_weights(rounds);
    times();
}

/// Share of the largest, and what moves when one leaves or comes, averaged over address sets and seeds.
fn equal_weights(rounds: u64) {
    println!("equal weights, {BUCKETS} buckets, {rounds} sets");
    println!(
        "{:>9} {:>14} {:>20} {:>20}",
        "nexthops", "largest/mean", "leave: moved/unavoid.", "come: moved/unavoid."
    );
    for nexthops in [10, 100, 1000] {
        let (mut largest, mut leave, mut come) = (0, Moves::default(), Moves::default());
        for seed in 0..rounds {
            let takers: Vec<Taker> = (0..nexthops).map(|index| taker(seed, index, 1)).collect();
            let mut assignment = Assignment::new(BUCKETS, seed);
            assignment.set_takers(&takers);
            largest = largest.max(counts(&assignment).into_iter().max().unwrap_or(0));
            for change in 0..nexthops.min(30) {
                let before = owners(&assignment);
                let mut fewer = takers.clone();
                let left = fewer.remove((change * nexthops / nexthops.min(30)) as usize);
                assignment.set_takers(&fewer);
                leave.add(&before, &owners(&assignment), left.address);
                assignment.set_takers(&takers);
                let newcomer = taker(seed, nexthops + change, 1);
                let more: Vec<Taker> = takers.iter().copied().chain([newcomer]).collect();
                assignment.set_takers(&more);
                come.add(&owners(&assignment), &before, newcomer.address);
                assignment.set_takers(&takers);
            }
            let mut anew = Assignment::new(BUCKETS, seed);
            anew.set_takers(&takers);
            assert!(owners(&anew) == owners(&assignment), "history shows");
        }
        let mean = f64::from(BUCKETS) / f64::from(nexthops);
        println!(
            "{nexthops:>9} {:>14.4} {:>20.4} {:>20.4}",
            f64::from(largest) / mean,
            leave.ratio(),
            come.ratio()
        );
    }
}

/// Shares against what weights say: buckets above, and below in parts of what is allowed.
fn differing_weights(rounds: u64) {
    println!("\nweights 1 to 1000, {BUCKETS} buckets, {rounds} sets");
    println!("{:>9} {:>22} {:>22}", "nexthops", "most above/allowed", "most below/allowed");
    for nexthops in [2, 10, 100, 1000] {
        let (mut above, mut below) = (0.0_f64, 0.0_f64);
        for seed in 0..rounds {
            let weight = |index: u32| match index {
                0 => 1,
                1 => 1000,
                _ => 1 + (u64::from(index) * 2_654_435_761 % 1000) as u16,
            };
            let takers: Vec<Taker> = (0..nexthops).map(|index| taker(seed, index, weight(index))).collect();
            let total: u32 = takers.iter().map(|taker| u32::from(taker.weight)).sum();
            let mut assignment = Assignment::new(BUCKETS, seed);
            assignment.set_takers(&takers);
            for (taker, count) in takers.iter().zip(counts(&assignment)) {
                let want = f64::from(BUCKETS) * f64::from(taker.weight) / f64::from(total);
                let off = f64::from(count) - want;
                above = above.max(off / (0.02 * want).max(1.0));
                below = below.max(-off / (0.02 * want).max(4.0 * want.sqrt()));
            }
        }
        println!("{nexthops:>9} {above:>22.3} {below:>22.3}");
    }
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

fn taker(set: u64, index: u32, weight: u16) -> Taker {
    let [a, b, c, d] = (0x0a00_0000 | (set as u32) << 16 | index).to_be_bytes();
    Taker { address: [a, b, c, d].into(), weight }
}

fn owners(assignment: &Assignment) -> Vec<Option<IpAddr>> {
    let takers: Vec<_> = assignment.takers().collect();
    let address = |&slot: &u16| Some(takers.get(usize::from(slot)).copied()??.address);
    assignment.owners().iter().map(address).collect()
}

fn counts(assignment: &Assignment) -> Vec<u32> {
    let mut counts = vec![0; assignment.takers().len()];
    assignment.owners().iter().for_each(|&owner| counts[usize::from(owner)] += 1);
    counts
}

/// Buckets that moved, and those that had to.
#[derive(Default)]
struct Moves {
    moved: usize,
    unavoidable: usize,
}

impl Moves {
    /// Between tables of which one has a nexthop more.
    fn add(&mut self, with: &[Option<IpAddr>], without: &[Option<IpAddr>], nexthop: IpAddr) {
        self.moved += with.iter().zip(without).filter(|(with, without)| with != without).count();
        self.unavoidable += with.iter().filter(|owner| **owner == Some(nexthop)).count();
    }

    fn ratio(&self) -> f64 {
        self.moved as f64 / self.unavoidable as f64
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
