//! Any batch is done whole or not at all, and does what its changes do one after the other.

use super::{Daemon, Seen, add, change, remove};
use evenkeel_control::live::{Change, Refusal, Verb};
use proptest::prelude::*;
use std::sync::{LazyLock, Mutex};

/// Two that see the same changes: one in batches, one change by change.
static PAIR: LazyLock<Mutex<(Daemon, Daemon)>> =
    LazyLock::new(|| Mutex::new((Daemon::start(), Daemon::start())));

fn any_change() -> impl Strategy<Value = Change> {
    let group = prop_oneof![4 => Just("web"), 2 => Just("dns"), 1 => Just("nowhere")];
    let verb = prop_oneof![
        Just(Verb::Drain),
        Just(Verb::Activate),
        Just(remove(0)),
        Just(remove(3_600_000)),
        Just(Verb::Remove { deadline_ms: None }),
        prop_oneof![0u16..4, Just(1001)].prop_map(Verb::Weight),
        (1u8..12, 0u16..3).prop_map(|(host, weight)| add(&format!("203.0.113.{host}"), weight)),
    ];
    (group, 1u8..8, verb).prop_map(|(group, name, verb)| change(group, &format!("s{name}"), verb))
}

/// Removed members are not compared: of one that came and went within a batch, the batch alone knows.
fn present(seen: Vec<Seen>) -> Vec<Seen> {
    seen.into_iter().filter(|seen| seen.2 != evenkeel_control::live::NexthopState::Removed).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_batch_is_whole_or_nothing(batch in prop::collection::vec(any_change(), 1..8)) {
        let pair = PAIR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (whole, single) = &*pair;
        let (before, generation) = (whole.seen(), whole.generation());
        match whole.change(batch.clone()) {
            Ok(_) => {
                for change in batch {
                    prop_assert!(single.change(vec![change]).is_ok());
                }
                prop_assert_eq!(present(whole.seen()), present(single.seen()));
            }
            Err(Refusal::Change { index, reason }) => {
                prop_assert_eq!((whole.seen(), whole.generation()), (before, generation));
                prop_assert!(index < batch.len(), "{}", reason);
            }
            Err(refusal) => return Err(TestCaseError::fail(refusal.to_string())),
        }
    }
}
