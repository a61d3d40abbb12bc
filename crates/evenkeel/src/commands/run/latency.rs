//! Time in the box: from the receipt of a burst to its transmission, one histogram per worker.

use evenkeel_control::live::Latency;
use hdrhistogram::Histogram;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest time that is told apart, in nanoseconds.
const MAX_NS: u64 = 10_000_000_000;

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_NS, 2).expect("the bounds are constants that fit")
}

/// What readers see of a worker's histogram.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<Histogram<u64>>>);

/// A worker's own histogram. It reaches readers now and then, and neither allocates nor waits.
#[derive(Debug)]
pub(super) struct Recorder {
    own: Histogram<u64>,
    shared: Shared,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(histogram())))
    }

    /// A recorder that adds to this one.
    pub(super) fn recorder(&self) -> Recorder {
        Recorder { own: histogram(), shared: self.clone() }
    }
}

impl Recorder {
    /// `packets` packets were in the box for `time`.
    pub(super) fn record(&mut self, time: Duration, packets: usize) {
        self.own.saturating_record_n((time.as_nanos() as u64).max(1), packets as u64);
    }

    /// Lets readers see what was recorded; later if one is reading just now.
    pub(super) fn share(&mut self) {
        if let Ok(mut shared) = self.shared.0.try_lock() {
            // both have the same bounds, so that nothing can fail
            if shared.add(&self.own).is_ok() {
                self.own.reset();
            }
        }
    }
}

/// Time in the box over all workers.
pub(super) fn quantiles(workers: &[Shared]) -> Latency {
    let mut all = histogram();
    for worker in workers {
        let shared = worker.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.add(&*shared).expect("both have the same bounds");
    }
    if all.is_empty() {
        return Latency::default();
    }
    let at = |quantile| all.value_at_quantile(quantile) as f64 / 1000.0;
    Latency {
        packets: all.len(),
        p50_us: at(0.5),
        p99_us: at(0.99),
        p999_us: at(0.999),
        max_us: all.max() as f64 / 1000.0,
    }
}

/// One line of it.
pub(super) fn summary(workers: &[Shared]) -> String {
    let Latency { packets, p50_us, p99_us, p999_us, max_us } = quantiles(workers);
    match packets {
        0 => "no packets yet".to_owned(),
        _ => format!("p50 {p50_us:.1} us, p99 {p99_us:.1} us, p99.9 {p999_us:.1} us, max {max_us:.1} us"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Shared, summary};
    use std::time::Duration;

    #[test]
    fn percentiles_are_of_packets_over_all_workers() {
        let workers = [Shared::new(), Shared::new()];
        assert_eq!(summary(&workers), "no packets yet");
        for (worker, us) in workers.iter().zip([10, 1000]) {
            let mut recorder = worker.recorder();
            recorder.record(Duration::from_micros(us), if us == 10 { 990 } else { 10 });
            recorder.share();
        }
        let text = summary(&workers);
        assert!(text.starts_with("p50 10.") && text.contains("p99.9 100"), "{text}");
    }
}
