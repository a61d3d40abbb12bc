//! The IPv6 header (RFC 8200 §3).

use crate::datagram::Datagram;
use crate::ipv6_extensions::Chain;
use crate::l4::{self, Payload};
use crate::{Class, FlowKey, FlowKey6, Fragment, Malformed, NotOurs, Outcome, icmp};
use etherparse::{IpNumber, Ipv6HeaderSlice, ip_number};
use std::net::IpAddr;

/// Length of the header in bytes.
const HEADER_LEN: usize = 40;

/// Parses the packet at `l3_offset` of a frame that had `wire_len` bytes on the wire. A later fragment has no L4 header.
pub(crate) fn parse(frame: &[u8], l3_offset: usize, wire_len: usize) -> Outcome {
    let Some((mut ipv6, payload)) = Ipv6::read(frame, l3_offset, wire_len) else {
        return unusable(frame, l3_offset);
    };
    let mut chain = Chain::new(ipv6.protocol);
    let followed = chain.follow(payload.bytes);
    ipv6.protocol = chain.protocol;
    ipv6.fragment_protocol = chain.fragment_protocol;
    ipv6.fragment = chain.fragment;
    if let Err(refusal) = followed {
        return ipv6.refused(refusal, None);
    }
    let payload = payload.behind(chain.len_bytes);
    match ipv6.fragment {
        Fragment::Later(_) => ipv6.ours(ipv6.addresses(), Class::Other),
        _ if ipv6.protocol == ip_number::IPV6_ICMP => icmp::parse(ipv6, icmp::quoted6(payload.bytes)),
        _ => l4::parse(ipv6, payload),
    }
}

/// A packet whose IPv6 header is right.
#[derive(Clone, Copy)]
struct Ipv6<'a> {
    header: Ipv6HeaderSlice<'a>,
    /// Protocol behind the extension headers that have been read.
    protocol: IpNumber,
    /// Next Header of the fragment header.
    fragment_protocol: IpNumber,
    fragment: Fragment,
    l3_offset: u8,
}

impl<'a> Ipv6<'a> {
    /// Reads the header, as one without extension headers, and says what the payload length leaves behind it; `None` if
    /// it can't be used, for the reason that [`unusable`] finds.
    fn read(frame: &'a [u8], l3_offset: usize, wire_len: usize) -> Option<(Self, Payload<'a>)> {
        let l3 = frame.get(l3_offset..)?;
        let header = Ipv6HeaderSlice::from_slice(l3).ok()?;
        let declared_len = usize::from(header.payload_length());
        let end = HEADER_LEN + declared_len;
        if header.hop_limit() <= 1 || l3_offset + end > wire_len {
            return None;
        }
        let bytes = l3.get(HEADER_LEN..end.min(l3.len()))?;
        Some((Self::new(header, l3_offset as u8), Payload { bytes, declared_len }))
    }

    /// A packet of which no extension header has been read.
    fn new(header: Ipv6HeaderSlice<'a>, l3_offset: u8) -> Self {
        let protocol = header.next_header();
        Self { header, protocol, fragment_protocol: protocol, fragment: Fragment::Whole, l3_offset }
    }
}

impl Datagram for Ipv6<'_> {
    fn protocol(self) -> IpNumber {
        self.protocol
    }

    fn fragment(self) -> Fragment {
        self.fragment
    }

    fn l3_offset(self) -> u8 {
        self.l3_offset
    }

    fn key(self, source_port: u16, destination_port: u16) -> FlowKey {
        let (source, destination) = (self.header.source(), self.header.destination());
        FlowKey::V6(FlowKey6::new(source, destination, source_port, destination_port, self.protocol.0))
    }

    fn addresses(self) -> FlowKey {
        self.key(0, 0).without_ports(self.fragment_protocol.0)
    }
}

/// Says why a header can't be used.
#[cold]
#[inline(never)]
fn unusable(frame: &[u8], l3_offset: usize) -> Outcome {
    let Ok(header) = Ipv6HeaderSlice::from_slice(frame.get(l3_offset..).unwrap_or_default()) else {
        return Outcome::NotOurs(NotOurs::Unreadable);
    };
    if header.hop_limit() <= 1 {
        return Outcome::NotOurs(NotOurs::TtlExpired);
    }
    let reason = Malformed::Ipv6PayloadLength;
    Outcome::Malformed { destination: header.destination_addr().into(), key: None, reason, fragment: None }
}

/// [`FragmentKey::addresses`](crate::FragmentKey::addresses) of the fragment at `l3`.
pub(crate) fn fragment_addresses(l3: &[u8]) -> Option<FlowKey> {
    let header = Ipv6HeaderSlice::from_slice(l3).ok()?;
    let mut chain = Chain::new(header.next_header());
    // What is wrong behind the fragment header doesn't matter here.
    let _ = chain.follow(l3.get(HEADER_LEN..)?);
    let ipv6 = Ipv6 { fragment_protocol: chain.fragment_protocol, ..Ipv6::new(header, 0) };
    Some(ipv6.addresses())
}

/// Destination of the packet at `l3`.
pub(crate) fn destination(l3: &[u8]) -> Option<IpAddr> {
    Some(Ipv6HeaderSlice::from_slice(l3).ok()?.destination_addr().into())
}
