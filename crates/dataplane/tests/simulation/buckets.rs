//! The bucket table as `docs/buckets.md` defines it, computed as plainly as it reads: all pairs in order.
//!
//! Written from that page alone; knows nothing of the code that it is compared with.

use std::collections::HashMap;
use std::net::IpAddr;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Who takes new flows of a group: address and weight.
pub(crate) type Takers = Vec<(IpAddr, u16)>;

/// Scores of addresses for buckets, under one seed.
pub(crate) struct Scores {
    seed: u64,
    log2: Vec<u64>,
    /// `L(h)` by bucket, for an address and a number of buckets.
    logs: HashMap<(IpAddr, u32), Vec<u64>>,
}

impl Scores {
    pub(crate) fn new(seed: u64) -> Self {
        let mut log2: Vec<u64> = (0..256).map(|i| log2_of_mantissa((1 << 63) + (i << 55))).collect();
        log2.push(1 << 48);
        Self { seed, log2, logs: HashMap::new() }
    }

    /// The owner of each bucket.
    pub(crate) fn owners(&mut self, buckets: u32, takers: &Takers) -> Vec<Option<IpAddr>> {
        let mut pairs = Vec::new();
        for (place, &(address, weight)) in takers.iter().enumerate() {
            pairs.extend(
                (0..buckets)
                    .map(|bucket| (self.cost(buckets, bucket, address, weight), bucket, address, place)),
            );
        }
        pairs.sort_unstable();
        let mut room: Vec<u64> =
            takers.iter().map(|&(_, weight)| quota(u64::from(buckets), weight, takers)).collect();
        let mut owners = vec![None; buckets as usize];
        for (_, bucket, address, place) in pairs {
            let owner = &mut owners[bucket as usize];
            if owner.is_none() && room[place] > 0 {
                *owner = Some(address);
                room[place] -= 1;
            }
        }
        owners
    }

    pub(crate) fn cost(&mut self, buckets: u32, bucket: u32, address: IpAddr, weight: u16) -> u64 {
        let Self { seed, log2, logs } = self;
        let logs = logs.entry((address, buckets)).or_insert_with(|| {
            let identity = identity(address, *seed);
            (0..buckets).map(|bucket| minus_log2(log2, hash(identity, *seed, buckets, bucket))).collect()
        });
        ((u128::from(logs[bucket as usize]) * u128::from((1u64 << 32) / u64::from(weight))) >> 43) as u64
    }
}

fn identity(address: IpAddr, seed: u64) -> u64 {
    match address {
        IpAddr::V4(address) => xxh3_64_with_seed(&address.octets(), seed),
        IpAddr::V6(address) => xxh3_64_with_seed(&address.octets(), seed),
    }
}

fn x(number: u32, identity: u64, seed: u64) -> u64 {
    let bytes = [identity.to_le_bytes().as_slice(), &number.to_le_bytes()].concat();
    xxh3_64_with_seed(&bytes, seed)
}

fn hash(identity: u64, seed: u64, buckets: u32, bucket: u32) -> u64 {
    let bits = buckets.trailing_zeros();
    let mut place = u64::from(bucket);
    for round in 0..3 {
        let k = x(u32::MAX - round, identity, seed);
        place = place.wrapping_mul(k | 1).wrapping_add(k >> 32) % u64::from(buckets);
        place ^= place >> bits.div_ceil(2);
    }
    (place << (64 - bits)) + x(bucket, identity, seed) / u64::from(buckets)
}

fn log2_of_mantissa(mantissa: u64) -> u64 {
    let (mut m, mut log) = (u128::from(mantissa), 0);
    for _ in 0..48 {
        m = (m * m) >> 63;
        log *= 2;
        if m >= 1 << 64 {
            m >>= 1;
            log += 1;
        }
    }
    log
}

fn minus_log2(log2: &[u64], hash: u64) -> u64 {
    let hash = hash.max(1);
    let zeros = hash.leading_zeros();
    let mantissa = hash << zeros;
    let i = (mantissa >> 55) as usize - 256;
    let beyond = u128::from(mantissa % (1 << 55));
    let line = (u128::from(log2[i + 1] - log2[i]) * beyond) >> 55;
    (u64::from(zeros) + 1) * (1 << 48) - (log2[i] + line as u64)
}

fn quota(buckets: u64, weight: u16, takers: &Takers) -> u64 {
    let (takers_count, weight) = (takers.len() as u64, u64::from(weight));
    if takers.iter().all(|taker| taker.1 == takers[0].1) {
        let root = ((buckets << 32) / takers_count).isqrt();
        let share = (buckets << 16) / takers_count;
        buckets.div_ceil(takers_count).max(((54 * share + 4000 * root) / 10_000 + share) >> 16)
    } else {
        let total: u64 = takers.iter().map(|taker| u64::from(taker.1)).sum();
        (buckets * weight).div_ceil(total).max(102 * buckets * weight / (100 * total))
    }
}
