//! Ethernet and VLAN tags (IEEE 802.3, 802.1Q): down to the IP header.

use crate::{Mac, NotOurs};
use etherparse::{EtherType, Ethernet2HeaderSlice, SingleVlanHeaderSlice, ether_type};

/// VLAN tags that are looked behind.
const MAX_TAGS: usize = 2;

/// Finds what a frame addressed to `own` carries: its EtherType, and the offset in bytes at which it begins.
#[inline(always)]
pub(crate) fn strip(frame: &[u8], own: Mac) -> Result<(EtherType, usize), NotOurs> {
    let header = Ethernet2HeaderSlice::from_slice(frame).map_err(|_| NotOurs::Unreadable)?;
    if header.destination() != own.0 {
        return Err(NotOurs::OtherMac);
    }
    let mut kind = header.ether_type();
    let mut offset = header.slice().len();
    for _ in 0..MAX_TAGS {
        if !is_tag(kind) {
            break;
        }
        let behind = frame.get(offset..).unwrap_or_default();
        let tag = SingleVlanHeaderSlice::from_slice(behind).map_err(|_| NotOurs::Unreadable)?;
        kind = tag.ether_type();
        offset += tag.slice().len();
    }
    Ok((kind, offset))
}

/// 802.1Q and 802.1ad; the pre-standard 0x9100 is none.
#[inline]
fn is_tag(kind: EtherType) -> bool {
    matches!(kind, ether_type::VLAN_TAGGED_FRAME | ether_type::PROVIDER_BRIDGING)
}
