//! Balance and movement of a bucket table, measured on several sets of addresses.

use evenkeel_nexthop::{Assignment, Taker};
use std::net::IpAddr;

/// Buckets of each table.
pub(crate) const BUCKETS: u32 = 65_536;
/// Most changes that are measured of one set.
const CHANGES: u32 = 30;

/// What equal weights give, over some sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Equal {
    /// The largest share, in fair ones.
    pub(crate) largest: f64,
    /// Buckets that move when one leaves, in those that it owned.
    pub(crate) leave: f64,
    /// Buckets that move when one comes, in those that it then owns.
    pub(crate) come: f64,
}

/// How far shares are from what weights say, in parts of what is allowed, over some sets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Off {
    /// Above: of 2 % or one bucket, whichever is more.
    pub(crate) above: f64,
    /// Below: of 2 % or four standard deviations, whichever is more.
    pub(crate) below: f64,
}

/// Measures so many nexthops with equal weights.
///
/// # Panics
/// If the table is another one than from nothing.
#[must_use]
pub(crate) fn equal_weights(nexthops: u32, sets: u64) -> Equal {
    let (mut largest, mut leave, mut come) = (0, Moves::default(), Moves::default());
    for set in 0..sets {
        let takers: Vec<Taker> = (0..nexthops).map(|index| taker(set, index, 1)).collect();
        let mut assignment = Assignment::new(BUCKETS, set);
        assignment.set_takers(&takers);
        let from_nothing = owners(&assignment);
        largest = largest.max(counts(&assignment).into_iter().max().unwrap_or(0));
        let changes = nexthops.min(CHANGES);
        for change in 0..changes {
            let mut fewer = takers.clone();
            let left = fewer.remove((change * nexthops / changes) as usize);
            assignment.set_takers(&fewer);
            leave.add(&from_nothing, &owners(&assignment), left.address);
            assignment.set_takers(&takers);
            let newcomer = taker(set, nexthops + change, 1);
            let more: Vec<Taker> = takers.iter().copied().chain([newcomer]).collect();
            assignment.set_takers(&more);
            come.add(&owners(&assignment), &from_nothing, newcomer.address);
            assignment.set_takers(&takers);
            assert!(owners(&assignment) == from_nothing, "history shows");
        }
    }
    let fair = f64::from(BUCKETS) / f64::from(nexthops);
    Equal { largest: f64::from(largest) / fair, leave: leave.ratio(), come: come.ratio() }
}

/// Measures so many nexthops whose weights are as `weight` says by their number.
#[must_use]
pub(crate) fn differing_weights(nexthops: u32, sets: u64, weight: impl Fn(u32) -> u16) -> Off {
    let mut most = Off::default();
    for set in 0..sets {
        let takers: Vec<Taker> = (0..nexthops).map(|index| taker(set, index, weight(index))).collect();
        let total: u32 = takers.iter().map(|taker| u32::from(taker.weight)).sum();
        let mut assignment = Assignment::new(BUCKETS, set);
        assignment.set_takers(&takers);
        for (taker, count) in takers.iter().zip(counts(&assignment)) {
            let want = f64::from(BUCKETS) * f64::from(taker.weight) / f64::from(total);
            let off = f64::from(count) - want;
            most.above = most.above.max(off / (0.02 * want).max(1.0));
            most.below = most.below.max(-off / (0.02 * want).max(4.0 * want.sqrt()));
        }
    }
    most
}

/// A taker of a set of addresses.
#[must_use]
pub(crate) fn taker(set: u64, index: u32, weight: u16) -> Taker {
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
