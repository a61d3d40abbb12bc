//! Interfaces that a queue takes up and gives up while it works.
//!
//! Binding and closing take the kernel long, so another thread does both: what it has bound, the worker
//! [takes up](Queue::join); what the worker has [given up](Queue::part), it closes, and says so. Only then are frames that
//! were still in the rings the worker's again. Unsafe: these frames are taken back without a ring.

#![expect(unsafe_code, reason = "frames of a closed socket don't come out of a ring")]

use super::open::QueueError;
use super::{Queue, Seat};
use crate::bound::Bound;
use crate::busy::retry_while_busy;
use crate::socket::Socket;
use crate::umem::Area;
use crate::xsk::{Access, KernelRings};
use crate::{Interface, Mode, SocketHandle};
use evenkeel_nexthop::PortId;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long after its socket was closed the kernel and a driver may still write into a frame, at most: they let go of a
/// queue some 200 ms after the call returned.
const REST: Duration = Duration::from_millis(500);
/// How long a reader of statistics keeps a socket open at most, until it is looked again.
const READING: Duration = Duration::from_millis(1);

/// Binds sockets to a queue's memory, from another thread than the worker's.
#[derive(Debug, Clone)]
pub struct Binder {
    pub(super) area: Area,
    pub(super) bound: Arc<Bound>,
    pub(super) number: u32,
    pub(super) access: Access,
    /// Of the queue.
    pub(super) id: u32,
}

/// A bound socket that a queue has not taken up yet; dropping it closes it.
#[derive(Debug)]
pub struct Joining {
    seat: Seat,
    owner: u32,
    number: u32,
}

/// A socket that a queue has given up. It is still bound.
#[derive(Debug)]
pub struct Parted {
    rings: KernelRings,
    descriptor: Arc<OwnedFd>,
    bound: Arc<Bound>,
    number: u32,
    closed: Closed,
}

/// A socket that has just been closed, whose frames the kernel may still touch.
#[derive(Debug)]
pub struct Closing {
    closed: Closed,
    until: Instant,
}

/// Proof that a queue's socket has been closed, and that nobody touches its frames any more.
#[derive(Debug)]
pub struct Closed {
    owner: u32,
    port: PortId,
}

impl Binder {
    /// Whether the queue's memory, which has been there since the start, fits an interface.
    ///
    /// # Errors
    /// [`QueueError::Mtu`] and [`QueueError::OtherAccess`].
    pub fn check(&self, interface: &Interface) -> Result<(), QueueError> {
        let (name, largest) = (interface.name.clone(), self.area.largest_mtu());
        if interface.mtu > largest {
            return Err(QueueError::Mtu { interface: name, mtu: interface.mtu, largest });
        }
        match (interface.mode, self.access) {
            (Mode::ZeroCopy, Access::Copy) | (Mode::Copy | Mode::Generic, Access::ZeroCopy) => {
                Err(QueueError::OtherAccess { interface: name, access: self.access })
            }
            _ => Ok(()),
        }
    }

    /// Binds a socket to the queue of an interface, which will be this port. A queue that somebody else still has is
    /// waited for, two seconds at most.
    ///
    /// # Errors
    /// As [`check`](Self::check), and [`QueueError::Bind`].
    pub fn bind(&self, port: PortId, interface: &Interface) -> Result<Joining, QueueError> {
        self.check(interface)?;
        let failed = |source| QueueError::Bind {
            interface: interface.name.clone(),
            queue: self.number,
            access: self.access,
            source,
        };
        let bind = || KernelRings::bind(&self.area, &interface.name, self.number, self.access);
        let rings = retry_while_busy(bind).map_err(failed)?;
        let descriptor = self.bound.enter(rings.descriptor()).map_err(failed)?;
        let seat = Seat { socket: Socket::new(port, rings), descriptor };
        Ok(Joining { seat, owner: self.id, number: self.number })
    }
}

impl Joining {
    /// For the steering and for statistics.
    #[must_use]
    pub fn handle(&self) -> SocketHandle {
        self.seat.handle(self.number)
    }
}

impl Parted {
    /// Number of the queue.
    #[must_use]
    pub fn queue(&self) -> u32 {
        self.number
    }

    /// Closes the socket. `None` if it was the last one of its queue, which stays bound until the queue is dropped.
    #[must_use]
    pub fn close(self) -> Option<Closing> {
        let Self { rings, descriptor, bound, closed, .. } = self;
        bound.let_go(&descriptor).ok()?;
        drop(rings);
        let readers = Arc::downgrade(&descriptor);
        drop(descriptor);
        while readers.strong_count() > 0 {
            thread::sleep(READING);
        }
        Some(Closing { closed, until: Instant::now() + REST })
    }
}

impl Closing {
    /// Waits until the kernel has let go of the socket's frames, half a second after it was closed.
    #[must_use]
    pub fn wait(self) -> Closed {
        thread::sleep(self.until.saturating_duration_since(Instant::now()));
        self.closed
    }
}

impl Queue {
    /// What binds sockets to this queue's memory.
    #[must_use]
    pub fn binder(&self) -> Binder {
        Binder {
            area: self.area.clone(),
            bound: Arc::clone(&self.bound),
            number: self.number,
            access: self.access,
            id: self.id,
        }
    }

    /// Takes up an interface: packets can be sent there, and come as soon as it is connected and opened in the
    /// [steering](crate::Steering). A socket of another queue is closed.
    pub fn join(&mut self, joining: Joining) {
        if joining.owner == self.id {
            self.sit(joining.seat);
        }
    }

    /// Begins to give an interface up: nothing is sent there any more, and no frame is given to the kernel to receive
    /// into. What is under way is still sent, and what has come is received.
    pub fn leave(&mut self, port: PortId) {
        if let Some(place) = self.places.get_mut(port.index()).and_then(Option::take)
            && let Some(seat) = self.seats.get_mut(usize::from(place))
        {
            seat.socket.leave();
        }
    }

    /// True if an interface that is being given up has sent everything, and nothing had come at the last receive.
    #[must_use]
    pub fn is_drained(&self, port: PortId) -> bool {
        self.seats.iter().any(|seat| seat.socket.port() == port && seat.socket.is_drained())
    }

    /// Gives up an interface that is [left](Self::leave). Frames in its rings are missing until the socket is closed and
    /// they are [taken back](Self::take_back).
    pub fn part(&mut self, port: PortId) -> Option<Parted> {
        let place = self.seats.iter().position(|seat| seat.socket.port() == port)?;
        if self.places.get(port.index()).copied().flatten().is_some() {
            return None;
        }
        let Seat { socket, descriptor } = self.seats.remove(place);
        self.seats_changed();
        let (rings, missing) = socket.into_rings(&mut self.pool);
        self.parted += missing;
        let closed = Closed { owner: self.id, port };
        Some(Parted { rings, descriptor, bound: Arc::clone(&self.bound), number: self.number, closed })
    }

    /// Takes back the frames that were in the rings of a socket that has been closed.
    #[expect(clippy::needless_pass_by_value, reason = "the proof is good for once")]
    pub fn take_back(&mut self, closed: Closed) {
        if closed.owner != self.id {
            return;
        }
        // SAFETY: `Closed` is made when the socket has been closed and the kernel had time to let go of it, the pool is
        // this queue's, and the port's number isn't used by another socket until its frames are back.
        let found = unsafe { self.area.recall(&mut self.pool, closed.port) };
        self.parted -= found;
    }
}
