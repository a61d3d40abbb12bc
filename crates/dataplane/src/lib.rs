//! The walk of one packet: flow table, stages, verdicts, counters, worker.
//!
//! Frames are known only through [`PortIo`]; time is an argument.

mod port;
mod verdict;

pub use port::{PortIo, Received};
pub use verdict::{DropReason, Verdict};
