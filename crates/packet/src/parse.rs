//! Parsing: from a frame to its flow key, in place, one header after the other.

use crate::{Class, FlowKey, Fragment, FragmentKey, Mac, NotOurs, Outcome, Packet};
use crate::{ethernet, ipv4, ipv6, straight::straight};
use etherparse::ether_type;
use std::net::IpAddr;

/// Reads the headers of `frame`, which begins with the destination MAC and carries no FCS.
///
/// `wire_len` is its length on the wire in bytes: `frame.len()`, or more if a capture cut it. Lengths in headers are
/// judged by it; a header itself must be in the bytes, and one that is not counts as cut. `own` is the MAC of the
/// interface on which the frame came in.
///
/// Judged in this order, so that a frame with several faults has one outcome: Ethernet and VLAN tags; the IP version;
/// TTL or hop limit; IP lengths; IPv6 extension headers; L4; the packet quoted by an ICMP error. Checksums are not
/// verified. The outermost headers decide: what a tunnel carries is not looked at.
#[must_use]
pub fn parse(frame: &[u8], wire_len: usize, own: Mac) -> Outcome {
    straight(frame, wire_len, own).map_or_else(|| winding(frame, wire_len, own), Outcome::from)
}

/// The same without the straight way: for frames that it has not taken. It knows the others, too.
#[inline(never)]
#[must_use]
pub fn winding(frame: &[u8], wire_len: usize, own: Mac) -> Outcome {
    let (kind, l3_offset) = match ethernet::strip(frame, own) {
        Ok(found) => found,
        Err(reason) => return Outcome::NotOurs(reason),
    };
    match kind {
        ether_type::IPV4 => ipv4::parse(frame, l3_offset, wire_len),
        ether_type::IPV6 => ipv6::parse(frame, l3_offset, wire_len),
        _ => Outcome::NotOurs(NotOurs::Unreadable),
    }
}

impl Packet {
    /// Identity of the datagram that this packet is a fragment of; `None` if it is whole.
    ///
    /// `frame` is the frame that was parsed: an ICMP error's key says nothing of the outer addresses, nor a first
    /// IPv6 fragment's key of the Next Header field in the fragment header.
    #[must_use]
    pub fn fragment_key(&self, frame: &[u8]) -> Option<FragmentKey> {
        let (Fragment::First(id) | Fragment::Later(id)) = self.fragment else { return None };
        let l3 = frame.get(usize::from(self.l3_offset)..)?;
        let addresses = match self.key {
            FlowKey::V4(_) => ipv4::fragment_addresses(l3)?,
            FlowKey::V6(_) => ipv6::fragment_addresses(l3)?,
        };
        Some(FragmentKey { addresses, id })
    }

    /// Destination address of the outer IP header. `frame` is the frame that was parsed.
    #[must_use]
    pub fn destination(&self, frame: &[u8]) -> IpAddr {
        let outer = match self.class {
            Class::IcmpError { .. } => {
                frame.get(usize::from(self.l3_offset)..).and_then(|l3| match self.key {
                    FlowKey::V4(_) => ipv4::destination(l3),
                    FlowKey::V6(_) => ipv6::destination(l3),
                })
            }
            _ => None,
        };
        outer.unwrap_or_else(|| self.key.destination())
    }
}
