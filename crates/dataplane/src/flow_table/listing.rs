//! What the table tells of its flows: one by its key, or all of a shard, page by page.
//!
//! Guarantee of a listing: a flow that lives from its first page to its last and stays in its shard is in it exactly
//! once. Flows that come, go or are moved to another shard meanwhile may be in it or not, in the listings of two shards
//! together also twice. Those that are over are left out.

use super::entry::{FlowState, Link};
use super::shard::Shard;
use evenkeel_nexthop::MemberId;
use evenkeel_packet::{FlowKey, FlowKey4};

/// A copy of what is known of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowRecord {
    /// Which flow.
    pub key: FlowKey,
    /// Who serves it.
    pub member: MemberId,
    /// What the client has shown.
    pub state: FlowState,
    /// Packets seen, modulo 2^48.
    pub packets: u64,
    /// Their bytes, without FCS.
    pub bytes: u64,
    /// Time since its last packet, in milliseconds.
    pub idle_ms: u32,
    /// Idle time at which it is over, in milliseconds.
    pub timeout_ms: u32,
    /// True if it can't be evicted.
    pub confirmed: bool,
    /// True if a static pin has decided who serves it.
    pub by_pin: bool,
}

impl FlowRecord {
    const NONE: Self = Self {
        key: FlowKey::V4(FlowKey4::NONE),
        member: MemberId(0),
        state: FlowState::HalfOpen,
        packets: 0,
        bytes: 0,
        idle_ms: 0,
        timeout_ms: 0,
        confirmed: false,
        by_pin: false,
    };
}

/// Where a listing goes on. The default is the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Places passed so far, of both families.
    pub position: usize,
}

/// A part of a listing. The asker makes it with the memory that it needs, the worker fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowPage {
    /// The flows; never more than there was room for.
    pub records: Vec<FlowRecord>,
    /// Where the next page begins.
    pub cursor: Cursor,
    /// True if there is no next page.
    pub is_last: bool,
}

impl FlowPage {
    /// An empty page from `cursor` on with room for so many flows, but one at least. Its memory is touched here: a worker
    /// doesn't wait until the kernel has found and cleared it.
    #[must_use]
    pub fn new(cursor: Cursor, room: usize) -> Self {
        let mut records = vec![FlowRecord::NONE; room.max(1)];
        records.clear();
        Self { records, cursor, is_last: false }
    }

    fn is_full(&self) -> bool {
        self.records.len() == self.records.capacity()
    }
}

impl Shard<'_> {
    /// What is known of a flow; `None` if it is not in this shard or over.
    #[must_use]
    pub fn record(&self, key: &FlowKey, hash: u64, now_ms: u32) -> Option<FlowRecord> {
        self.record_at(self.find(key, hash)?, now_ms)
    }

    /// Goes on with a page until it is full or the listing at its end, but copies at most `entries` flows and passes
    /// at most `places` places; true when the page is done.
    pub fn list(&self, page: &mut FlowPage, entries: usize, places: usize, now_ms: u32) -> bool {
        let (len4, len6) = (self.books.alarms4.capacity(), self.books.alarms6.capacity());
        let end = page.cursor.position.saturating_add(places).min(len4 + len6);
        let mut looked_at = 0;
        while page.cursor.position < end && looked_at < entries && !page.is_full() {
            let position = page.cursor.position;
            let Some(found) = self.next_full(position, end) else {
                page.cursor.position = end;
                break;
            };
            page.cursor.position = found + 1;
            looked_at += 1;
            let link =
                if found < len4 { Link::ipv4(found as u32) } else { Link::ipv6((found - len4) as u32) };
            page.records.extend(self.record_at(link, now_ms));
        }
        page.is_last = page.cursor.position >= len4 + len6;
        page.is_last || page.is_full()
    }

    /// The first position in `from..to` at which a flow is.
    fn next_full(&self, from: usize, to: usize) -> Option<usize> {
        let (alarms4, alarms6) = (&self.books.alarms4, &self.books.alarms6);
        let len4 = alarms4.capacity();
        let in_v4 = (from < len4).then(|| alarms4.next_set(from, to.min(len4))).flatten();
        in_v4.or_else(|| Some(len4 + alarms6.next_set(from.saturating_sub(len4), to.checked_sub(len4)?)?))
    }

    fn record_at(&self, link: Link, now_ms: u32) -> Option<FlowRecord> {
        let (key, entry) = self.books.flows.flow(link)?;
        (!entry.is_over(now_ms, self.timeouts)).then(|| FlowRecord {
            key,
            member: entry.member,
            state: entry.state(),
            packets: entry.packets(),
            bytes: entry.bytes,
            idle_ms: now_ms.wrapping_sub(entry.last_seen_ms),
            timeout_ms: entry.timeout_ms(self.timeouts),
            confirmed: entry.is_confirmed(),
            by_pin: entry.is_by_pin(),
        })
    }
}
