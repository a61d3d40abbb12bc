//! The same walk from capture to capture, on virtual time.

mod output;
mod read;
mod timeline;
mod write;

pub use output::WriteError;
pub use read::{Capture, FRAME_LEN_MAX, Fault, Place, ReadError, Record};
pub use timeline::Input;
pub use write::CaptureWriter;
