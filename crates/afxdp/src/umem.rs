//! UMEM: the memory in which the frames of one worker live. Unsafe: frames are memory that the kernel writes too.
//!
//! What makes it sound: a [`Descriptor`] can't be copied, and there is one for each frame. While a frame is in a ring,
//! its descriptor exists only there; taking it from a ring, or from what is left of a closed socket's, is the only way to
//! make one. So whoever has a descriptor is alone with the frame's memory.

#![expect(unsafe_code, reason = "xsk-rs leaves it to its caller that nobody else uses a frame")]

use crate::interface::ETHERNET_LEN;
use crate::pool::{Numbered, Pool};
use evenkeel_nexthop::PortId;
use std::error::Error;
use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::ptr;
use std::slice;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};
use xsk_rs::config::{FrameSize, QueueSize, UmemConfig};
use xsk_rs::{FrameDesc, Umem};

/// Bytes that the kernel keeps free in front of a packet (`XDP_PACKET_HEADROOM`).
const HEADROOM_LEN: u32 = 256;
/// Sizes of a frame in bytes. The smaller one halves the memory that the caches see.
const FRAME_SIZES: [u32; 2] = [2048, 4096];
/// Of two addresses in different frames, the quotients by this differ.
const FRAME_UNIT: usize = FRAME_SIZES[0] as usize;
/// How long huge pages are waited for that a UMEM had which has just gone.
const GIVEN_BACK: Duration = Duration::from_millis(200);
/// Frames come in multiples of this, so that a UMEM is whole huge pages (2 MiB).
const FRAME_COUNT_UNIT: u32 = 1024;

/// The one handle to a frame that is not in a ring.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Descriptor(FrameDesc);

impl Descriptor {
    /// # Safety
    /// `frame` must have come from a UMEM's creation or from an rx or completion ring of it, and be given here once.
    #[inline]
    pub(crate) unsafe fn new(frame: FrameDesc) -> Self {
        Self(frame)
    }

    /// Length of the packet in the frame, in bytes.
    #[inline]
    pub(crate) fn packet_len(&self) -> u32 {
        self.0.lengths().data() as u32
    }

    /// Appends descriptors of frames.
    ///
    /// # Safety
    /// As of [`new`](Self::new), for each of them.
    #[inline]
    pub(crate) unsafe fn append(to: &mut Vec<Self>, frames: &[FrameDesc]) {
        to.reserve(frames.len());
        // SAFETY: a Descriptor is a FrameDesc in memory (`repr(transparent)`), there is room for so many of them behind
        // the last one, and the caller says that they are the only ones of their frames.
        unsafe {
            let end = to.as_mut_ptr().add(to.len());
            frames.as_ptr().cast::<Self>().copy_to_nonoverlapping(end, frames.len());
            to.set_len(to.len() + frames.len());
        }
    }

    /// Descriptors as the rings take them. They are copies as soon as a ring has taken them.
    pub(crate) fn as_frames(descriptors: &[Self]) -> &[FrameDesc] {
        // SAFETY: a Descriptor is a FrameDesc in memory (`repr(transparent)`), so a slice of one is a slice of the
        // other, of the same length and lifetime.
        unsafe { slice::from_raw_parts(descriptors.as_ptr().cast(), descriptors.len()) }
    }
}

impl Numbered for Descriptor {
    #[inline]
    fn number(&self) -> usize {
        number(&self.0)
    }
}

fn number(frame: &FrameDesc) -> usize {
    frame.addr() / FRAME_UNIT
}

/// The frames' memory.
#[derive(Debug, Clone)]
pub(crate) struct Area {
    umem: Umem,
    /// Address of its first byte.
    start: usize,
    /// All frames as they were at first.
    frames: Arc<[FrameDesc]>,
    frame_size: u32,
    /// On huge pages.
    pub(crate) is_huge: bool,
}

impl Area {
    /// Memory for `count` frames or somewhat more, each with room for an IP packet of `mtu` bytes, and their handles.
    /// On huge pages if enough of them are free.
    ///
    /// # Errors
    /// What the kernel says: ENOBUFS or ENOMEM if the locked memory allowed is less.
    pub(crate) fn new(count: u32, mtu: u32, ring_len: (u32, u32)) -> io::Result<(Self, Vec<Descriptor>)> {
        let frame_size = frame_size(mtu);
        let count = count.next_multiple_of(FRAME_COUNT_UNIT);
        let invalid = |error: &dyn Error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string());
        let config = UmemConfig::builder()
            .frame_size(FrameSize::new(frame_size).map_err(|error| invalid(&error))?)
            .fill_queue_size(QueueSize::new(ring_len.0).map_err(|error| invalid(&error))?)
            .comp_queue_size(QueueSize::new(ring_len.1).map_err(|error| invalid(&error))?)
            .build()
            .map_err(|error| invalid(&error))?;
        let count = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let is_huge = huge_pages_are_free(u64::from(count.get()) * u64::from(frame_size));
        let huge = if is_huge { Umem::new(config, count, true).ok() } else { None };
        let is_huge = huge.is_some();
        let (umem, frames) = match huge {
            Some(created) => created,
            None => Umem::new(config, count, false).map_err(|error| cause(&error))?,
        };
        let start = expose(&umem, &frames);
        // SAFETY: these are the frames of a UMEM that was just made, each once.
        let descriptors = frames.iter().map(|frame| unsafe { Descriptor::new(*frame) }).collect();
        Ok((Self { umem, start, frames: frames.into(), frame_size, is_huge }, descriptors))
    }

    /// Largest MTU whose packets fit a frame, in bytes.
    pub(crate) fn largest_mtu(&self) -> u32 {
        self.frame_size - HEADROOM_LEN - ETHERNET_LEN
    }

    /// Puts the frames that are in rings of this port's socket into the pool, and returns their number.
    ///
    /// # Safety
    /// The pool is of this UMEM. The socket has been closed, and the kernel and the driver have let go of its frames.
    pub(crate) unsafe fn recall(&self, pool: &mut Pool<Descriptor>, port: PortId) -> usize {
        let first = pool.free.len();
        pool.settle();
        for frame in self.frames.iter() {
            if pool.is_lent(number(frame), port) {
                // SAFETY: the descriptors of these frames went into the rings and did not come out again, and the
                // caller says that nobody else has the rings any more.
                pool.free.push(unsafe { Descriptor::new(*frame) });
            }
        }
        pool.free.len() - first
    }

    /// For binding sockets.
    pub(crate) fn umem(&self) -> &Umem {
        &self.umem
    }

    /// The packet in a frame of this UMEM.
    ///
    /// # Safety
    /// The frame must be of this UMEM.
    #[inline]
    pub(crate) unsafe fn bytes<'a>(&'a self, frame: &'a Descriptor) -> &'a [u8] {
        // SAFETY: the packet lies in the mapping, says who took the descriptor from a ring; the caller says that it is a
        // frame of this UMEM, and who has its descriptor is alone with it; it is borrowed for as long as the bytes are.
        unsafe { slice::from_raw_parts(self.packet(frame), frame.packet_len() as usize) }
    }

    /// The packet in a frame of this UMEM, to write.
    ///
    /// # Safety
    /// The frame must be of this UMEM.
    #[inline]
    pub(crate) unsafe fn bytes_mut<'a>(&'a self, frame: &'a mut Descriptor) -> &'a mut [u8] {
        // SAFETY: as in `bytes`, and the descriptor is borrowed exclusively for as long as the bytes are.
        unsafe { slice::from_raw_parts_mut(self.packet(frame), frame.packet_len() as usize) }
    }

    /// Where the packet of a frame begins, if it is of this UMEM.
    #[inline]
    fn packet(&self, frame: &Descriptor) -> *mut u8 {
        ptr::with_exposed_provenance_mut(self.start + frame.0.addr())
    }
}

/// Where a UMEM begins, for frames whose memory may be used by their descriptors alone.
fn expose(umem: &Umem, frames: &[FrameDesc]) -> usize {
    let mut start = 0;
    for frame in frames {
        let mut whole = *frame;
        // SAFETY: the UMEM was just made, and nobody but this function has its frames.
        let mut data = unsafe { umem.data_mut(&mut whole) };
        let mut cursor = data.cursor();
        let len = cursor.buf_len();
        cursor.set_pos(len);
        start = data.contents_mut().as_mut_ptr().expose_provenance() - frame.addr();
    }
    start
}

/// The error of the system below an error of xsk-rs.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> io::Error {
    let system = error.source().and_then(|source| source.downcast_ref::<io::Error>()?.raw_os_error());
    system.map_or_else(|| io::Error::other(error.to_string()), io::Error::from_raw_os_error)
}

/// Bytes of a UMEM that is made for `count` frames and packets of this MTU.
pub(crate) fn len_bytes(count: u32, mtu: u32) -> u64 {
    u64::from(count.next_multiple_of(FRAME_COUNT_UNIT)) * u64::from(frame_size(mtu))
}

/// Smallest size of a frame that holds packets of this MTU.
fn frame_size(mtu: u32) -> u32 {
    let [small, large] = FRAME_SIZES;
    if HEADROOM_LEN + ETHERNET_LEN + mtu <= small { small } else { large }
}

/// Waits until so many bytes of huge pages are free again, if that isn't long: the kernel gives back the memory of a UMEM
/// a little after its last socket is closed.
pub(crate) fn await_huge_pages(len_bytes: u64) {
    let begin = Instant::now();
    while !huge_pages_are_free(len_bytes) && begin.elapsed() < GIVEN_BACK {
        sleep(Duration::from_millis(1));
    }
}

/// True if so many bytes are whole huge pages and these are free.
pub(crate) fn huge_pages_are_free(len_bytes: u64) -> bool {
    fs::read_to_string("/proc/meminfo").is_ok_and(|meminfo| has_huge_pages(&meminfo, len_bytes))
}

fn has_huge_pages(meminfo: &str, len_bytes: u64) -> bool {
    let value = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let (Some(free), Some(size_kib)) = (value("HugePages_Free"), value("Hugepagesize")) else { return false };
    let page_len = size_kib * 1024;
    page_len > 0 && len_bytes.is_multiple_of(page_len) && len_bytes / page_len <= free
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::MAX_MTU;

    #[test]
    fn frames_hold_the_mtu_with_headroom_and_two_tags() {
        assert_eq!(frame_size(1500), 2048);
        assert_eq!(frame_size(2048 - 256 - 22), 2048);
        assert_eq!(frame_size(2048 - 256 - 21), 4096);
        assert!(HEADROOM_LEN + ETHERNET_LEN + MAX_MTU <= frame_size(MAX_MTU));
    }

    #[test]
    fn huge_pages_only_if_enough_whole_ones_are_free() {
        let meminfo =
            |free| format!("HugePages_Total: 9\nHugePages_Free:    {free}\nHugepagesize:    2048 kB\n");
        let len = 6 << 20;
        assert!(has_huge_pages(&meminfo(3), len));
        assert!(!has_huge_pages(&meminfo(2), len));
        assert!(!has_huge_pages(&meminfo(9), len + 4096));
        assert!(!has_huge_pages("", len));
    }
}
