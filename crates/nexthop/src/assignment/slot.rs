//! One taker: what it holds, whom it refused, and what scanning all takers needs of it.

use super::Taker;
use super::bid::{Bid, Held, Waiting};
use crate::score::Scorer;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Entries of a heap below which throwing out the outdated ones isn't worth it.
const SMALL: usize = 64;

/// One entry in so many is the room that a copy of a heap has beyond them.
const ROOM: usize = 16;

/// A taker and its buckets.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) taker: Taker,
    /// Most buckets that it may own.
    pub(super) quota: u32,
    /// Buckets that it owns.
    pub(super) count: u32,
    /// On top is one that it owns; further down there may be some that left, and some twice.
    pub(super) held: Held,
    /// All that like it better than their owner, and some that no longer do.
    pub(super) waiting: Waiting,
    /// Entries of `waiting` beyond which outdated ones are thrown out.
    waiting_limit: usize,
}

/// A change begins with a copy. Heaps that are full would be copied again, all of them, by the first entry that each gets.
impl Clone for Slot {
    fn clone(&self) -> Self {
        let Self { taker, quota, count, held, waiting, waiting_limit } = self;
        let (taker, quota, count, waiting_limit) = (*taker, *quota, *count, *waiting_limit);
        Self { taker, quota, count, held: with_room(held), waiting: with_room(waiting), waiting_limit }
    }
}

fn with_room<T: Ord + Copy>(heap: &BinaryHeap<T>) -> BinaryHeap<T> {
    let mut copy = BinaryHeap::with_capacity(heap.len() + heap.len() / ROOM + SMALL);
    copy.clone_from(heap);
    copy
}

/// What scanning the takers of a bucket needs of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bidder {
    pub(super) scorer: Scorer,
    /// Bids below it are accepted.
    pub(super) limit: Bid,
}

impl Slot {
    pub(super) fn new(taker: Taker) -> Self {
        let (held, waiting) = (Held::new(), Waiting::new());
        Self { taker, quota: 0, count: 0, held, waiting, waiting_limit: SMALL }
    }

    /// All while there is room, else what beats the worst.
    pub(super) fn limit(&self) -> Bid {
        if self.count < self.quota { Bid::ANY } else { self.held.peek().copied().unwrap_or(Bid::NONE) }
    }

    /// Those of `held` that cost more.
    pub(super) fn held_beyond(&self, cost: u64) -> impl Iterator<Item = Bid> {
        // the worst is on top: mostly there is nothing to look for
        let held = self.held.peek().filter(|worst| worst.cost() > cost).map(|_| self.held.iter());
        held.into_iter().flatten().copied().filter(move |bid| bid.cost() > cost)
    }

    /// Brings one that is owned to the top, and throws the outdated ones out if they are many.
    pub(super) fn tidy_held(&mut self, is_owned: impl Fn(Bid) -> bool) {
        while self.held.peek().is_some_and(|worst| !is_owned(*worst)) {
            self.held.pop();
        }
        if self.held.len() > 2 * self.count as usize + SMALL {
            let mut owned = std::mem::take(&mut self.held).into_vec();
            owned.retain(|bid| is_owned(*bid));
            owned.sort_unstable();
            owned.dedup();
            self.held = owned.into();
        }
    }

    /// Notes one that it refused; throws outdated ones out if they are many.
    pub(super) fn wait(&mut self, bid: Bid, still_waits: impl Fn(Bid) -> bool) {
        self.waiting.push(Reverse(bid));
        if self.waiting.len() > self.waiting_limit {
            let mut waiting = std::mem::take(&mut self.waiting).into_vec();
            waiting.retain(|Reverse(other)| *other == bid || still_waits(*other));
            waiting.sort_unstable();
            waiting.dedup();
            self.waiting_limit = SMALL.max(2 * waiting.len());
            self.waiting = waiting.into();
        }
    }
}

impl Bidder {
    pub(super) const fn new(scorer: Scorer) -> Self {
        Self { scorer, limit: Bid::NONE }
    }
}
