//! Bids: a taker's cost for a bucket and the bucket, in one word that sorts as the taker prefers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Bits of a bucket's number; a cost has the other 44.
const BUCKET_BITS: u32 = 20;

/// (cost, bucket): the lowest is the one that the taker likes best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bid(u64);

impl Bid {
    /// Below every bid: nothing is accepted under it.
    pub(super) const NONE: Self = Self(0);
    /// Above every bid: everything is accepted under it.
    pub(super) const ANY: Self = Self(u64::MAX);

    pub(super) const fn new(cost: u64, bucket: u32) -> Self {
        Self(cost << BUCKET_BITS | bucket as u64)
    }

    pub(super) const fn cost(self) -> u64 {
        self.0 >> BUCKET_BITS
    }

    pub(super) const fn bucket(self) -> u32 {
        self.0 as u32 & ((1 << BUCKET_BITS) - 1)
    }
}

/// The bids that a taker holds, worst first. Bids that left are in it until they come up.
pub(super) type Held = BinaryHeap<Bid>;

/// The bids that a taker refused or never got, best first. Those that no longer want it are in it until they come up.
pub(super) type Waiting = BinaryHeap<Reverse<Bid>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_by_cost_then_bucket() {
        let most = Bid::new((1 << 44) - 1, (1 << 20) - 1);
        assert!(Bid::new(1, 5) < Bid::new(1, 6) && Bid::new(1, 6) < Bid::new(2, 0));
        assert_eq!((most.cost(), most.bucket()), ((1 << 44) - 1, (1 << 20) - 1));
        assert!(Bid::new(0, 1) > Bid::NONE && most <= Bid::ANY);
    }
}
