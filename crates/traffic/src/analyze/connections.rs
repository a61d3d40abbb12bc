//! How many connections there were over time, and what became of them.

use super::AnalysisError;
use crate::stats::{ConnStats, Stats, seconds};
use serde::Serialize;
use std::fmt;

const SECOND_NS: u64 = 1_000_000_000;

/// Connections second by second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Connections {
    /// Whole seconds; the last one holds what is left of the run too, so that every loss is in one of them.
    pub seconds: Vec<Second>,
}

/// What happened within a second, and what there was at its end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Second {
    /// Its middle, seconds.
    pub time_s: f64,
    /// Connected at its end.
    pub active: u64,
    /// Begun in it.
    pub new: u64,
    /// Lost in it.
    pub failed: u64,
    /// At its end begun and not yet connected.
    pub connecting: u64,
}

impl Connections {
    /// From a run with connections.
    ///
    /// # Errors
    /// When there are none, or one ends before it begins.
    pub fn of(stats: &Stats) -> Result<Self, AnalysisError> {
        let connections = super::connections(stats)?;
        let count = (stats.duration_ns / SECOND_NS).max(1);
        let seconds = (0..count).map(|number| {
            let from_ns = number * SECOND_NS;
            let to_ns = if number + 1 == count { u64::MAX } else { from_ns + SECOND_NS };
            Second::of(connections, from_ns, to_ns)
        });
        Ok(Self { seconds: seconds.collect() })
    }
}

impl Second {
    fn of(connections: &[ConnStats], from_ns: u64, to_ns: u64) -> Self {
        let within = |time_ns: u64| (from_ns..to_ns).contains(&time_ns);
        let is_lost_by = |one: &ConnStats, by_ns: u64| one.is_lost() && one.ended_ns < by_ns;
        let there = connections.iter().filter(|one| one.started_ns < to_ns && !is_lost_by(one, to_ns));
        let connected = there.clone().filter(|one| (1..=to_ns).contains(&one.connect_ns)).count();
        Self {
            time_s: seconds(from_ns) + 0.5,
            active: connected as u64,
            new: connections.iter().filter(|one| within(one.started_ns)).count() as u64,
            failed: connections.iter().filter(|one| one.is_lost() && within(one.ended_ns)).count() as u64,
            connecting: (there.count() - connected) as u64,
        }
    }
}

impl fmt::Display for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Time Active New Failed Connecting")?;
        self.seconds.iter().try_for_each(|each| {
            let Second { time_s, active, new, failed, connecting } = each;
            writeln!(f, "{time_s} {active} {new} {failed} {connecting}")
        })
    }
}
