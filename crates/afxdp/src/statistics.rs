//! The kernel's statistics of AF_XDP sockets. Unsafe: a socket option that is a plain struct.

#![expect(unsafe_code, reason = "getsockopt writes into memory that it is given by pointer")]

use evenkeel_nexthop::PortId;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Weak;

/// What the kernel did with the frames of one socket (`XDP_STATISTICS`, `linux/if_xdp.h`). None of these frames was
/// received by a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SocketStatistics {
    /// Dropped, because the fill ring was empty or the packet too long for a frame.
    pub rx_dropped: u64,
    /// Dropped, because the rx ring was full; not in `rx_dropped`.
    pub rx_ring_full: u64,
    /// Times that the kernel found the fill ring empty.
    pub rx_fill_ring_empty: u64,
    /// Frames given to the fill ring that are none.
    pub rx_invalid_descriptors: u64,
    /// Frames given to the tx ring that are none.
    pub tx_invalid_descriptors: u64,
}

/// One socket of a worker, as other threads know it. It doesn't keep the socket open.
#[derive(Debug, Clone)]
pub struct SocketHandle {
    pub(crate) port: PortId,
    pub(crate) queue: u32,
    pub(crate) descriptor: Weak<OwnedFd>,
}

impl SocketHandle {
    /// The interface.
    #[must_use]
    pub fn port(&self) -> PortId {
        self.port
    }

    /// Number of the queue.
    #[must_use]
    pub fn queue(&self) -> u32 {
        self.queue
    }

    /// Statistics so far; none if the socket is closed.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn statistics(&self) -> io::Result<Option<SocketStatistics>> {
        self.descriptor.upgrade().map(|socket| read(&socket)).transpose()
    }
}

fn read(socket: &OwnedFd) -> io::Result<SocketStatistics> {
    // SAFETY: the struct is integers, for all of which zero is a value.
    let mut statistics: libc::xdp_statistics = unsafe { mem::zeroed() };
    let mut len = size_of_val(&statistics) as libc::socklen_t;
    // SAFETY: both pointers lead to locals that outlive the call, and `len` is the length of the first. An old kernel
    // writes less and says so; the rest stays zero.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_XDP,
            libc::XDP_STATISTICS,
            (&raw mut statistics).cast(),
            &raw mut len,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(SocketStatistics {
        rx_dropped: statistics.rx_dropped,
        rx_ring_full: statistics.rx_ring_full,
        rx_fill_ring_empty: statistics.rx_fill_ring_empty_descs,
        rx_invalid_descriptors: statistics.rx_invalid_descs,
        tx_invalid_descriptors: statistics.tx_invalid_descs,
    })
}
