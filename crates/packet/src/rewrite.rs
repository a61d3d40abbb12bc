//! Rewriting: the Ethernet header toward a nexthop, and one hop less to live.

use crate::{Mac, checksum};

/// Length of the two MAC addresses at the start of a frame, in bytes.
const MACS_LEN: usize = 12;

/// Makes a parsed frame leave for a nexthop: its MAC addresses become `source` and `destination`, its TTL or hop limit
/// one less, and the IPv4 header checksum is mended (RFC 1624). Nothing else changes: neither VLAN tags nor options,
/// L4, payload or padding.
///
/// `l3_offset` is [`Packet::l3_offset`](crate::Packet::l3_offset). A frame too short for these fields, or without IPv4
/// or IPv6 at that offset, is left as it is; a TTL of 0 stays 0. Neither comes from [`parse`](crate::parse()).
#[inline]
pub fn rewrite(frame: &mut [u8], l3_offset: u8, source: Mac, destination: Mac) {
    let Some((macs, behind)) = frame.split_first_chunk_mut::<MACS_LEN>() else { return };
    let l3 = usize::from(l3_offset).checked_sub(MACS_LEN).and_then(|offset| behind.get_mut(offset..));
    if !l3.is_some_and(spend_hop) {
        return;
    }
    let (to, from) = macs.split_at_mut(6);
    to.copy_from_slice(&destination.0);
    from.copy_from_slice(&source.0);
}

/// Takes one from the TTL or hop limit of the packet at `l3`; false if there is none.
#[inline]
fn spend_hop(l3: &mut [u8]) -> bool {
    match l3.first().map(|first| first >> 4) {
        Some(4) => l3.first_chunk_mut().is_some_and(|header| {
            spend_ttl(header);
            true
        }),
        Some(6) => l3.first_chunk_mut::<8>().is_some_and(|[.., hop_limit]| {
            *hop_limit = hop_limit.saturating_sub(1);
            true
        }),
        _ => false,
    }
}

/// `header` is the start of an IPv4 header, up to its checksum, in which the TTL is the high byte of a word.
#[inline]
fn spend_ttl(header: &mut [u8; 12]) {
    let [.., ttl, _protocol, high, low] = header;
    if let Some(less) = ttl.checked_sub(1) {
        *ttl = less;
        [*high, *low] = checksum::mended(u16::from_be_bytes([*high, *low]), 0x0100).to_be_bytes();
    }
}
