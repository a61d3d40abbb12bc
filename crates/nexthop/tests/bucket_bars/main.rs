//! The bucket table keeps what `docs/buckets.md` says of its balance and of what a change moves, at full size.
//!
//! Large groups are for release builds; `examples/bucket_bars.rs` prints the figures, and times.

mod measure;

use measure::{differing_weights, equal_weights};

/// Groups up to this many nexthops are measured.
const LARGEST: u32 = if cfg!(debug_assertions) { 10 } else { 1000 };
const SETS: u64 = if cfg!(debug_assertions) { 1 } else { 3 };
/// Largest weights; equal ones have bars of their own.
const HEAVY: &[u16] = if cfg!(debug_assertions) { &[1000] } else { &[2, 3, 10, 100, 1000] };

#[test]
fn equal_weights_are_balanced_and_little_disturbed() {
    for (nexthops, largest, moved) in [(10, 1.011, 1.02), (100, 1.021, 1.15), (1000, 1.055, 1.46)] {
        if nexthops > LARGEST {
            continue;
        }
        let measured = equal_weights(nexthops, SETS);
        assert!(measured.largest <= largest, "{nexthops}: {measured:?}");
        assert!(measured.leave <= moved && measured.come <= moved, "{nexthops}: {measured:?}");
    }
}

#[test]
fn shares_follow_weights_however_they_differ() {
    for nexthops in [2, 10, 100, 1000] {
        if nexthops > LARGEST {
            continue;
        }
        for &heavy in HEAVY {
            // half of them heavy, one of them heavy, all kinds of weights up to it
            let half = |index: u32| if index.is_multiple_of(2) { 1 } else { heavy };
            let one = |index: u32| if index == 0 { heavy } else { 1 };
            let all = |index: u32| 1 + (u64::from(index) * 2_654_435_761 % u64::from(heavy)) as u16;
            let shapes: [&dyn Fn(u32) -> u16; 3] = [&half, &one, &all];
            for (shape, weight) in shapes.into_iter().enumerate() {
                let off = differing_weights(nexthops, SETS.min(2), weight);
                assert!(
                    off.above <= 1.0 && off.below <= 1.0,
                    "{nexthops}, 1:{heavy}, shape {shape}: {off:?}"
                );
            }
        }
    }
}
