//! The flow table: who serves which flow. One for the box, sharded by worker, concurrent.
//!
//! A shard belongs to a worker, which locks it once per burst. What a packet needs is in its own shard unless the
//! NIC has moved the flow from one queue to another; then the owner of the packet searches the other shards, one lock
//! at a time. Capacity is fixed, and memory for it reserved, at the start.
//!
//! A shard is an [index](index) from hashes to places and, for each family, a [slab](slab) of flows.

mod entry;
mod expiry;
mod growth;
mod index;
mod listing;
mod shard;
mod slab;
mod sweep;
#[cfg(test)]
mod tests;
mod unconfirmed;

use crate::counters::WorkerCounters;
use ahash::RandomState;
use crossbeam::utils::CachePadded;
use dashmap::RwLock;
use evenkeel_nexthop::TimeoutSets;
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6};
use growth::Growth;
use index::Index;
use shard::Books;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

pub use entry::{FlowEntry, FlowState, Link};
pub use index::Guess;
pub use listing::{Cursor, FlowPage, FlowRecord};
pub use shard::Shard;
pub use sweep::Sweep;

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
    index: Index,
    /// Apart from each other, so that workers don't take each other's cache lines.
    books: Box<[CachePadded<RwLock<Books>>]>,
    growth: Box<[CachePadded<Growth>]>,
    hasher: RandomState,
}

/// What a flow table is made of.
#[derive(Debug, Clone, Copy)]
pub struct TableSpec {
    /// Flows of both families together, split evenly over the shards.
    pub capacity: usize,
    /// Flows for which memory is reserved: `capacity`, or fewer if there can't be as many. The bounds are those of
    /// `capacity`.
    pub reserved: usize,
    /// Number of shards.
    pub workers: usize,
    /// Seeds of the hash.
    pub seeds: TableSeeds,
    /// How flows that are over are found.
    pub sweep: Sweep,
}

/// Why there is no flow table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableError {
    /// A shard would have more than [`MOST_FLOWS`] flows.
    TooLarge(usize),
    /// There is no memory for so many flows.
    NoMemory(usize),
}

/// Most flows of a shard: with so many a place still has a number of 31 bits, whatever the family.
pub const MOST_FLOWS: usize = 1 << 29;

impl std::fmt::Display for TableError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge(flows) => {
                write!(f, "a flow table of {flows} flows per worker is too large: {MOST_FLOWS} is allowed")
            }
            Self::NoMemory(flows) => {
                write!(f, "there is no memory for a flow table of {flows} flows per worker")
            }
        }
    }
}

impl std::error::Error for TableError {}

impl FlowTable {
    /// A table with all the memory that it will need.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn new(spec: &TableSpec) -> Result<Self, TableError> {
        let workers = spec.workers.max(1);
        let share = |flows: usize, worker: usize| flows / workers + usize::from(worker < flows % workers);
        let reserved: Vec<usize> =
            (0..workers).map(|worker| share(spec.reserved.min(spec.capacity), worker)).collect();
        if let Some(&most) = reserved.iter().find(|&&share| share > MOST_FLOWS) {
            return Err(TableError::TooLarge(most));
        }
        let books = reserved
            .iter()
            .enumerate()
            .map(|(worker, &reserved)| Books::reserve(share(spec.capacity, worker), reserved, spec.sweep));
        let books = books.collect::<Result<Vec<_>, _>>()?;
        let growth = books.iter().map(|books| CachePadded::new(Growth::of(books))).collect();
        let books = books.into_iter().map(|books| CachePadded::new(RwLock::new(books))).collect();
        let hasher = spec.seeds.hasher();
        let index = index::reserve(&hasher, &reserved)?;
        Ok(Self { index, books, growth, hasher })
    }

    /// Number of shards, one per worker.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.books.len()
    }

    /// Addresses of memory that no flow was in yet, and in which the next `flows` flows of every shard and family will be; of a
    /// family without any, fewer. Takes no lock. The memory is there as long as the table is.
    pub fn ahead(&self, flows: usize) -> impl Iterator<Item = Range<usize>> {
        self.growth.iter().flat_map(move |growth| growth.ahead(flows))
    }

    /// Hash of a key, computed once per packet and good for every shard. Depends on the seeds and on the machine, and no
    /// output may depend on it.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &FlowKey) -> u64 {
        match key {
            FlowKey::V4(key) => self.hash4(key),
            FlowKey::V6(key) => self.hash6(key),
        }
    }

    /// The same of an IPv4 flow.
    #[inline]
    #[must_use]
    pub fn hash4(&self, key: &FlowKey4) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The same of an IPv6 flow.
    #[inline]
    #[must_use]
    pub fn hash6(&self, key: &FlowKey6) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Locks the shard of a worker; `counters` are those of the caller, `timeouts` those of its snapshot. `None` if there
    /// is no such worker.
    ///
    /// A thread holds one shard at a time. The lock is that of the books; the index's own is taken behind it and so
    /// never waited for.
    #[inline]
    pub fn lock<'t>(
        &'t self,
        worker: usize,
        counters: &'t WorkerCounters,
        timeouts: &'t TimeoutSets,
    ) -> Option<Shard<'t>> {
        let books = self.books.get(worker)?.write();
        let index = self.index.shards().get(worker)?.write();
        let growth = self.growth.get(worker)?;
        Some(Shard { books, index, growth, hasher: &self.hasher, timeouts, counters })
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
