//! A socket over rings in memory, whose kernel does what the test says.

use super::*;
use crate::pool::Numbered;
use std::collections::VecDeque;
use std::io;

const PORT: PortId = PortId(3);

impl Numbered for u32 {
    fn number(&self) -> usize {
        *self as usize
    }
}

/// Rings in memory. A frame is a number, so that a copy would be seen.
#[derive(Debug, Default)]
struct MemoryRings {
    fill: VecDeque<u32>,
    rx: VecDeque<u32>,
    tx: VecDeque<u32>,
    completion: VecDeque<u32>,
    /// Frames that one kick takes.
    per_kick: usize,
    /// Kicks left until the kernel takes no more.
    patience: usize,
    kicks: usize,
    fill_kicks: usize,
    /// The driver has stopped looking at the fill ring.
    needs_fill_kick: bool,
    gone: bool,
}

impl Rings for MemoryRings {
    type Frame = u32;

    fn receive(&mut self, max: usize) -> impl ExactSizeIterator<Item = u32> {
        let count = max.min(self.rx.len());
        self.rx.drain(..count)
    }

    fn fill(&mut self, from: &mut Vec<u32>, count: usize) -> usize {
        let room = FILL_RING_LEN as usize - self.fill.len();
        if count > room {
            return 0;
        }
        self.fill.extend(from.drain(from.len() - count..));
        count
    }

    fn send(&mut self, from: &mut Vec<u32>) -> usize {
        let count = from.len();
        assert!(self.tx.len() + count <= TX_RING_LEN as usize, "the bookkeeping leaves room");
        self.tx.extend(from.drain(..));
        count
    }

    fn complete(&mut self, to: &mut Vec<u32>) -> usize {
        let count = self.completion.len().min(8);
        to.extend(self.completion.drain(..count));
        count
    }

    fn unsent(&mut self) -> u32 {
        self.tx.len() as u32
    }

    fn needs_kick(&self) -> bool {
        true
    }

    fn kick(&mut self) -> io::Result<()> {
        self.kicks += 1;
        if self.gone {
            return Err(io::Error::from_raw_os_error(libc::ENXIO));
        }
        if self.patience > 0 {
            self.patience -= 1;
            let count = self.per_kick.min(self.tx.len());
            self.completion.extend(self.tx.drain(..count));
        }
        Ok(())
    }

    fn needs_fill_kick(&self) -> bool {
        self.needs_fill_kick
    }

    fn kick_fill(&mut self) {
        self.fill_kicks += 1;
    }
}

impl Socket<MemoryRings> {
    /// A look for packets that takes them as they are.
    fn look(&mut self, max: usize, pool: &mut Pool<u32>, burst: &mut Vec<u32>) -> usize {
        self.receive(max, pool, burst, |frame| frame)
    }
}

/// A socket with a full fill ring, and what is left of `total` frames.
fn socket(total: u32) -> (Socket<MemoryRings>, Pool<u32>) {
    let mut pool = Pool::new((0..total).collect());
    let rings = MemoryRings { per_kick: 32, patience: usize::MAX, ..Default::default() };
    let mut socket = Socket::new(PORT, rings);
    socket.refill(&mut pool);
    (socket, pool)
}

/// Has the kernel receive `count` packets, and takes them.
fn arrive(socket: &mut Socket<MemoryRings>, pool: &mut Pool<u32>, count: usize) -> Vec<u32> {
    let arrived: Vec<u32> = socket.rings.fill.drain(..count).collect();
    socket.rings.rx.extend(arrived);
    let mut burst = Vec::new();
    assert_eq!(socket.look(count, pool, &mut burst), count);
    burst
}

/// Every frame in exactly one place.
fn assert_whole(socket: &Socket<MemoryRings>, pool: &mut Pool<u32>, held: &[u32], total: u32) {
    pool.settle();
    let rings = &socket.rings;
    let places = [&rings.fill, &rings.rx, &rings.tx, &rings.completion];
    let mut all: Vec<u32> = places.into_iter().flatten().chain(&socket.batch).copied().collect();
    all.sort_unstable();
    let lent: Vec<u32> = (0..total).filter(|frame| pool.is_lent(*frame as usize, PORT)).collect();
    assert_eq!(lent, all, "the notes say what is in the rings and the batch");
    all.extend(pool.free.iter().chain(held));
    all.sort_unstable();
    assert_eq!(all, (0..total).collect::<Vec<_>>());
    assert_eq!(socket.filling(), rings.fill.len() + rings.rx.len());
    assert_eq!(socket.sending(), rings.tx.len() + rings.completion.len() + socket.batch.len());
}

#[test]
fn the_fill_ring_is_kept_full() {
    let total = FILL_RING_LEN + 100;
    let (mut socket, mut pool) = socket(total);
    assert_eq!((socket.filling(), pool.free.len()), (FILL_RING_LEN as usize, 100));
    let held = arrive(&mut socket, &mut pool, 64);
    assert_eq!((socket.filling(), pool.free.len()), (FILL_RING_LEN as usize, 36));
    assert_whole(&socket, &mut pool, &held, total);
}

#[test]
fn an_empty_pool_leaves_the_fill_ring_short_until_frames_come_back() {
    let total = FILL_RING_LEN;
    let (mut socket, mut pool) = socket(total);
    let held = arrive(&mut socket, &mut pool, 64);
    assert_eq!(socket.filling(), FILL_RING_LEN as usize - 64);
    pool.free.extend(held);
    socket.look(64, &mut pool, &mut Vec::new());
    assert_eq!(socket.filling(), FILL_RING_LEN as usize);
    assert_whole(&socket, &mut pool, &[], total);
}

#[test]
fn a_flush_kicks_until_everything_is_taken_and_the_next_receive_reclaims_it() {
    let total = FILL_RING_LEN + TX_RING_LEN;
    let (mut socket, mut pool) = socket(total);
    for frame in arrive(&mut socket, &mut pool, 100) {
        socket.queue(frame, &mut pool).unwrap();
    }
    assert_eq!(socket.rings.kicks, 0);
    socket.flush();
    assert_eq!((socket.rings.kicks, socket.rings.tx.len(), socket.is_behind()), (4, 0, false));
    assert_eq!(socket.sending(), 100);
    // Nothing arrives, and yet the frames come back.
    assert_eq!(socket.look(64, &mut pool, &mut Vec::new()), 0);
    assert_eq!(socket.sending(), 0);
    assert_whole(&socket, &mut pool, &[], total);
}

#[test]
fn a_burst_is_one_kick_and_nothing_to_send_is_none() {
    let (mut socket, mut pool) = socket(FILL_RING_LEN + TX_RING_LEN);
    socket.rings.per_kick = TX_RING_LEN as usize;
    for round in 1..=100 {
        for frame in arrive(&mut socket, &mut pool, 64) {
            socket.queue(frame, &mut pool).unwrap();
        }
        socket.flush();
        assert_eq!((socket.rings.kicks, socket.sending()), (round, 64));
    }
    // The last burst is taken back, then there is nothing to do.
    for _ in 0..100 {
        assert_eq!(socket.look(64, &mut pool, &mut Vec::new()), 0);
        socket.flush();
    }
    assert_eq!((socket.rings.kicks, socket.rings.fill_kicks, socket.sending()), (100, 0, 0));
    // Packets that go elsewhere are none of its business.
    let elsewhere = arrive(&mut socket, &mut pool, 64);
    pool.free.extend(elsewhere);
    socket.flush();
    assert_eq!(socket.rings.kicks, 100);
}

#[test]
fn a_driver_that_waits_for_frames_is_woken_when_nothing_comes() {
    let (mut socket, mut pool) = socket(FILL_RING_LEN + 64);
    socket.rings.needs_fill_kick = true;
    let held = arrive(&mut socket, &mut pool, 64);
    assert_eq!(socket.rings.fill_kicks, 0, "packets come");
    pool.free.extend(held);
    socket.look(64, &mut pool, &mut Vec::new());
    assert_eq!(socket.rings.fill_kicks, 1);
}

#[test]
fn partial_progress_ends_the_flush_and_is_taken_up_by_an_idle_receive() {
    let total = FILL_RING_LEN + TX_RING_LEN;
    let (mut socket, mut pool) = socket(total);
    for frame in arrive(&mut socket, &mut pool, 100) {
        socket.queue(frame, &mut pool).unwrap();
    }
    socket.rings.patience = 2;
    socket.flush();
    // Two kicks that took 32 each, and one that took nothing.
    assert_eq!((socket.rings.kicks, socket.rings.tx.len(), socket.is_behind()), (3, 36, true));
    assert_whole(&socket, &mut pool, &[], total);
    socket.rings.patience = usize::MAX;
    socket.look(64, &mut pool, &mut Vec::new());
    assert_eq!((socket.rings.tx.len(), socket.is_behind()), (0, false));
    socket.look(64, &mut pool, &mut Vec::new());
    assert_eq!(socket.sending(), 0);
    assert_whole(&socket, &mut pool, &[], total);
}

#[test]
fn a_full_tx_ring_gives_the_frame_back_and_loses_none() {
    let total = 2 * FILL_RING_LEN + TX_RING_LEN;
    let (mut socket, mut pool) = socket(total);
    socket.rings.patience = 0;
    let mut refused = Vec::new();
    for _ in 0..50 {
        for frame in arrive(&mut socket, &mut pool, 64) {
            let unsent = socket.queue(frame, &mut pool).err();
            assert!(unsent.as_ref().is_none_or(|unsent| unsent.reason == DropReason::TxRingFull));
            refused.extend(unsent.map(|unsent| unsent.frame));
        }
        socket.flush();
        assert!(socket.rings.kicks < 200, "bounded though nothing moves");
    }
    assert_eq!(refused.len(), 50 * 64 - TX_RING_LEN as usize);
    assert_whole(&socket, &mut pool, &refused, total);
    pool.free.append(&mut refused);
    socket.rings.patience = usize::MAX;
    socket.flush();
    assert!(socket.queue(pool.free.pop().unwrap(), &mut pool).is_ok(), "room again, without a receive");
    assert_whole(&socket, &mut pool, &[], total);
}

#[test]
fn a_gone_interface_takes_nothing_more() {
    let total = FILL_RING_LEN + TX_RING_LEN;
    let (mut socket, mut pool) = socket(total);
    socket.rings.gone = true;
    let frame = pool.free.pop().unwrap();
    socket.queue(frame, &mut pool).unwrap();
    socket.flush();
    let frame = pool.free.pop().unwrap();
    assert_eq!(socket.queue(frame, &mut pool), Err(Unsent { frame, reason: DropReason::PortGone }));
    socket.look(64, &mut pool, &mut Vec::new());
    assert_eq!(socket.rings.kicks, 1, "not asked again");
}

#[test]
fn a_leaving_socket_empties_its_rings_and_knows_what_is_left() {
    let total = FILL_RING_LEN + TX_RING_LEN;
    let (mut socket, mut pool) = socket(total);
    let held = arrive(&mut socket, &mut pool, 64);
    for frame in held {
        socket.queue(frame, &mut pool).unwrap();
    }
    socket.rings.patience = 1;
    socket.flush();
    let late: Vec<u32> = socket.rings.fill.drain(..10).collect();
    socket.rings.rx.extend(late);
    assert!(!socket.is_drained());
    socket.leave();
    let frame = pool.free.pop().unwrap();
    let refused = socket.queue(frame, &mut pool);
    assert_eq!(refused, Err(Unsent { frame, reason: DropReason::PortGone }));
    assert!(!socket.is_drained(), "the kernel has taken a part only");
    socket.rings.patience = usize::MAX;
    let mut burst = Vec::new();
    assert_eq!(socket.look(64, &mut pool, &mut burst), 10, "what has come is received");
    assert_eq!(socket.look(64, &mut pool, &mut burst), 0);
    assert!(socket.is_drained());
    burst.push(frame);
    assert_whole(&socket, &mut pool, &burst, total);
    assert_eq!(socket.filling(), FILL_RING_LEN as usize - 10, "not filled up");
    // What is with the kernel for good is found by the notes.
    let (rings, missing) = socket.into_rings(&mut pool);
    assert_eq!((rings.fill.len(), missing), (missing, FILL_RING_LEN as usize - 10));
    pool.settle();
    let lent = (0..total as usize).filter(|number| pool.is_lent(*number, PORT)).count();
    assert_eq!(lent, missing);
    assert_eq!(missing + pool.free.len() + burst.len(), total as usize);
}

#[test]
fn no_frame_is_lost_in_a_million_packets_with_a_moody_kernel() {
    let total = FILL_RING_LEN + TX_RING_LEN + 64;
    let (mut socket, mut pool) = socket(total);
    let mut packets = 0;
    let mut refused = 0;
    for round in 0_usize.. {
        if packets >= 1_000_000 {
            break;
        }
        // A hundred bursts in which nothing is sent, and then as the mood is.
        socket.rings.patience = if round % 300 < 100 { 0 } else { [usize::MAX, 1, 0, 3][round % 4] };
        socket.rings.per_kick = 1 + round % 40;
        let burst = arrive(&mut socket, &mut pool, 1 + round % 64);
        packets += burst.len();
        for frame in burst {
            if let Err(Unsent { frame, .. }) = socket.queue(frame, &mut pool) {
                refused += 1;
                pool.free.push(frame);
            }
        }
        socket.flush();
    }
    assert!(refused > 0, "the tx ring was full at times");
    assert_whole(&socket, &mut pool, &[], total);
}
