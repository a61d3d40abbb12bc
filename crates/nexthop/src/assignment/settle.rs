//! Asking, refusing and asking back, until no bucket and taker would both rather have each other.

use super::bid::Bid;
use super::gates::Candidates;
use super::slot::{Bidder, Slot};
use super::{Assignment, NOBODY};
use crate::score::Scorer;
use std::cmp::Reverse;
use std::net::IpAddr;

/// What looking at all takers of a bucket leaves behind.
#[derive(Default)]
pub(super) struct Scan {
    candidates: Candidates,
    /// Bids that were not accepted.
    refusals: Vec<(Bid, u16)>,
}

impl Assignment {
    /// Settles free buckets and takers that may have room. A free bucket's bid is that for the taker that it came
    /// from: those that it likes better know of it already.
    pub(super) fn settle(&mut self, mut free: Vec<Bid>, mut roomy: Vec<u16>) {
        let mut scan = Scan::default();
        loop {
            if let Some(from) = free.pop() {
                free.extend(self.ask(from, &mut scan));
            } else if let Some(slot) = roomy.pop() {
                self.refill(slot, &mut free, &mut roomy);
            } else {
                return;
            }
        }
    }

    /// A free bucket goes to the best taker that accepts it; returns the bid that had to make room.
    fn ask(&mut self, from: Bid, scan: &mut Scan) -> Option<Bid> {
        let bucket = from.bucket();
        let (bid, slot) = self.best(from, true, scan).or_else(|| self.best(from, false, scan))?;
        for &(refused, by) in scan.refusals.iter().filter(|(refused, _)| *refused <= bid) {
            self.wait(refused, by);
        }
        self.give(bucket, slot, bid);
        self.refuse_beyond_quota(slot)
    }

    /// The best taker that accepts a bucket, among those within reach or all, with its bid. Notes the bids that cost no
    /// less than `from` and were not accepted, as far as they are better than that.
    fn best(&self, from: Bid, in_reach: bool, scan: &mut Scan) -> Option<(Bid, u16)> {
        let bucket = from.bucket();
        let Scan { candidates, refusals } = scan;
        self.gates.candidates(bucket, in_reach, candidates);
        refusals.clear();
        let mut best: Option<(Bid, u16)> = None;
        let mut best_place: Option<(&Scorer, u32)> = None;
        for &(slot, place) in &*candidates {
            let Some(bidder) = self.bidder(slot) else { continue };
            if best_place.is_some_and(|(other, high)| bidder.scorer.is_beaten(place, other, high)) {
                continue;
            }
            let bid = Bid::new(bidder.scorer.cost_at(bucket, place), bucket);
            if in_reach && bid.cost() > self.reach {
                continue;
            }
            if bid >= bidder.limit {
                if bid >= from {
                    refusals.push((bid, slot));
                }
            } else if best.is_none_or(|(other, by)| self.prefers((bid, slot), (other, by))) {
                best = Some((bid, slot));
                best_place = Some((&bidder.scorer, place));
            }
        }
        best
    }

    /// True if a bucket likes one taker better than another.
    #[inline]
    fn prefers(&self, (bid, slot): (Bid, u16), (other, by): (Bid, u16)) -> bool {
        bid < other || (bid == other && self.address(slot) < self.address(by))
    }

    /// Notes that a taker refused a bucket.
    fn wait(&mut self, bid: Bid, by: u16) {
        let Self { slots, owners, bidders, .. } = self;
        let Some(slot) = slots.get_mut(usize::from(by)).and_then(Option::as_mut) else { return };
        let still_waits = |bid: Bid| {
            let owner = owners.get(bid.bucket() as usize).copied().unwrap_or(NOBODY);
            let owner_cost = bidders.get(usize::from(owner)).map(|owner| owner.scorer.cost(bid.bucket()));
            owner != by && owner_cost.is_none_or(|cost| bid.cost() <= cost)
        };
        slot.wait(bid, still_waits);
    }

    /// A taker takes back the best of those that like it better than their owner, while it has room or likes them
    /// better than the worst that it owns. The owners may have room then.
    pub(super) fn refill(&mut self, index: u16, free: &mut Vec<Bid>, roomy: &mut Vec<u16>) {
        while let Some(slot) = self.slots.get_mut(usize::from(index)).and_then(Option::as_mut) {
            if slot.waiting.peek().is_none_or(|Reverse(bid)| *bid >= slot.limit()) {
                return;
            }
            let Some(Reverse(bid)) = slot.waiting.pop() else { return };
            let bucket = bid.bucket();
            let owner = self.owner(bucket);
            let Some(owner_bid) = self.bid(owner, bucket) else { continue };
            if owner != index && self.prefers((bid, index), (owner_bid, owner)) {
                self.give(bucket, index, bid);
                self.lose(owner);
                roomy.push(owner);
                free.extend(self.refuse_beyond_quota(index));
            }
        }
    }

    /// A taker that owns more than its quota gives its worst bucket up.
    pub(super) fn refuse_beyond_quota(&mut self, index: u16) -> Option<Bid> {
        let slot = self.slots.get_mut(usize::from(index))?.as_mut()?;
        if slot.count <= slot.quota {
            return None;
        }
        let worst = slot.held.pop()?;
        if let Some(owner) = self.owners.get_mut(worst.bucket() as usize) {
            *owner = NOBODY;
        }
        self.lose(index);
        Some(worst)
    }

    /// Makes a taker the owner of a bucket; whoever owned it is told by [`lose`](Self::lose).
    fn give(&mut self, bucket: u32, index: u16, bid: Bid) {
        if let Some(owner) = self.owners.get_mut(bucket as usize) {
            *owner = index;
        }
        if let (Some(slot), Some(bidder)) = self.slot_and_bidder(index) {
            slot.held.push(bid);
            slot.count += 1;
            bidder.limit = slot.limit();
        }
    }

    /// A taker owns one bucket less.
    fn lose(&mut self, index: u16) {
        let Self { slots, owners, bidders, .. } = self;
        let slot = slots.get_mut(usize::from(index)).and_then(Option::as_mut);
        if let (Some(slot), Some(bidder)) = (slot, bidders.get_mut(usize::from(index))) {
            slot.count -= 1;
            slot.tidy_held(|bid| owners.get(bid.bucket() as usize) == Some(&index));
            bidder.limit = slot.limit();
        }
    }

    /// Notes for a taker that just came which buckets like it better than their owner. Free buckets ask by themselves.
    ///
    /// Most owners are within reach, and only a taker that is too can be better than they are. The few buckets whose owner is
    /// not are looked at one by one.
    pub(super) fn court(&mut self, index: u16) {
        let Some(own) = self.bidder(index).copied() else { return };
        let likes = |(place, bucket): (u32, u32)| {
            let owner = self.bidder(self.owner(bucket))?;
            let owner_place = owner.scorer.places.of(bucket);
            if own.scorer.is_beaten(place, &owner.scorer, owner_place)
                || own.scorer.is_beaten_whatever_weight(place, &owner.scorer, owner_place)
            {
                return None;
            }
            let cost = own.scorer.cost_at(bucket, place);
            (cost <= owner.scorer.cost(bucket)).then(|| Reverse(Bid::new(cost, bucket)))
        };
        let within_reach = own.scorer.places.from(own.scorer.place_within(self.reach));
        let beyond = self.owned_beyond_reach().map(|bucket| (own.scorer.places.of(bucket), bucket));
        let waiting: Vec<_> = within_reach.chain(beyond).filter_map(likes).collect();
        if let Some(Some(slot)) = self.slots.get_mut(usize::from(index)) {
            slot.waiting = waiting.into();
        }
    }

    /// Buckets whose owner is not within reach; some twice.
    fn owned_beyond_reach(&self) -> impl Iterator<Item = u32> {
        let (reach, owners) = (self.reach, &self.owners);
        (0..).zip(&self.slots).filter_map(|(index, slot)| Some((index, slot.as_ref()?))).flat_map(
            move |(index, slot)| {
                let beyond = slot.held_beyond(reach).map(Bid::bucket);
                beyond.filter(move |bucket| owners.get(*bucket as usize) == Some(&index))
            },
        )
    }

    fn owner(&self, bucket: u32) -> u16 {
        self.owners.get(bucket as usize).copied().unwrap_or(NOBODY)
    }

    /// What a taker bids for a bucket; `None` for an empty slot.
    fn bid(&self, slot: u16, bucket: u32) -> Option<Bid> {
        self.bidder(slot).map(|bidder| Bid::new(bidder.scorer.cost(bucket), bucket))
    }

    fn address(&self, slot: u16) -> Option<IpAddr> {
        self.slot(slot).map(|slot| slot.taker.address)
    }

    fn slot_and_bidder(&mut self, index: u16) -> (Option<&mut Slot>, Option<&mut Bidder>) {
        let index = usize::from(index);
        (self.slots.get_mut(index).and_then(Option::as_mut), self.bidders.get_mut(index))
    }
}
