//! The snapshot that workers see, swapped by epoch: a reader never waits, and an old snapshot is freed when no
//! worker can see it any more.
//!
//! This file holds `unsafe`: crossbeam-epoch hands out pointers. The one invariant: `current` is never null and
//! only [`Published::publish`] replaces it.

#![expect(unsafe_code, reason = "see above")]

use crossbeam::epoch::{self, Atomic, Guard, Owned};
use evenkeel_nexthop::{Snapshot, TimeoutSets};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The current [`Snapshot`].
#[derive(Debug)]
pub struct Published {
    current: Atomic<Snapshot>,
}

impl Published {
    /// Publishes a first snapshot.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self { current: Atomic::new(snapshot) }
    }

    /// Replaces the snapshot. Bursts that have begun end on the old one.
    pub fn publish(&self, snapshot: Snapshot) {
        let guard = epoch::pin();
        let old = self.current.swap(Owned::new(snapshot), Ordering::AcqRel, &guard);
        // SAFETY: `old` came out of `current`, which held the only way to reach it; whoever loaded it before the
        // swap is pinned, and the destruction waits for those pins.
        unsafe { guard.defer_destroy(old) };
        guard.flush();
    }

    /// The current snapshot, valid as long as `guard` is pinned.
    #[must_use]
    pub fn load<'g>(&self, guard: &'g Guard) -> &'g Snapshot {
        // SAFETY: never null (set at `new`, replaced by non-null only), and freed only after `guard` is unpinned.
        unsafe { self.current.load(Ordering::Acquire, guard).deref() }
    }

    /// The idle times of the current snapshot, for whoever looks into the flow table while no worker runs.
    #[must_use]
    pub fn timeouts(&self) -> Arc<TimeoutSets> {
        Arc::clone(&self.load(&epoch::pin()).timeouts)
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        // SAFETY: `&mut self`: nobody else can load any more, and guards borrowed from loads are gone, since what
        // they returned was read through a shared borrow of `self`.
        drop(unsafe { std::mem::replace(&mut self.current, Atomic::null()).into_owned() });
    }
}
