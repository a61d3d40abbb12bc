//! How long a worker's polls take: its worst stall.

use crate::clock::cpu_time;
use crate::figures::Row;
use crate::rig::Rig;
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// Longer ones are recorded as this long.
const LONGEST_NS: u64 = 10_000_000_000;

/// Times of polls that took frames, in nanoseconds, and how many frames those were.
#[derive(Debug)]
pub struct Polls {
    /// On the CPU: what it would be with a core of one's own.
    cpu: Histogram<u64>,
    /// By the clock on the wall, neighbours of the machine included.
    wall: Histogram<u64>,
    frames: u64,
}

impl Default for Polls {
    fn default() -> Self {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("good bounds");
        Self { cpu: histogram(), wall: histogram(), frames: 0 }
    }
}

impl Polls {
    /// Lets the worker take all that is written; the CPU time that it took.
    pub fn drain(&mut self, rig: &mut Rig) -> Duration {
        let mut time = Duration::ZERO;
        loop {
            let (began, cpu_began) = (Instant::now(), cpu_time());
            let frames = rig.poll();
            let (cpu, wall) = (cpu_time() - cpu_began, began.elapsed());
            time += cpu;
            if frames == 0 {
                return time;
            }
            self.frames += frames as u64;
            self.cpu.saturating_record(cpu.as_nanos() as u64);
            self.wall.saturating_record(wall.as_nanos() as u64);
        }
    }

    /// Polls that took frames.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.cpu.len()
    }

    /// True before the first of them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cpu.is_empty()
    }

    /// A row with the mean time per packet and the quantiles of polls, in microseconds.
    #[must_use]
    pub fn row(&self, case: &str, note: &str) -> Row {
        let us = |ns: u64| ns as f64 / 1e3;
        let total_ns = self.cpu.mean() * self.cpu.len() as f64;
        Row::of(case, note)
            .taking(total_ns / self.frames.max(1) as f64)
            .with("polls", self.len())
            .with("p50_us", us(self.cpu.value_at_quantile(0.5)))
            .with("p99_us", us(self.cpu.value_at_quantile(0.99)))
            .with("p999_us", us(self.cpu.value_at_quantile(0.999)))
            .with("max_us", us(self.cpu.max()))
            .with("wall_max_us", us(self.wall.max()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{Kind, permutation};
    use crate::traffic::Taker;

    #[test]
    fn polls_with_frames_are_timed() {
        let mut rig = Rig::new(1000);
        let mut polls = Polls::default();
        rig.write(Kind::Tcp4, &mut Kind::Tcp4.template(2), &permutation(100, 1));
        let time = polls.drain(&mut rig);
        assert_eq!((polls.len(), polls.frames), (2, 100));
        let row = polls.row("case", "");
        assert!(
            row.ns_per_packet > 1.0 && row.ns_per_packet * 100.0 <= time.as_nanos() as f64 * 1.01,
            "{row:?}"
        );
        assert!(row.more["wall_max_us"].as_f64() > Some(0.1), "{row:?}");
    }
}
