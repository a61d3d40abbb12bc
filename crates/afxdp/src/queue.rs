//! A worker's queue of every interface: the port I/O of live frames.
//!
//! One UMEM, one socket per interface on it: a frame that came in on one interface leaves on another where it is.
//! Unsafe: frames are looked into, once it is clear that they are this queue's.

#![expect(unsafe_code, reason = "the memory of a frame may be touched only through the UMEM that it is of")]

use crate::busy::retry_while_busy;
use crate::socket::{FILL_RING_LEN, Socket, TX_RING_LEN};
use crate::umem::{Area, Descriptor};
use crate::xsk::{self, Access, KernelRings};
use crate::{Interface, Mode, Monitor, PuntDevice, memlock};
use evenkeel_dataplane::{DropReason, PortIo, Received};
use evenkeel_nexthop::PortId;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Frames beyond those that fill all rings: for what a worker holds at a time, a burst and its held fragments (1024).
const WORKER_FRAMES: u32 = 2048;
/// Longest sleep while the kernel is behind with sending, in milliseconds.
const BEHIND_TIMEOUT_MS: i32 = 1;

/// Number of queues that were opened: each has frames of its own.
static OPENED: AtomicU32 = AtomicU32::new(0);

/// Why a queue can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Zero-copy is demanded of one interface and excluded for another.
    #[error(
        "{zero_copy} is configured as zero-copy and {other} is not; they share memory, so both must be or none"
    )]
    MixedModes {
        /// Name of an interface.
        zero_copy: String,
        /// Name of another one.
        other: String,
    },
    /// There is no memory for the frames.
    #[error(
        "{frames} frames of memory for queue {queue} are refused; CAP_IPC_LOCK or a higher limit on locked memory \
         (ulimit -l) may help"
    )]
    Memory {
        /// Number of the queue.
        queue: u32,
        /// Number of frames.
        frames: u32,
        /// What the kernel said.
        source: io::Error,
    },
    /// A socket can't be bound.
    #[error("binding to queue {queue} of {interface} ({access:?}) failed")]
    Bind {
        /// Name of the interface.
        interface: String,
        /// Number of the queue.
        queue: u32,
        /// How it was tried last.
        access: Access,
        /// What the kernel said; EBUSY if another socket is bound there.
        source: io::Error,
    },
}

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
    /// Binds a socket to queue `number` of every interface, zero-copy if all of them can. Queues that the last process
    /// left behind are waited for, two seconds at most. Packets come once it is
    /// [connected](crate::Steering::connect).
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn open(number: u32, interfaces: &[Interface], punt: Arc<PuntDevice>) -> Result<Self, QueueError> {
        memlock::lift_limit();
        let (first, second) = accesses(interfaces)?;
        match (Self::bind(number, interfaces, &punt, first), second) {
            (Err(QueueError::Bind { source, .. }), Some(second))
                if source.raw_os_error() != Some(libc::EBUSY) =>
            {
                Self::bind(number, interfaces, &punt, second)
            }
            (result, _) => result,
        }
    }

    fn bind(
        number: u32,
        interfaces: &[Interface],
        punt: &Arc<PuntDevice>,
        access: Access,
    ) -> Result<Self, QueueError> {
        let mtu = interfaces.iter().map(|interface| interface.mtu).max().unwrap_or(0);
        let frames = interfaces.len() as u32 * (FILL_RING_LEN + TX_RING_LEN) + WORKER_FRAMES;
        let (area, mut pool) = Area::new(frames, mtu, (FILL_RING_LEN, TX_RING_LEN))
            .map_err(|source| QueueError::Memory { queue: number, frames, source })?;
        let total = pool.len();
        let mut sockets = Vec::with_capacity(interfaces.len());
        for interface in interfaces {
            let bound = retry_while_busy(|| KernelRings::bind(&area, &interface.name, number, access));
            let rings = bound.map_err(|source| QueueError::Bind {
                interface: interface.name.clone(),
                queue: number,
                access,
                source,
            })?;
            let mut socket = Socket::new(rings);
            socket.refill(&mut pool);
            sockets.push(socket);
        }
        let poll_set = xsk::poll_set(sockets.iter().map(|socket| socket.rings().descriptor().as_raw_fd()));
        Ok(Self {
            sockets,
            pool,
            area,
            punt: Arc::clone(punt),
            poll_set,
            arrived: Vec::new(),
            number,
            access,
            id: OPENED.fetch_add(1, Ordering::Relaxed),
            total,
            held: 0,
            first_port: 0,
        })
    }

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

/// The accesses to try, in this order.
fn accesses(interfaces: &[Interface]) -> Result<(Access, Option<Access>), QueueError> {
    let zero_copy = interfaces.iter().find(|interface| interface.mode == Mode::ZeroCopy);
    let other = interfaces.iter().find(|interface| matches!(interface.mode, Mode::Copy | Mode::Generic));
    match (zero_copy, other) {
        (Some(zero_copy), Some(other)) => {
            Err(QueueError::MixedModes { zero_copy: zero_copy.name.clone(), other: other.name.clone() })
        }
        (Some(_), None) => Ok((Access::ZeroCopy, None)),
        (None, Some(_)) => Ok((Access::Copy, None)),
        (None, None) => Ok((Access::ZeroCopy, Some(Access::Copy))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_packet::Mac;

    fn interfaces(modes: &[Mode]) -> Vec<Interface> {
        let interface = |mode: &Mode| Interface {
            name: format!("{mode:?}"),
            index: 1,
            mac: Mac::default(),
            mtu: 1500,
            queues: 1,
            mode: *mode,
        };
        modes.iter().map(interface).collect()
    }

    #[test]
    fn zero_copy_is_for_all_interfaces_or_none() {
        use Access::{Copy, ZeroCopy};
        let tried = |modes: &[Mode]| accesses(&interfaces(modes)).unwrap();
        assert_eq!(tried(&[Mode::Auto, Mode::Auto]), (ZeroCopy, Some(Copy)));
        assert_eq!(tried(&[Mode::Auto, Mode::ZeroCopy]), (ZeroCopy, None));
        assert_eq!(tried(&[Mode::Auto, Mode::Copy]), (Copy, None));
        assert_eq!(tried(&[Mode::Generic, Mode::Copy]), (Copy, None));
        let mixed = accesses(&interfaces(&[Mode::ZeroCopy, Mode::Generic])).unwrap_err().to_string();
        assert!(mixed.contains("ZeroCopy") && mixed.contains("Generic"), "{mixed}");
    }
}
