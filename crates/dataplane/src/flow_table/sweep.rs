//! The sweep: the round through a shard that frees flows that are over, without any packet of theirs.

use super::entry::Link;
use super::shard::Shard;
use super::unconfirmed::Entries;

/// How a shard looks for flows that are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// A bounded piece per poll; all of the table in half a second.
    Paced,
    /// All of the table once a second and whenever room is needed: for virtual time, where nobody waits and where
    /// the outcome must not depend on the order of places.
    Whole,
}

/// Time in which a paced sweep goes round once, in milliseconds.
const ROUND_MS: u64 = 400;
/// Time from one sweep of the whole table to the next, unless room is needed, in milliseconds.
const WHOLE_EVERY_MS: u32 = 1000;
/// Most alarms that one poll reads, and most entries that it looks at.
const PLACES_PER_POLL: usize = 1 << 18;
const ENTRIES_PER_POLL: usize = 128;
/// The same for a poll that found no packets: nobody waits.
const ENTRIES_PER_IDLE_POLL: usize = 8192;

impl Shard<'_> {
    /// Frees flows that are over, within the bounds of a poll; with [`Sweep::Whole`] all of them, once a second.
    ///
    /// `idle` says that no packet waits for it.
    pub fn sweep(&mut self, now_ms: u32, idle: bool) {
        let places = self.books.alarms4.capacity() + self.books.alarms6.capacity();
        let elapsed_ms = now_ms.wrapping_sub(self.books.swept_ms);
        if self.books.sweep == Sweep::Whole {
            if elapsed_ms >= WHOLE_EVERY_MS {
                self.sweep_whole(now_ms);
            }
            return;
        }
        self.books.swept_ms = now_ms;
        let share = (places as u64 * u64::from(elapsed_ms.min(1000))).div_ceil(ROUND_MS) as usize;
        let debt = (self.books.debt + share).min(places);
        let entries = if idle { ENTRIES_PER_IDLE_POLL } else { ENTRIES_PER_POLL };
        let swept = self.sweep_places(debt.min(PLACES_PER_POLL), entries, now_ms);
        self.books.debt = debt - swept;
    }

    /// True while the sweep is behind its pace.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.books.debt > 0
    }

    /// Frees every flow that is over.
    pub fn sweep_whole(&mut self, now_ms: u32) {
        self.books.swept_ms = now_ms;
        self.sweep_places(self.books.alarms4.capacity() + self.books.alarms6.capacity(), usize::MAX, now_ms);
    }

    /// Visits up to `places` alarms and `entries` entries from where the last visit ended; how many alarms.
    fn sweep_places(&mut self, places: usize, mut entries: usize, now_ms: u32) -> usize {
        let (len4, len6) = (self.books.alarms4.capacity(), self.books.alarms6.capacity());
        let mut left = places;
        while left > 0 && entries > 0 {
            let position = self.books.position;
            let (alarms, base, end) = if position < len4 {
                (&self.books.alarms4, 0, len4)
            } else {
                (&self.books.alarms6, len4, len4 + len6)
            };
            let to = end.min(position + left);
            let due = alarms.next_due(position - base, to - base, now_ms);
            let next = due.map_or(to, |number| base + number + 1);
            left -= next - position;
            self.books.position = if next == len4 + len6 { 0 } else { next };
            if let Some(number) = due {
                entries -= 1;
                self.look_at(
                    if base == 0 { Link::ipv4(number as u32) } else { Link::ipv6(number as u32) },
                    now_ms,
                );
            }
        }
        places - left
    }

    /// An alarm rang: the flow is over, or its alarm is set anew.
    fn look_at(&mut self, link: Link, now_ms: u32) {
        match self.books.flows.at(link) {
            Some(entry) if !entry.is_over(now_ms, self.timeouts) => {
                let over_ms = entry.over_ms(self.timeouts);
                self.set_alarm(link, now_ms, over_ms);
            }
            _ => self.end(link),
        }
    }
}
