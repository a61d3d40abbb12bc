//! Bringing cache lines in ahead of their use.
//!
//! This file holds `unsafe` for one instruction that reads nothing: at worst it brings in a line that nobody uses.

#![expect(unsafe_code, reason = "see above")]

/// Bytes of a cache line.
const LINE_LEN: usize = 64;

/// Brings in the line at `address`, which may be any.
#[inline(always)]
pub fn line<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86_64, and a prefetch of any address is harmless.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Brings in the one or two lines that a value is in. A larger one, which may be in three, is refused when this is compiled.
#[inline(always)]
pub fn value<T>(address: *const T) {
    const { assert!(size_of::<T>() <= LINE_LEN + align_of::<T>()) };
    line(address);
    line(address.cast::<u8>().wrapping_add(size_of::<T>() - 1));
}
