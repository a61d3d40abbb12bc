//! The frames of a worker: those that are not in use, and in whose rings the others are.
//!
//! A socket that is closed takes its rings with it. The frames that were in them are found by the notes here: who puts
//! a frame into a ring notes it, and who takes a packet out strikes the note out. A free frame's note is not kept up:
//! what is in the pool is in no ring.

use evenkeel_nexthop::PortId;

/// A frame's place in its UMEM.
pub(crate) trait Numbered {
    /// Different for each frame, and small.
    fn number(&self) -> usize;
}

/// Note of a frame that a worker has: a number that ports don't have.
const NOBODY: u16 = u16::MAX;

/// Frames not in use, and notes on the others.
#[derive(Debug)]
pub(crate) struct Pool<F> {
    /// Not in use. The last ones are taken first, so that few frames go round as long as few are needed.
    pub(crate) free: Vec<F>,
    /// By number: the port in whose socket's rings a frame is.
    lent: Vec<u16>,
}

impl<F: Numbered> Pool<F> {
    /// All frames, none of them in use.
    pub(crate) fn new(frames: Vec<F>) -> Self {
        let numbers = frames.iter().map(F::number).max().map_or(0, |last| last + 1);
        Self { free: frames, lent: vec![NOBODY; numbers] }
    }

    /// Notes that this frame goes into a ring of this port's socket.
    #[inline]
    pub(crate) fn lend(&mut self, frame: &F, port: PortId) {
        self.lent[frame.number()] = port.0;
    }

    /// Notes that the last `count` free frames go into rings of this port's socket.
    #[inline]
    pub(crate) fn lend_free(&mut self, count: usize, port: PortId) {
        let first = self.free.len().saturating_sub(count);
        for frame in &self.free[first..] {
            self.lent[frame.number()] = port.0;
        }
    }

    /// Notes that this frame has come out of a ring and is the worker's.
    #[inline]
    pub(crate) fn take(&mut self, frame: &F) {
        self.lent[frame.number()] = NOBODY;
    }

    /// Strikes out the notes of free frames, so that [`is_lent`](Self::is_lent) is true only of frames in rings.
    pub(crate) fn settle(&mut self) {
        for frame in &self.free {
            self.lent[frame.number()] = NOBODY;
        }
    }

    /// True if this number's frame is in rings of this port's socket, as the pool was when it was last
    /// [settled](Self::settle).
    pub(crate) fn is_lent(&self, number: usize, port: PortId) -> bool {
        self.lent.get(number).is_some_and(|lent| *lent == port.0 && *lent != NOBODY)
    }
}
