//! How much came back over time.

use super::AnalysisError;
use crate::stats::{Stats, seconds};
use serde::Serialize;
use std::fmt;

/// Throughput between each sample and the next.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Throughput {
    /// In their order.
    pub intervals: Vec<Interval>,
}

/// The time between two samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its middle, seconds.
    pub time_s: f64,
    /// What was received in it, in KB (1024 bytes) per second.
    pub throughput_kb_per_s: f64,
}

impl Throughput {
    /// From a run with samples.
    ///
    /// # Errors
    /// When there are less than two samples, or their times don't grow.
    pub fn of(stats: &Stats) -> Result<Self, AnalysisError> {
        if stats.samples.len() < 2 {
            return Err(AnalysisError::NoSamples);
        }
        let pairs = stats.samples.iter().zip(stats.samples.iter().skip(1)).enumerate();
        let intervals = pairs.map(|(index, (from, to))| {
            let length_ns = to.time_ns.checked_sub(from.time_ns).filter(|length_ns| *length_ns > 0);
            let length_ns = length_ns.ok_or(AnalysisError::Backwards { what: "Samples", index })?;
            let bytes = to.received.saturating_sub(from.received) as f64 * stats.packet_size_bytes as f64;
            Ok(Interval {
                time_s: seconds(from.time_ns) + seconds(length_ns) / 2.0,
                throughput_kb_per_s: bytes / 1024.0 / seconds(length_ns),
            })
        });
        Ok(Self { intervals: intervals.collect::<Result<_, _>>()? })
    }
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Time Throughput")?;
        self.intervals
            .iter()
            .try_for_each(|each| writeln!(f, "{:.3} {:.3}", each.time_s, each.throughput_kb_per_s))
    }
}
