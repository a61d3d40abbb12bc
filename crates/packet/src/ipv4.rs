//! The IPv4 header (RFC 791), with options.

use crate::l4::{self, Payload};
use crate::refusal::{Datagram, Refusal};
use crate::{Class, FlowKey, FlowKey4, Fragment, Malformed, NotOurs, Outcome, Packet, icmp};
use etherparse::{Ipv4HeaderSlice, ip_number};
use std::net::IpAddr;

/// Parses the packet at `l3`, of which the wire held `wire_len` bytes, padding included.
#[inline]
pub(crate) fn parse(l3: &[u8], wire_len: usize, l3_offset: u8) -> Outcome {
    let Ok(header) = Ipv4HeaderSlice::from_slice(l3) else { return unusable(l3, wire_len) };
    if header.ttl() <= 1 {
        return Outcome::NotOurs(NotOurs::TtlExpired);
    }
    let header_len = header.slice().len();
    let total_len = usize::from(header.total_len());
    if total_len < header_len || total_len > wire_len {
        return unusable(l3, wire_len);
    }
    let fragment = place(&header);
    let (source, destination) = (header.source(), header.destination());
    let protocol = header.protocol();
    let payload = Payload {
        bytes: l3.get(header_len..total_len.min(l3.len())).unwrap_or_default(),
        declared_len: total_len - header_len,
    };

    let read = match (fragment, protocol) {
        (Fragment::Later(_), _) => Ok((FlowKey4::new(source, destination, 0, 0, protocol.0), Class::Other)),
        (_, ip_number::ICMP) => icmp::error4(payload.bytes),
        _ => l4::read(protocol, payload, fragment).map(|l4| {
            (FlowKey4::new(source, destination, l4.source_port, l4.destination_port, protocol.0), l4.class)
        }),
    };
    match read {
        Ok((key, class)) => Outcome::Ours(Packet { key: FlowKey::V4(key), class, fragment, l3_offset }),
        Err(refusal) => {
            let addresses = FlowKey::V4(FlowKey4::new(source, destination, 0, 0, protocol.0));
            Datagram { addresses, fragment, l3_offset }.refused(refusal)
        }
    }
}

/// Place in the datagram (RFC 791 §3.2). The don't-fragment bit doesn't matter, nor does the reserved one.
#[inline]
fn place(header: &Ipv4HeaderSlice<'_>) -> Fragment {
    if !header.is_fragmenting_payload() {
        return Fragment::Whole;
    }
    let id = u32::from(header.identification());
    if header.fragments_offset().value() == 0 { Fragment::First(id) } else { Fragment::Later(id) }
}

/// Judges a header that can't be used. etherparse's error says only what it stumbled over first, in an order of its
/// own, so the fields are read again from the bytes.
#[cold]
fn unusable(l3: &[u8], wire_len: usize) -> Outcome {
    let Some(fixed) = l3.first_chunk::<20>().filter(|fixed| fixed[0] >> 4 == 4) else {
        return Outcome::NotOurs(NotOurs::Unreadable);
    };
    if fixed[8] <= 1 {
        return Outcome::NotOurs(NotOurs::TtlExpired);
    }
    let header_len = usize::from(fixed[0] & 0x0f) * 4;
    let total_len = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    let reason = if header_len < fixed.len() {
        Malformed::Ipv4HeaderLength
    } else if total_len < header_len || total_len > wire_len {
        Malformed::Ipv4TotalLength
    } else {
        Malformed::Ipv4HeaderLength
    };
    let more_and_offset = u16::from_be_bytes([fixed[6], fixed[7]]) & 0x3fff;
    let id = u32::from(u16::from_be_bytes([fixed[4], fixed[5]]));
    let fragment = if more_and_offset == 0x2000 { Fragment::First(id) } else { Fragment::Whole };
    let addresses = addresses(fixed);
    Datagram { addresses, fragment, l3_offset: 0 }.refused(Refusal::Malformed(reason))
}

/// [`FragmentKey::addresses`](crate::FragmentKey::addresses) of the packet at `l3`.
pub(crate) fn fragment_addresses(l3: &[u8]) -> Option<FlowKey> {
    l3.first_chunk().map(addresses)
}

/// Destination of the packet at `l3`.
pub(crate) fn destination(l3: &[u8]) -> Option<IpAddr> {
    fragment_addresses(l3).map(|addresses| addresses.destination())
}

fn addresses(fixed: &[u8; 20]) -> FlowKey {
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *fixed;
    FlowKey::V4(FlowKey4::new([s0, s1, s2, s3], [d0, d1, d2, d3], 0, 0, fixed[9]))
}
