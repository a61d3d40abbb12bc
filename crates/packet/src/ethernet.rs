//! Ethernet and VLAN tags (IEEE 802.3, 802.1Q): down to the IP header.

use crate::{Mac, NotOurs};
use etherparse::{EtherType, Ethernet2HeaderSlice, SingleVlanHeaderSlice, ether_type};

/// The IP version that an EtherType announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// VLAN tags that are looked behind.
const MAX_TAGS: usize = 2;

/// Finds the IP header of a frame addressed to `own`: its family and its offset in bytes.
#[inline]
pub(crate) fn strip(frame: &[u8], own: Mac) -> Result<(Family, u8), NotOurs> {
    let header = Ethernet2HeaderSlice::from_slice(frame).map_err(|_| NotOurs::Unreadable)?;
    if header.destination() != own.0 {
        return Err(NotOurs::OtherMac);
    }
    let mut kind = header.ether_type();
    let mut offset = 14;
    for _ in 0..MAX_TAGS {
        if !is_tag(kind) {
            break;
        }
        let tag = frame.get(usize::from(offset)..).unwrap_or_default();
        kind = SingleVlanHeaderSlice::from_slice(tag).map_err(|_| NotOurs::Unreadable)?.ether_type();
        offset += 4;
    }
    match kind {
        ether_type::IPV4 => Ok((Family::V4, offset)),
        ether_type::IPV6 => Ok((Family::V6, offset)),
        _ => Err(NotOurs::Unreadable),
    }
}

/// 802.1Q and 802.1ad; the pre-standard 0x9100 is none.
fn is_tag(kind: EtherType) -> bool {
    matches!(kind, ether_type::VLAN_TAGGED_FRAME | ether_type::PROVIDER_BRIDGING)
}
