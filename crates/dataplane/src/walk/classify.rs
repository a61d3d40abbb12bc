//! Second stage: which service, and what is left to do.

use super::{Judged, Lookup, Matter, Signal};
use crate::flow_table::FlowTable;
use crate::verdict::Verdict;
use evenkeel_nexthop::{ServiceId, Snapshot};
use evenkeel_packet::{Class, FlowKey, FlowKey4, FlowKey6, Fragment, Outcome, Packet, Segment};

const PROTOCOL_ICMP: u8 = 1;
const PROTOCOL_ICMPV6: u8 = 58;

/// A packet that came the straight way, of IPv4. `None`: no service.
#[inline(always)]
pub(crate) fn straight4(
    segment: &Segment<FlowKey4>,
    snapshot: &Snapshot,
    table: &FlowTable,
) -> Option<Lookup<FlowKey4>> {
    let service = snapshot.classify4(&segment.key)?;
    Some(lookup(segment, table.hash4(&segment.key), service))
}

/// The same of IPv6.
#[inline(always)]
pub(crate) fn straight6(
    segment: &Segment<FlowKey6>,
    snapshot: &Snapshot,
    table: &FlowTable,
) -> Option<Lookup<FlowKey6>> {
    let service = snapshot.classify6(&segment.key)?;
    Some(lookup(segment, table.hash6(&segment.key), service))
}

#[inline(always)]
fn lookup<K: Copy>(segment: &Segment<K>, hash: u64, service: ServiceId) -> Lookup<K> {
    let Segment { key, tcp, l3_offset } = *segment;
    Lookup { key, hash, service, signal: tcp.into(), l3_offset }
}

impl Judged {
    const PUNTED: Self = Self { matter: Matter::Settled(Verdict::Punt), first_of: None, l3_offset: 0 };

    fn new(matter: Matter, packet: &Packet) -> Self {
        Self { matter, first_of: None, l3_offset: packet.l3_offset }
    }
}

/// Says what is left to do for one of the few.
pub(crate) fn winding(outcome: &Outcome, frame: &[u8], snapshot: &Snapshot, table: &FlowTable) -> Judged {
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
            let matter = Matter::Settled(Verdict::Drop((*reason).into()));
            Judged { matter, first_of: *fragment, l3_offset: 0 }
        }
    }
}

fn whole(packet: &Packet, frame: &[u8], snapshot: &Snapshot, table: &FlowTable) -> Judged {
    let (service, signal) = match packet.class {
        Class::Tcp(signal) => (snapshot.classify(&packet.key), Some(Signal::Tcp(signal))),
        Class::Udp => (snapshot.classify(&packet.key), Some(Signal::Datagram)),
        Class::Other if is_icmp(&packet.key) => (None, None),
        Class::Other => (snapshot.classify(&packet.key), Some(Signal::Datagram)),
        Class::IcmpError { ports_missing } => (quoted(packet, frame, ports_missing, snapshot), None),
    };
    let Some(service) = service else { return Judged { l3_offset: packet.l3_offset, ..Judged::PUNTED } };
    let (key, l3_offset) = (packet.key, packet.l3_offset);
    let lookup = |signal| Lookup { key, hash: table.hash(&key), service, signal, l3_offset };
    let matter = match signal {
        Some(signal) => Matter::Flow(lookup(signal)),
        None => Matter::IcmpError(lookup(Signal::Datagram)),
    };
    Judged::new(matter, packet)
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
            Judged::new(Matter::LaterFragment(key), packet)
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
