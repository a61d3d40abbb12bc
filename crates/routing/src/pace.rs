//! When to read the kernel's state again: at once after a hint, but not more often than it can bear.

use crate::hints::Hint;
use std::time::{Duration, Instant};

/// Least time between two reads: hints within it are gathered into one.
const DEBOUNCE: Duration = Duration::from_millis(10);
/// Rest after a read, in multiples of the time that it took: a storm of hints takes a fifth of the thread.
const REST: u32 = 4;
/// Longest rest.
const LONGEST_REST: Duration = Duration::from_millis(250);
/// Longest time without a whole read.
const PERIOD: Duration = Duration::from_secs(30);
/// Between two looks at the links. Carrier loss takes effect in the kernel at once, but is notified at most once a second
/// (`net/core/link_watch.c`).
const LINK_PERIOD: Duration = Duration::from_millis(100);

/// The next read.
#[derive(Debug)]
pub(crate) struct Pace {
    hinted: Option<Hint>,
    not_before: Instant,
    periodic: Instant,
    look_again: Option<Instant>,
    links: Instant,
}

impl Pace {
    /// Everything is to be read at once.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            hinted: Some(Hint::Anything),
            not_before: now,
            periodic: now + PERIOD,
            look_again: None,
            links: now,
        }
    }

    /// Notes what may have changed.
    pub(crate) fn hint(&mut self, hint: Hint) {
        self.hinted = self.hinted.max(Some(hint));
    }

    /// When to read next.
    pub(crate) fn due(&self) -> Instant {
        let soonest = self.look_again.map_or(self.periodic, |look| look.min(self.periodic)).min(self.links);
        if self.hinted.is_some() { self.not_before } else { soonest.max(self.not_before) }
    }

    /// What to read at `now`.
    pub(crate) fn what(&self, now: Instant) -> Hint {
        let look_again = self.look_again.is_some_and(|look| look <= now);
        let periodic = if now >= self.periodic { Hint::Anything } else { Hint::Links };
        let neighbours = if look_again { Hint::Neighbours } else { Hint::Links };
        self.hinted.unwrap_or(Hint::Links).max(neighbours).max(periodic)
    }

    /// Notes that `what` was read, which took `reading`, and the hints followed. A read that is not ended is due again.
    pub(crate) fn end(&mut self, what: Hint, reading: Duration, now: Instant) {
        self.hinted = None;
        self.not_before = now + (reading * REST).clamp(DEBOUNCE, LONGEST_REST);
        self.links = now + LINK_PERIOD;
        if what == Hint::Anything {
            self.periodic = now + PERIOD;
        }
    }

    /// Sets when neighbours are to be looked at if no hint comes before.
    pub(crate) fn look_again(&mut self, at: Option<Instant>) {
        self.look_again = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A pace whose first read took 1 ms and ended at the instant.
    fn after_first_read() -> (Pace, Instant) {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.due(), start);
        assert_eq!(pace.what(start), Hint::Anything);
        pace.end(Hint::Anything, MS, start + MS);
        (pace, start + MS)
    }

    #[test]
    fn a_hint_after_a_quiet_time_is_followed_at_once() {
        let (mut pace, now) = after_first_read();
        assert_eq!((pace.due(), pace.what(pace.due())), (now + LINK_PERIOD, Hint::Links));
        pace.hint(Hint::Neighbours);
        assert!(pace.due() <= now + DEBOUNCE);
    }

    #[test]
    fn hints_close_together_are_gathered() {
        let (mut pace, now) = after_first_read();
        pace.hint(Hint::Anything);
        pace.hint(Hint::Neighbours);
        assert_eq!(pace.due(), now + DEBOUNCE);
        assert_eq!(pace.what(now + DEBOUNCE), Hint::Anything);
        assert_eq!(pace.what(now + DEBOUNCE), Hint::Anything, "a read that fails is due again");
        pace.end(Hint::Anything, MS, now);
        assert_eq!(pace.what(now + DEBOUNCE), Hint::Links);
        assert_eq!(pace.due(), now + LINK_PERIOD);
    }

    #[test]
    fn a_long_read_is_followed_by_a_longer_rest() {
        let (mut pace, now) = after_first_read();
        for (reading, rest) in [(2, 10), (20, 80), (100, 250)] {
            pace.end(Hint::Neighbours, reading * MS, now);
            pace.hint(Hint::Anything);
            assert_eq!(pace.due(), now + rest * MS);
        }
    }

    #[test]
    fn everything_is_read_once_in_a_period() {
        let (mut pace, now) = after_first_read();
        pace.hint(Hint::Neighbours);
        assert_eq!(pace.what(now + PERIOD), Hint::Anything);
        pace.end(Hint::Neighbours, MS, now + MS);
        assert_eq!(pace.what(now + PERIOD), Hint::Anything, "reading neighbours does not put it off");
        pace.end(Hint::Anything, MS, now + PERIOD);
        assert_eq!(pace.what(now + PERIOD + MS), Hint::Links);
    }

    #[test]
    fn neighbours_are_looked_at_when_due() {
        let (mut pace, now) = after_first_read();
        pace.look_again(Some(now + 50 * MS));
        assert_eq!((pace.due(), pace.what(pace.due())), (now + 50 * MS, Hint::Neighbours));
        pace.end(Hint::Links, 20 * MS, now + 20 * MS);
        assert_eq!(pace.what(now + 50 * MS), Hint::Neighbours, "reading links does not put it off");
        pace.look_again(Some(now));
        assert_eq!(pace.due(), now + 100 * MS, "rests four times the 20 ms that the last read took");
    }
}
