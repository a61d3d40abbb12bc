//! A logarithm in integers: the same bits on every machine. Knows nothing of nexthops.
//!
//! Between 257 exact points it is a straight line, which is within 2.8e-6 of the true value; what matters is that it
//! falls where the hash rises. `docs/buckets.md` says how to compute it anew.

/// Bits behind the binary point.
const FRACTION_BITS: u32 = 48;
/// Bits of a mantissa below those that choose the point.
const STEP_BITS: u32 = 55;

/// `TABLE[i]` is log2(1 + i/256).
static TABLE: [u64; 257] = table();

#[expect(clippy::indexing_slicing, reason = "runs in the compiler")]
const fn table() -> [u64; 257] {
    let mut table = [0; 257];
    let mut i = 0;
    while i < 256 {
        table[i] = log2_of_mantissa((1 << 63) + ((i as u64) << STEP_BITS));
        i += 1;
    }
    table[256] = 1 << FRACTION_BITS;
    table
}

/// log2(mantissa / 2^63) of a mantissa with its highest bit set, bit by bit: squaring doubles the logarithm.
const fn log2_of_mantissa(mantissa: u64) -> u64 {
    let mut mantissa = mantissa as u128;
    let mut log = 0;
    let mut bit = 0;
    while bit < FRACTION_BITS {
        mantissa = (mantissa * mantissa) >> 63;
        log <<= 1;
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            log |= 1;
        }
        bit += 1;
    }
    log
}

/// -log2(hash / 2^64) in units of 2^-48, between 0 and 64 * 2^48; never rises with the hash. 0 counts as 1.
#[inline]
pub(crate) fn minus_log2(hash: u64) -> u64 {
    let hash = hash.max(1);
    let zeros = hash.leading_zeros();
    let mantissa = hash << zeros;
    let index = (mantissa >> STEP_BITS) as usize & 0xff;
    let beyond = mantissa & ((1 << STEP_BITS) - 1);
    let (Some(&low), Some(&high)) = (TABLE.get(index), TABLE.get(index + 1)) else { return 0 };
    let log = low + ((u128::from(high - low) * u128::from(beyond)) >> STEP_BITS) as u64;
    (u64::from(zeros + 1) << FRACTION_BITS) - log
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table_rises_and_is_a_logarithm() {
        for (i, pair) in TABLE.windows(2).enumerate() {
            assert!(pair[0] < pair[1]);
            let exact = (1.0 + i as f64 / 256.0).log2() * (1u64 << FRACTION_BITS) as f64;
            assert!((pair[0] as f64 - exact).abs() < 2.0, "{i}");
        }
    }

    #[test]
    fn table_is_the_published_one() {
        assert_eq!((TABLE[1], TABLE[128], TABLE[255]), (1583169853354, 164652306267094, 280681071173261));
        assert_eq!(TABLE.iter().sum::<u64>(), 40298725893195603);
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!(minus_log2(0), 64 << FRACTION_BITS);
        assert_eq!(minus_log2(1), 64 << FRACTION_BITS);
        assert_eq!(minus_log2(1 << 63), 1 << FRACTION_BITS);
        assert_eq!(minus_log2(u64::MAX), 1);
    }

    proptest! {
        #[test]
        fn close_to_the_true_logarithm(hash in 1u64..) {
            let exact = 64.0 - (hash as f64).log2();
            let ours = minus_log2(hash) as f64 / (1u64 << FRACTION_BITS) as f64;
            prop_assert!((ours - exact).abs() < 2.9e-6, "{ours} {exact}");
        }

        #[test]
        fn never_rises(hash in 0u64..u64::MAX, shift in 0u32..64) {
            let hash = hash >> shift;
            prop_assert!(minus_log2(hash) >= minus_log2(hash + 1));
        }
    }
}
