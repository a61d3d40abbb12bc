//! A pseudo-random order of the numbers below a power of two, without a table.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Every number below `2^bits` once, in an order that the seed determines, the same on every machine.
#[derive(Clone, Debug)]
pub(super) struct Permutation {
    bits: u32,
    add: u64,
    multiply: [u64; 3],
}

impl Permutation {
    /// Of the numbers below `2^bits`, `bits` being at most 64.
    pub(super) fn new(bits: u32, seed: u64) -> Self {
        let key = |name: &[u8]| xxh3_64_with_seed(name, seed);
        Self { bits, add: key(b"add"), multiply: [key(b"first") | 1, key(b"second") | 1, key(b"third") | 1] }
    }

    /// The number at a place; places go around at `2^bits`.
    ///
    /// Each step (adding, multiplying by an odd number, folding the upper half onto the lower) can be undone below
    /// `2^bits`, so no two places have the same number.
    pub(super) fn at(&self, place: u64) -> u64 {
        let mask = u64::MAX.checked_shr(64 - self.bits).unwrap_or(0);
        let fold = self.bits.div_ceil(2).min(63);
        let mut number = place.wrapping_add(self.add) & mask;
        for odd in self.multiply {
            number = number.wrapping_mul(odd) & mask;
            number ^= number >> fold;
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn every_number_comes_once(bits in 1u32..13, seed: u64) {
            let permutation = Permutation::new(bits, seed);
            let numbers: HashSet<_> = (0..1u64 << bits).map(|place| permutation.at(place)).collect();
            prop_assert_eq!(numbers.len(), 1 << bits);
            prop_assert!(numbers.iter().all(|number| *number < 1 << bits));
            prop_assert_eq!(permutation.at(3), permutation.at(3 + (1 << bits)));
        }

        #[test]
        fn no_number_comes_soon_again_in_the_widest(seed: u64, start: u64) {
            let permutation = Permutation::new(64, seed);
            let numbers: HashSet<_> = (0..1000).map(|step| permutation.at(start.wrapping_add(step))).collect();
            prop_assert_eq!(numbers.len(), 1000);
        }
    }

    #[test]
    fn without_bits_there_is_only_zero() {
        let permutation = Permutation::new(0, 7);
        assert_eq!([0, 1, u64::MAX].map(|place| permutation.at(place)), [0; 3]);
    }

    #[test]
    fn seeds_give_orders_of_their_own() {
        let order = |seed| (0..256).map(|place| Permutation::new(8, seed).at(place)).collect::<Vec<_>>();
        assert_ne!(order(1), order(2));
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), (0..256).collect::<Vec<_>>());
    }
}
