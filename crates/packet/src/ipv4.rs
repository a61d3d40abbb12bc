//! The IPv4 header (RFC 791 §3.1), with options.

use crate::datagram::Datagram;
use crate::l4::{self, Payload};
use crate::{Class, FlowKey, FlowKey4, Fragment, FragmentKey, Malformed, NotOurs, Outcome, icmp};
use etherparse::{IpNumber, Ipv4HeaderSlice, ip_number};
use std::net::IpAddr;

/// Parses the packet at `l3_offset` of a frame that had `wire_len` bytes on the wire. The place in the datagram comes
/// first (RFC 791 §3.2), as a later fragment has no L4 header.
pub(crate) fn parse(frame: &[u8], l3_offset: usize, wire_len: usize) -> Outcome {
    let Some((mut ipv4, payload)) = Ipv4::read(frame, l3_offset, wire_len) else {
        return unusable(frame, l3_offset, wire_len);
    };
    let id = u32::from(ipv4.header.identification());
    ipv4.fragment = match (ipv4.header.fragments_offset().value(), ipv4.header.more_fragments()) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First(id),
        _ => Fragment::Later(id),
    };
    match ipv4.fragment {
        Fragment::Later(_) => ipv4.ours(ipv4.addresses(), Class::Other),
        _ if ipv4.protocol() == ip_number::ICMP => icmp::parse(ipv4, icmp::quoted4(payload.bytes)),
        _ => l4::parse(ipv4, payload),
    }
}

/// A packet whose IPv4 header is right.
#[derive(Clone, Copy)]
struct Ipv4<'a> {
    header: Ipv4HeaderSlice<'a>,
    fragment: Fragment,
    l3_offset: u8,
}

impl<'a> Ipv4<'a> {
    /// Reads the header, as one of a whole datagram, and says what the total length leaves behind it; `None` if it can't
    /// be used, for the reason that [`unusable`] finds.
    fn read(frame: &'a [u8], l3_offset: usize, wire_len: usize) -> Option<(Self, Payload<'a>)> {
        let l3 = frame.get(l3_offset..)?;
        let header = Ipv4HeaderSlice::from_slice(l3).ok()?;
        let total_len = usize::from(header.total_len());
        if header.ttl() <= 1 || l3_offset + total_len > wire_len {
            return None;
        }
        let header_len = header.slice().len();
        // No slice if the total length is less than the header's.
        let bytes = l3.get(header_len..total_len.min(l3.len()))?;
        let ipv4 = Self { header, fragment: Fragment::Whole, l3_offset: l3_offset as u8 };
        Some((ipv4, Payload { bytes, declared_len: total_len - header_len }))
    }
}

impl Datagram for Ipv4<'_> {
    fn protocol(self) -> IpNumber {
        self.header.protocol()
    }

    fn fragment(self) -> Fragment {
        self.fragment
    }

    fn l3_offset(self) -> u8 {
        self.l3_offset
    }

    fn key(self, source_port: u16, destination_port: u16) -> FlowKey {
        let (source, destination) = (self.header.source(), self.header.destination());
        FlowKey::V4(FlowKey4::new(source, destination, source_port, destination_port, self.protocol().0))
    }

    fn addresses(self) -> FlowKey {
        self.key(0, 0)
    }
}

/// Says why a header can't be used. etherparse's error says only what it stumbled over first, in an order of its own, so
/// the fields are read again from the bytes.
#[cold]
#[inline(never)]
fn unusable(frame: &[u8], l3_offset: usize, wire_len: usize) -> Outcome {
    let l3 = frame.get(l3_offset..).unwrap_or_default();
    let Some(fixed) = l3.first_chunk::<20>().filter(|fixed| fixed[0] >> 4 == 4) else {
        return Outcome::NotOurs(NotOurs::Unreadable);
    };
    if fixed[8] <= 1 {
        return Outcome::NotOurs(NotOurs::TtlExpired);
    }
    let header_len = usize::from(fixed[0] & 0x0f) * 4;
    let total_len = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    let is_length_wrong = total_len < header_len || l3_offset + total_len > wire_len;
    let reason = if header_len >= fixed.len() && is_length_wrong {
        Malformed::Ipv4TotalLength
    } else {
        Malformed::Ipv4HeaderLength
    };
    let [.., d0, d1, d2, d3] = *fixed;
    Outcome::Malformed {
        destination: [d0, d1, d2, d3].into(),
        key: None,
        reason,
        fragment: first_fragment(fixed),
    }
}

/// The datagram whose first fragment has these first 20 bytes of header.
fn first_fragment(fixed: &[u8; 20]) -> Option<FragmentKey> {
    let [.., id0, id1, place0, place1, _ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *fixed;
    let more_and_offset = u16::from_be_bytes([place0, place1]) & 0x3fff;
    (more_and_offset == 0x2000).then(|| FragmentKey {
        addresses: FlowKey::V4(FlowKey4::new([s0, s1, s2, s3], [d0, d1, d2, d3], 0, 0, protocol)),
        id: u32::from(u16::from_be_bytes([id0, id1])),
    })
}

/// [`FragmentKey::addresses`] of the packet at `l3`.
pub(crate) fn fragment_addresses(l3: &[u8]) -> Option<FlowKey> {
    let header = Ipv4HeaderSlice::from_slice(l3).ok()?;
    Some(Ipv4 { header, fragment: Fragment::Whole, l3_offset: 0 }.addresses())
}

/// Destination of the packet at `l3`.
pub(crate) fn destination(l3: &[u8]) -> Option<IpAddr> {
    Some(Ipv4HeaderSlice::from_slice(l3).ok()?.destination_addr().into())
}
