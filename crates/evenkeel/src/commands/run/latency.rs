//! Time in the box, from the receipt of a burst to its transmission, and how long polls take: a histogram of each per
//! worker.

use evenkeel_control::live::{Latency, PollTimes};
use hdrhistogram::Histogram;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longest time that is told apart, in nanoseconds.
const MAX_NS: u64 = 10_000_000_000;

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_NS, 2).expect("the bounds are constants that fit")
}

#[derive(Debug)]
struct Times {
    /// By packet.
    in_box: Histogram<u64>,
    /// By poll, also of those that found nothing: what nobody but the worker could make wait.
    polls: Histogram<u64>,
}

impl Times {
    fn new() -> Self {
        Self { in_box: histogram(), polls: histogram() }
    }

    fn histograms_mut(&mut self) -> [&mut Histogram<u64>; 2] {
        [&mut self.in_box, &mut self.polls]
    }
}

/// What readers see of a worker's times.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<Times>>);

/// A worker's own times. They reach readers now and then; recording neither allocates nor waits.
#[derive(Debug)]
pub(super) struct Recorder {
    own: Times,
    shared: Shared,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Times::new())))
    }

    /// A recorder that adds to this one.
    pub(super) fn recorder(&self) -> Recorder {
        Recorder { own: Times::new(), shared: self.clone() }
    }

    /// How long the worker's polls took.
    pub(super) fn polls(&self) -> PollTimes {
        let polls = self.lock().polls.clone();
        let [p50_us, p99_us, p999_us, worst_us] = quantiles_us(&polls);
        PollTimes { polls: polls.len(), p50_us, p99_us, p999_us, worst_us }
    }

    fn lock(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder {
    /// A poll took so long, and received so many packets.
    pub(super) fn record(&mut self, time: Duration, packets: usize) {
        let time_ns = (time.as_nanos() as u64).max(1);
        self.own.polls.saturating_record(time_ns);
        if packets > 0 {
            self.own.in_box.saturating_record_n(time_ns, packets as u64);
        }
    }

    /// Lets readers see what was recorded; later if one is reading just now.
    pub(super) fn share(&mut self) {
        if let Ok(mut shared) = self.shared.0.try_lock() {
            for (shared, own) in shared.histograms_mut().into_iter().zip(self.own.histograms_mut()) {
                // both have the same bounds, so that nothing can fail
                if shared.add(&*own).is_ok() {
                    own.reset();
                }
            }
        }
    }
}

/// Time in the box over these workers.
pub(super) fn quantiles(workers: &[Shared]) -> Latency {
    let mut all = histogram();
    for worker in workers {
        all.add(&worker.lock().in_box).expect("both have the same bounds");
    }
    let [p50_us, p99_us, p999_us, max_us] = quantiles_us(&all);
    Latency { packets: all.len(), p50_us, p99_us, p999_us, max_us }
}

/// Half, 99 and 99.9 of 100 are not above, and the largest; all 0 if there are none.
fn quantiles_us(histogram: &Histogram<u64>) -> [f64; 4] {
    [0.5, 0.99, 0.999, 1.0].map(|quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0)
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
    use super::{Shared, quantiles, summary};
    use evenkeel_control::live::Latency;
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
        assert_eq!(quantiles(&workers[..1]).packets, 990);
    }

    #[test]
    fn a_stall_shows_though_it_received_nothing() {
        let worker = Shared::new();
        let mut recorder = worker.recorder();
        for _ in 0..9999 {
            recorder.record(Duration::from_nanos(200), 0);
        }
        recorder.record(Duration::from_millis(3), 0);
        recorder.share();
        recorder.record(Duration::from_secs(1), 1);
        let polls = worker.polls();
        assert_eq!(polls.polls, 10_000, "what is not shared yet isn't seen");
        assert!(polls.p999_us < 0.3 && (3000.0..3100.0).contains(&polls.worst_us), "{polls:?}");
        assert_eq!(quantiles(&[worker]), Latency::default());
    }
}
