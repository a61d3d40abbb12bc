//! ICMP and ICMPv6 errors (RFC 792, RFC 4443 §2.4): the flow of the packet that they quote.
//!
//! etherparse's ICMP slices ask for eight bytes before they tell a type, and judge messages that are the kernel's;
//! here a type is enough to leave a message to the kernel, so these headers are read from the bytes.

use crate::datagram::{Datagram, Refusal};
use crate::ipv6_extensions::Chain;
use crate::{Class, FlowKey, FlowKey4, FlowKey6, Fragment, Malformed, NotOurs, Outcome};
use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice, ip_number};

/// Cut or unreadable: a quote has no first fragment's excuse, since it is never continued.
const BAD_QUOTE: Refusal = Refusal::Malformed(Malformed::IcmpQuote);

/// Ports of a quoted packet, as it had them; `None` for a later fragment.
type Ports = Option<(u16, u16)>;

/// What an ICMP error quotes.
#[derive(Clone, Copy)]
pub(crate) struct Quoted {
    /// The quoted packet's 5-tuple reversed: from client to server, as the server's packet ran the other way.
    reversed: FlowKey,
    ports_missing: bool,
}

/// Parses an ICMP or ICMPv6 datagram of which the quote has been read.
pub(crate) fn parse(datagram: impl Datagram, quoted: Result<Quoted, Refusal>) -> Outcome {
    match quoted {
        Ok(Quoted { reversed, ports_missing }) => datagram.ours(reversed, Class::IcmpError { ports_missing }),
        Err(refusal) => datagram.refused(refusal, None),
    }
}

/// What an ICMP error quotes. `icmp` begins with the ICMP header.
pub(crate) fn quoted4(icmp: &[u8]) -> Result<Quoted, Refusal> {
    // Destination unreachable, time exceeded, parameter problem.
    let quote = quote(icmp, |kind| matches!(kind, 3 | 11 | 12))?;
    let header = Ipv4HeaderSlice::from_slice(quote).map_err(|_| BAD_QUOTE)?;
    let protocol = header.protocol();
    if protocol == ip_number::ICMP {
        return Err(Refusal::NotOurs(NotOurs::IcmpOther));
    }
    let is_later = header.fragments_offset().value() != 0;
    let ports = ports(protocol, quote.get(header.slice().len()..), is_later)?;
    let (source_port, destination_port) = ports.unwrap_or_default();
    let reversed = FlowKey::V4(FlowKey4::new(
        header.destination(),
        header.source(),
        destination_port,
        source_port,
        protocol.0,
    ));
    Ok(Quoted { reversed, ports_missing: ports.is_none() })
}

/// What an ICMPv6 error quotes. `icmp` begins with the ICMPv6 header.
pub(crate) fn quoted6(icmp: &[u8]) -> Result<Quoted, Refusal> {
    // Destination unreachable, packet too big, time exceeded, parameter problem.
    let quote = quote(icmp, |kind| matches!(kind, 1..=4))?;
    let header = Ipv6HeaderSlice::from_slice(quote).map_err(|_| BAD_QUOTE)?;
    let behind = quote.get(header.slice().len()..).unwrap_or_default();
    let mut chain = Chain::new(header.next_header());
    chain.follow(behind).map_err(|refusal| match refusal {
        Refusal::NotOurs(_) => refusal,
        Refusal::Malformed(_) | Refusal::Cut(_) => BAD_QUOTE,
    })?;
    let protocol = chain.protocol;
    if protocol == ip_number::IPV6_ICMP {
        return Err(Refusal::NotOurs(NotOurs::IcmpOther));
    }
    let is_later = matches!(chain.fragment, Fragment::Later(_));
    let ports = ports(protocol, behind.get(chain.len_bytes..), is_later)?;
    let (source_port, destination_port) = ports.unwrap_or_default();
    let reversed = FlowKey::V6(FlowKey6::new(
        header.destination(),
        header.source(),
        destination_port,
        source_port,
        protocol.0,
    ));
    Ok(Quoted { reversed, ports_missing: ports.is_none() })
}

/// The packet quoted behind the 8 bytes of an error's own header.
fn quote(icmp: &[u8], is_error: impl Fn(u8) -> bool) -> Result<&[u8], Refusal> {
    let kind = *icmp.first().ok_or(Refusal::Cut(Malformed::IcmpHeader))?;
    if !is_error(kind) {
        return Err(Refusal::NotOurs(NotOurs::IcmpOther));
    }
    icmp.get(8..).ok_or(Refusal::Cut(Malformed::IcmpHeader))
}

/// Ports of a quoted packet; 0 for protocols without. Only the first 8 bytes of L4 need be quoted (RFC 792).
fn ports(protocol: IpNumber, l4: Option<&[u8]>, is_later: bool) -> Result<Ports, Refusal> {
    if is_later {
        return Ok(None);
    }
    if !matches!(protocol, ip_number::TCP | ip_number::UDP) {
        return Ok(Some((0, 0)));
    }
    let [s0, s1, d0, d1, ..] = l4.and_then(<[u8]>::first_chunk::<8>).ok_or(BAD_QUOTE)?;
    Ok(Some((u16::from_be_bytes([*s0, *s1]), u16::from_be_bytes([*d0, *d1]))))
}
