//! One socket: its rings kept full and empty, and how many frames are in them.
//!
//! Every frame of a UMEM is in exactly one place: the worker's pool, a socket's fill or rx ring ("filling"), with the
//! worker that received it, or a socket's batch, tx or completion ring ("sending"). Frames are handles that can't be
//! copied, so they can get lost only by being dropped; the numbers here show when that happens.

use crate::pool::Pool;
use crate::rings::Rings;
use evenkeel_dataplane::{DropReason, Unsent};
use evenkeel_nexthop::PortId;

/// Entries of a fill ring and of an rx ring. The rx ring never overflows, since no more frames are filling. 2048
/// packets are 2 ms at a million per second: what a worker may be late, when a core is shared, without a loss. More
/// would spread the packets over more memory than the caches hold.
pub(crate) const FILL_RING_LEN: u32 = 2048;
/// Entries of a tx ring and of a completion ring. The completion ring never overflows, since no more frames are
/// sending. A burst to one interface fits 32 times.
pub(crate) const TX_RING_LEN: u32 = 2048;
/// Kicks after which a flush gives up though the kernel still makes progress. A kernel that copies takes 32 frames per
/// kick if it can't be told to take more, so this is twice what a full ring needs.
const MAX_KICKS: u32 = 2 * TX_RING_LEN / 32;

/// One socket of a worker.
#[derive(Debug)]
pub(crate) struct Socket<R: Rings> {
    rings: R,
    port: PortId,
    filling: u32,
    sending: u32,
    /// To be sent at the next flush.
    batch: Vec<R::Frame>,
    /// How long the batch may become before it is looked whether the tx ring has more room. 0 if nothing is sent.
    room: usize,
    /// The last kick left frames in the tx ring.
    behind: bool,
    /// The interface has gone: nothing is sent any more.
    gone: bool,
    /// Nothing new is put into the rings.
    leaving: bool,
    /// Nothing had come when it was looked last.
    quiet: bool,
}

impl<R: Rings> Socket<R> {
    /// A socket of this port whose rings are empty.
    pub(crate) fn new(port: PortId, rings: R) -> Self {
        let batch = Vec::with_capacity(TX_RING_LEN as usize);
        Self {
            rings,
            port,
            filling: 0,
            sending: 0,
            batch,
            room: TX_RING_LEN as usize,
            behind: false,
            gone: false,
            leaving: false,
            quiet: false,
        }
    }

    /// For what concerns the kernel alone.
    pub(crate) fn rings_mut(&mut self) -> &mut R {
        &mut self.rings
    }

    /// The port whose socket it is.
    pub(crate) fn port(&self) -> PortId {
        self.port
    }

    /// Appends at most `max` received frames as what `wrap` makes of them, and returns their number. Also does what is
    /// due: frames that were sent go back to the pool, from there the fill ring is filled up, and what the kernel didn't
    /// send is tried again.
    #[inline]
    pub(crate) fn receive<T>(
        &mut self,
        max: usize,
        pool: &mut Pool<R::Frame>,
        to: &mut Vec<T>,
        wrap: impl Fn(R::Frame) -> T,
    ) -> usize {
        self.reclaim(pool);
        let before = to.len();
        to.extend(self.rings.receive(max).map(|frame| {
            pool.take(&frame);
            wrap(frame)
        }));
        let received = to.len() - before;
        self.filling -= received as u32;
        self.quiet = received == 0 && max > 0;
        self.refill(pool);
        if self.quiet && self.rings.needs_fill_kick() {
            self.rings.kick_fill();
        }
        if self.behind {
            self.kick();
        }
        received
    }

    /// Fills the fill ring up from the pool.
    pub(crate) fn refill(&mut self, pool: &mut Pool<R::Frame>) {
        let count = pool.free.len().min((FILL_RING_LEN - self.filling) as usize);
        if count > 0 && !self.leaving {
            pool.lend_free(count, self.port);
            self.filling += self.rings.fill(&mut pool.free, count) as u32;
        }
    }

    /// Puts a frame into the batch that the next flush sends.
    ///
    /// # Errors
    /// The frame comes back if the tx ring has no room for it or the interface has gone.
    #[inline]
    pub(crate) fn queue(
        &mut self,
        frame: R::Frame,
        pool: &mut Pool<R::Frame>,
    ) -> Result<(), Unsent<R::Frame>> {
        if self.batch.len() >= self.room
            && let Err(reason) = self.make_room(pool)
        {
            return Err(Unsent { frame, reason });
        }
        pool.lend(&frame, self.port);
        self.batch.push(frame);
        Ok(())
    }

    /// Moves the batch to the tx ring and has the kernel send it, as far as it does.
    pub(crate) fn flush(&mut self) {
        if !self.batch.is_empty() {
            self.sending += self.rings.send(&mut self.batch) as u32;
            self.measure_room();
            self.kick();
        } else if self.behind {
            self.kick();
        }
    }

    /// Puts nothing new into the rings from now on. What is to be sent goes, what was received comes.
    pub(crate) fn leave(&mut self) {
        (self.leaving, self.quiet) = (true, false);
        self.measure_room();
    }

    /// True of a leaving socket that has sent everything and found nothing to receive when it was looked last.
    pub(crate) fn is_drained(&self) -> bool {
        self.leaving && self.quiet && self.sending() == 0
    }

    /// The rings, and how many frames are still in them.
    pub(crate) fn into_rings(self, pool: &mut Pool<R::Frame>) -> (R, usize) {
        pool.free.extend(self.batch);
        (self.rings, (self.filling + self.sending) as usize)
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

    /// Takes back what was sent; tells why there is no room after that.
    #[cold]
    fn make_room(&mut self, pool: &mut Pool<R::Frame>) -> Result<(), DropReason> {
        self.reclaim(pool);
        match self.batch.len() < self.room {
            true => Ok(()),
            false if self.gone || self.leaving => Err(DropReason::PortGone),
            false => Err(DropReason::TxRingFull),
        }
    }

    /// As many frames can be sent as the tx ring has room for besides what has not come back yet.
    fn measure_room(&mut self) {
        let is_open = !self.gone && !self.leaving;
        self.room = if is_open { (TX_RING_LEN - self.sending) as usize } else { 0 };
    }

    fn reclaim(&mut self, pool: &mut Pool<R::Frame>) {
        while self.sending > 0 {
            match self.rings.complete(&mut pool.free) as u32 {
                0 => break,
                completed => self.sending -= completed,
            }
        }
        self.measure_room();
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
                return self.measure_room();
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
