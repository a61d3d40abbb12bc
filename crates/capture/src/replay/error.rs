//! Why a replay ended early.

use crate::output::WriteError;
use crate::read::ReadError;
use crate::report::Imbalance;
use evenkeel_dataplane::TableError;
use evenkeel_nexthop::ChangeError;
use std::path::PathBuf;

/// Why a replay ended early. Nothing was written then, unless the last step of the output failed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Interfaces with an input have no MAC.
    #[error("no MAC for {}; needed for replay: `mac` of each [[interface]] that has an input", .0.join(", "))]
    MissingMac(Vec<String>),
    /// Two captures of the output would have this name, or it can't be a file's.
    #[error("interface {0:?} can't be replayed: {0}.pcap is the name of another output or of no file")]
    Name(String),
    /// The output directory is something else.
    #[error("{}: not a directory, so no output can be written into it", .0.display())]
    NotADirectory(PathBuf),
    /// A directory has the name of a file of the output.
    #[error("{}: a directory, where the output would write a file", .0.display())]
    IsADirectory(PathBuf),
    /// An input would be replaced by the output.
    #[error("{}: is an input and would be overwritten; another output directory is allowed", .0.display())]
    OverwritesInput(PathBuf),
    /// An input can't be replayed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The flow table can't be.
    #[error("flow_capacity: {0}")]
    Table(#[from] TableError),
    /// A change can't be applied at its time.
    #[error("the change at {at_ns} ns can't be applied")]
    Change {
        /// Its time in nanoseconds from the first frame.
        at_ns: u64,
        /// Why.
        source: ChangeError,
    },
    /// The output can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The counters contradict each other.
    #[error(transparent)]
    Imbalance(#[from] Imbalance),
}

impl ReplayError {
    /// True if the fault is in what was given, and not in the program or the system.
    #[must_use]
    pub const fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Write(_) | Self::Imbalance(_))
    }
}
