//! Opening a queue: memory, a socket on every interface, and full fill rings.

use super::Queue;
use crate::busy::retry_while_busy;
use crate::socket::{FILL_RING_LEN, Socket, TX_RING_LEN};
use crate::umem::Area;
use crate::xsk::{self, Access, KernelRings};
use crate::{Interface, Mode, PuntDevice, memlock};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Frames beyond those that fill all rings: for what a worker holds at a time, a burst and its held fragments (1024).
const WORKER_FRAMES: u32 = 2048;
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

impl Queue {
    /// Binds a socket to queue `number` of every interface, zero-copy if all of them can. Queues that the last process
    /// left behind are waited for, two seconds at most. Packets come once it is
    /// [connected](crate::Steering::connect).
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn open(number: u32, interfaces: &[Interface], punt: &Arc<PuntDevice>) -> Result<Self, QueueError> {
        memlock::lift_limit();
        let (first, second) = accesses(interfaces)?;
        match (Self::bind(number, interfaces, punt, first), second) {
            (Err(QueueError::Bind { source, .. }), Some(second))
                if source.raw_os_error() != Some(libc::EBUSY) =>
            {
                Self::bind(number, interfaces, punt, second)
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
