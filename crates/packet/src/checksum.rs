//! The internet checksum, mended where a word changes.

/// The checksum of a header in which one 16-bit word changed from `old` to `new` (RFC 1624 §3, equation 3).
///
/// Equal to the checksum computed anew if the old one was right; a wrong one stays wrong by as much.
#[inline]
pub(crate) fn mended(checksum: u16, old: u16, new: u16) -> u16 {
    let sum = u32::from(!checksum) + u32::from(!old) + u32::from(new);
    let folded = (sum & 0xffff) + (sum >> 16);
    !(((folded & 0xffff) + (folded >> 16)) as u16)
}
