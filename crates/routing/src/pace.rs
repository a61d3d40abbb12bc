//! When to read the kernel's state again: at once after a hint, but not more often than it can bear.

use crate::hints::Hint;
use std::time::{Duration, Instant};

/// Least time between two reads: hints within it are gathered into one.
const DEBOUNCE: Duration = Duration::from_millis(10);
/// Rest after a read, in multiples of the time that it took: a storm of hints takes a fifth of the thread at most.
const REST: u32 = 4;
/// Longest time without a whole read.
const PERIOD: Duration = Duration::from_secs(30);

/// The next read.
#[derive(Debug)]
pub(crate) struct Pace {
    hinted: Option<Hint>,
    not_before: Instant,
    periodic: Instant,
    look_again: Option<Instant>,
}

impl Pace {
    /// Everything is to be read at once.
    pub(crate) fn new(now: Instant) -> Self {
        Self { hinted: Some(Hint::Anything), not_before: now, periodic: now + PERIOD, look_again: None }
    }

    /// Notes what may have changed.
    pub(crate) fn hint(&mut self, hint: Hint) {
        self.hinted = self.hinted.max(Some(hint));
    }

    /// When to read next.
    pub(crate) fn due(&self) -> Instant {
        let soonest = self.look_again.map_or(self.periodic, |look| look.min(self.periodic));
        if self.hinted.is_some() { self.not_before } else { soonest.max(self.not_before) }
    }

    /// What to read at `now`.
    pub(crate) fn what(&self, now: Instant) -> Hint {
        if now >= self.periodic { Hint::Anything } else { self.hinted.unwrap_or(Hint::Neighbours) }
    }

    /// Notes that `what` was read, beginning at `began`, and the hints followed; `look_again` is when neighbours are to
    /// be looked at if no hint comes before. A read that is not ended is due again.
    pub(crate) fn end(&mut self, what: Hint, began: Instant, now: Instant, look_again: Option<Instant>) {
        self.hinted = None;
        self.not_before = now + DEBOUNCE.max(now.saturating_duration_since(began) * REST);
        self.look_again = look_again;
        if what == Hint::Anything {
            self.periodic = now + PERIOD;
        }
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
        pace.end(Hint::Anything, start, start + MS, None);
        (pace, start + MS)
    }

    #[test]
    fn a_hint_after_a_quiet_time_is_followed_at_once() {
        let (mut pace, now) = after_first_read();
        assert_eq!(pace.due(), now + PERIOD);
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
        pace.end(Hint::Anything, now, now, None);
        assert_eq!(pace.what(now + DEBOUNCE), Hint::Neighbours);
        assert_eq!(pace.due(), now + PERIOD);
    }

    #[test]
    fn a_long_read_is_followed_by_a_longer_rest() {
        let (mut pace, now) = after_first_read();
        pace.end(Hint::Neighbours, now, now + 100 * MS, None);
        pace.hint(Hint::Anything);
        assert_eq!(pace.due(), now + 500 * MS);
    }

    #[test]
    fn everything_is_read_once_in_a_period() {
        let (mut pace, now) = after_first_read();
        pace.hint(Hint::Neighbours);
        assert_eq!(pace.what(now + PERIOD), Hint::Anything);
        pace.end(Hint::Neighbours, now, now + MS, None);
        assert_eq!(pace.due(), now + PERIOD, "reading neighbours does not put it off");
    }

    #[test]
    fn neighbours_are_looked_at_when_due() {
        let (mut pace, now) = after_first_read();
        pace.end(Hint::Neighbours, now, now + MS, Some(now + 1000 * MS));
        assert_eq!(pace.due(), now + 1000 * MS);
        assert_eq!(pace.what(pace.due()), Hint::Neighbours);
        pace.end(Hint::Neighbours, now, now + MS, Some(now));
        assert_eq!(pace.due(), now + MS + DEBOUNCE);
    }
}
