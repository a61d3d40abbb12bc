//! The four rings of an AF_XDP socket, as far as their bookkeeping needs them: the kernel's or, in tests, memory.

use crate::pool::Numbered;
use std::io;

/// Rings of one socket. A frame is moved in and out; nobody but its owner touches it meanwhile.
pub(crate) trait Rings {
    /// A handle that owns one frame.
    type Frame: Numbered;

    /// Takes frames that hold packets from the rx ring, at most `max`. Those that are left in the iterator are lost.
    fn receive(&mut self, max: usize) -> impl ExactSizeIterator<Item = Self::Frame>;

    /// Moves the last `count` frames of `from` to the fill ring, all or none. Returns their number.
    fn fill(&mut self, from: &mut Vec<Self::Frame>, count: usize) -> usize;

    /// Moves all frames of `from` to the tx ring, or none. Returns their number.
    fn send(&mut self, from: &mut Vec<Self::Frame>) -> usize;

    /// Takes frames that have been sent from the completion ring, some at a time, and appends them. Returns their
    /// number; 0 means that there are none left.
    fn complete(&mut self, to: &mut Vec<Self::Frame>) -> usize;

    /// Frames in the tx ring that the kernel hasn't looked at.
    fn unsent(&mut self) -> u32;

    /// True if the kernel sends only when it is asked to.
    fn needs_kick(&self) -> bool;

    /// Asks the kernel to send. It may take a part: see [`unsent`](Self::unsent).
    ///
    /// # Errors
    /// If the socket's interface has gone. Being busy or short of memory is no error.
    fn kick(&mut self) -> io::Result<()>;

    /// True if the driver looks at the fill ring only when it is asked to.
    fn needs_fill_kick(&self) -> bool;

    /// Asks the driver to look at the fill ring; with busy polling, to receive.
    fn kick_fill(&mut self);
}
