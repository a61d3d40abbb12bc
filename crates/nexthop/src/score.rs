//! Scores: how much a bucket wants a nexthop and a nexthop a bucket, from a portable hash of both. Knows no quota.
//!
//! A score is kept as its inverse, the cost: the lowest one is the best. `docs/buckets.md` defines every bit of it.

use crate::log2::minus_log2;
use std::net::IpAddr;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What a nexthop is in scores: a hash of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity(u64);

/// Costs of one nexthop with a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scorer {
    seed: u64,
    identity: Identity,
    /// 2^32 / weight, rounded down.
    inverse_weight: u64,
}

impl Identity {
    /// XXH3-64 of the address in wire order, 4 or 16 bytes.
    pub(crate) fn of(address: IpAddr, seed: u64) -> Self {
        Self(match address {
            IpAddr::V4(address) => xxh3_64_with_seed(&address.octets(), seed),
            IpAddr::V6(address) => xxh3_64_with_seed(&address.octets(), seed),
        })
    }
}

impl Scorer {
    /// `weight` is 1 to 1000.
    pub(crate) fn new(address: IpAddr, weight: u16, seed: u64) -> Self {
        let inverse_weight = (1 << 32) / u64::from(weight.max(1));
        Self { seed, identity: Identity::of(address, seed), inverse_weight }
    }

    /// XXH3-64 of the identity (8 bytes) and the bucket (4 bytes), both little-endian.
    #[inline]
    pub(crate) fn hash(&self, bucket: u32) -> u64 {
        let mut bytes = [0; 12];
        let (identity, rest) = bytes.split_at_mut(8);
        identity.copy_from_slice(&self.identity.0.to_le_bytes());
        rest.copy_from_slice(&bucket.to_le_bytes());
        xxh3_64_with_seed(&bytes, self.seed)
    }

    /// The cost that a hash gives: -log2(hash / 2^64) / weight in units of 2^-37.
    #[inline]
    pub(crate) fn cost_of(&self, hash: u64) -> u64 {
        ((u128::from(minus_log2(hash)) * u128::from(self.inverse_weight)) >> 43) as u64
    }

    /// What it costs this nexthop to take a bucket.
    #[inline]
    pub(crate) fn cost(&self, bucket: u32) -> u64 {
        self.cost_of(self.hash(bucket))
    }
}
