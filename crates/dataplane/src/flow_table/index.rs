//! The index of a shard: by the hash of its key, where in the slabs a flow is. Both families share it.
//!
//! It is a shard of a dashmap, whose raw table (`raw-api`) is searched with hashes that were computed before, and ahead
//! of the look-up itself. A slot is a [`Link`], 4 bytes, so that a cache line has those of 16 flows.
//!
//! Where a link stands is decided here. hashbrown by itself takes the first free slot from the place that the hash
//! says, and a slot that is emptied amid a group's width of used ones must be left marked, which makes the run of used
//! slots last for ever: under churn, at whatever load, marks use the free slots up, and the table has to be built anew.
//! So the last slot of every [`WINDOW`] is left free. Then every search ends within one window, every removal leaves a
//! free slot, and nothing is ever built anew. A link whose window is full goes to the next of the [`WINDOWS`] that
//! its hash leads to; at the highest load, one half, that is one in 200.
//!
//! This file holds `unsafe`, as it reads slots by their number, and knows of hashbrown 0.14: that the search for a hash begins at slot `hash & mask` and
//! reads a group of control bytes there, [`WINDOW`] or more, which lie from `data_end()` on. Tests notice a change.

#![expect(unsafe_code, reason = "see above")]

use super::TableError;
use super::entry::Link;
use crate::prefetch;
use ahash::RandomState;
use dashmap::{DashMap, SharedValue};
use hashbrown::raw::RawTable;

/// The indexes of all shards.
pub(super) type Index = DashMap<Link, (), RandomState>;
/// The index of a shard.
pub(super) type Slots = RawTable<(Link, SharedValue<()>)>;

/// Slot that most likely has the link of a flow; good for [`prefetch_flow`](super::Shard::prefetch_flow).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess(u32);

impl Guess {
    /// No slot.
    pub const NONE: Self = Self(u32::MAX);
}

/// Slots in which a link may stand from the place on that its hash says: the width of a group of control bytes.
const WINDOW: usize = if cfg!(target_arch = "x86_64") { 16 } else { 8 };
/// Windows of a hash.
const WINDOWS: usize = 8;
/// Below so many flows a shard has four times as many slots: chance is large beside so few.
const FEW: usize = 1024;

/// How far searches have to go: the number of links that stand in their first window, in their second and so on.
#[derive(Debug, Default)]
pub(super) struct Reach {
    links: [u32; WINDOWS],
    /// Windows in which links stand.
    windows: usize,
}

/// An index with a shard per worker, each for as many flows as its share says.
pub(super) fn reserve(hasher: &RandomState, shares: &[usize]) -> Result<Index, TableError> {
    let shard_amount = shares.len().next_power_of_two().max(2);
    let mut index = DashMap::with_capacity_and_hasher_and_shard_amount(0, hasher.clone(), shard_amount);
    for (shard, &share) in index.shards_mut().iter_mut().zip(shares) {
        let slots = if share < FEW { (share * 4).max(32) } else { share.saturating_mul(2) };
        let slots = slots.checked_next_power_of_two().ok_or(TableError::NoMemory(share))?;
        // of so many slots hashbrown lets 7/8 be used
        let mut fresh =
            RawTable::try_with_capacity(slots / 8 * 7).map_err(|_| TableError::NoMemory(share))?;
        touch(&mut fresh);
        *shard.get_mut() = fresh;
    }
    Ok(index)
}

/// Links stand everywhere from the first flows on, so that all of the memory is touched now, and not by a worker.
fn touch(slots: &mut Slots) {
    const SLOTS_OF_A_PAGE: usize = 4096 / size_of::<Link>();
    for slot in (0..slots.buckets()).step_by(SLOTS_OF_A_PAGE) {
        // as its own hash, a slot's number leads to it
        let _ = slots.try_insert_no_grow(slot as u64, (Link::NONE, SharedValue::new(())));
    }
    slots.clear_no_drop();
}

/// Brings in the control bytes with which the look-up of a hash begins.
#[inline]
pub(super) fn prefetch_control(slots: &Slots, hash: u64) {
    let begin = hash as usize & (slots.buckets() - 1);
    prefetch::line(slots.data_end().as_ptr().cast::<u8>().wrapping_add(begin));
}

/// Brings in the slot where the control bytes say that the hash most likely is.
#[inline]
pub(super) fn guess(slots: &Slots, hash: u64) -> Guess {
    let Some(bucket) = slots.find(hash, |_| true) else { return Guess::NONE };
    prefetch::line(bucket.as_ptr());
    // SAFETY: the bucket comes from this table, which was not changed since.
    Guess(unsafe { slots.bucket_index(&bucket) } as u32)
}

/// The link in a slot; [`Link::NONE`] if it is empty.
#[inline]
pub(super) fn link_at(slots: &Slots, Guess(slot): Guess) -> Link {
    let slot = slot as usize;
    // SAFETY: the number is within the table.
    if slot < slots.buckets() && unsafe { slots.is_bucket_full(slot) } {
        // SAFETY: the slot is within the table and full; `&slots` keeps it from being changed.
        unsafe { slots.bucket(slot).as_ref() }.0
    } else {
        Link::NONE
    }
}

impl Reach {
    /// The link that `is_it` says is the right one among those of a hash.
    #[inline]
    pub(super) fn find(&self, slots: &Slots, hash: u64, is_it: impl Fn(Link) -> bool) -> Option<Link> {
        (0..self.windows).find_map(|window| {
            let found = slots.get(nth(hash, window), |&(link, _)| is_it(link));
            found.map(|&(link, _)| link)
        })
    }

    /// Puts a link in that isn't there. False if all windows of its hash are full, which is as good as impossible.
    pub(super) fn put(&mut self, slots: &mut Slots, hash: u64, link: Link) -> bool {
        let mask = slots.buckets() - 1;
        for (window, links) in self.links.iter_mut().enumerate() {
            let hash = nth(hash, window);
            let Some(slot) = free_slot(slots, hash as usize, mask) else { continue };
            // the search for a free slot then begins, and ends, at this one
            let exact = hash & !(mask as u64) | slot as u64;
            if slots.try_insert_no_grow(exact, (link, SharedValue::new(()))).is_err() {
                return false;
            }
            *links += 1;
            self.windows = self.windows.max(window + 1);
            return true;
        }
        false
    }

    /// Takes a link out.
    pub(super) fn remove(&mut self, slots: &mut Slots, hash: u64, link: Link) {
        for (window, links) in self.links.iter_mut().enumerate() {
            if slots.erase_entry(nth(hash, window), |&(other, _)| other == link) {
                *links -= 1;
                break;
            }
        }
        while self.windows > 0 && self.links.get(self.windows - 1) == Some(&0) {
            self.windows -= 1;
        }
    }
}

/// The hash with which the search of a window begins. High bits stay: hashbrown's tags are among them.
#[inline]
const fn nth(hash: u64, window: usize) -> u64 {
    const LOW: u64 = u32::MAX as u64;
    hash & !LOW | hash.rotate_right(7 * window as u32) & LOW
}

/// The first free slot of the window that begins at `begin`, which is not one that is left free.
#[inline]
fn free_slot(slots: &Slots, begin: usize, mask: usize) -> Option<usize> {
    let window = (0..WINDOW).map(|offset| begin.wrapping_add(offset) & mask);
    // SAFETY: the numbers are within the table.
    window.filter(|slot| slot % WINDOW != WINDOW - 1).find(|&slot| !unsafe { slots.is_bucket_full(slot) })
}

#[cfg(test)]
mod tests {
    use super::{FEW, Guess, Link, Reach, Slots, WINDOW, guess, link_at, reserve};
    use ahash::RandomState;

    /// What is spread like a hash.
    fn hash(number: u32) -> u64 {
        let mixed = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(32)
    }

    fn slots(flows: usize) -> Slots {
        let index = reserve(&RandomState::with_seeds(1, 2, 3, 4), &[flows]).unwrap();
        index.into_shards().into_vec().remove(0).into_inner().into_inner()
    }

    fn filled(flows: u32) -> (Slots, Reach) {
        let (mut slots, mut reach) = (slots(flows as usize), Reach::default());
        assert!((0..flows).all(|n| reach.put(&mut slots, hash(n), Link::ipv4(n))));
        (slots, reach)
    }

    fn has(slots: &Slots, reach: &Reach, n: u32) -> bool {
        reach.find(slots, hash(n), |link| link == Link::ipv4(n)) == Some(Link::ipv4(n))
    }

    #[test]
    fn a_slot_has_4_bytes_and_is_one_of_twice_as_many_as_there_are_flows() {
        assert_eq!(size_of::<(Link, dashmap::SharedValue<()>)>(), 4);
        for (flows, want) in [(0, 32), (9, 64), (FEW, 2 * FEW), (917_504, 1 << 21), ((1 << 20) + 1, 1 << 22)]
        {
            assert_eq!(slots(flows).buckets(), want, "{flows} flows");
        }
    }

    #[test]
    fn there_is_no_index_for_more_flows_than_there_is_memory() {
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        for flows in [1 << 60, usize::MAX] {
            assert_eq!(reserve(&hasher, &[flows]).unwrap_err(), super::TableError::NoMemory(flows));
        }
    }

    #[test]
    fn churn_leaves_no_marks_and_loses_no_link() {
        for flows in [1, 8, 60, 500, 1023, 1024, 9000] {
            let (mut slots, mut reach) = filled(flows);
            let free = slots.capacity();
            for n in 0..200_000 {
                reach.remove(&mut slots, hash(n), Link::ipv4(n));
                assert!(reach.put(&mut slots, hash(n + flows), Link::ipv4(n + flows)), "link {n} of {flows}");
            }
            assert_eq!(slots.capacity(), free, "removals have left marks among {flows} flows");
            assert!((200_000..200_000 + flows).all(|n| has(&slots, &reach, n)));
            assert!(!has(&slots, &reach, 199_999));
            (200_000..200_000 + flows).for_each(|n| reach.remove(&mut slots, hash(n), Link::ipv4(n)));
            assert_eq!((slots.len(), reach.windows), (0, 0));
        }
    }

    #[test]
    fn links_beyond_their_first_window_are_few_and_found() {
        let (slots, reach) = filled(1 << 15);
        assert!(reach.windows > 1, "this test has to see a full window");
        assert!(reach.links[1] < 1 << 9, "{:?}", reach.links);
        assert!((0..1 << 15).all(|n| has(&slots, &reach, n)));
    }

    #[test]
    fn control_bytes_are_where_prefetching_looks() {
        let (slots, _) = filled(1000);
        let mask = slots.buckets() - 1;
        for number in 0..1000 {
            let Guess(slot) = guess(&slots, hash(number));
            let begin = hash(number) as usize & mask;
            assert!((slot as usize).wrapping_sub(begin) & mask < WINDOW, "the search begins elsewhere");
            let control = slots.data_end().as_ptr().cast::<u8>().wrapping_add(slot as usize);
            // SAFETY: there is a control byte for each slot, if the layout is the one that this test is for.
            assert_eq!(unsafe { control.read() }, (hash(number) >> 57) as u8, "it isn't the control byte");
        }
    }

    #[test]
    fn guesses_are_mostly_right_and_never_of_an_empty_slot() {
        let (mut slots, mut reach) = filled(1000);
        let guesses: Vec<_> = (0..1000).map(|number| guess(&slots, hash(number))).collect();
        let right = (0..1000).zip(&guesses).filter(|&(n, &g)| link_at(&slots, g) == Link::ipv4(n)).count();
        assert!(right > 900, "only {right} of 1000 guesses are right");
        (0..1000).for_each(|number| reach.remove(&mut slots, hash(number), Link::ipv4(number)));
        assert!(guesses.iter().all(|&guess| link_at(&slots, guess) == Link::NONE));
        assert_eq!(guess(&slots, hash(1)), Guess::NONE);
        assert_eq!(link_at(&slots, Guess::NONE), Link::NONE);
    }
}
