//! The IPv6 header (RFC 8200 §3).

use crate::ipv6_extensions::Chain;
use crate::l4::{self, Payload};
use crate::refusal::{Datagram, Refusal};
use crate::{Class, FlowKey, FlowKey6, Fragment, Malformed, NotOurs, Outcome, Packet, icmp};
use etherparse::{IpNumber, Ipv6HeaderSlice, ip_number};
use std::net::IpAddr;

/// Length of the header in bytes.
const HEADER_LEN: usize = 40;

/// Parses the packet at `l3`, of which the wire held `wire_len` bytes, padding included.
#[inline]
pub(crate) fn parse(l3: &[u8], wire_len: usize, l3_offset: u8) -> Outcome {
    let Ok(header) = Ipv6HeaderSlice::from_slice(l3) else {
        return Outcome::NotOurs(NotOurs::Unreadable);
    };
    if header.hop_limit() <= 1 {
        return Outcome::NotOurs(NotOurs::TtlExpired);
    }
    let payload_len = usize::from(header.payload_length());
    let mut chain = Chain::new(header.next_header());
    let read = match payload(l3, payload_len, wire_len) {
        Some(payload) => chain.follow(payload.bytes).and_then(|()| upper(&header, &chain, payload)),
        None => Err(Refusal::Malformed(Malformed::Ipv6PayloadLength)),
    };
    match read {
        Ok((key, class)) => {
            Outcome::Ours(Packet { key: FlowKey::V6(key), class, fragment: chain.fragment, l3_offset })
        }
        Err(refusal) => {
            let addresses = addresses(&header, chain.fragment_protocol);
            Datagram { addresses, fragment: chain.fragment, l3_offset }.refused(refusal)
        }
    }
}

/// What follows the header; `None` if the wire doesn't hold it all.
#[inline]
fn payload(l3: &[u8], payload_len: usize, wire_len: usize) -> Option<Payload<'_>> {
    let end = HEADER_LEN + payload_len;
    if end > wire_len {
        return None;
    }
    Some(Payload { bytes: l3.get(HEADER_LEN..end.min(l3.len()))?, declared_len: payload_len })
}

/// Reads what is behind the extension headers.
#[inline]
fn upper(
    header: &Ipv6HeaderSlice<'_>,
    chain: &Chain,
    payload: Payload<'_>,
) -> Result<(FlowKey6, Class), Refusal> {
    let (source, destination) = (header.source(), header.destination());
    let protocol = chain.protocol;
    if let Fragment::Later(_) = chain.fragment {
        return Ok((FlowKey6::new(source, destination, 0, 0, protocol.0), Class::Other));
    }
    let payload = payload.behind(chain.len_bytes);
    if protocol == ip_number::IPV6_ICMP {
        return icmp::error6(payload.bytes);
    }
    let l4 = l4::read(protocol, payload, chain.fragment)?;
    Ok((FlowKey6::new(source, destination, l4.source_port, l4.destination_port, protocol.0), l4.class))
}

/// [`FragmentKey::addresses`](crate::FragmentKey::addresses) of the packet at `l3`; `None` if it is no fragment.
pub(crate) fn fragment_addresses(l3: &[u8]) -> Option<FlowKey> {
    let header = Ipv6HeaderSlice::from_slice(l3).ok()?;
    let mut chain = Chain::new(header.next_header());
    // What is wrong behind the fragment header doesn't matter here.
    let _ = chain.follow(l3.get(HEADER_LEN..)?);
    (chain.fragment != Fragment::Whole).then(|| addresses(&header, chain.fragment_protocol))
}

/// Destination of the packet at `l3`.
pub(crate) fn destination(l3: &[u8]) -> Option<IpAddr> {
    Some(Ipv6HeaderSlice::from_slice(l3).ok()?.destination_addr().into())
}

fn addresses(header: &Ipv6HeaderSlice<'_>, protocol: IpNumber) -> FlowKey {
    FlowKey::V6(FlowKey6::new(header.source(), header.destination(), 0, 0, protocol.0))
}
