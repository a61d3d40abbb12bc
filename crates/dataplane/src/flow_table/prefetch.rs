//! Bringing the cache lines of a look-up in ahead of it.
//!
//! This file holds `unsafe` and knows how hashbrown 0.14 lays a table out: control bytes from `data_end()` on, one
//! per slot and a group's width of copies behind them; element `i` directly below, at `data_end() - (i + 1)`; the
//! probe begins at `hash & mask`, and a full slot's control byte is the top seven bits of the hash. It only reads
//! control bytes and prefetches: if the layout changes, time is lost and nothing else; a test notices.

#![expect(unsafe_code, reason = "see above")]

use hashbrown::raw::RawTable;

/// Width of a group of control bytes with SSE2.
#[cfg(target_arch = "x86_64")]
const GROUP: usize = 16;

/// First stage, once the hash is known: the control bytes where the probe begins.
#[inline]
pub(super) fn control<T>(table: &RawTable<T>, hash: u64) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let position = hash as usize & (table.buckets() - 1);
        let control = table.data_end().as_ptr().cast::<i8>().wrapping_add(position);
        // SAFETY: SSE is part of x86_64; a prefetch of any address is harmless.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(control) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (table, hash);
}

/// Second stage, once the control bytes are near: the slot that the hash most likely has. Returns its number.
#[inline]
pub(super) fn slot<T>(table: &RawTable<T>, hash: u64) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{
            __m128i, _MM_HINT_T0, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_prefetch,
            _mm_set1_epi8,
        };
        let mask = table.buckets() - 1;
        let position = hash as usize & mask;
        let tag = (hash >> 57) as i8;
        let end = table.data_end().as_ptr();
        // SAFETY: there are `buckets + GROUP` control bytes and `position < buckets`, so GROUP bytes from there are
        // inside (also in the shared table of no slots, which has GROUP bytes and one bucket). SSE2 is part of x86_64.
        let matches = unsafe {
            let group = _mm_loadu_si128(end.cast::<u8>().add(position).cast::<__m128i>());
            _mm_movemask_epi8(_mm_cmpeq_epi8(group, _mm_set1_epi8(tag))) as u32
        };
        if matches == 0 {
            return None;
        }
        let index = (position + matches.trailing_zeros() as usize) & mask;
        debug_assert!(GROUP > matches.trailing_zeros() as usize);
        let element = end.wrapping_sub(index + 1).cast::<i8>();
        // SAFETY: as above; an element may straddle two lines, the second is prefetched too.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(element);
            _mm_prefetch::<_MM_HINT_T0>(element.wrapping_add(size_of::<T>() - 1));
        }
        Some(index)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (table, hash);
        None
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::slot;
    use hashbrown::raw::RawTable;

    #[test]
    fn the_layout_of_the_table_is_the_one_that_prefetching_assumes() {
        let mut table: RawTable<(u64, u64)> = RawTable::with_capacity(1000);
        let hash = |key: u64| key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for key in 0..1000 {
            table.insert(hash(key), (key, key), |(key, _)| hash(*key));
        }
        let mut right = 0;
        for key in 0..1000 {
            let bucket = table.find(hash(key), |(other, _)| *other == key).expect("it is there");
            // SAFETY: the bucket comes from this table.
            right += usize::from(slot(&table, hash(key)) == Some(unsafe { table.bucket_index(&bucket) }));
        }
        assert!(right > 900, "only {right} of 1000 guesses are right: the layout has changed");
    }
}
