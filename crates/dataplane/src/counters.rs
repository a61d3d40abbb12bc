//! Counters of one worker: written by it alone, read by anybody at any time.
//!
//! A single writer needs no read-modify-write: plain loads and stores, relaxed. Readers sum over workers.

use crate::totals::PinTotals;
use crate::verdict::DropReason;
use evenkeel_nexthop::{MemberId, PINS_CAPACITY, PinId};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Members that share one allocation of counters.
const CHUNK: usize = 256;
/// Chunks: counters for 131,072 memberships; packets of further ones are counted in the totals only.
const CHUNKS: usize = 512;

/// What one static pin got from one worker. The slot is used again: the serial says for which pin the values are.
#[derive(Debug, Default)]
struct PinCounters {
    serial: AtomicU64,
    packets: Counter,
    bytes: Counter,
    used_ms: AtomicU64,
}

/// A counter with one writer.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; only the owning worker may call this. Wraps.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// Takes away; only the owning worker may call this. Wraps, so that a sum over workers is right even if a flow
    /// was counted in by one and out by another.
    #[inline]
    pub fn sub(&self, n: u64) {
        self.add(n.wrapping_neg());
    }

    /// Sets a value that goes up and down; only the owning worker may call this.
    #[inline]
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Current value.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one membership got from one worker, in a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct MemberCounters {
    /// Frames forwarded.
    pub packets: Counter,
    /// Their bytes, without FCS, as long as on the wire.
    pub bytes: Counter,
    /// Flows pinned as new or adopted.
    pub flows_created: Counter,
    /// Flows pinned now.
    pub flows_live: Counter,
    /// What of the above an earlier member with this id got. Written by whoever forgets members.
    pub(crate) earlier: Earlier,
}

/// What forgotten members with one id got, all together.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    pub(crate) packets: Counter,
    pub(crate) bytes: Counter,
    pub(crate) flows_created: Counter,
}

/// What happened to flows.
#[derive(Debug, Default)]
pub struct FlowCounters {
    /// Pinned at a SYN or at the first packet of another protocol.
    pub created: Counter,
    /// Pinned in mid-connection.
    pub adopted: Counter,
    /// Ended by being idle.
    pub expired: Counter,
    /// Ended through closing, or by a SYN on closing.
    pub closed: Counter,
    /// Unconfirmed flows that made room.
    pub evicted: Counter,
    /// Moves to another nexthop.
    pub moved: Counter,
    /// Packets forwarded by bucket because the table was full.
    pub untracked_packets: Counter,
    /// Packets forwarded by bucket though another shard may know their flow: beyond the number that a burst may have
    /// searched for.
    pub unsearched_packets: Counter,
    /// Flows in the worker's shard, as of its last burst; those included that are over and not yet freed.
    pub live: Counter,
    /// Of these, the unconfirmed ones.
    pub unconfirmed: Counter,
    /// Flows that the shard holds at the most.
    pub capacity: Counter,
}

/// All counters of one worker. They share no cache line with anything else, nor a pair of lines, which some processors
/// fetch together.
#[derive(Debug)]
#[repr(align(128))]
pub struct WorkerCounters {
    /// Frames taken from the ports.
    pub received: Counter,
    /// Frames that left toward a nexthop.
    pub forwarded: Counter,
    /// Frames handed back to the kernel.
    pub punted: Counter,
    /// Frames held at the moment: fragments that wait for their first.
    pub held: Counter,
    /// Frames dropped, by reason.
    pub drops: [Counter; DropReason::COUNT],
    /// Flows.
    pub flows: FlowCounters,
    members: Box<[OnceLock<Box<[MemberCounters]>>]>,
    /// By slot.
    pins: Box<[PinCounters]>,
}

impl Default for WorkerCounters {
    fn default() -> Self {
        Self {
            received: Counter::default(),
            forwarded: Counter::default(),
            punted: Counter::default(),
            held: Counter::default(),
            drops: std::array::from_fn(|_| Counter::default()),
            flows: FlowCounters::default(),
            members: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
            pins: (0..PINS_CAPACITY).map(|_| PinCounters::default()).collect(),
        }
    }
}

impl WorkerCounters {
    /// Makes room for the counters of members below `members`; called by whoever publishes a snapshot, before it.
    pub fn reserve(&self, members: usize) {
        for chunk in self.members.iter().take(members.div_ceil(CHUNK)) {
            chunk.get_or_init(|| (0..CHUNK).map(|_| MemberCounters::default()).collect());
        }
    }

    /// Counters of a member, if there is room for them.
    #[inline]
    #[must_use]
    pub fn member(&self, id: MemberId) -> Option<&MemberCounters> {
        self.members.get(id.index() / CHUNK)?.get()?.get(id.index() % CHUNK)
    }

    /// Puts aside what a member got that was forgotten and has no flows: its id begins at zero. Called by whoever
    /// forgets members, for all workers.
    pub fn forget(&self, id: MemberId) {
        let Some(member) = self.member(id) else { return };
        member.earlier.packets.set(member.packets.value());
        member.earlier.bytes.set(member.bytes.value());
        member.earlier.flows_created.set(member.flows_created.value());
    }

    /// What forgotten members got.
    pub(crate) fn forgotten(&self) -> impl Iterator<Item = &Earlier> {
        self.members.iter().filter_map(OnceLock::get).flatten().map(|member| &member.earlier)
    }

    /// Counts a packet that went by a static pin.
    pub fn went_by(&self, pin: PinId, now_ms: u64, bytes: u64) {
        let Some(counters) = self.pins.get(usize::from(pin.slot)) else { return };
        if counters.serial.load(Ordering::Relaxed) != pin.serial {
            counters.packets.set(0);
            counters.bytes.set(0);
            counters.serial.store(pin.serial, Ordering::Release);
        }
        counters.packets.add(1);
        counters.bytes.add(bytes);
        counters.used_ms.store(now_ms, Ordering::Relaxed);
    }

    /// What went by a static pin; `None`: nothing has.
    pub(crate) fn pin(&self, pin: PinId) -> Option<PinTotals> {
        let counters = self.pins.get(usize::from(pin.slot))?;
        let is_it = counters.serial.load(Ordering::Acquire) == pin.serial;
        let used_ms = Some(counters.used_ms.load(Ordering::Relaxed));
        is_it.then(|| PinTotals { packets: counters.packets.value(), bytes: counters.bytes.value(), used_ms })
    }

    /// Counts a drop.
    pub fn dropped(&self, reason: DropReason) {
        if let Some(counter) = self.drops.get(reason.index()) {
            counter.add(1);
        }
    }
}
