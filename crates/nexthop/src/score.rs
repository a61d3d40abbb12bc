//! Scores: how much a bucket wants a nexthop and a nexthop a bucket, from a portable hash of both. Knows no quota.
//!
//! A score is kept as its inverse, the cost: the lowest one is the best. `docs/buckets.md` defines every bit of it.

use crate::log2::minus_log2;
use std::net::IpAddr;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The straight lines of the logarithm's table lie at most (1 / 256)^2 / 8 above it, less than 2^-18 of the range.
const LINES_BITS: u32 = 18;

/// Costs of one nexthop with a weight for the buckets of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scorer {
    pub(crate) places: Places,
    hasher: BucketHasher,
    /// 2^32 / weight, rounded down.
    inverse_weight: u64,
}

impl Scorer {
    /// `weight` is 1 to 1000, `buckets` a power of two up to 2^20.
    pub(crate) fn new(address: IpAddr, weight: u16, seed: u64, buckets: u32) -> Self {
        let hasher = BucketHasher::new(identity(address, seed), seed);
        let places = Places::new(&hasher, buckets);
        Self { places, hasher, inverse_weight: (1 << 32) / u64::from(weight.max(1)) }
    }

    /// The hash of this nexthop and a bucket: the bucket's place, then random bits.
    #[inline]
    fn hash(&self, bucket: u32, place: u32) -> u64 {
        let bits = self.places.bits;
        u64::from(place) << (64 - bits) | self.hasher.hash(bucket) >> bits
    }

    /// The cost that a hash gives: -log2(hash / 2^64) / weight in units of 2^-37, below 2^44. Never rises with the hash.
    #[inline]
    fn cost_of(&self, hash: u64) -> u64 {
        ((u128::from(minus_log2(hash)) * u128::from(self.inverse_weight)) >> 43) as u64
    }

    /// What it costs this nexthop to take a bucket.
    #[inline]
    pub(crate) fn cost(&self, bucket: u32) -> u64 {
        self.cost_at(bucket, self.places.of(bucket))
    }

    /// The same, for a bucket whose place is known.
    #[inline]
    pub(crate) fn cost_at(&self, bucket: u32, place: u32) -> u64 {
        self.cost_of(self.hash(bucket, place))
    }

    /// True if a bucket at this place surely costs more than it costs `other` at its place: no need for logarithms.
    ///
    /// Two places higher is a higher hash by so much that the cost is lower, whatever the random bits.
    #[inline]
    pub(crate) fn is_beaten(&self, place: u32, other: &Self, other_place: u32) -> bool {
        place + 1 < other_place && self.inverse_weight >= other.inverse_weight
    }

    /// The same for whatever weights; it misses some that [`is_beaten`](Self::is_beaten) tells of equal ones.
    ///
    /// With a place `p` of M, the hash is at least p / M and below (p + 1) / M of its range, and for every `h` up to 1, (1 - h)
    /// <= -ln(h) <= (1 - h) / h. The costs are as far apart as the bounds, and a place more than that makes up for what the
    /// straight lines of the logarithm's table and rounding take.
    #[inline]
    pub(crate) fn is_beaten_whatever_weight(&self, place: u32, other: &Self, other_place: u32) -> bool {
        let Places { mask, bits, .. } = self.places;
        let all = 1 << bits;
        let least = u64::from(mask.saturating_sub(place));
        let most = (all - u64::from(other_place) + 1 + (all >> LINES_BITS)).min(all);
        u128::from(least * (all - most)) * u128::from(self.inverse_weight)
            > u128::from(most * all) * u128::from(other.inverse_weight)
    }

    /// The lowest place at which a bucket may cost `cost` or less: below it none needs a logarithm.
    pub(crate) fn place_within(&self, cost: u64) -> u32 {
        let (mut below, mut within) = (0, u64::MAX);
        while below < within {
            let middle = below + (within - below) / 2;
            if self.cost_of(middle) <= cost { within = middle } else { below = middle + 1 }
        }
        (within >> (64 - self.places.bits)) as u32
    }
}

/// The places of a group's buckets in a nexthop's favour, a permutation of its own for each nexthop: the highest place is
/// the best.
///
/// Hashes alone would favour a nexthop in more buckets than another by chance; with places, all have equally many good
/// ones, fewer run into their quota, and fewer buckets move that need not (measured at 1000 nexthops: 1.38 times what
/// must move, instead of 1.49).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Places {
    /// Number of buckets less one.
    mask: u32,
    /// Number of bits of a place.
    bits: u32,
    /// Half of it, rounded up.
    fold: u32,
    /// Odd multiplier and addend of each round.
    rounds: [(u32, u32); 3],
}

impl Places {
    fn new(hasher: &BucketHasher, buckets: u32) -> Self {
        let mask = buckets.wrapping_sub(1);
        // numbers that no bucket has
        let round = |number: u32| {
            let key = hasher.hash(u32::MAX - number);
            (key as u32 | 1, (key >> 32) as u32)
        };
        let bits = mask.count_ones();
        Self { mask, bits, fold: bits.div_ceil(2), rounds: [round(0), round(1), round(2)] }
    }

    /// Odd multiplier and addend of each round.
    pub(crate) fn rounds(&self) -> &[(u32, u32); 3] {
        &self.rounds
    }

    /// The place of a bucket.
    #[inline]
    pub(crate) fn of(&self, bucket: u32) -> u32 {
        let mut place = bucket;
        for (multiplier, addend) in self.rounds {
            place = place.wrapping_mul(multiplier).wrapping_add(addend) & self.mask;
            place ^= place >> self.fold;
        }
        place
    }

    /// The places from one upward, with their buckets.
    pub(crate) fn from(&self, place: u32) -> impl Iterator<Item = (u32, u32)> {
        let Self { mask, fold, rounds, .. } = *self;
        let [first, second, third] = rounds.map(|(multiplier, addend)| (inverse(multiplier), addend));
        let turned_back = move |bucket: u32, (inverse, addend): (u32, u32)| {
            (bucket ^ (bucket >> fold)).wrapping_sub(addend).wrapping_mul(inverse) & mask
        };
        (place..=mask)
            .map(move |place| (place, turned_back(turned_back(turned_back(place, third), second), first)))
    }
}

/// The inverse of an odd number modulo 2^32, by Newton's iteration: each step doubles the right bits, of which an odd
/// number is its own inverse in the lowest three.
fn inverse(odd: u32) -> u32 {
    (0..4).fold(odd, |inverse, _| inverse.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(inverse))))
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
    /// Bytes 24 to 56 of the default secret, the exclusive or of two words each.
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
        Scorer::new(address.parse().unwrap(), weight, seed, 65_536)
    }

    /// The test vectors of `docs/buckets.md`.
    #[test]
    fn costs_are_the_published_ones() {
        let page = include_str!("../../../docs/buckets.md");
        let mut checked = 0;
        for row in page.lines().filter(|line| line.starts_with("| 0 |") || line.starts_with("| 42 |")) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [seed, address, own_identity, buckets, bucket, place, hash, costs @ ..] = cells.as_slice()
            else {
                panic!("{row}")
            };
            let (address, seed) = (address.parse().unwrap(), seed.parse().unwrap());
            let (buckets, bucket) = (buckets.parse().unwrap(), bucket.parse().unwrap());
            assert_eq!(identity(address, seed).to_string(), *own_identity);
            for (weight, cost) in [1, 3, 1000].into_iter().zip(costs) {
                let scorer = Scorer::new(address, weight, seed, buckets);
                let own_place = scorer.places.of(bucket);
                assert_eq!(own_place.to_string(), *place, "{row}");
                assert_eq!(format!("{:016x}", scorer.hash(bucket, own_place)), *hash, "{row}");
                assert_eq!(scorer.cost(bucket).to_string(), *cost, "{row}");
                checked += 1;
            }
        }
        assert_eq!(checked, 24);
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
        fn who_is_beaten_costs_more(weights in (1u16..=1000, 1u16..=1000), bits in 6u32..=20, place: u32, higher in 2u32..5) {
            let scorer = |weight| Scorer::new([198, 51, 100, 1].into(), weight, 7, 1 << bits);
            let (light, heavy) = (scorer(weights.0.min(weights.1)), scorer(weights.0.max(weights.1)));
            let low = place % ((1 << bits) - higher);
            prop_assert!(light.is_beaten(low, &heavy, low + higher));
            prop_assert!(!light.is_beaten(low, &heavy, low + 1));
            let (most, least) = ((u64::from(low + 1) << (64 - bits)) - 1, u64::from(low + higher) << (64 - bits));
            prop_assert!(light.cost_of(most) > heavy.cost_of(least));
        }

        #[test]
        fn who_is_beaten_whatever_the_weights_costs_more(
            weights in (1u16..=1000, 1u16..=1000), bits in 6u32..=20, place: u32, other: u32,
        ) {
            let scorer = |weight| Scorer::new([198, 51, 100, 1].into(), weight, 7, 1 << bits);
            let (own, beating) = (scorer(weights.0), scorer(weights.1));
            // most of the places that matter are high ones
            let high = |place: u32| (1 << bits) - 1 - (place % (1 << bits)) / (1 << (place >> 28));
            let (place, other) = (high(place), high(other));
            let (most, least) = ((u64::from(place + 1) << (64 - bits)).wrapping_sub(1), u64::from(other) << (64 - bits));
            if own.is_beaten_whatever_weight(place, &beating, other) {
                prop_assert!(own.cost_of(most) > beating.cost_of(least));
            } else if place < (1 << bits) / 2 && other > (1 << bits) / 16 * 15 && weights.0 == weights.1 && bits > 9 {
                prop_assert!(false, "{} and {} are far enough apart", place, other);
            }
        }

        #[test]
        fn below_place_within_all_cost_more(weight in 1u16..=1000, cost in 0u64..1 << 40, bucket in 0u32..65_536) {
            let scorer = scorer("2001:db8::1", weight, 7);
            if scorer.cost(bucket) <= cost {
                prop_assert!(scorer.places.of(bucket) >= scorer.place_within(cost));
            }
        }

        #[test]
        fn places_are_a_permutation_and_go_back(bits in 6u32..=16, seed: u64, from in 0u32..64) {
            let scorer = Scorer::new([198, 51, 100, 1].into(), 1, seed, 1 << bits);
            let mut buckets = Vec::new();
            for (place, bucket) in scorer.places.from(from) {
                prop_assert_eq!(scorer.places.of(bucket), place);
                buckets.push(bucket);
            }
            buckets.sort_unstable();
            buckets.dedup();
            prop_assert_eq!(buckets.len() as u32, (1 << bits) - from);
        }
    }
}
