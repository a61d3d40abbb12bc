//! The kernel's rings, by xsk-rs. Unsafe: what is put into a ring belongs to the kernel.

#![expect(unsafe_code, reason = "xsk-rs leaves it to its caller that nobody uses a frame that is in a ring")]

use crate::rings::Rings;
use crate::socket::{FILL_RING_LEN, TX_RING_LEN};
use crate::umem::{Area, Descriptor, cause};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::{fmt, io, ptr};
use xsk_rs::config::{BindFlags, LibxdpFlags, QueueSize, SocketConfig};
use xsk_rs::{CompQueue, FillQueue, FrameDesc, RxQueue, Socket, TxQueue};

/// Frames that a kernel that copies sends at one kick, at most (`linux/if_xdp.h`).
const XDP_MAX_TX_SKB_BUDGET: libc::c_int = 9;
/// How to poll busily (`asm-generic/socket.h`).
const SO_PREFER_BUSY_POLL: libc::c_int = 69;
const SO_BUSY_POLL_BUDGET: libc::c_int = 70;
/// A time other than 0 switches it on; the calls that are made here poll once, whatever it is.
const BUSY_POLL_US: u32 = 20;
/// Frames taken from a ring at once, at most.
const TAKEN_AT_ONCE: usize = 256;

/// How frames reach user space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The network card writes and reads them where they are.
    ZeroCopy,
    /// The kernel copies them in and out.
    Copy,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroCopy => "zero-copy",
            Self::Copy => "copy",
        })
    }
}

/// Rings of a socket that is bound to one queue of one interface.
#[derive(Debug)]
pub(crate) struct KernelRings {
    rx: RxQueue,
    tx: TxQueue,
    fill: FillQueue,
    completion: CompQueue,
    /// The kernel does nothing unless it is asked to.
    is_busy_polled: bool,
    /// Where rings write what they hand over.
    taken: [FrameDesc; TAKEN_AT_ONCE],
}

impl KernelRings {
    /// Binds a socket on the memory of `area` to a queue of an interface. No program is attached.
    ///
    /// # Errors
    /// What the kernel says: EBUSY if a socket is bound there, EOPNOTSUPP if the driver doesn't know the access.
    pub(crate) fn bind(area: &Area, interface: &str, queue: u32, access: Access) -> io::Result<Self> {
        let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidInput, error);
        let how = match access {
            Access::ZeroCopy => BindFlags::XDP_ZEROCOPY,
            Access::Copy => BindFlags::XDP_COPY,
        };
        let config = SocketConfig::builder()
            .rx_queue_size(QueueSize::new(FILL_RING_LEN).map_err(|error| invalid(error.to_string()))?)
            .tx_queue_size(QueueSize::new(TX_RING_LEN).map_err(|error| invalid(error.to_string()))?)
            .libxdp_flags(LibxdpFlags::XSK_LIBXDP_FLAGS_INHIBIT_PROG_LOAD)
            .bind_flags(how | BindFlags::XDP_USE_NEED_WAKEUP)
            .build();
        let name = interface.parse().map_err(|_| invalid(format!("no interface is called {interface:?}")))?;
        // SAFETY: libxdp doesn't load a program, which is what may be freed twice otherwise.
        let bound = unsafe { Socket::new(config, area.umem(), &name, queue) };
        let (tx, rx, fill_and_completion) = bound.map_err(|error| cause(&error))?;
        // None if this UMEM has another socket on this queue: an interface was named twice.
        let busy = || io::Error::from_raw_os_error(libc::EBUSY);
        let (fill, completion) = fill_and_completion.ok_or_else(busy)?;
        // One kick for a burst. A kernel before 6.17 doesn't know it, and takes 32 frames per kick.
        let _ = set_option(rx.fd().as_raw_fd(), libc::SOL_XDP, XDP_MAX_TX_SKB_BUDGET, TX_RING_LEN);
        let is_busy_polled = false;
        Ok(Self { rx, tx, fill, completion, is_busy_polled, taken: [FrameDesc::default(); TAKEN_AT_ONCE] })
    }

    /// Has the kernel poll the network card's queue when it is asked to send or to receive, for at most `budget` packets
    /// each time, and leave it alone else (`Documentation/networking/napi.rst`, Busy polling).
    ///
    /// # Errors
    /// What the kernel says: EPERM without `CAP_NET_ADMIN`, ENOPROTOOPT if it is built without busy polling.
    pub(crate) fn poll_busily(&mut self, budget: u32) -> io::Result<()> {
        let socket = self.rx.fd().as_raw_fd();
        set_option(socket, libc::SOL_SOCKET, SO_PREFER_BUSY_POLL, 1)?;
        set_option(socket, libc::SOL_SOCKET, libc::SO_BUSY_POLL, BUSY_POLL_US)?;
        set_option(socket, libc::SOL_SOCKET, SO_BUSY_POLL_BUDGET, budget)?;
        self.is_busy_polled = true;
        Ok(())
    }

    /// The socket.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        // SAFETY: the rings keep the socket open for as long as `self` is borrowed.
        unsafe { BorrowedFd::borrow_raw(self.rx.fd().as_raw_fd()) }
    }
}

impl Rings for KernelRings {
    type Frame = Descriptor;

    #[inline]
    fn receive(&mut self, max: usize) -> impl ExactSizeIterator<Item = Descriptor> {
        let room = max.min(TAKEN_AT_ONCE);
        // SAFETY: the ring writes only descriptors of its own UMEM, to which this socket was bound.
        let count = unsafe { self.rx.consume(&mut self.taken[..room]) };
        // SAFETY: these frames have just come from the rx ring; `taken` isn't read again before it is overwritten.
        self.taken[..count].iter().map(|frame| unsafe { Descriptor::new(*frame) })
    }

    #[inline]
    fn fill(&mut self, from: &mut Vec<Descriptor>, count: usize) -> usize {
        let kept = from.len().saturating_sub(count);
        // SAFETY: these are frames of this UMEM and in no ring, as their descriptors exist; the descriptors of those
        // that the ring takes end here (they have no drop).
        let taken = unsafe { self.fill.produce(Descriptor::as_frames(&from[kept..])) };
        debug_assert!(taken == 0 || kept + taken == from.len(), "all or none");
        from.truncate(from.len() - taken);
        taken
    }

    #[inline]
    fn send(&mut self, from: &mut Vec<Descriptor>) -> usize {
        // SAFETY: as in `fill`.
        let taken = unsafe { self.tx.produce(Descriptor::as_frames(from)) };
        debug_assert!(taken == 0 || taken == from.len(), "all or none");
        if taken > 0 {
            from.clear();
        }
        taken
    }

    #[inline]
    fn complete(&mut self, to: &mut Vec<Descriptor>) -> usize {
        // SAFETY: as in `receive`.
        let count = unsafe { self.completion.consume(&mut self.taken) };
        // SAFETY: as in `receive`, of the completion ring.
        unsafe { Descriptor::append(to, &self.taken[..count]) };
        count
    }

    fn unsent(&mut self) -> u32 {
        TX_RING_LEN - self.tx.nb_free_exact()
    }

    fn needs_kick(&self) -> bool {
        self.is_busy_polled || self.tx.needs_wakeup()
    }

    fn kick(&mut self) -> io::Result<()> {
        // Does nothing about ENOBUFS, EAGAIN, EBUSY and ENETDOWN: the frames stay in the ring.
        self.tx.wakeup()
    }

    fn needs_fill_kick(&self) -> bool {
        self.is_busy_polled || self.fill.needs_wakeup()
    }

    fn kick_fill(&mut self) {
        // SAFETY: no memory is passed. A failure shows when something is sent.
        let _ = unsafe {
            libc::recvfrom(
                self.rx.fd().as_raw_fd(),
                ptr::null_mut(),
                0,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
    }
}

/// Sets an option of a socket that is a number.
fn set_option(socket: RawFd, level: libc::c_int, option: libc::c_int, value: u32) -> io::Result<()> {
    let len = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the pointer and the length are those of `value`, which outlives the call.
    let result = unsafe { libc::setsockopt(socket, level, option, (&raw const value).cast(), len) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A socket that is bound to nothing.
pub(crate) fn unbound() -> io::Result<OwnedFd> {
    // SAFETY: no pointers are passed.
    let fd = unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What to wait for: a packet on this socket.
pub(crate) fn poll_for(socket: RawFd) -> libc::pollfd {
    libc::pollfd { fd: socket, events: libc::POLLIN, revents: 0 }
}

/// Waits until a packet is there, for at most `timeout_ms`. A signal ends it, too. Where the kernel copies, it also
/// sends what is in the tx rings.
pub(crate) fn poll(set: &mut [libc::pollfd], timeout_ms: i32) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of one slice, which outlives the call.
    let result = unsafe { libc::poll(set.as_mut_ptr(), set.len() as libc::nfds_t, timeout_ms) };
    match io::Error::last_os_error() {
        error if result < 0 && error.raw_os_error() != Some(libc::EINTR) => Err(error),
        _ => Ok(()),
    }
}
