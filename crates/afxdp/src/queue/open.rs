//! Opening a queue: memory, a socket on every interface, and full fill rings.

use super::{Binder, Queue};
use crate::bound::Bound;
use crate::pool::Pool;
use crate::punt::Allowance;
use crate::socket::{FILL_RING_LEN, TX_RING_LEN};
use crate::umem::{self, Area};
use crate::xsk::Access;
use crate::{Interface, MAX_PORTS, Mode, PuntDevice, memlock};
use evenkeel_nexthop::PortId;
use std::io;
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
    /// The queue's frames are too small for the packets of an interface that comes later.
    #[error(
        "{interface} has an MTU of {mtu}; frames hold {largest} since the start: ip link set {interface} mtu {largest}, \
         or a restart"
    )]
    Mtu {
        /// Name of the interface.
        interface: String,
        /// Its MTU in bytes.
        mtu: u32,
        /// Largest MTU that fits, in bytes.
        largest: u32,
    },
    /// An interface that comes later is configured for another access than the queue has.
    #[error(
        "{interface} can't be taken up in its mode: frames reach the workers by {access} since the start"
    )]
    OtherAccess {
        /// Name of the interface.
        interface: String,
        /// What the queue has.
        access: Access,
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
    /// Binds a socket to queue `number` of every interface, which are ports 0, 1, …, zero-copy if all of them can. Queues
    /// that the last process left behind are waited for, two seconds at most. Packets come once it is
    /// [connected](crate::Steering::connect).
    ///
    /// There is memory for `most_interfaces`, if that are more: the others can [join](Queue::join) later. Each can fill its
    /// receive ring; of transmit rings as many can be full at once as there are interfaces now.
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn open(
        number: u32,
        interfaces: &[Interface],
        most_interfaces: usize,
        punt: &Arc<PuntDevice>,
    ) -> Result<Self, QueueError> {
        memlock::lift_limit();
        let (first, second) = accesses(interfaces)?;
        let mtu = interfaces.iter().map(|interface| interface.mtu).max().unwrap_or(0);
        let len_bytes = memory_len_bytes(interfaces.len(), most_interfaces, mtu);
        let had_huge_pages = umem::huge_pages_are_free(len_bytes);
        match (Self::bind(number, interfaces, most_interfaces, punt, first), second) {
            (Err(QueueError::Bind { source, .. }), Some(second))
                if source.raw_os_error() != Some(libc::EBUSY) =>
            {
                if had_huge_pages {
                    umem::await_huge_pages(len_bytes);
                }
                Self::bind(number, interfaces, most_interfaces, punt, second)
            }
            (result, _) => result,
        }
    }

    fn bind(
        number: u32,
        interfaces: &[Interface],
        most_interfaces: usize,
        punt: &Arc<PuntDevice>,
        access: Access,
    ) -> Result<Self, QueueError> {
        let mtu = interfaces.iter().map(|interface| interface.mtu).max().unwrap_or(0);
        let most = most_interfaces.max(interfaces.len());
        let frames = frame_count(interfaces.len(), most);
        let (area, free) = Area::new(frames, mtu, (FILL_RING_LEN, TX_RING_LEN))
            .map_err(|source| QueueError::Memory { queue: number, frames, source })?;
        let (id, bound) = (OPENED.fetch_add(1, Ordering::Relaxed), Arc::new(Bound::default()));
        let binder = Binder { area: area.clone(), bound: Arc::clone(&bound), number, access, id };
        let mut queue = Self {
            seats: Vec::with_capacity(most),
            places: vec![None; MAX_PORTS],
            total: free.len(),
            pool: Pool::new(free),
            area,
            bound,
            punt: Arc::clone(punt),
            allowance: Allowance::new(),
            poll_set: Vec::with_capacity(most),
            busy_poll_budget: None,
            number,
            access,
            id,
            held: 0,
            parted: 0,
            first: 0,
        };
        for (interface, port) in interfaces.iter().zip(0..) {
            queue.join(binder.bind(PortId(port), interface)?);
        }
        Ok(queue)
    }
}

/// Frames of a queue with so many interfaces, and room for `most`.
fn frame_count(interfaces: usize, most: usize) -> u32 {
    most.max(interfaces) as u32 * FILL_RING_LEN + interfaces as u32 * TX_RING_LEN + WORKER_FRAMES
}

/// Bytes of locked memory that [`Queue::open`] takes for so many interfaces, with room for `most`, whose largest MTU is
/// `mtu` (in bytes).
#[must_use]
pub fn memory_len_bytes(interfaces: usize, most: usize, mtu: u32) -> u64 {
    umem::len_bytes(frame_count(interfaces, most), mtu)
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
