//! One shard of one family: dashmap's own table, addressed by slot number.
//!
//! This file holds `unsafe`: slots are reached by number through hashbrown's raw table (dashmap's `raw-api`), which
//! saves a second probe for every change of an entry. A slot keeps its number as long as the table is not rebuilt;
//! every access by number checks that the slot is full.

#![expect(unsafe_code, reason = "see above")]

use super::entry::FlowEntry;
use dashmap::SharedValue;
use hashbrown::raw::RawTable;
use std::hash::{BuildHasher, Hash};

/// What dashmap keeps per flow.
pub(super) type Pair<K> = (K, SharedValue<FlowEntry>);

/// A table of flows of one family.
pub(super) trait Slots<K> {
    /// Slot of a key.
    fn slot_of(&self, hash: u64, key: &K) -> Option<u32>;
    /// Key and entry of a full slot.
    fn pair(&self, slot: u32) -> Option<(&K, &FlowEntry)>;
    /// Entry of a full slot, to change.
    fn entry_mut(&mut self, slot: u32) -> Option<&mut FlowEntry>;
    /// Puts in a key that isn't there; the slot, or `None` if that would need a rebuild.
    fn put(&mut self, hash: u64, key: K, entry: FlowEntry) -> Option<u32>;
    /// Empties a slot.
    fn take(&mut self, slot: u32) -> Option<(K, FlowEntry)>;
    /// The same flows in a table of the same size without the marks that removals leave behind; calls `moved` with
    /// the old and the new number of every slot. Allocates.
    fn rebuild(&mut self, hasher: &impl BuildHasher, moved: impl FnMut(u32, u32));
}

impl<K: Eq + Hash + Copy> Slots<K> for RawTable<Pair<K>> {
    #[inline]
    fn slot_of(&self, hash: u64, key: &K) -> Option<u32> {
        let bucket = self.find(hash, |(other, _)| other == key)?;
        // SAFETY: the bucket comes from this table, which was not changed since.
        Some(unsafe { self.bucket_index(&bucket) } as u32)
    }

    fn pair(&self, slot: u32) -> Option<(&K, &FlowEntry)> {
        if !is_full(self, slot) {
            return None;
        }
        // SAFETY: the slot is within the table and full; `&self` keeps it from being changed.
        let (key, entry) = unsafe { self.bucket(slot as usize).as_ref() };
        Some((key, entry.get()))
    }

    #[inline]
    fn entry_mut(&mut self, slot: u32) -> Option<&mut FlowEntry> {
        if !is_full(self, slot) {
            return None;
        }
        // SAFETY: the slot is within the table and full; `&mut self` makes the reference the only one.
        Some(unsafe { self.bucket(slot as usize).as_mut() }.1.get_mut())
    }

    #[inline]
    fn put(&mut self, hash: u64, key: K, entry: FlowEntry) -> Option<u32> {
        let bucket = self.try_insert_no_grow(hash, (key, SharedValue::new(entry))).ok()?;
        // SAFETY: the bucket comes from this table, which was not changed since.
        Some(unsafe { self.bucket_index(&bucket) } as u32)
    }

    fn take(&mut self, slot: u32) -> Option<(K, FlowEntry)> {
        if !is_full(self, slot) {
            return None;
        }
        // SAFETY: the slot is within the table and full.
        let ((key, value), _) = unsafe { self.remove(self.bucket(slot as usize)) };
        Some((key, value.into_inner()))
    }

    fn rebuild(&mut self, hasher: &impl BuildHasher, mut moved: impl FnMut(u32, u32)) {
        let mut fresh: Self = RawTable::with_capacity(self.buckets() / 8 * 7);
        for slot in 0..self.buckets() as u32 {
            let Some((key, entry)) = self.take(slot) else { continue };
            let bucket = fresh.insert(hasher.hash_one(key), (key, SharedValue::new(entry)), |(key, _)| {
                hasher.hash_one(key)
            });
            // SAFETY: the bucket comes from `fresh`, which was not changed since.
            moved(slot, unsafe { fresh.bucket_index(&bucket) } as u32);
        }
        *self = fresh;
    }
}

#[inline]
fn is_full<K>(table: &RawTable<Pair<K>>, slot: u32) -> bool {
    // SAFETY: the number is within the table.
    (slot as usize) < table.buckets() && unsafe { table.is_bucket_full(slot as usize) }
}
