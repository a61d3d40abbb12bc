//! One socket: its rings kept full and empty, and how many frames are in them.
//!
//! Every frame of a UMEM is in exactly one place: the worker's pool, a socket's fill or rx ring ("filling"), with the
//! worker that received it, or a socket's batch, tx or completion ring ("sending"). Frames are handles that can't be
//! copied, so they can get lost only by being dropped; the numbers here show when that happens.

use crate::rings::Rings;

/// Entries of a fill ring and of an rx ring. The rx ring never overflows, since no more frames are filling. 2048
/// packets are 2 ms at a million per second: what a worker may be late, when a core is shared, without a loss. More
/// would spread the packets over more memory than the caches hold.
pub(crate) const FILL_RING_LEN: u32 = 2048;
/// Entries of a tx ring and of a completion ring. The completion ring never overflows, since no more frames are
/// sending. A burst to one interface fits 32 times.
pub(crate) const TX_RING_LEN: u32 = 2048;
/// Kicks after which a flush gives up though the kernel still makes progress. A kernel that copies takes 32 frames per
/// kick, so this is twice what a full ring needs.
const MAX_KICKS: u32 = 2 * TX_RING_LEN / 32;

/// One socket of a worker.
#[derive(Debug)]
pub(crate) struct Socket<R: Rings> {
    rings: R,
    filling: u32,
    sending: u32,
    /// To be sent at the next flush.
    batch: Vec<R::Frame>,
    /// The last kick left frames in the tx ring.
    behind: bool,
    /// The interface has gone: nothing is sent any more.
    gone: bool,
}

impl<R: Rings> Socket<R> {
    /// A socket whose rings are empty.
    pub(crate) fn new(rings: R) -> Self {
        let batch = Vec::with_capacity(TX_RING_LEN as usize);
        Self { rings, filling: 0, sending: 0, batch, behind: false, gone: false }
    }

    /// Appends at most `max` received frames, and returns their number. Also does what is due: frames that were sent
    /// go back to the pool, from there the fill ring is filled up, and what the kernel didn't send is tried again.
    pub(crate) fn receive(&mut self, max: usize, pool: &mut Vec<R::Frame>, to: &mut Vec<R::Frame>) -> usize {
        self.reclaim(pool);
        let received = self.rings.receive(max, to);
        self.filling -= received as u32;
        self.refill(pool);
        if received == 0 && self.rings.needs_fill_kick() {
            self.rings.kick_fill();
        }
        if self.behind {
            self.kick();
        }
        received
    }

    /// Fills the fill ring up from the pool.
    pub(crate) fn refill(&mut self, pool: &mut Vec<R::Frame>) {
        let count = pool.len().min((FILL_RING_LEN - self.filling) as usize);
        if count > 0 {
            self.filling += self.rings.fill(pool, count) as u32;
        }
    }

    /// Puts a frame into the batch that the next flush sends.
    ///
    /// # Errors
    /// The frame comes back if the tx ring has no room for it or the interface has gone.
    pub(crate) fn queue(&mut self, frame: R::Frame, pool: &mut Vec<R::Frame>) -> Result<(), R::Frame> {
        if !self.has_room() {
            self.reclaim(pool);
        }
        if self.gone || !self.has_room() {
            return Err(frame);
        }
        self.batch.push(frame);
        Ok(())
    }

    /// Moves the batch to the tx ring and has the kernel send it, as far as it does.
    pub(crate) fn flush(&mut self) {
        if !self.batch.is_empty() {
            self.sending += self.rings.send(&mut self.batch) as u32;
            self.kick();
        } else if self.behind {
            self.kick();
        }
    }

    /// Number of frames in the fill and rx ring.
    pub(crate) fn filling(&self) -> usize {
        self.filling as usize
    }

    /// Number of frames in the batch, the tx and the completion ring.
    pub(crate) fn sending(&self) -> usize {
        self.sending as usize + self.batch.len()
    }

    /// True if there are frames in the tx ring that the kernel did not take when it was last asked.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind
    }

    /// The rings.
    pub(crate) fn rings(&self) -> &R {
        &self.rings
    }

    fn has_room(&self) -> bool {
        self.sending() < TX_RING_LEN as usize
    }

    fn reclaim(&mut self, pool: &mut Vec<R::Frame>) {
        while self.sending > 0 {
            match self.rings.complete(pool) as u32 {
                0 => break,
                completed => self.sending -= completed,
            }
        }
    }

    /// Kicks until the kernel has taken everything or takes nothing. What is left is tried again at the next receive
    /// or flush: the kernel is short of memory or the wire is full, and waiting for it would stop the other ports.
    fn kick(&mut self) {
        self.behind = false;
        if self.gone || !self.rings.needs_kick() {
            return;
        }
        let mut unsent = self.rings.unsent();
        for _ in 0..MAX_KICKS {
            if self.rings.kick().is_err() {
                self.gone = true;
                return;
            }
            let left = self.rings.unsent();
            if left == 0 || left >= unsent {
                unsent = left;
                break;
            }
            unsent = left;
        }
        self.behind = unsent > 0;
    }
}

#[cfg(test)]
mod tests;
