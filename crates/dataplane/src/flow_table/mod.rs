//! The flow table: who serves which flow. One for the box, sharded by worker, concurrent.
//!
//! A shard belongs to a worker, which locks it once per burst. What a packet needs is in its own shard unless the
//! NIC has moved the flow from one queue to another; then the owner of the packet searches the other shards, one lock
//! at a time. Capacity is fixed, and memory for it reserved, at the start.

mod entry;
mod expiry;
mod prefetch;
mod shard;
mod slots;
#[cfg(test)]
mod tests;
mod unconfirmed;

use crate::counters::WorkerCounters;
use crate::timeouts::Timeouts;
use ahash::RandomState;
use dashmap::{DashMap, RwLock};
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6};
use hashbrown::raw::RawTable;
use shard::{Books, Tables};
use std::hash::{BuildHasher, Hash, Hasher};

pub use entry::{FlowEntry, FlowState, Link};
pub use shard::{Shard, Sweep};

/// Where the seeds of the table's hash come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableSeeds {
    /// From the operating system: nobody outside can aim at a slot.
    Random,
    /// Always the same, for replay and benches.
    Fixed,
}

/// Who serves which flow.
pub struct FlowTable {
    v4: DashMap<FlowKey4, FlowEntry, RandomState>,
    v6: DashMap<FlowKey6, FlowEntry, RandomState>,
    books: Box<[RwLock<Books>]>,
    hasher: RandomState,
    timeouts: Timeouts,
}

impl FlowTable {
    /// A table for `capacity` flows of both families together, split evenly over `workers` shards.
    #[must_use]
    pub fn new(capacity: usize, workers: usize, timeouts: Timeouts, seeds: TableSeeds, sweep: Sweep) -> Self {
        let hasher = seeds.hasher();
        let workers = workers.max(1);
        let shares: Vec<usize> = (0..workers)
            .map(|worker| capacity / workers + usize::from(worker < capacity % workers))
            .collect();
        let v4 = reserve(&hasher, &shares);
        let v6 = reserve(&hasher, &shares);
        let books = shares.iter().enumerate().map(|(worker, &share)| {
            RwLock::new(Books::new(share, sweep, slots(&v4, worker), slots(&v6, worker)))
        });
        let books = books.collect();
        Self { v4, v6, books, hasher, timeouts }
    }

    /// Number of shards, one per worker.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.books.len()
    }

    /// Hash of a key, computed once per packet and good for every shard. Depends on the seeds and on the machine, and no
    /// output may depend on it.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &FlowKey) -> u64 {
        match key {
            FlowKey::V4(key) => self.hasher.hash_one(key),
            FlowKey::V6(key) => self.hasher.hash_one(key),
        }
    }

    /// Locks the shard of a worker; `counters` are those of the caller. `None` if there is no such worker.
    ///
    /// A thread holds one shard at a time. The lock is that of the books; the tables' own are taken behind it and so
    /// never waited for.
    #[inline]
    pub fn lock<'t>(&'t self, worker: usize, counters: &'t WorkerCounters) -> Option<Shard<'t>> {
        let books = self.books.get(worker)?.write();
        let tables =
            Tables { v4: self.v4.shards().get(worker)?.write(), v6: self.v6.shards().get(worker)?.write() };
        Some(Shard { books, tables, hasher: &self.hasher, timeouts: &self.timeouts, counters })
    }

    /// The idle timeouts.
    #[must_use]
    pub const fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }
}

impl std::fmt::Debug for FlowTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlowTable").field("workers", &self.workers()).finish_non_exhaustive()
    }
}

impl TableSeeds {
    fn hasher(self) -> RandomState {
        match self {
            Self::Fixed => RandomState::with_seeds(1, 2, 3, 4),
            Self::Random => {
                let seed = || std::collections::hash_map::RandomState::new().build_hasher().finish();
                RandomState::with_seeds(seed(), seed(), seed(), seed())
            }
        }
    }
}

/// A map with a shard per worker and room for its share of flows, however they spread over the families. Memory that
/// no flow uses is reserved, but not touched.
fn reserve<K: Eq + Hash>(hasher: &RandomState, shares: &[usize]) -> DashMap<K, FlowEntry, RandomState> {
    let shard_amount = shares.len().next_power_of_two().max(2);
    let mut map = DashMap::with_capacity_and_hasher_and_shard_amount(0, hasher.clone(), shard_amount);
    for (shard, &share) in map.shards_mut().iter_mut().zip(shares) {
        // in a small table the marks of a few removals would use up the free slots
        let capacity = if share < 1024 { share * 4 } else { share };
        *shard.get_mut() = RawTable::with_capacity(capacity);
    }
    map
}

fn slots<K: Eq + Hash>(map: &DashMap<K, FlowEntry, RandomState>, worker: usize) -> usize {
    map.shards().get(worker).map_or(0, |shard| shard.read().buckets())
}
