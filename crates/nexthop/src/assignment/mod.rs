//! Which bucket belongs to whom: the stable matching that `docs/buckets.md` defines, and its mending.
//!
//! Buckets and takers prefer each other by one score, so that there is exactly one matching in which no bucket and
//! taker would both rather have each other. From nothing it comes by deferred acceptance: every bucket asks for the
//! best taker that accepts it, a taker over its quota refuses the worst of its buckets, which asks again. After a
//! change, only what the change unsettled asks again, and takers with room ask back those that they once refused
//! (`settle`). Any order of asking ends in the same matching.
//!
//! Knows takers by address and weight alone, nothing of members, liveness and snapshots.

mod bid;
mod gates;
mod settle;
mod slot;
#[cfg(test)]
mod tests;

use crate::quota::Quotas;
use crate::score::Scorer;
use bid::Bid;
use gates::{Gates, OUT_OF_REACH};
use slot::{Bidder, Slot};
use std::collections::HashMap;
use std::net::IpAddr;

/// In place of a slot: nobody.
pub(crate) const NOBODY: u16 = u16::MAX;
/// Most takers of a group.
const MAX_TAKERS: usize = NOBODY as usize;
/// A change of fewer than one taker in this many is mended; else everything is assigned anew, which is then faster.
const MENDABLE_PART: usize = 4;
/// About so many takers per bucket are close enough to be looked at first.
const TAKERS_IN_REACH: u64 = 8;

/// A member that takes new flows, as far as buckets are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taker {
    /// Its address: its identity in scores.
    pub address: IpAddr,
    /// 1 to 1000.
    pub weight: u16,
}

/// Owners of the buckets of one group: 11 bytes per bucket, so that a change of one taker need not look at the others.
#[derive(Debug, Clone)]
pub struct Assignment {
    seed: u64,
    /// By bucket.
    owners: Vec<u16>,
    /// By slot: what scanning a bucket's takers needs.
    bidders: Vec<Bidder>,
    gates: Gates,
    /// By slot: the rest. A taker keeps its slot; slots of takers that left are empty and used again.
    slots: Vec<Option<Slot>>,
    by_address: HashMap<IpAddr, u16>,
    /// Takers that cost more for a bucket are looked at only if no other accepts it.
    reach: u64,
}

impl Assignment {
    /// No takers; `buckets` is a power of two up to 2^20.
    #[must_use]
    pub fn new(buckets: u32, seed: u64) -> Self {
        Self {
            seed,
            owners: vec![NOBODY; buckets as usize],
            bidders: Vec::new(),
            gates: Gates::new(buckets),
            slots: Vec::new(),
            by_address: HashMap::new(),
            reach: 0,
        }
    }

    /// By bucket, the slot that owns it; 65535 where nobody does.
    #[must_use]
    pub fn owners(&self) -> &[u16] {
        &self.owners
    }

    /// Takers by slot.
    pub fn takers(&self) -> impl ExactSizeIterator<Item = Option<Taker>> {
        self.slots.iter().map(|slot| slot.as_ref().map(|slot| slot.taker))
    }

    /// Takers by slot, with their scores.
    pub(crate) fn scorers(&self) -> impl ExactSizeIterator<Item = Option<(Taker, Scorer)>> {
        self.takers().zip(&self.bidders).map(|(taker, bidder)| Some((taker?, bidder.scorer)))
    }

    /// Assigns the buckets to these takers, each with an address of its own. What came before has no influence on who
    /// owns what, only on how long it takes. Takers beyond the 65535th are left out. False if they are the ones that
    /// there were: nothing changed.
    pub fn set_takers(&mut self, takers: &[Taker]) -> bool {
        let takers = takers.get(..MAX_TAKERS).unwrap_or(takers);
        let (left, came) = self.difference(takers);
        if left.is_empty() && came.is_empty() {
            return false;
        }
        let quotas = Quotas::new(self.owners.len() as u32, takers.iter().map(|taker| taker.weight));
        if takers.is_empty() || MENDABLE_PART * left.len().max(came.len()) > takers.len() {
            self.assign_anew(takers, &quotas);
        } else {
            self.mend(&left, &came, &quotas);
        }
        true
    }

    /// Slots whose taker is no longer among these or has another weight, and takers that are new or have.
    fn difference(&self, takers: &[Taker]) -> (Vec<u16>, Vec<Taker>) {
        let mut stays = vec![false; self.slots.len()];
        let mut came = Vec::new();
        for taker in takers {
            let slot = self
                .by_address
                .get(&taker.address)
                .copied()
                .filter(|&slot| self.slot(slot).is_some_and(|slot| slot.taker.weight == taker.weight));
            match slot.and_then(|slot| stays.get_mut(usize::from(slot))) {
                Some(stays) => *stays = true,
                None => came.push(*taker),
            }
        }
        let left = (0..).zip(stays).filter(|(slot, stays)| !stays && self.slot(*slot).is_some());
        (left.map(|(slot, _)| slot).collect(), came)
    }

    fn assign_anew(&mut self, takers: &[Taker], quotas: &Quotas) {
        *self = Self::new(self.owners.len() as u32, self.seed);
        if takers.is_empty() {
            return;
        }
        for taker in takers {
            self.enter(*taker);
        }
        self.set_quotas(quotas);
        self.aim();
        let free = (0..self.owners.len() as u32).map(|bucket| Bid::new(0, bucket)).collect();
        self.settle(free, Vec::new());
    }

    /// Settles what new quotas and leaving and coming takers unsettle. The order saves asking in vain: more room goes to
    /// those who wait for it, a taker that came has its buckets before quotas that sank refuse any.
    fn mend(&mut self, left: &[u16], came: &[Taker], quotas: &Quotas) {
        self.set_quotas(quotas);
        let everybody = |assignment: &Self| (0..).take(assignment.slots.len()).collect::<Vec<u16>>();
        self.settle(Vec::new(), everybody(self));
        let mut free = Vec::new();
        for &slot in left {
            self.leave(slot, &mut free);
        }
        let came: Vec<u16> = came.iter().map(|taker| self.enter(*taker)).collect();
        self.set_quotas(quotas);
        self.aim();
        for &slot in &came {
            self.court(slot);
        }
        let mut roomy = Vec::new();
        for &slot in &came {
            self.refill(slot, &mut free, &mut roomy);
        }
        for slot in everybody(self) {
            free.extend(std::iter::from_fn(|| self.refuse_beyond_quota(slot)));
        }
        self.settle(free, roomy);
    }

    /// Gives a taker a slot; it owns nothing yet.
    fn enter(&mut self, taker: Taker) -> u16 {
        let scorer = Scorer::new(taker.address, taker.weight, self.seed, self.owners.len() as u32);
        let bidder = Bidder::new(scorer);
        let free = self.slots.iter().position(Option::is_none);
        let place = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.bidders.push(bidder);
            self.slots.len() - 1
        });
        if let (Some(slot), Some(place)) = (self.slots.get_mut(place), self.bidders.get_mut(place)) {
            *slot = Some(Slot::new(taker));
            *place = bidder;
        }
        self.gates.set(place, &scorer.places);
        self.gates.set_cutoff(place, scorer.place_within(self.reach));
        self.by_address.insert(taker.address, place as u16);
        place as u16
    }

    /// Empties a slot; its buckets are free.
    fn leave(&mut self, index: u16, free: &mut Vec<Bid>) {
        let Some(slot) = self.slots.get_mut(usize::from(index)).and_then(Option::take) else { return };
        if let Some(bidder) = self.bidders.get_mut(usize::from(index)) {
            bidder.limit = Bid::NONE;
        }
        self.gates.set_cutoff(usize::from(index), OUT_OF_REACH);
        if self.by_address.get(&slot.taker.address) == Some(&index) {
            self.by_address.remove(&slot.taker.address);
        }
        for bid in slot.held {
            if let Some(owner) = self.owners.get_mut(bid.bucket() as usize).filter(|owner| **owner == index) {
                *owner = NOBODY;
                free.push(Bid::new(0, bid.bucket()));
            }
        }
    }

    fn set_quotas(&mut self, quotas: &Quotas) {
        for (slot, bidder) in self.slots.iter_mut().zip(&mut self.bidders) {
            if let Some(slot) = slot {
                slot.quota = quotas.of(slot.taker.weight);
                bidder.limit = slot.limit();
            }
        }
    }

    /// Sets the reach so that about [`TAKERS_IN_REACH`] takers are in it for every bucket, unless it is about so already:
    /// a cost below `c` happens to a taker of weight `w` with a probability of 1 - 2^(-c * w).
    fn aim(&mut self) {
        let takers = self.slots.iter().flatten();
        let total_weight: u64 = takers.map(|slot| u64::from(slot.taker.weight)).sum();
        let reach = (TAKERS_IN_REACH << 37) * 1000 / (693 * total_weight.max(1));
        if self.reach > 2 * reach || 2 * self.reach < reach {
            self.reach = reach;
            for (place, (slot, bidder)) in self.slots.iter().zip(&self.bidders).enumerate() {
                if slot.is_some() {
                    self.gates.set_cutoff(place, bidder.scorer.place_within(reach));
                }
            }
        }
    }

    fn slot(&self, slot: u16) -> Option<&Slot> {
        self.slots.get(usize::from(slot))?.as_ref()
    }

    fn bidder(&self, slot: u16) -> Option<&Bidder> {
        self.bidders.get(usize::from(slot))
    }
}
