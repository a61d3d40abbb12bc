//! Samples of a second: what was sent, what arrived, how busy the forwarder's core was, and with whom.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::rig::FORWARDER_CORE;
use super::wire::{Generator, Sink};

/// Frames that may be on their way when a sample ends, as a part of what arrived.
const UNDER_WAY: f64 = 0.01;
/// A core that is idle for less than the rest of this is saturated, and a forwarder that has less of it is disturbed.
const SATURATED: f64 = 0.95;

/// What happened in one interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Frames per second that were sent.
    pub(super) sent: f64,
    /// Frames per second that arrived.
    pub(super) seen: f64,
    /// Part of the time in which the forwarder's core was busy, 0 to 1.
    pub(super) busy: f64,
    /// Part of the time for which the forwarder's thread ran, 0 to 1, with the kernel's work that it did meanwhile.
    pub(super) own: f64,
}

impl Sample {
    /// True if it was the forwarder that couldn't do more: more was sent than it took, and its core had no time left.
    pub(super) fn is_saturated(&self) -> bool {
        self.sent > self.seen * (1.0 + UNDER_WAY) && self.busy >= SATURATED
    }

    /// True if others ran on the forwarder's core.
    pub(super) fn is_disturbed(&self) -> bool {
        self.own < SATURATED * self.busy
    }

    /// Time of the forwarder's thread for one frame, in nanoseconds: others on its core are not in it, what they did
    /// to its caches is.
    pub(super) fn own_ns(&self) -> f64 {
        1e9 * self.own / self.seen.max(1.0)
    }
}

/// Takes samples of this length of a process that forwards, after a warm-up.
///
/// # Errors
/// When a counter can't be read.
pub(super) fn samples(
    (generator, sink): (&Generator, &Sink),
    pid: u32,
    warm_up: Duration,
    count: usize,
    length: Duration,
) -> Result<Vec<Sample>> {
    thread::sleep(warm_up);
    let mut before = Reading::now(generator, sink, pid)?;
    let mut samples = Vec::with_capacity(count);
    for _ in 0..count {
        thread::sleep(length);
        let now = Reading::now(generator, sink, pid)?;
        samples.push(now.since(&before));
        before = now;
    }
    Ok(samples)
}

struct Reading {
    at: Instant,
    sent: u64,
    seen: u64,
    ticks: Ticks,
    /// Run time of each thread in nanoseconds.
    threads: BTreeMap<String, u64>,
}

impl Reading {
    fn now(generator: &Generator, sink: &Sink, pid: u32) -> Result<Self> {
        let (sent, seen) = (generator.sent()?, sink.seen()?);
        Ok(Self {
            at: Instant::now(),
            sent,
            seen,
            ticks: Ticks::now(FORWARDER_CORE)?,
            threads: run_times(pid)?,
        })
    }

    fn since(&self, before: &Self) -> Sample {
        let seconds = self.at.duration_since(before.at).as_secs_f64();
        let ticks = (self.ticks.all - before.ticks.all).max(1) as f64;
        Sample {
            sent: (self.sent - before.sent) as f64 / seconds,
            seen: (self.seen - before.seen) as f64 / seconds,
            busy: 1.0 - (self.ticks.idle - before.ticks.idle) as f64 / ticks,
            own: self.busiest_ns(before) as f64 / 1e9 / seconds,
        }
    }

    fn busiest_ns(&self, before: &Self) -> u64 {
        let ran =
            |(thread, now): (&String, &u64)| now - before.threads.get(thread).copied().unwrap_or_default();
        self.threads.iter().map(ran).max().unwrap_or_default()
    }
}

/// Run time of each thread of a process in nanoseconds.
fn run_times(pid: u32) -> Result<BTreeMap<String, u64>> {
    let mut times = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).context("the forwarder has ended")?.flatten() {
        // One that has just ended is none that forwards.
        let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
        let run_ns = text.split(' ').next().and_then(|number| number.parse().ok());
        let run_ns = run_ns.with_context(|| format!("schedstat {text:?}"))?;
        times.insert(thread.file_name().to_string_lossy().into_owned(), run_ns);
    }
    Ok(times)
}

/// A core's time so far, in the kernel's ticks.
struct Ticks {
    all: u64,
    idle: u64,
}

impl Ticks {
    fn now(core: usize) -> Result<Self> {
        Self::of(&fs::read_to_string("/proc/stat").context("/proc/stat")?, core)
    }

    fn of(stat: &str, core: usize) -> Result<Self> {
        let name = format!("cpu{core}");
        let line = stat.lines().find_map(|line| line.strip_prefix(&name)?.strip_prefix(' '));
        let line = line.with_context(|| format!("there is no core {core}"))?;
        // user nice system idle iowait irq softirq steal; what follows is counted in user, too.
        let ticks = line.split_whitespace().take(8).map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let idle = ticks.iter().skip(3).take(2).sum();
        Ok(Self { all: ticks.iter().sum(), idle })
    }
}

/// The middle one; of an even number the mean of both.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.saturating_sub(1)), at(middle)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_is_idle_in_idle_and_iowait() {
        let stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 10 0 20 60 5 0 5 0 0 0\ncpu10 1 1 1 1 1 1 1 1 0 0\n";
        let ticks = Ticks::of(stat, 1).unwrap();
        assert_eq!((ticks.all, ticks.idle), (100, 65));
        assert!(Ticks::of(stat, 2).is_err());
    }

    #[test]
    fn only_a_busy_forwarder_that_loses_frames_is_the_bottleneck() {
        let sample = |sent, seen, busy| Sample { sent, seen, busy, own: busy }.is_saturated();
        assert!(sample(2.5e6, 1.6e6, 0.99));
        assert!(!sample(1.6e6, 1.6e6, 0.99), "the generator was");
        assert!(!sample(2.5e6, 1.6e6, 0.7), "something else was");
    }

    #[test]
    fn time_of_others_is_not_the_forwarders() {
        let sample = Sample { sent: 1e6, seen: 5e5, busy: 1.0, own: 0.5 };
        assert!(sample.is_disturbed() && !Sample { own: 0.99, ..sample }.is_disturbed());
        assert_eq!(sample.own_ns(), 1000.0);
        assert!(run_times(std::process::id()).unwrap().values().any(|&ns| ns > 0));
    }

    #[test]
    fn the_median_of_an_even_number_is_between_two() {
        assert_eq!([median([3.0, 1.0, 2.0]), median([4.0, 1.0, 2.0, 3.0]), median([])], [2.0, 2.5, 0.0]);
    }
}
