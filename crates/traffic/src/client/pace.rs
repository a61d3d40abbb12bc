//! When a connection sends its next packet. Knows no clock.

use std::time::Duration;
use tokio::time::Instant;

/// What is further away than a century the clock can't say.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86400);

/// The times at which one connection sends, an interval apart.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    due: Instant,
}

impl Pace {
    /// Begins a part of the interval after `now`, from 0 to 1: connections that start together don't send together.
    pub(super) fn new(now: Instant, interval: Duration, part: f64) -> Self {
        let interval = interval.min(NEVER);
        Self { interval, due: now + interval.mul_f64(part.clamp(0.0, 1.0)) }
    }

    /// When the next packet is sent.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// A packet is sent; how many should have been sent before it and are left out, since an echo was late.
    pub(super) fn send(&mut self, now: Instant) -> u64 {
        let late_ns = now.saturating_duration_since(self.due).as_nanos();
        let dropped = late_ns / self.interval.as_nanos().max(1);
        let dropped = u32::try_from(dropped).unwrap_or(u32::MAX - 1);
        self.due += self.interval.saturating_mul(dropped + 1).min(NEVER);
        u64::from(dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(200);

    #[test]
    fn packets_are_an_interval_apart_however_late_each_was() {
        let start = Instant::now();
        let mut pace = Pace::new(start, INTERVAL, 0.5);
        assert_eq!(pace.due(), start + INTERVAL / 2);
        assert_eq!(pace.send(start + Duration::from_millis(150)), 0);
        assert_eq!(pace.due(), start + Duration::from_millis(300));
    }

    #[test]
    fn what_a_late_echo_kept_from_being_sent_is_dropped() {
        let start = Instant::now();
        let mut pace = Pace::new(start, INTERVAL, 0.0);
        assert_eq!(pace.send(start), 0);
        assert_eq!(pace.send(start + Duration::from_millis(900)), 3);
        assert_eq!(pace.due(), start + Duration::from_millis(1000));
    }

    #[test]
    fn intervals_beyond_the_clock_are_no_panic() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Duration::MAX, 1.0);
        assert_eq!(pace.send(start), 0);
        let mut pace = Pace::new(start, Duration::from_nanos(1), 0.0);
        assert!(pace.send(start + Duration::from_secs(10)) > 0);
    }
}
