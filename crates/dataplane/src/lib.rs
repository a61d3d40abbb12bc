//! The walk of one packet: flow table, stages, verdicts, counters, worker.
//!
//! Frames are known only through [`PortIo`]; time is an argument. Start reading at [`Worker::poll`]. Knows nothing of
//! configuration, sockets or files.

#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod counters;
mod flow_table;
mod fragments;
mod mailbox;
pub mod memory;
mod port;
pub mod prefetch;
mod published;
mod totals;
mod verdict;
mod walk;
mod worker;

pub use counters::{Counter, FlowCounters, MemberCounters, WorkerCounters};
pub use evenkeel_nexthop::Timeouts;
pub use flow_table::{
    Cursor, FlowEntry, FlowPage, FlowRecord, FlowState, FlowTable, Guess, Link, MOST_FLOWS, Shard, Sweep,
    TableError, TableSeeds, TableSpec,
};
pub use mailbox::{AskError, Mailbox, Pending, Questions, mailbox};
pub use port::{PortIo, Received, Unsent};
pub use published::Published;
pub use totals::{FlowTotals, MemberTotals, PacketTotals, PinTotals, Totals};
pub use verdict::{DropReason, Verdict};
pub use worker::{Worker, WorkerSpec};
