//! The frames of a worker: those that are not in use, and in whose rings the others are.
//!
//! A socket that is closed takes its rings with it. The frames that were in them are found by this: who has put them
//! there noted it, and who takes them out strikes it out.

use evenkeel_nexthop::PortId;

/// A frame's place in its UMEM.
pub(crate) trait Numbered {
    /// Different for each frame, and small.
    fn number(&self) -> usize;
}

/// Frames not in use, and notes on the others.
#[derive(Debug)]
pub(crate) struct Pool<F> {
    /// Not in use. The last ones are taken first, so that few frames go round as long as few are needed.
    pub(crate) free: Vec<F>,
    /// By number: the port in whose socket's rings a frame is.
    lent: Vec<Option<PortId>>,
}

impl<F: Numbered> Pool<F> {
    /// All frames, none of them in use.
    pub(crate) fn new(frames: Vec<F>) -> Self {
        let numbers = frames.iter().map(F::number).max().map_or(0, |last| last + 1);
        Self { free: frames, lent: vec![None; numbers] }
    }

    /// Notes that the last `count` free frames go into rings of this port's socket.
    pub(crate) fn lend_free(&mut self, count: usize, port: PortId) {
        let first = self.free.len().saturating_sub(count);
        note(&mut self.lent, &self.free[first..], Some(port));
    }

    /// Notes that these frames go into rings of this port's socket.
    pub(crate) fn lend(&mut self, frames: &[F], port: PortId) {
        note(&mut self.lent, frames, Some(port));
    }

    /// Notes that these frames have come out of rings.
    pub(crate) fn take(&mut self, frames: &[F]) {
        note(&mut self.lent, frames, None);
    }

    /// Notes that the free frames from `first` on have come out of rings.
    pub(crate) fn take_free(&mut self, first: usize) {
        note(&mut self.lent, &self.free[first..], None);
    }

    /// True if this number's frame is in rings of this port's socket.
    pub(crate) fn is_lent(&self, number: usize, port: PortId) -> bool {
        self.lent.get(number).is_some_and(|lent| *lent == Some(port))
    }
}

#[inline]
fn note<F: Numbered>(lent: &mut [Option<PortId>], frames: &[F], to: Option<PortId>) {
    for frame in frames {
        lent[frame.number()] = to;
    }
}
