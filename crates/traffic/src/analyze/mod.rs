//! What can be read from the statistics of a run: throughput, connections, hosts, steps. Columns are ctraffic's.

mod connections;
mod hosts;
mod steps;
mod throughput;

pub use connections::{Connections, Second};
pub use hosts::Hosts;
pub use steps::{StepLosses, Steps};
pub use throughput::{Interval, Throughput};

use crate::stats::Stats;

/// Why statistics can't be analysed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnalysisError {
    /// No [`Stats::samples`].
    #[error("there are no samples in the statistics: they were not written with --stats all")]
    NoSamples,
    /// No [`Stats::conn_stats`].
    #[error("there are no connections in the statistics: they were not written with --stats all")]
    NoConnections,
    /// Times that can't be.
    #[error("{what} {index} ends before it begins")]
    Backwards {
        /// `ConnStats` or `Samples`.
        what: &'static str,
        /// Which of them, from 0.
        index: usize,
    },
}

/// The connections of a run, each of which ends after it began.
fn connections(stats: &Stats) -> Result<&[crate::stats::ConnStats], AnalysisError> {
    if stats.conn_stats.is_empty() {
        return Err(AnalysisError::NoConnections);
    }
    match stats.conn_stats.iter().position(|connection| connection.ended_ns < connection.started_ns) {
        Some(index) => Err(AnalysisError::Backwards { what: "ConnStats", index }),
        None => Ok(&stats.conn_stats),
    }
}

#[cfg(test)]
mod tests;
