//! Second stage: which service, and what is left to do.

use super::{Judged, Lookup, Signal, Task};
use crate::flow_table::FlowTable;
use crate::verdict::Verdict;
use evenkeel_nexthop::{ServiceId, Snapshot};
use evenkeel_packet::{Class, FlowKey, Fragment, FragmentKey, Outcome, Packet};

const PROTOCOL_ICMP: u8 = 1;
const PROTOCOL_ICMPV6: u8 = 58;

impl Judged {
    const PUNTED: Self = Self { task: Task::Settled(Verdict::Punt), first_of: None, l3_offset: 0 };

    fn new(task: Task, packet: &Packet, first_of: Option<FragmentKey>) -> Self {
        Self { task, first_of, l3_offset: packet.l3_offset }
    }
}

/// Says what is left to do for a parsed frame.
#[inline]
pub(crate) fn classify(outcome: &Outcome, frame: &[u8], snapshot: &Snapshot, table: &FlowTable) -> Judged {
    match outcome {
        Outcome::Ours(packet) => match packet.fragment {
            Fragment::Whole => whole(packet, frame, snapshot, table),
            Fragment::First(_) => first_fragment(packet, frame, snapshot, table),
            Fragment::Later(_) => later_fragment(packet, frame, snapshot),
        },
        Outcome::NotOurs(_) => Judged::PUNTED,
        Outcome::Malformed { destination, .. } if !snapshot.is_vip(*destination) => Judged::PUNTED,
        Outcome::Malformed { key: Some(key), fragment, .. } if snapshot.classify(key).is_none() => {
            Judged { first_of: *fragment, ..Judged::PUNTED }
        }
        Outcome::Malformed { reason, fragment, .. } => {
            Judged { task: Task::Settled(Verdict::Drop((*reason).into())), first_of: *fragment, l3_offset: 0 }
        }
    }
}

#[inline]
fn whole(packet: &Packet, frame: &[u8], snapshot: &Snapshot, table: &FlowTable) -> Judged {
    let (service, signal) = match packet.class {
        Class::Tcp(signal) => (snapshot.classify(&packet.key), Some(Signal::Tcp(signal))),
        Class::Udp => (snapshot.classify(&packet.key), Some(Signal::Datagram)),
        Class::Other if is_icmp(&packet.key) => (None, None),
        Class::Other => (snapshot.classify(&packet.key), Some(Signal::Datagram)),
        Class::IcmpError { ports_missing } => (quoted(packet, frame, ports_missing, snapshot), None),
    };
    let Some(service) = service else { return Judged { l3_offset: packet.l3_offset, ..Judged::PUNTED } };
    let lookup = Lookup { key: packet.key, hash: table.hash(&packet.key), service };
    let task = signal.map_or(Task::IcmpError(lookup), |signal| Task::Flow(lookup, signal));
    Judged::new(task, packet, None)
}

/// Service of the packet that an ICMP error quotes; the error itself must be for a VIP.
fn quoted(packet: &Packet, frame: &[u8], ports_missing: bool, snapshot: &Snapshot) -> Option<ServiceId> {
    if !snapshot.is_vip(packet.destination(frame)) {
        None
    } else if ports_missing {
        snapshot.classify_addresses(&packet.key)
    } else {
        snapshot.classify(&packet.key)
    }
}

/// As a whole packet; what becomes of it is noted for the later ones, also a punt.
fn first_fragment(packet: &Packet, frame: &[u8], snapshot: &Snapshot, table: &FlowTable) -> Judged {
    let mut judged = whole(packet, frame, snapshot, table);
    if snapshot.is_vip(packet.destination(frame)) {
        judged.first_of = packet.fragment_key(frame);
    }
    judged
}

fn later_fragment(packet: &Packet, frame: &[u8], snapshot: &Snapshot) -> Judged {
    match packet.fragment_key(frame) {
        Some(key) if snapshot.is_vip(key.addresses.destination()) => {
            Judged::new(Task::LaterFragment(key), packet, None)
        }
        _ => Judged::PUNTED,
    }
}

/// True for the ICMP of the key's own family.
pub(super) fn is_icmp(key: &FlowKey) -> bool {
    match key {
        FlowKey::V4(key) => key.protocol() == PROTOCOL_ICMP,
        FlowKey::V6(key) => key.protocol() == PROTOCOL_ICMPV6,
    }
}
