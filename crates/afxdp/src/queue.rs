//! A worker's queue of every interface: the port I/O of live frames.
//!
//! One UMEM, one socket per interface on it: a frame that came in on one interface leaves on another where it is.
//! Unsafe: frames are looked into, once it is clear that they are this queue's.

#![expect(unsafe_code, reason = "the memory of a frame may be touched only through the UMEM that it is of")]

mod open;

pub use open::QueueError;

use crate::socket::Socket;
use crate::umem::{Area, Descriptor};
use crate::xsk::{self, Access, KernelRings};
use crate::{Monitor, PuntDevice};
use evenkeel_dataplane::{DropReason, PortIo, Received};
use evenkeel_nexthop::PortId;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Longest sleep while the kernel is behind with sending, in milliseconds.
const BEHIND_TIMEOUT_MS: i32 = 1;

/// A frame that a worker has. It belongs to the queue that it came from.
#[derive(Debug)]
pub struct Frame {
    descriptor: Descriptor,
    owner: u32,
}

/// Where the frames of a queue are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameCensus {
    /// All there are.
    pub total: usize,
    /// Not in use.
    pub pool: usize,
    /// With the kernel to be received into, or received and not taken yet.
    pub filling: usize,
    /// With the worker.
    pub held: usize,
    /// To be sent, or sent and not taken back yet.
    pub sending: usize,
}

impl FrameCensus {
    /// True if every frame is somewhere. This holds at any time; that `held` is what the worker really holds, and no
    /// frame was dropped by mistake, can be told only when it is still.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.pool + self.filling + self.held + self.sending == self.total
    }
}

/// Queue w of every interface, for worker w.
#[derive(Debug)]
pub struct Queue {
    /// Dropped before the memory that it is bound to.
    sockets: Vec<Socket<KernelRings>>,
    pool: Vec<Descriptor>,
    area: Area,
    punt: Arc<PuntDevice>,
    poll_set: Vec<libc::pollfd>,
    /// Where received frames wait to be given a port.
    arrived: Vec<Descriptor>,
    number: u32,
    access: Access,
    /// Which frames are its own.
    id: u32,
    total: usize,
    held: usize,
    /// Port whose turn it is to be first.
    first_port: usize,
}

impl Queue {
    /// Number of the queue on every interface.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How frames reach user space.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// True if the frames are on huge pages.
    #[must_use]
    pub fn is_on_huge_pages(&self) -> bool {
        self.area.is_huge
    }

    /// Waits until a packet is there, for at most `timeout_ms`; less while there is something left to send. A signal
    /// ends it, too.
    ///
    /// # Errors
    /// What poll(2) says.
    pub fn wait(&mut self, timeout_ms: i32) -> io::Result<()> {
        let is_behind = self.sockets.iter().any(Socket::is_behind);
        let timeout_ms = if is_behind { timeout_ms.clamp(0, BEHIND_TIMEOUT_MS) } else { timeout_ms };
        xsk::poll(&mut self.poll_set, timeout_ms)
    }

    /// Where the frames are.
    #[must_use]
    pub fn census(&self) -> FrameCensus {
        FrameCensus {
            total: self.total,
            pool: self.pool.len(),
            filling: self.sockets.iter().map(Socket::filling).sum(),
            held: self.held,
            sending: self.sockets.iter().map(Socket::sending).sum(),
        }
    }

    /// A reader of the sockets' statistics for another thread.
    ///
    /// # Errors
    /// If there are no file descriptors left.
    pub fn monitor(&self) -> io::Result<Monitor> {
        let sockets = self.sockets.iter().map(|socket| socket.rings().descriptor().try_clone_to_owned());
        Ok(Monitor { queue: self.number, sockets: sockets.collect::<Result<_, _>>()? })
    }

    /// Its sockets, by the number of their interface.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = (u16, BorrowedFd<'_>)> {
        let sockets = self.sockets.iter().enumerate();
        sockets.map(|(port, socket)| (port as u16, socket.rings().descriptor()))
    }

    /// Takes a frame back. One of another queue is lost to both.
    fn release(&mut self, frame: Frame) {
        if frame.owner == self.id {
            self.held -= 1;
            self.pool.push(frame.descriptor);
        }
    }
}

impl PortIo for Queue {
    type Frame = Frame;

    fn receive(&mut self, max: usize, burst: &mut Vec<Received<Frame>>) {
        let ports = self.sockets.len();
        let mut room = max;
        for turn in 0..ports {
            let port = (self.first_port + turn) % ports;
            let count = self.sockets[port].receive(room, &mut self.pool, &mut self.arrived);
            room -= count;
            self.held += count;
            for descriptor in self.arrived.drain(..) {
                let wire_len = descriptor.packet_len();
                let frame = Frame { descriptor, owner: self.id };
                burst.push(Received { frame, port: PortId(port as u16), wire_len });
            }
        }
        self.first_port = (self.first_port + 1) % ports.max(1);
    }

    #[inline]
    fn bytes<'a>(&'a self, frame: &'a Frame) -> &'a [u8] {
        if frame.owner != self.id {
            return &[];
        }
        // SAFETY: a frame with the number of this queue was made in `receive`, from this queue's UMEM.
        unsafe { self.area.bytes(&frame.descriptor) }
    }

    #[inline]
    fn bytes_mut<'a>(&'a mut self, frame: &'a mut Frame) -> &'a mut [u8] {
        if frame.owner != self.id {
            return &mut [];
        }
        // SAFETY: as in `bytes`.
        unsafe { self.area.bytes_mut(&mut frame.descriptor) }
    }

    #[inline]
    fn transmit(&mut self, port: PortId, frame: Frame) -> Result<(), Frame> {
        let owner = frame.owner;
        let Some(socket) = self.sockets.get_mut(port.index()).filter(|_| owner == self.id) else {
            return Err(frame);
        };
        let queued = socket.queue(frame.descriptor, &mut self.pool);
        queued.map_err(|descriptor| Frame { descriptor, owner })?;
        self.held -= 1;
        Ok(())
    }

    fn punt(&mut self, _port: PortId, frame: Frame) -> bool {
        let sent = self.punt.send(self.bytes(&frame));
        self.release(frame);
        sent
    }

    fn discard(&mut self, _port: PortId, frame: Frame, _reason: DropReason) {
        self.release(frame);
    }

    fn flush(&mut self) {
        for socket in &mut self.sockets {
            socket.flush();
        }
    }
}
