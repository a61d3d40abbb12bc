//! The assignment against its definition, from nothing and over histories.

use super::*;
use crate::score::Scorer;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Owners by address, as the page defines them: all pairs in order.
fn by_definition(buckets: u32, seed: u64, takers: &[Taker]) -> Vec<Option<IpAddr>> {
    let quotas = Quotas::new(buckets, takers.iter().map(|taker| taker.weight));
    let mut pairs: Vec<(u64, u32, IpAddr, u32)> = Vec::new();
    for taker in takers {
        let scorer = Scorer::new(taker.address, taker.weight, seed, buckets);
        let quota = quotas.of(taker.weight);
        pairs.extend((0..buckets).map(|bucket| (scorer.cost(bucket), bucket, taker.address, quota)));
    }
    pairs.sort_unstable();
    let (mut owners, mut owned) = (vec![None; buckets as usize], BTreeMap::new());
    for (_, bucket, address, quota) in pairs {
        let owned: &mut u32 = owned.entry(address).or_default();
        if owners[bucket as usize].is_none() && *owned < quota {
            owners[bucket as usize] = Some(address);
            *owned += 1;
        }
    }
    owners
}

fn owners(assignment: &Assignment) -> Vec<Option<IpAddr>> {
    let takers: Vec<_> = assignment.takers().collect();
    let address =
        |&slot: &u16| takers.get(usize::from(slot)).and_then(|taker| taker.map(|taker| taker.address));
    assignment.owners().iter().map(address).collect()
}

fn from_nothing(buckets: u32, seed: u64, takers: &[Taker]) -> Assignment {
    let mut assignment = Assignment::new(buckets, seed);
    assignment.set_takers(takers);
    assignment
}

/// The `index`th of many addresses of both families.
fn address(index: u16) -> IpAddr {
    let [high, low] = index.to_be_bytes();
    if index.is_multiple_of(3) {
        IpAddr::from([0x2001, 0x0db8, 0, 0, 0, 0, 0, index])
    } else {
        IpAddr::from([198, 51, high, low])
    }
}

fn takers_with(weights: impl IntoIterator<Item = u16>) -> Vec<Taker> {
    (0..).zip(weights).map(|(index, weight)| Taker { address: address(index), weight }).collect()
}

fn weight() -> impl Strategy<Value = u16> {
    prop_oneof![Just(1), Just(1), Just(2), 1..=1000u16]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn from_nothing_as_defined(
        seed: u64,
        bits in 6u32..9,
        weights in prop_oneof![
            prop::collection::vec(Just(1u16), 0..64),
            prop::collection::vec(weight(), 0..64),
        ],
    ) {
        let takers = takers_with(weights);
        let assignment = from_nothing(1 << bits, seed, &takers);
        prop_assert_eq!(owners(&assignment), by_definition(1 << bits, seed, &takers));
    }

    /// Whatever came before, the same members and weights own the same.
    #[test]
    fn any_history_as_from_nothing(
        seed: u64,
        bits in 6u32..11,
        steps in prop::collection::vec(prop::collection::vec((0u16..64, 0u16..4, weight()), 1..4), 1..24),
    ) {
        let mut present: BTreeMap<u16, u16> = (0..20).map(|index| (index, 1)).collect();
        let mut assignment = Assignment::new(1 << bits, seed);
        for step in steps {
            for (index, action, weight) in step {
                match action {
                    0 => drop(present.remove(&index)),
                    1 => drop(present.insert(index, weight)),
                    _ => drop(present.insert(index, 1)),
                }
            }
            let takers: Vec<_> = present
                .iter()
                .map(|(&index, &weight)| Taker { address: address(index), weight })
                .collect();
            assignment.set_takers(&takers);
            assignment.check_itself();
            prop_assert_eq!(owners(&assignment), owners(&from_nothing(1 << bits, seed, &takers)));
        }
    }

    #[test]
    fn order_of_takers_does_not_matter(seed: u64, takers in Just(takers_with((1..40).map(|i| i % 5 + 1))).prop_shuffle()) {
        let sorted = takers_with((1..40).map(|i| i % 5 + 1));
        prop_assert_eq!(owners(&from_nothing(512, seed, &takers)), owners(&from_nothing(512, seed, &sorted)));
    }
}

impl Assignment {
    /// Counts, heaps and limits say the truth.
    fn check_itself(&self) {
        for (index, slot) in (0..).zip(&self.slots) {
            let Some(slot) = slot else { continue };
            let owned: Vec<u32> = (0..)
                .zip(&self.owners)
                .filter(|(_, owner)| **owner == index)
                .map(|(bucket, _)| bucket)
                .collect();
            assert_eq!(owned.len(), slot.count as usize);
            assert!(slot.count <= slot.quota);
            let bidder = &self.bidders[usize::from(index)];
            assert_eq!(bidder.limit, slot.limit());
            for bucket in &owned {
                assert!(slot.held.iter().any(|bid| bid.bucket() == *bucket));
            }
            assert!(slot.held.len() <= 2 * slot.count as usize + 65, "held grows");
            for (bucket, &owner) in (0..).zip(&self.owners) {
                let bid = Bid::new(bidder.scorer.cost(bucket), bucket);
                if owner != index
                    && bid < Bid::new(self.bidders[usize::from(owner)].scorer.cost(bucket), bucket)
                {
                    assert!(slot.waiting.iter().any(|waiting| waiting.0 == bid), "{bucket} isn't waiting");
                }
            }
        }
    }
}

/// Memory does not grow with history.
#[test]
fn many_changes_leave_no_more_behind_than_few() {
    let takers = takers_with(std::iter::repeat_n(1, 41));
    let mut assignment = from_nothing(1024, 5, &takers);
    for round in 0..400 {
        let without = round * 7 % takers.len();
        let fewer: Vec<_> =
            takers.iter().enumerate().filter(|(i, _)| *i != without).map(|(_, t)| *t).collect();
        assignment.set_takers(&fewer);
    }
    assignment.check_itself();
    let entries: usize =
        assignment.slots.iter().flatten().map(|slot| slot.held.len() + slot.waiting.len()).sum();
    assert!(entries < 41 * (2 * 64 + 128), "{entries}");
    assert_eq!(assignment.slots.len(), 41);
}

#[test]
fn nobody_owns_anything_without_takers() {
    let mut assignment = from_nothing(64, 0, &takers_with([1, 2]));
    assignment.set_takers(&[]);
    assert!(assignment.owners().iter().all(|owner| *owner == NOBODY));
}

#[test]
fn as_many_takers_as_buckets_get_one_each() {
    let assignment = from_nothing(64, 3, &takers_with(std::iter::repeat_n(7, 64)));
    let mut owners = assignment.owners().to_vec();
    owners.sort_unstable();
    assert_eq!(owners, (0..64).collect::<Vec<u16>>());
}

/// Buckets that change hands when a taker leaves, and those that had to.
fn moved(takers: &[Taker], assignment: &mut Assignment, leaves: usize) -> (usize, usize) {
    let before = owners(assignment);
    let mut fewer = takers.to_vec();
    let left = fewer.remove(leaves).address;
    assignment.set_takers(&fewer);
    let after = owners(assignment);
    assignment.set_takers(takers);
    let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    (moved, before.iter().filter(|owner| **owner == Some(left)).count())
}

/// Balance and movement as they should be; `examples/bucket_bars.rs` measures them at full size.
#[test]
fn balanced_and_little_disturbed() {
    // the last is 1000 takers of 65536 buckets, on an eighth of the scale
    for (count, buckets, largest, most_moved) in
        [(10, 65_536, 1.011, 1.02), (100, 16_384, 1.04, 1.3), (125, 8192, 1.055, 1.46)]
    {
        let takers = takers_with(std::iter::repeat_n(1, count));
        let mut assignment = from_nothing(buckets, 11, &takers);
        let mean = f64::from(buckets) / count as f64;
        let most = assignment.slots.iter().flatten().map(|slot| slot.count).max().unwrap();
        assert!(f64::from(most) / mean <= largest, "{count}: {most} of {mean}");
        let changes: Vec<_> = (0..10).map(|i| moved(&takers, &mut assignment, i * count / 10)).collect();
        let (moved, unavoidable) = changes.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        assert!(moved as f64 / unavoidable as f64 <= most_moved, "{count}: {moved} of {unavoidable}");
        assert_eq!(owners(&assignment), owners(&from_nothing(buckets, 11, &takers)));
    }
}

/// No share is 2 % or one bucket above what the weight says, none further below than four standard deviations.
#[test]
fn shares_follow_weights() {
    for weights in [vec![1, 1000], vec![1, 3, 10], (1..60).map(|i| i * i % 1000 + 1).collect()] {
        let total: u32 = weights.iter().map(|weight| u32::from(*weight)).sum();
        let assignment = from_nothing(16_384, 2, &takers_with(weights));
        for slot in assignment.slots.iter().flatten() {
            let want = 16_384.0 * f64::from(slot.taker.weight) / f64::from(total);
            let off = f64::from(slot.count) - want;
            assert!(off <= (0.02 * want).max(1.0), "{off} above {want}");
            assert!(-off <= (0.02 * want).max(4.0 * want.sqrt()), "{off} below {want}");
        }
    }
}
