//! A worker's shard, locked: the flows that came in on its queues, of both families.
//!
//! Bounds: `capacity` flows, of which at most half (but one at least) are unconfirmed. An unconfirmed flow makes
//! room for whoever comes; a confirmed one never does.

use super::TableError;
use super::entry::{FlowEntry, FlowState, Link};
use super::expiry::Alarms;
use super::growth::Growth;
use super::index::{self, Guess, Reach, Slots};
use super::slab::Flows;
use super::sweep::Sweep;
use super::unconfirmed::{Entries, Unconfirmed};
use crate::counters::WorkerCounters;
use ahash::RandomState;
use dashmap::RwLockWriteGuard;
use evenkeel_nexthop::{MemberId, TimeoutSets, TimeoutsId};
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6};

/// What a shard keeps beside its index.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) flows: Flows,
    reach: Reach,
    pub(super) capacity: usize,
    pub(super) sweep: Sweep,
    unconfirmed: Unconfirmed,
    pub(super) alarms4: Alarms,
    pub(super) alarms6: Alarms,
    /// Place at which the sweep goes on, IPv4 first.
    pub(super) position: usize,
    /// Places that the sweep still has to visit to keep its pace.
    pub(super) debt: usize,
    pub(super) swept_ms: u32,
}

impl Books {
    /// Bounds of `capacity` flows, and room for `reserved`.
    pub(super) fn reserve(capacity: usize, reserved: usize, sweep: Sweep) -> Result<Self, TableError> {
        Ok(Self {
            flows: Flows::reserve(reserved)?,
            reach: Reach::default(),
            capacity,
            sweep,
            unconfirmed: Unconfirmed::new(),
            alarms4: Alarms::reserve(reserved)?,
            alarms6: Alarms::reserve(reserved)?,
            position: 0,
            debt: 0,
            swept_ms: 0,
        })
    }
}

/// A locked shard. The owner holds its own once per burst.
pub struct Shard<'t> {
    pub(super) books: RwLockWriteGuard<'t, Books>,
    pub(super) index: RwLockWriteGuard<'t, Slots>,
    pub(super) growth: &'t Growth,
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

    /// First stage of a look-up, for all packets of a burst before the next: brings in the control bytes of its hash.
    #[inline]
    pub fn prefetch_control(&self, hash: u64) {
        index::prefetch_control(&self.index, hash);
    }

    /// Second stage, once the control bytes are near: where the link of the flow most likely is, which is brought in.
    #[inline]
    #[must_use]
    pub fn guess(&self, hash: u64) -> Guess {
        index::guess(&self.index, hash)
    }

    /// Third stage, once the link is near: the flow that it most likely is, which is brought in. [`Link::NONE`] if
    /// there was nothing to guess.
    #[inline]
    pub fn prefetch_flow(&self, guess: Guess) -> Link {
        let link = index::link_at(&self.index, guess);
        if link != Link::NONE {
            self.books.flows.prefetch(link);
        }
        link
    }

    /// Fourth stage, once the flow is near: the link of an IPv4 flow, over or not. `guessed` may be any link: the keys
    /// decide.
    #[inline]
    #[must_use]
    pub fn look_up4(&self, guessed: Link, key: &FlowKey4, hash: u64) -> Option<Link> {
        if self.books.flows.v4.has(guessed, key) { Some(guessed) } else { self.find4(key, hash) }
    }

    /// The same for an IPv6 flow.
    #[inline]
    #[must_use]
    pub fn look_up6(&self, guessed: Link, key: &FlowKey6, hash: u64) -> Option<Link> {
        if self.books.flows.v6.has(guessed, key) { Some(guessed) } else { self.find6(key, hash) }
    }

    /// Link of a flow, over or not; a look-up in one go.
    #[inline]
    #[must_use]
    pub fn find(&self, key: &FlowKey, hash: u64) -> Option<Link> {
        match key {
            FlowKey::V4(key) => self.find4(key, hash),
            FlowKey::V6(key) => self.find6(key, hash),
        }
    }

    #[inline(never)]
    fn find4(&self, key: &FlowKey4, hash: u64) -> Option<Link> {
        self.books.reach.find(&self.index, hash, |link| self.books.flows.v4.has(link, key))
    }

    #[inline(never)]
    fn find6(&self, key: &FlowKey6, hash: u64) -> Option<Link> {
        self.books.reach.find(&self.index, hash, |link| self.books.flows.v6.has(link, key))
    }

    /// The entry at a link that a look-up or [`insert`](Self::insert) gave, as long as it is there.
    #[inline]
    pub fn entry(&mut self, link: Link) -> Option<&mut FlowEntry> {
        self.books.flows.at(link)
    }

    /// Flows in the shard, those included that are over and not yet freed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.books.flows.len()
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
        self.growth.tell(self.books.flows.v4.used(), self.books.flows.v6.used());
    }

    /// Puts a flow in that isn't there, making room as the bounds allow. `None`: all are confirmed, the flow can't be
    /// tracked.
    pub fn insert(&mut self, key: &FlowKey, hash: u64, entry: FlowEntry, now_ms: u32) -> Option<Link> {
        if !self.make_room(entry.is_confirmed(), now_ms) {
            return None;
        }
        let link = self.books.flows.put(key, entry)?;
        if !self.books.reach.put(&mut self.index, hash, link) {
            self.books.flows.take(link, self.hasher);
            return None;
        }
        self.set_alarm(link, now_ms, entry.over_ms(self.timeouts));
        if !entry.is_confirmed() {
            let books = &mut *self.books;
            books.unconfirmed.push(&mut books.flows, link);
        }
        if let Some(member) = self.counters.member(entry.member) {
            member.flows_live.add(1);
        }
        Some(link)
    }

    /// The client has shown more: the flow's state changes, and with it its timeout.
    pub fn set_state(&mut self, link: Link, state: FlowState, now_ms: u32) {
        if let Some(entry) = self.books.flows.at(link) {
            entry.set_state(state);
            let over_ms = entry.over_ms(self.timeouts);
            self.set_alarm(link, now_ms, over_ms);
        }
    }

    /// The flow follows other timeouts from now on.
    pub fn set_timeouts(&mut self, link: Link, timeouts: TimeoutsId, now_ms: u32) {
        if let Some(entry) = self.books.flows.at(link) {
            entry.set_timeouts(timeouts);
            let over_ms = entry.over_ms(self.timeouts);
            self.set_alarm(link, now_ms, over_ms);
        }
    }

    /// The flow has shown that it is one: it will never make room for another.
    pub fn confirm(&mut self, link: Link) {
        let Some(entry) = self.books.flows.at(link).filter(|entry| !entry.is_confirmed()) else { return };
        entry.confirm();
        let (older, newer) = (entry.older, entry.newer);
        let books = &mut *self.books;
        books.unconfirmed.unlink(&mut books.flows, older, newer);
    }

    /// The flow belongs to another member from now on, which a static pin has decided or the bucket.
    pub fn move_to(&mut self, link: Link, member: MemberId, is_by_pin: bool) {
        let Some(entry) = self.books.flows.at(link) else { return };
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
        if let Some(entry) = self.remove(link) {
            match entry.state() {
                FlowState::Closing => self.counters.flows.closed.add(1),
                _ => self.counters.flows.expired.add(1),
            }
        }
    }

    /// Takes a flow out without ending it: another worker puts it into its own shard.
    pub fn take_out(&mut self, link: Link) -> Option<FlowEntry> {
        self.remove(link)
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
        let Some(entry) = self.books.flows.at(oldest) else { return false };
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

    fn remove(&mut self, link: Link) -> Option<FlowEntry> {
        let books = &mut *self.books;
        let (hash, entry) = books.flows.take(link, self.hasher)?;
        books.reach.remove(&mut self.index, hash, link);
        if link.is_ipv6() {
            books.alarms6.clear(link.number());
        } else {
            books.alarms4.clear(link.number());
        }
        if !entry.is_confirmed() {
            books.unconfirmed.unlink(&mut books.flows, entry.older, entry.newer);
        }
        if let Some(member) = self.counters.member(entry.member) {
            member.flows_live.sub(1);
        }
        Some(entry)
    }

    pub(super) fn set_alarm(&mut self, link: Link, now_ms: u32, over_ms: u32) {
        let alarms = if link.is_ipv6() { &mut self.books.alarms6 } else { &mut self.books.alarms4 };
        alarms.set(link.number(), now_ms, over_ms);
    }
}
