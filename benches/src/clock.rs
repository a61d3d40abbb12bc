//! Time of a thread on its core: what a neighbour takes of the machine is not in it.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// CPU time of the calling thread so far.
///
/// # Panics
/// Never: every thread has this clock.
#[must_use]
pub fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every thread has this clock").into()
}

/// The middle one of some figures; 0 of none.
#[must_use]
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = figures.into_iter().collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(0.0)
}
