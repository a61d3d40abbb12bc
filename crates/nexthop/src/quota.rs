//! Quotas: the most buckets that a taker may own. Knows no scores.
//!
//! A little more than the fair share: the more slack, the fewer buckets move that need not. The slack with equal
//! weights follows the bars for balance at 10, 100 and 1000 takers (`docs/buckets.md`).

/// Quotas of a group: a function of a taker's weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quotas {
    buckets: u64,
    total_weight: u64,
    /// With equal weights, everybody's quota.
    equal: Option<u32>,
}

impl Quotas {
    /// Quotas for takers with these weights, all above 0.
    pub(crate) fn new(buckets: u32, weights: impl Iterator<Item = u16>) -> Self {
        let (mut takers, mut total_weight, mut least, mut most) = (0, 0, u16::MAX, 0);
        for weight in weights {
            takers += 1;
            total_weight += u64::from(weight);
            least = least.min(weight);
            most = most.max(weight);
        }
        let buckets = u64::from(buckets);
        let equal = (takers > 0 && least == most).then(|| equal_quota(buckets, takers));
        Self { buckets, total_weight, equal }
    }

    /// The most buckets for a taker of this weight.
    pub(crate) fn of(&self, weight: u16) -> u32 {
        if let Some(equal) = self.equal {
            return equal;
        }
        let wanted = self.buckets * u64::from(weight);
        let total = self.total_weight.max(1);
        wanted.div_ceil(total).max(102 * wanted / (100 * total)) as u32
    }
}

/// share + 0.0054 share + 0.4 sqrt(share), rounded down, but not below the share.
fn equal_quota(buckets: u64, takers: u64) -> u32 {
    let share = (buckets << 16) / takers;
    let root = ((buckets << 32) / takers).isqrt();
    let slack = (54 * share + 4000 * root) / 10_000;
    buckets.div_ceil(takers).max((share + slack) >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(buckets: u32, takers: usize) -> u32 {
        Quotas::new(buckets, std::iter::repeat_n(1, takers)).of(1)
    }

    #[test]
    fn equal_weights_stay_within_the_bars() {
        assert_eq!([10, 100, 1000].map(|takers| equal(65_536, takers)), [6621, 669, 69]);
        // one more or less of a thousand must not take a bucket away from everybody
        assert_eq!([999, 1001].map(|takers| equal(65_536, takers)), [69, 69]);
        assert_eq!(equal(64, 64), 1);
        assert_eq!(equal(64, 1), 67);
    }

    #[test]
    fn differing_weights_get_two_percent_or_one_bucket() {
        let quotas = Quotas::new(65_536, [1, 1000].into_iter());
        assert_eq!([1, 1000].map(|weight| quotas.of(weight)), [66, 66_779]);
        assert_eq!(Quotas::new(64, [1, 1000, 1000].into_iter()).of(1), 1);
    }

    #[test]
    fn everybody_together_can_own_all() {
        for takers in (1..64).chain([100, 1000, 4095]) {
            assert!(equal(4096, takers) as usize * takers >= 4096);
            let weights: Vec<u16> = (0..takers).map(|i| (i * 37 % 1000 + 1) as u16).collect();
            let quotas = Quotas::new(4096, weights.iter().copied());
            assert!(weights.iter().map(|&weight| u64::from(quotas.of(weight))).sum::<u64>() >= 4096);
        }
    }
}
