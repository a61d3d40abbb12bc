//! What two workers share, counted: every line of memory that one of them writes and the other one touches, while each
//! forwards packets of its own flows.
//!
//! A process with two workers runs under valgrind's lackey, which prints every access to memory. The workers take turns,
//! each in a thread of its own, and tell by writing to `MARKS` when a turn begins and ends.

mod line;
mod trace;
mod turns;

pub use line::Line;
pub use trace::{Shared, Sharing, TraceError, trace};
pub use turns::take_turns;

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a cache line.
const LINE_LEN: u64 = 64;

/// Begins the line that the traced process adds to the trace.
const SAYS: &str = "turns: ";

/// A worker's turn begins with a store to one of these and ends with one to the next.
static MARKS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

fn mark(which: usize) {
    MARKS[which].store(1, Ordering::SeqCst);
}
