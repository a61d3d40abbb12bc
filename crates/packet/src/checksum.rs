//! The internet checksum, mended where a word changes.

/// The checksum of a header in which one 16-bit word became less by `less` (RFC 1624 §3, equation 3: the new word and the
/// complement of the old one add up to the complement of `less`).
///
/// Equal to the checksum computed anew if the old one was right; a wrong one stays wrong by as much.
#[inline]
pub(crate) const fn mended(checksum: u16, less: u16) -> u16 {
    let sum = !checksum as u32 + !less as u32;
    !((sum & 0xffff) + (sum >> 16)) as u16
}
