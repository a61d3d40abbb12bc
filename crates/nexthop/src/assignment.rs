//! Which bucket belongs to whom: the stable matching that `docs/buckets.md` defines.

use crate::group_table::NOBODY;
use crate::quota::Quotas;
use crate::score::Scorer;
use std::collections::BinaryHeap;
use std::net::IpAddr;

/// Bits of a bucket's number.
const BUCKET_BITS: u32 = 20;

/// A member that takes new flows, as far as buckets are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taker {
    /// Its address: its identity in scores.
    pub address: IpAddr,
    /// 1 to 1000.
    pub weight: u16,
}

/// Owners of the buckets of one group.
#[derive(Debug, Clone)]
pub struct Assignment {
    seed: u64,
    owners: Vec<u16>,
    slots: Vec<Option<Slot>>,
}

#[derive(Debug, Clone)]
struct Slot {
    taker: Taker,
    scorer: Scorer,
    quota: usize,
    held: BinaryHeap<u64>,
}

impl Assignment {
    /// No takers; `buckets` is a power of two up to 2^20.
    #[must_use]
    pub fn new(buckets: u32, seed: u64) -> Self {
        Self { seed, owners: vec![NOBODY; buckets as usize], slots: Vec::new() }
    }

    /// Assigns the buckets to these takers, each with an address of its own, at most 65535.
    pub fn set_takers(&mut self, takers: &[Taker]) {
        let quotas = Quotas::new(self.owners.len() as u32, takers.iter().map(|taker| taker.weight));
        let slot = |taker: &Taker| Slot {
            taker: *taker,
            scorer: Scorer::new(taker.address, taker.weight, self.seed),
            quota: quotas.of(taker.weight) as usize,
            held: BinaryHeap::new(),
        };
        self.slots = takers.iter().map(|taker| Some(slot(taker))).collect();
        self.owners.fill(NOBODY);
        let mut free: Vec<u32> = (0..self.owners.len() as u32).collect();
        while let Some(bucket) = free.pop() {
            free.extend(self.propose(bucket));
        }
    }

    /// By bucket, the slot that owns it; 65535 where nobody does.
    #[must_use]
    pub fn owners(&self) -> &[u16] {
        &self.owners
    }

    /// The slot of a taker.
    #[must_use]
    pub fn slot_of(&self, address: IpAddr) -> Option<u16> {
        let slot =
            self.slots.iter().position(|slot| slot.as_ref().is_some_and(|s| s.taker.address == address));
        slot.and_then(|slot| u16::try_from(slot).ok())
    }

    /// Takers by slot.
    pub fn takers(&self) -> impl ExactSizeIterator<Item = Option<Taker>> {
        self.slots.iter().map(|slot| slot.as_ref().map(|slot| slot.taker))
    }

    fn propose(&mut self, bucket: u32) -> Option<u32> {
        let candidates = (0..).zip(&self.slots).filter_map(|(index, slot)| {
            let slot = slot.as_ref()?;
            let bid = slot.scorer.cost(bucket) << BUCKET_BITS | u64::from(bucket);
            let accepts = slot.held.len() < slot.quota || slot.held.peek().is_some_and(|worst| bid < *worst);
            accepts.then_some((bid, slot.taker.address, index))
        });
        let (bid, _, index) = candidates.min()?;
        let slot = self.slots.get_mut(usize::from(index))?.as_mut()?;
        slot.held.push(bid);
        let refused = if slot.held.len() > slot.quota { slot.held.pop() } else { None };
        let refused = refused.map(|bid| bid as u32 & ((1 << BUCKET_BITS) - 1));
        *self.owners.get_mut(bucket as usize)? = index;
        refused
    }
}
