//! A worker's shard, locked: the flows that came in on its queues, of both families.
//!
//! Bounds: `capacity` flows, of which at most half (but one at least) are unconfirmed. An unconfirmed flow makes
//! room for whoever comes; a confirmed one never does.

use super::entry::{FlowEntry, FlowState, Link};
use super::expiry::Alarms;
use super::prefetch;
use super::slots::{Pair, Slots};
use super::sweep::Sweep;
use super::unconfirmed::{Entries, Unconfirmed};
use crate::counters::WorkerCounters;
use ahash::RandomState;
use dashmap::RwLockWriteGuard;
use evenkeel_nexthop::{MemberId, TimeoutSets, TimeoutsId};
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6};
use hashbrown::raw::RawTable;

/// What a shard keeps beside its two tables.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) capacity: usize,
    pub(super) sweep: Sweep,
    unconfirmed: Unconfirmed,
    pub(super) alarms4: Alarms,
    pub(super) alarms6: Alarms,
    /// Slot at which the sweep goes on, IPv4 first.
    pub(super) position: usize,
    /// Slots that the sweep still has to visit to keep its pace.
    pub(super) debt: usize,
    pub(super) swept_ms: u32,
    /// Tables rebuilt because removals had used up the free slots.
    rebuilds: u64,
}

impl Books {
    pub(super) fn new(capacity: usize, sweep: Sweep, slots4: usize, slots6: usize) -> Self {
        Self {
            capacity,
            sweep,
            unconfirmed: Unconfirmed::new(),
            alarms4: Alarms::new(slots4),
            alarms6: Alarms::new(slots6),
            position: 0,
            debt: 0,
            swept_ms: 0,
            rebuilds: 0,
        }
    }
}

/// The two tables of a shard.
pub(super) struct Tables<'t> {
    pub(super) v4: RwLockWriteGuard<'t, RawTable<Pair<FlowKey4>>>,
    pub(super) v6: RwLockWriteGuard<'t, RawTable<Pair<FlowKey6>>>,
}

impl Entries for Tables<'_> {
    #[inline]
    fn at(&mut self, link: Link) -> Option<&mut FlowEntry> {
        if link == Link::NONE {
            None
        } else if link.is_ipv6() {
            self.v6.entry_mut(link.index())
        } else {
            self.v4.entry_mut(link.index())
        }
    }
}

/// A locked shard. The owner holds its own once per burst.
pub struct Shard<'t> {
    pub(super) books: RwLockWriteGuard<'t, Books>,
    pub(super) tables: Tables<'t>,
    pub(super) hasher: &'t RandomState,
    pub(super) timeouts: &'t TimeoutSets,
    /// Counters of the worker that holds the lock.
    pub(super) counters: &'t WorkerCounters,
}

impl<'t> Shard<'t> {
    /// The idle times, by the numbers that entries hold.
    #[must_use]
    pub const fn timeouts(&self) -> &'t TimeoutSets {
        self.timeouts
    }

    /// Entry of a flow, over or not.
    #[inline]
    #[must_use]
    pub fn find(&self, key: &FlowKey, hash: u64) -> Option<Link> {
        match key {
            FlowKey::V4(key) => self.tables.v4.slot_of(hash, key).map(Link::ipv4),
            FlowKey::V6(key) => self.tables.v6.slot_of(hash, key).map(Link::ipv6),
        }
    }

    /// The entry at a link that [`find`](Self::find) or [`insert`](Self::insert) gave, as long as it is there.
    #[inline]
    pub fn entry(&mut self, link: Link) -> Option<&mut FlowEntry> {
        self.tables.at(link)
    }

    /// Brings in the control bytes of a look-up to come.
    #[inline]
    pub fn prefetch_control(&self, hash: u64) {
        prefetch::control(&self.tables.v4, hash);
        prefetch::control(&self.tables.v6, hash);
    }

    /// Brings in the slot of a look-up to come, after its control bytes.
    #[inline]
    pub fn guess(&self, hash: u64) -> Link {
        prefetch::slot(&self.tables.v4, hash);
        prefetch::slot(&self.tables.v6, hash);
        Link::NONE
    }

    /// Brings in a flow that was guessed.
    #[inline]
    pub fn prefetch_flow(&self, _guess: Link) {}

    /// Entry of an IPv4 flow, which may be at the link that was guessed.
    #[inline]
    #[must_use]
    pub fn look_up4(&self, _guess: Link, key: &FlowKey4, hash: u64) -> Option<Link> {
        self.tables.v4.slot_of(hash, key).map(Link::ipv4)
    }

    /// Entry of an IPv6 flow, which may be at the link that was guessed.
    #[inline]
    #[must_use]
    pub fn look_up6(&self, _guess: Link, key: &FlowKey6, hash: u64) -> Option<Link> {
        self.tables.v6.slot_of(hash, key).map(Link::ipv6)
    }

    /// Flows in the shard, those included that are over and not yet freed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.v4.len() + self.tables.v6.len()
    }

    /// True without any flow.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Unconfirmed flows in the shard.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.books.unconfirmed.len()
    }

    /// Flows that could be taken in without evicting a confirmed one.
    #[must_use]
    pub fn room(&self) -> usize {
        self.books.capacity.saturating_sub(self.len() - self.unconfirmed())
    }

    /// Tells how full the shard is; for its owner.
    pub fn gauge(&self) {
        let flows = &self.counters.flows;
        flows.live.set(self.len() as u64);
        flows.unconfirmed.set(self.unconfirmed() as u64);
        flows.capacity.set(self.books.capacity as u64);
    }

    /// Puts a flow in that isn't there, making room as the bounds allow. `None`: all are confirmed, the flow can't be
    /// tracked.
    pub fn insert(&mut self, key: &FlowKey, hash: u64, entry: FlowEntry, now_ms: u32) -> Option<Link> {
        if !self.make_room(entry.is_confirmed(), now_ms) {
            return None;
        }
        let link = match self.put(key, hash, entry) {
            Some(link) => link,
            None => {
                self.rebuild(now_ms);
                self.put(key, hash, entry)?
            }
        };
        self.set_alarm(link, now_ms, entry.over_ms(self.timeouts));
        if !entry.is_confirmed() {
            self.books.unconfirmed.push(&mut self.tables, link);
        }
        if let Some(member) = self.counters.member(entry.member) {
            member.flows_live.add(1);
        }
        Some(link)
    }

    /// The client has shown more: the flow's state changes, and with it its timeout.
    pub fn set_state(&mut self, link: Link, state: FlowState, now_ms: u32) {
        if let Some(entry) = self.tables.at(link) {
            entry.set_state(state);
            let over_ms = entry.over_ms(self.timeouts);
            self.set_alarm(link, now_ms, over_ms);
        }
    }

    /// The flow follows other timeouts from now on.
    pub fn set_timeouts(&mut self, link: Link, timeouts: TimeoutsId, now_ms: u32) {
        if let Some(entry) = self.tables.at(link) {
            entry.set_timeouts(timeouts);
            let over_ms = entry.over_ms(self.timeouts);
            self.set_alarm(link, now_ms, over_ms);
        }
    }

    /// The flow has shown that it is one: it will never make room for another.
    pub fn confirm(&mut self, link: Link) {
        let Some(entry) = self.tables.at(link).filter(|entry| !entry.is_confirmed()) else { return };
        entry.confirm();
        let (older, newer) = (entry.older, entry.newer);
        self.books.unconfirmed.unlink(&mut self.tables, older, newer);
    }

    /// The flow belongs to another member from now on, which a static pin has decided or the bucket.
    pub fn move_to(&mut self, link: Link, member: MemberId, is_by_pin: bool) {
        let Some(entry) = self.tables.at(link) else { return };
        let before = entry.member;
        *entry = entry.by_pin(is_by_pin);
        entry.member = member;
        if let Some(counters) = self.counters.member(before) {
            counters.flows_live.sub(1);
        }
        if let Some(counters) = self.counters.member(member) {
            counters.flows_live.add(1);
        }
    }

    /// Ends a flow that is over or whose 5-tuple is taken by a new one: counted `closed` if it was closing, else
    /// `expired`.
    pub fn end(&mut self, link: Link) {
        if let Some((_, entry)) = self.remove(link) {
            match entry.state() {
                FlowState::Closing => self.counters.flows.closed.add(1),
                _ => self.counters.flows.expired.add(1),
            }
        }
    }

    /// Takes a flow out without ending it: another worker puts it into its own shard.
    pub fn take_out(&mut self, link: Link) -> Option<FlowEntry> {
        self.remove(link).map(|(_, entry)| entry)
    }

    /// How often removals had used up the free slots of a table and it was rebuilt.
    #[must_use]
    pub fn rebuilds(&self) -> u64 {
        self.books.rebuilds
    }

    fn make_room(&mut self, confirmed: bool, now_ms: u32) -> bool {
        if self.has_room(confirmed) {
            return true;
        }
        if self.books.sweep == Sweep::Whole && self.books.swept_ms != now_ms {
            self.sweep_whole(now_ms);
            if self.has_room(confirmed) {
                return true;
            }
        }
        let Some(oldest) = self.books.unconfirmed.oldest() else { return false };
        let Some(entry) = self.tables.at(oldest) else { return false };
        if entry.is_over(now_ms, self.timeouts) {
            self.end(oldest);
        } else {
            self.remove(oldest);
            self.counters.flows.evicted.add(1);
        }
        true
    }

    fn has_room(&self, confirmed: bool) -> bool {
        let half = (self.books.capacity / 2).max(1);
        self.len() < self.books.capacity && (confirmed || self.books.unconfirmed.len() < half)
    }

    fn put(&mut self, key: &FlowKey, hash: u64, entry: FlowEntry) -> Option<Link> {
        match key {
            FlowKey::V4(key) => self.tables.v4.put(hash, *key, entry).map(Link::ipv4),
            FlowKey::V6(key) => self.tables.v6.put(hash, *key, entry).map(Link::ipv6),
        }
    }

    fn remove(&mut self, link: Link) -> Option<(FlowKey, FlowEntry)> {
        let (key, entry) = if link.is_ipv6() {
            self.books.alarms6.clear(link.index());
            let (key, entry) = self.tables.v6.take(link.index())?;
            (FlowKey::V6(key), entry)
        } else {
            self.books.alarms4.clear(link.index());
            let (key, entry) = self.tables.v4.take(link.index())?;
            (FlowKey::V4(key), entry)
        };
        if !entry.is_confirmed() {
            self.books.unconfirmed.unlink(&mut self.tables, entry.older, entry.newer);
        }
        if let Some(member) = self.counters.member(entry.member) {
            member.flows_live.sub(1);
        }
        Some((key, entry))
    }

    pub(super) fn set_alarm(&mut self, link: Link, now_ms: u32, over_ms: u32) {
        let alarms = if link.is_ipv6() { &mut self.books.alarms6 } else { &mut self.books.alarms4 };
        alarms.set(link.index(), now_ms, over_ms);
    }

    /// Removals leave marks in a table that use up its free slots; a fresh table of the same size has none. This is
    /// the one stall that a worker has: rare, counted, and as long as copying the table.
    fn rebuild(&mut self, now_ms: u32) {
        self.books.rebuilds += 1;
        self.counters.flows.rebuilds.add(1);
        let mut numbers4 = vec![u32::MAX; self.tables.v4.buckets()];
        let mut numbers6 = vec![u32::MAX; self.tables.v6.buckets()];
        let note = |numbers: &mut [u32], old: u32, new: u32| {
            if let Some(number) = numbers.get_mut(old as usize) {
                *number = new;
            }
        };
        self.tables.v4.rebuild(self.hasher, |old, new| note(&mut numbers4, old, new));
        self.tables.v6.rebuild(self.hasher, |old, new| note(&mut numbers6, old, new));
        self.books.alarms4.clear_all();
        self.books.alarms6.clear_all();
        for &slot in numbers4.iter().filter(|&&slot| slot != u32::MAX) {
            self.books.alarms4.set(slot, now_ms, now_ms);
        }
        for &slot in numbers6.iter().filter(|&&slot| slot != u32::MAX) {
            self.books.alarms6.set(slot, now_ms, now_ms);
        }
        self.books.unconfirmed.renumber(&mut self.tables, |link| {
            let numbers = if link.is_ipv6() { &numbers6 } else { &numbers4 };
            match numbers.get(link.index() as usize) {
                Some(&slot) if slot != u32::MAX && link != Link::NONE => {
                    if link.is_ipv6() {
                        Link::ipv6(slot)
                    } else {
                        Link::ipv4(slot)
                    }
                }
                _ => Link::NONE,
            }
        });
    }
}
