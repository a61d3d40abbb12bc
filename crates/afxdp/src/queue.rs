//! A worker's queue of every interface: the port I/O of live frames.
//!
//! One UMEM, one socket per interface on it: a frame that came in on one interface leaves on another where it is.
//! Unsafe: frames are looked into, once it is clear that they are this queue's.

#![expect(unsafe_code, reason = "the memory of a frame may be touched only through the UMEM that it is of")]

mod open;
mod ports;

pub use open::{QueueError, memory_len_bytes};
pub use ports::{Binder, Closed, Closing, Joining, Parted};

use crate::bound::Bound;
use crate::pool::Pool;
use crate::punt::Allowance;
use crate::socket::Socket;
use crate::umem::{Area, Descriptor};
use crate::xsk::{self, Access, KernelRings};
use crate::{PuntDevice, SocketHandle};
use evenkeel_dataplane::{DropReason, PortIo, Received, Unsent};
use evenkeel_nexthop::PortId;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
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
    /// In rings of interfaces that were given up, until their sockets are closed.
    pub parted: usize,
}

impl FrameCensus {
    /// True if every frame is somewhere. This holds at any time; that `held` is what the worker really holds, and no
    /// frame was dropped by mistake, can be told only when it is still.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.pool + self.filling + self.held + self.sending + self.parted == self.total
    }
}

/// One interface of a queue.
#[derive(Debug)]
struct Seat {
    socket: Socket<KernelRings>,
    /// Another descriptor of the socket.
    descriptor: Arc<OwnedFd>,
}

impl Seat {
    fn handle(&self, queue: u32) -> SocketHandle {
        SocketHandle { port: self.socket.port(), queue, descriptor: Arc::downgrade(&self.descriptor) }
    }
}

/// Queue w of every interface, for worker w.
#[derive(Debug)]
pub struct Queue {
    /// Dropped before the memory that they are bound to.
    seats: Vec<Seat>,
    /// By port, the place of its seat; none of one that is being given up.
    places: Vec<Option<u8>>,
    pool: Pool<Descriptor>,
    area: Area,
    bound: Arc<Bound>,
    punt: Arc<PuntDevice>,
    allowance: Allowance,
    poll_set: Vec<libc::pollfd>,
    /// Packets that the kernel receives at once, if it polls in this thread.
    busy_poll_budget: Option<u32>,
    number: u32,
    access: Access,
    /// Which frames are its own.
    id: u32,
    total: usize,
    held: usize,
    /// Frames in rings that were given up.
    parted: usize,
    /// Place whose turn it is to be first.
    first: usize,
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
        let is_behind = self.seats.iter().any(|seat| seat.socket.is_behind());
        let timeout_ms = if is_behind { timeout_ms.clamp(0, BEHIND_TIMEOUT_MS) } else { timeout_ms };
        xsk::poll(&mut self.poll_set, timeout_ms)
    }

    /// From now on the kernel polls the network cards' queues in this thread, whenever nothing has come and whenever
    /// something is sent, for at most `budget` packets each time. Interrupts are put off as far as `napi_defer_hard_irqs`
    /// and `gro_flush_timeout` of the interfaces say. This also holds for interfaces that join later.
    ///
    /// # Errors
    /// What the kernel says: EPERM without `CAP_NET_ADMIN`, ENOPROTOOPT if it is built without busy polling.
    pub fn poll_busily(&mut self, budget: u32) -> io::Result<()> {
        for seat in &mut self.seats {
            seat.socket.rings_mut().poll_busily(budget)?;
        }
        self.busy_poll_budget = Some(budget);
        Ok(())
    }

    /// Where the frames are.
    #[must_use]
    pub fn census(&self) -> FrameCensus {
        FrameCensus {
            total: self.total,
            pool: self.pool.free.len(),
            filling: self.seats.iter().map(|seat| seat.socket.filling()).sum(),
            held: self.held,
            sending: self.seats.iter().map(|seat| seat.socket.sending()).sum(),
            parted: self.parted,
        }
    }

    /// Its sockets, for the steering and for statistics.
    #[must_use]
    pub fn handles(&self) -> Vec<SocketHandle> {
        self.seats.iter().map(|seat| seat.handle(self.number)).collect()
    }

    fn sit(&mut self, mut seat: Seat) {
        if let Some(budget) = self.busy_poll_budget {
            // what the other sockets have been granted; without it, this one works as it is
            let _ = seat.socket.rings_mut().poll_busily(budget);
        }
        seat.socket.refill(&mut self.pool);
        let port = seat.socket.port();
        self.seats.push(seat);
        self.seats_changed();
        if let Some(place) = self.places.get_mut(port.index()) {
            *place = u8::try_from(self.seats.len() - 1).ok();
        }
    }

    /// Brings what follows from the seats up to date. Nothing is allocated as long as there is room for another one.
    fn seats_changed(&mut self) {
        self.poll_set.clear();
        self.poll_set.extend(self.seats.iter().map(|seat| xsk::poll_for(seat.descriptor.as_raw_fd())));
        for (seat, place) in self.seats.iter().zip(0..) {
            if let Some(known @ Some(_)) = self.places.get_mut(seat.socket.port().index()) {
                *known = Some(place);
            }
        }
    }

    /// Takes a frame back. One of another queue is lost to both.
    fn release(&mut self, frame: Frame) {
        if frame.owner == self.id {
            self.held -= 1;
            self.pool.free.push(frame.descriptor);
        }
    }
}

impl PortIo for Queue {
    type Frame = Frame;

    fn receive(&mut self, max: usize, burst: &mut Vec<Received<Frame>>) {
        self.allowance.grow(max);
        let owner = self.id;
        let mut room = max;
        let (first, last) = self.seats.split_at_mut(self.first);
        for seat in last.iter_mut().chain(first) {
            let port = seat.socket.port();
            let count = seat.socket.receive(room, &mut self.pool, burst, |descriptor| {
                let wire_len = descriptor.packet_len();
                Received { frame: Frame { descriptor, owner }, port, wire_len }
            });
            room -= count;
            self.held += count;
        }
        self.first += 1;
        if self.first >= self.seats.len() {
            self.first = 0;
        }
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
    fn transmit(&mut self, port: PortId, frame: Frame) -> Result<(), Unsent<Frame>> {
        let owner = frame.owner;
        let place = self.places.get(port.index()).copied().flatten().filter(|_| owner == self.id);
        let Some(seat) = place.and_then(|place| self.seats.get_mut(usize::from(place))) else {
            return Err(Unsent { frame, reason: DropReason::PortGone });
        };
        let queued = seat.socket.queue(frame.descriptor, &mut self.pool);
        queued.map_err(|Unsent { frame: descriptor, reason }| Unsent {
            frame: Frame { descriptor, owner },
            reason,
        })?;
        self.held -= 1;
        Ok(())
    }

    fn punt(&mut self, _port: PortId, frame: Frame) -> bool {
        let sent = self.allowance.take() && self.punt.send(self.bytes(&frame));
        self.release(frame);
        sent
    }

    fn discard(&mut self, _port: PortId, frame: Frame, _reason: DropReason) {
        self.release(frame);
    }

    fn flush(&mut self) {
        for seat in &mut self.seats {
            seat.socket.flush();
        }
    }
}
