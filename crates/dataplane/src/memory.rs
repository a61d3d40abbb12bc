//! Port I/O in memory: for benches, tests and fuzzing. Counts what leaves, and keeps copies if asked to.

use crate::port::{PortIo, Received, Unsent};
use crate::verdict::DropReason;
use evenkeel_nexthop::PortId;

/// Bytes that one frame holds.
pub const FRAME_LEN: usize = 2048;

/// Bytes from one frame to the next, by default: so that the headers of frames spread over the sets of a cache.
pub const FRAME_SPACING: usize = FRAME_LEN + 64;

/// A frame of a [`MemoryPort`].
#[derive(Debug)]
pub struct MemoryFrame {
    /// Where it begins in the area.
    start: u32,
    len: u16,
}

/// A frame that was written.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// Where it begins in the area.
    start: u32,
    len: u16,
    port: PortId,
    wire_len: u32,
}

/// How a frame left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// Transmitted on a port.
    Sent(PortId),
    /// Handed back to the kernel.
    Punted,
    /// Dropped.
    Dropped(DropReason),
}

/// Ports whose frames live in one area of memory, as in a UMEM.
#[derive(Debug)]
pub struct MemoryPort {
    area: Vec<u8>,
    /// Where the free ones begin.
    free: Vec<u32>,
    /// Frames written, of which the first `taken` are with the worker.
    waiting: Vec<Waiting>,
    taken: usize,
    frames: usize,
    sent: u64,
    punted: u64,
    dropped: u64,
    kept: Option<Vec<(Exit, Vec<u8>)>>,
    /// Frames that the transmit ring still takes; the default is without end.
    pub tx_room: usize,
    /// The ports that there are; the default is all.
    pub ports: std::ops::Range<u16>,
    /// Whether the kernel takes frames back.
    pub takes_punts: bool,
}

impl MemoryPort {
    /// An area of `frames` frames (at most two million), whose headers spread over the sets of a cache.
    #[must_use]
    pub fn new(frames: usize) -> Self {
        Self::spaced(frames, FRAME_SPACING)
    }

    /// An area whose frames are as close as in a UMEM with aligned chunks: their headers share 1 of 32 sets of a cache.
    #[must_use]
    pub fn aligned(frames: usize) -> Self {
        Self::spaced(frames, FRAME_LEN)
    }

    fn spaced(frames: usize, spacing: usize) -> Self {
        Self {
            area: vec![0; frames * spacing],
            free: (0..frames).rev().map(|frame| (frame * spacing) as u32).collect(),
            waiting: Vec::with_capacity(frames),
            taken: 0,
            frames,
            sent: 0,
            punted: 0,
            dropped: 0,
            kept: None,
            tx_room: usize::MAX,
            ports: 0..u16::MAX,
            takes_punts: true,
        }
    }

    /// The same, keeping a copy of every frame that leaves.
    #[must_use]
    pub fn keeping(frames: usize) -> Self {
        Self { kept: Some(Vec::new()), ..Self::new(frames) }
    }

    /// Writes a frame as a NIC would; false if it is too long or no frame is free.
    pub fn put(&mut self, port: PortId, bytes: &[u8]) -> bool {
        self.put_cut(port, bytes, bytes.len() as u32)
    }

    /// Writes a frame that was `wire_len` bytes long on the wire.
    pub fn put_cut(&mut self, port: PortId, bytes: &[u8], wire_len: u32) -> bool {
        if bytes.len() > FRAME_LEN {
            return false;
        }
        let Some(at) = self.free.pop() else { return false };
        let start = at as usize;
        if let Some(to) = self.area.get_mut(start..start + bytes.len()) {
            to.copy_from_slice(bytes);
        }
        self.waiting.push(Waiting { start: at, len: bytes.len() as u16, port, wire_len });
        true
    }

    /// Frames neither waiting nor free: those that the worker holds.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.frames - self.free.len() - (self.waiting.len() - self.taken)
    }

    /// Frames sent, punted and dropped so far.
    #[must_use]
    pub const fn exits(&self) -> (u64, u64, u64) {
        (self.sent, self.punted, self.dropped)
    }

    /// Takes the copies of frames that left, in order.
    pub fn take_kept(&mut self) -> Vec<(Exit, Vec<u8>)> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    #[inline]
    fn leave(&mut self, frame: &MemoryFrame, exit: Exit) {
        match &exit {
            Exit::Sent(_) => self.sent += 1,
            Exit::Punted => self.punted += 1,
            Exit::Dropped(_) => self.dropped += 1,
        }
        if self.kept.is_some() {
            self.keep(frame, exit);
        }
        self.free.push(frame.start);
    }

    #[cold]
    fn keep(&mut self, frame: &MemoryFrame, exit: Exit) {
        let copy = self.bytes(frame).to_vec();
        self.kept.get_or_insert_default().push((exit, copy));
    }
}

impl PortIo for MemoryPort {
    type Frame = MemoryFrame;

    fn receive(&mut self, max: usize, burst: &mut Vec<Received<MemoryFrame>>) {
        let end = self.waiting.len().min(self.taken + max);
        let taken = self.waiting.get(self.taken..end).unwrap_or_default();
        burst.extend(taken.iter().map(|&Waiting { start, len, port, wire_len }| Received {
            frame: MemoryFrame { start, len },
            port,
            wire_len,
        }));
        self.taken = end;
        if self.taken == self.waiting.len() {
            self.waiting.clear();
            self.taken = 0;
        }
    }

    #[inline]
    fn bytes<'a>(&'a self, frame: &'a MemoryFrame) -> &'a [u8] {
        let start = frame.start as usize;
        self.area.get(start..start + frame.len as usize).unwrap_or_default()
    }

    #[inline]
    fn bytes_mut<'a>(&'a mut self, frame: &'a mut MemoryFrame) -> &'a mut [u8] {
        let start = frame.start as usize;
        self.area.get_mut(start..start + frame.len as usize).unwrap_or_default()
    }

    #[inline]
    fn transmit(&mut self, port: PortId, frame: MemoryFrame) -> Result<(), Unsent<MemoryFrame>> {
        if !self.ports.contains(&port.0) {
            return Err(Unsent { frame, reason: DropReason::PortGone });
        }
        if self.tx_room == 0 {
            return Err(Unsent { frame, reason: DropReason::TxRingFull });
        }
        self.tx_room -= 1;
        self.leave(&frame, Exit::Sent(port));
        Ok(())
    }

    fn punt(&mut self, _port: PortId, frame: MemoryFrame) -> bool {
        if self.takes_punts {
            self.leave(&frame, Exit::Punted);
        } else {
            self.leave(&frame, Exit::Dropped(DropReason::PuntFailed));
        }
        self.takes_punts
    }

    fn discard(&mut self, _port: PortId, frame: MemoryFrame, reason: DropReason) {
        self.leave(&frame, Exit::Dropped(reason));
    }

    fn flush(&mut self) {}
}
