//! The same walk from capture to capture, on virtual time.
//!
//! Captures are read whole ([`Capture`]), their frames go through a worker of the dataplane in order of time
//! ([`CapturePort`]), and what leaves is written as captures again, with a [`Report`]. Knows no configuration file and
//! no clock: time is that of the frames.

mod output;
mod port;
mod read;
mod replay;
mod report;
mod timeline;
mod write;

pub use output::WriteError;
pub use port::{CaptureFrame, CapturePort, Exits};
pub use read::{Capture, FRAME_LEN_MAX, Fault, Place, ReadError, Record};
pub use replay::{Port, Replay, ReplayError, live_flows, replay};
pub use report::{DropReport, FlowReport, Imbalance, NexthopReport, PacketReport, Report, WorkerReport};
pub use timeline::Input;
pub use write::CaptureWriter;
