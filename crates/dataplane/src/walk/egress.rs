//! Last stage: rewrite toward the nexthop and transmit, hand back, or drop; count.

use crate::counters::WorkerCounters;
use crate::port::{PortIo, Received, Unsent};
use crate::verdict::{DropReason, Verdict};
use evenkeel_nexthop::{MemberId, Snapshot};

/// A frame whose verdict is known.
pub(crate) struct Leaving<F> {
    pub(crate) received: Received<F>,
    pub(crate) verdict: Verdict,
    /// Offset of the IP header in bytes.
    pub(crate) l3_offset: u8,
}

/// What a burst has yet to count.
#[derive(Debug, Default)]
pub(crate) struct Toll {
    forwarded: u64,
}

impl Toll {
    /// Counts it.
    pub(crate) fn pay(self, counters: &WorkerCounters) {
        counters.forwarded.add(self.forwarded);
    }
}

/// Sends one frame on its way and counts it, exactly once.
#[inline]
pub(crate) fn leave<P: PortIo>(
    io: &mut P,
    leaving: Leaving<P::Frame>,
    snapshot: &Snapshot,
    counters: &WorkerCounters,
    toll: &mut Toll,
) {
    let Leaving { received, verdict, l3_offset } = leaving;
    match verdict {
        Verdict::Forward(member) => forward(io, received, (member, l3_offset), snapshot, counters, toll),
        Verdict::Punt => {
            if io.punt(received.port, received.frame) {
                counters.punted.add(1);
            } else {
                counters.dropped(DropReason::PuntFailed);
            }
        }
        Verdict::Drop(reason) => drop_frame(io, received, reason, counters),
    }
}

#[inline]
fn forward<P: PortIo>(
    io: &mut P,
    mut received: Received<P::Frame>,
    (id, l3_offset): (MemberId, u8),
    snapshot: &Snapshot,
    counters: &WorkerCounters,
    toll: &mut Toll,
) {
    let Some(member) = snapshot.member(id) else {
        return drop_frame(io, received, DropReason::NoNexthop, counters);
    };
    let adjacency = member.adjacency;
    let bytes = io.bytes_mut(&mut received.frame);
    evenkeel_packet::rewrite(bytes, l3_offset, adjacency.source, adjacency.destination);
    match io.transmit(adjacency.port, received.frame) {
        Ok(()) => {
            toll.forwarded += 1;
            if let Some(counters) = counters.member(id) {
                counters.packets.add(1);
                counters.bytes.add(u64::from(received.wire_len));
            }
        }
        Err(Unsent { frame, reason }) => {
            drop_frame(io, Received { frame, ..received }, reason, counters);
        }
    }
}

fn drop_frame<P: PortIo>(
    io: &mut P,
    received: Received<P::Frame>,
    reason: DropReason,
    counters: &WorkerCounters,
) {
    counters.dropped(reason);
    io.discard(received.port, received.frame, reason);
}
