//! The counters of all workers, summed.

use crate::counters::{Counter, WorkerCounters};
use crate::verdict::DropReason;
use evenkeel_nexthop::{MemberId, PinId};
use std::sync::Arc;

/// Frames: `received = forwarded + punted + dropped + held`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PacketTotals {
    /// Taken from the ports.
    pub received: u64,
    /// Left toward a nexthop.
    pub forwarded: u64,
    /// Handed back to the kernel.
    pub punted: u64,
    /// Dropped for any reason.
    pub dropped: u64,
    /// Fragments that wait for their first; 0 once the workers have finished.
    pub held: u64,
}

/// Flows: `created + adopted = expired + closed + evicted + live`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowTotals {
    /// Pinned at a SYN or at the first packet of another protocol.
    pub created: u64,
    /// Pinned in mid-connection.
    pub adopted: u64,
    /// Ended by being idle.
    pub expired: u64,
    /// Ended through closing, or by a SYN on closing.
    pub closed: u64,
    /// Unconfirmed flows that made room.
    pub evicted: u64,
    /// Moves to another nexthop.
    pub moved: u64,
    /// Packets forwarded by bucket because the table was full.
    pub untracked_packets: u64,
    /// In the table now.
    pub live: u64,
    /// Packets forwarded by bucket though another shard may know their flow: beyond the number that a burst may have
    /// searched for.
    pub unsearched_packets: u64,
    /// In the shards as of the workers' last bursts, those included that are over and not yet freed. Of one worker alone
    /// this is what is in its shard, which `live` isn't: flows move between shards.
    pub in_shards: u64,
    /// Half-open flows and flows of one packet in the table, as of the workers' last bursts.
    pub unconfirmed: u64,
    /// Flows that the shards hold at the most.
    pub capacity: u64,
}

/// One membership.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemberTotals {
    /// Frames forwarded.
    pub packets: u64,
    /// Their bytes, without FCS.
    pub bytes: u64,
    /// Flows pinned, adopted ones included.
    pub flows_created: u64,
    /// Flows pinned now.
    pub flows_live: u64,
}

/// One static pin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PinTotals {
    /// Packets that went by it: of flows that it decided, and those that no flow was tracked for.
    pub packets: u64,
    /// Their bytes, without FCS.
    pub bytes: u64,
    /// When the last one did, in milliseconds of the workers' clock; `None`: none has.
    pub used_ms: Option<u64>,
}

/// All counters of all workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Frames.
    pub packets: PacketTotals,
    /// Dropped frames by reason, indexed by [`DropReason::index`].
    pub drops: [u64; DropReason::COUNT],
    /// Flows.
    pub flows: FlowTotals,
}

impl Totals {
    /// Sums the counters of `workers`. Exact while they are still; while they run, each counter is right by itself.
    #[must_use]
    pub fn of(workers: &[Arc<WorkerCounters>]) -> Self {
        let sum = |counter: fn(&WorkerCounters) -> &Counter| {
            workers.iter().fold(0u64, |sum, w| sum.wrapping_add(counter(w).value()))
        };
        let mut drops = [0u64; DropReason::COUNT];
        for worker in workers {
            for (total, counter) in drops.iter_mut().zip(&worker.drops) {
                *total = total.wrapping_add(counter.value());
            }
        }
        let packets = PacketTotals {
            received: sum(|w| &w.received),
            forwarded: sum(|w| &w.forwarded),
            punted: sum(|w| &w.punted),
            dropped: drops.iter().sum(),
            held: sum(|w| &w.held),
        };
        let mut flows = FlowTotals {
            created: sum(|w| &w.flows.created),
            adopted: sum(|w| &w.flows.adopted),
            expired: sum(|w| &w.flows.expired),
            closed: sum(|w| &w.flows.closed),
            evicted: sum(|w| &w.flows.evicted),
            moved: sum(|w| &w.flows.moved),
            untracked_packets: sum(|w| &w.flows.untracked_packets),
            live: 0,
            unsearched_packets: sum(|w| &w.flows.unsearched_packets),
            in_shards: sum(|w| &w.flows.live),
            unconfirmed: sum(|w| &w.flows.unconfirmed),
            capacity: sum(|w| &w.flows.capacity),
        };
        flows.live = (flows.created + flows.adopted)
            .wrapping_sub(flows.expired)
            .wrapping_sub(flows.closed)
            .wrapping_sub(flows.evicted);
        Self { packets, drops, flows }
    }

    /// Sums what one member got from all workers.
    #[must_use]
    pub fn of_member(workers: &[Arc<WorkerCounters>], id: MemberId) -> MemberTotals {
        let mut totals = MemberTotals::default();
        for counters in workers.iter().filter_map(|w| w.member(id)) {
            let since = |is: &Counter, was: &Counter| is.value().wrapping_sub(was.value());
            let earlier = &counters.earlier;
            totals.packets = totals.packets.wrapping_add(since(&counters.packets, &earlier.packets));
            totals.bytes = totals.bytes.wrapping_add(since(&counters.bytes, &earlier.bytes));
            let created = since(&counters.flows_created, &earlier.flows_created);
            totals.flows_created = totals.flows_created.wrapping_add(created);
            totals.flows_live = totals.flows_live.wrapping_add(counters.flows_live.value());
        }
        totals
    }

    /// Sums what members got that were forgotten since: with them, the members add up to the whole.
    #[must_use]
    pub fn of_forgotten(workers: &[Arc<WorkerCounters>]) -> MemberTotals {
        let mut totals = MemberTotals::default();
        for earlier in workers.iter().flat_map(|worker| worker.forgotten()) {
            totals.packets = totals.packets.wrapping_add(earlier.packets.value());
            totals.bytes = totals.bytes.wrapping_add(earlier.bytes.value());
            totals.flows_created = totals.flows_created.wrapping_add(earlier.flows_created.value());
        }
        totals
    }

    /// Sums what one static pin got from all workers.
    #[must_use]
    pub fn of_pin(workers: &[Arc<WorkerCounters>], id: PinId) -> PinTotals {
        let mut totals = PinTotals::default();
        for worker in workers.iter().filter_map(|worker| worker.pin(id)) {
            totals.packets = totals.packets.wrapping_add(worker.packets);
            totals.bytes = totals.bytes.wrapping_add(worker.bytes);
            totals.used_ms = totals.used_ms.max(worker.used_ms);
        }
        totals
    }
}
