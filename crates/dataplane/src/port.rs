//! Port I/O: where frames come from and where they go. AF_XDP, a capture and memory are implementations.

use crate::verdict::DropReason;
use evenkeel_nexthop::PortId;

/// A frame that was taken from a port.
#[derive(Debug)]
pub struct Received<F> {
    /// The frame, owned by the worker until it is given to one of the ways out of [`PortIo`].
    pub frame: F,
    /// Interface on which it came in.
    pub port: PortId,
    /// Length on the wire in bytes, without FCS; more than there are bytes if a capture cut the frame.
    pub wire_len: u32,
}

/// A frame that can't be transmitted, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsent<F> {
    /// The frame, the worker's again.
    pub frame: F,
    /// [`DropReason::TxRingFull`] or [`DropReason::PortGone`].
    pub reason: DropReason,
}

/// Port I/O of one worker: one queue of every interface.
///
/// Every frame received leaves by exactly one of [`transmit`](Self::transmit), [`punt`](Self::punt) and
/// [`discard`](Self::discard); the worker may hold it meanwhile. Nothing here blocks.
pub trait PortIo {
    /// A handle that owns one frame. Losing it loses the frame's memory.
    type Frame;

    /// Appends at most `max` received frames to `burst`; ports take turns.
    fn receive(&mut self, max: usize, burst: &mut Vec<Received<Self::Frame>>);

    /// The bytes of a frame, from the destination MAC on.
    fn bytes<'a>(&'a self, frame: &'a Self::Frame) -> &'a [u8];

    /// The bytes of a frame, to rewrite in place.
    fn bytes_mut<'a>(&'a mut self, frame: &'a mut Self::Frame) -> &'a mut [u8];

    /// Queues a frame for transmission on `port`.
    ///
    /// # Errors
    /// The frame comes back if the transmit ring is full or the port has gone.
    fn transmit(&mut self, port: PortId, frame: Self::Frame) -> Result<(), Unsent<Self::Frame>>;

    /// Hands an unchanged frame that came in on `port` back to the kernel; false if that failed. The frame is
    /// released either way.
    fn punt(&mut self, port: PortId, frame: Self::Frame) -> bool;

    /// Releases a frame that is dropped; it came in on `port`.
    fn discard(&mut self, port: PortId, frame: Self::Frame, reason: DropReason);

    /// Ends a burst: what was queued is on its way when this returns.
    fn flush(&mut self);
}
