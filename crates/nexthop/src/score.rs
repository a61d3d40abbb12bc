//! Scores: how much a bucket wants a nexthop and a nexthop a bucket, from a portable hash of both. Knows no quota.
//!
//! A score is kept as its inverse, the cost: the lowest one is the best. `docs/buckets.md` defines every bit of it.

use crate::log2::minus_log2;
use std::net::IpAddr;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Costs of one nexthop with a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scorer {
    hasher: BucketHasher,
    /// 2^32 / weight, rounded down.
    inverse_weight: u64,
}

impl Scorer {
    /// `weight` is 1 to 1000.
    pub(crate) fn new(address: IpAddr, weight: u16, seed: u64) -> Self {
        let hasher = BucketHasher::new(identity(address, seed), seed);
        Self { hasher, inverse_weight: (1 << 32) / u64::from(weight.max(1)) }
    }

    /// The hash of this nexthop and a bucket.
    #[inline]
    pub(crate) fn hash(&self, bucket: u32) -> u64 {
        self.hasher.hash(bucket)
    }

    /// The cost that a hash gives: -log2(hash / 2^64) / weight in units of 2^-37, below 2^44. Never rises with the hash.
    #[inline]
    pub(crate) fn cost_of(&self, hash: u64) -> u64 {
        ((u128::from(minus_log2(hash)) * u128::from(self.inverse_weight)) >> 43) as u64
    }

    /// What it costs this nexthop to take a bucket.
    #[inline]
    pub(crate) fn cost(&self, bucket: u32) -> u64 {
        self.cost_of(self.hash(bucket))
    }

    /// The lowest hash whose cost is `cost` or less: so many need no logarithm.
    pub(crate) fn hash_within(&self, cost: u64) -> u64 {
        let (mut below, mut within) = (0, u64::MAX);
        while below < within {
            let middle = below + (within - below) / 2;
            if self.cost_of(middle) <= cost { within = middle } else { below = middle + 1 }
        }
        within
    }
}

/// What a nexthop is in scores: XXH3-64 of its address in wire order, 4 or 16 bytes.
fn identity(address: IpAddr, seed: u64) -> u64 {
    match address {
        IpAddr::V4(address) => xxh3_64_with_seed(&address.octets(), seed),
        IpAddr::V6(address) => xxh3_64_with_seed(&address.octets(), seed),
    }
}

/// XXH3-64 of a nexthop's identity (8 bytes) and a bucket (4 bytes), both little-endian.
///
/// The library's function takes three times as long on 12 bytes as this one, which has what depends on seed and
/// identity ready; builds of large groups spend their time here. xxHash's `XXH3_len_9to16_64b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BucketHasher {
    low: u64,
    /// Second half of the identity, where the last 8 bytes of the input begin.
    identity_high: u64,
    flip_high: u64,
}

impl BucketHasher {
    const LEN: u64 = 12;
    /// Bytes 24 to 56 of the default secret, as two words XORed each.
    const SECRET: [u64; 2] =
        [0x1f67_b3b7_a4a4_4072 ^ 0x78e5_c0cc_4ee6_79cb, 0x2172_ffcc_7dd0_5a82 ^ 0x8e24_43f7_7446_08b8];
    const PRIME: u64 = 0x1656_6791_9e37_79f9;

    fn new(identity: u64, seed: u64) -> Self {
        let [first, second] = Self::SECRET;
        Self {
            low: identity ^ first.wrapping_add(seed),
            identity_high: identity >> 32,
            flip_high: second.wrapping_sub(seed),
        }
    }

    #[inline]
    fn hash(&self, bucket: u32) -> u64 {
        let high = (u64::from(bucket) << 32 | self.identity_high) ^ self.flip_high;
        let product = u128::from(self.low) * u128::from(high);
        let folded = product as u64 ^ (product >> 64) as u64;
        let sum = Self::LEN.wrapping_add(self.low.swap_bytes()).wrapping_add(high).wrapping_add(folded);
        let mixed = (sum ^ (sum >> 37)).wrapping_mul(Self::PRIME);
        mixed ^ (mixed >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scorer(address: &str, weight: u16, seed: u64) -> Scorer {
        Scorer::new(address.parse().unwrap(), weight, seed)
    }

    /// The test vectors of `docs/buckets.md`.
    #[test]
    fn costs_are_the_published_ones() {
        let page = include_str!("../../../docs/buckets.md");
        let mut checked = 0;
        let mut last_identity = String::new();
        for row in page.lines().filter(|line| line.starts_with("| 0 |") || line.starts_with("| 42 |")) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [seed, address, own_identity, bucket, hash, costs @ ..] = cells.as_slice() else {
                panic!("{row}")
            };
            let (seed, bucket) = (seed.parse().unwrap(), bucket.parse().unwrap());
            if !own_identity.is_empty() {
                last_identity = (*own_identity).to_owned();
            }
            assert_eq!(identity(address.parse().unwrap(), seed).to_string(), last_identity);
            for (weight, cost) in [1, 3, 1000].into_iter().zip(costs) {
                let scorer = scorer(address, weight, seed);
                assert_eq!(format!("{:016x}", scorer.hash(bucket)), *hash, "{row}");
                assert_eq!(scorer.cost(bucket).to_string(), *cost, "{row}");
                checked += 1;
            }
        }
        assert_eq!(checked, 18);
    }

    #[test]
    fn costs_fit_beside_a_bucket() {
        assert_eq!(scorer("198.51.100.1", 1, 0).cost_of(0), 1 << 43);
    }

    proptest! {
        #[test]
        fn hash_is_the_librarys(identity: u64, seed: u64, bucket: u32) {
            let mut bytes = identity.to_le_bytes().to_vec();
            bytes.extend(bucket.to_le_bytes());
            prop_assert_eq!(BucketHasher::new(identity, seed).hash(bucket), xxh3_64_with_seed(&bytes, seed));
        }

        #[test]
        fn hash_within_is_the_lowest(weight in 1u16..=1000, cost in 0u64..1 << 44) {
            let scorer = scorer("2001:db8::1", weight, 7);
            let hash = scorer.hash_within(cost);
            prop_assert!(scorer.cost_of(hash) <= cost);
            prop_assert!(hash == 0 || scorer.cost_of(hash - 1) > cost);
        }
    }
}
