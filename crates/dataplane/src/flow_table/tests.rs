//! The bounds of a shard, and the table against a model that knows nothing of slots.

mod listing;

use super::{FlowEntry, FlowState, FlowTable, MOST_FLOWS, Sweep, TableError, TableSeeds, TableSpec};
use crate::counters::WorkerCounters;
use evenkeel_nexthop::{MemberId, TimeoutSets, Timeouts, TimeoutsId};
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6};
use proptest::prelude::*;
use std::collections::HashMap;

const TIMEOUTS: Timeouts =
    Timeouts { tcp_syn_ms: 1000, tcp_established_ms: 5000, tcp_closing_ms: 700, udp_ms: 2000 };
static SETS: TimeoutSets = TimeoutSets::all(TIMEOUTS);

fn key(n: u32) -> FlowKey {
    if n.is_multiple_of(3) {
        let mut source = [0x20; 16];
        source[12..].copy_from_slice(&n.to_be_bytes());
        FlowKey::V6(FlowKey6::new(source, [0xfd; 16], 1000, 80, 6))
    } else {
        FlowKey::V4(FlowKey4::new(n.to_be_bytes(), [192, 0, 2, 10], 1000, 80, 6))
    }
}

fn table(capacity: usize, sweep: Sweep) -> (FlowTable, WorkerCounters) {
    let counters = WorkerCounters::default();
    counters.reserve(16);
    (FlowTable::new(&spec(capacity, sweep)).unwrap(), counters)
}

fn spec(capacity: usize, sweep: Sweep) -> TableSpec {
    TableSpec { capacity, reserved: capacity, workers: 1, seeds: TableSeeds::Fixed, sweep }
}

fn half_open(now_ms: u32) -> FlowEntry {
    FlowEntry::new(MemberId(1), FlowState::HalfOpen, TimeoutsId(0), now_ms, 60)
}

#[test]
fn entries_are_as_small_as_the_memory_bar_needs() {
    assert_eq!(size_of::<FlowEntry>(), 32);
}

#[test]
fn unconfirmed_flows_take_half_and_the_oldest_makes_room() {
    let (table, counters) = table(10, Sweep::Whole);
    let mut shard = table.lock(0, &counters, &SETS).unwrap();
    for n in 0..8 {
        assert!(shard.insert(&key(n), table.hash(&key(n)), half_open(n), n).is_some());
    }
    assert_eq!((shard.len(), shard.unconfirmed(), counters.flows.evicted.value()), (5, 5, 3));
    for n in 0..8 {
        assert_eq!(shard.find(&key(n), table.hash(&key(n))).is_some(), n >= 3, "flow {n}");
    }
}

#[test]
fn confirmed_flows_stay_and_a_table_full_of_them_takes_no_more() {
    let (table, counters) = table(4, Sweep::Paced);
    let mut shard = table.lock(0, &counters, &SETS).unwrap();
    let mut insert = |n: u32, confirm: bool| {
        let link = shard.insert(&key(n), table.hash(&key(n)), half_open(0), 0);
        if let (Some(link), true) = (link, confirm) {
            shard.set_state(link, FlowState::Established, 0);
            shard.confirm(link);
        }
        link.is_some()
    };
    assert!((0..3).all(|n| insert(n, true)));
    assert!(insert(3, false) && insert(4, false) && insert(5, true));
    assert!(!insert(6, false));
    assert_eq!((shard.len(), counters.flows.evicted.value()), (4, 2));
    for n in [0, 1, 2, 5] {
        assert!(shard.find(&key(n), table.hash(&key(n))).is_some(), "flow {n}");
    }
}

#[test]
fn a_capacity_of_one_tracks_one_flow_and_of_none_tracks_none() {
    let (one, counters) = table(1, Sweep::Whole);
    let mut shard = one.lock(0, &counters, &SETS).unwrap();
    assert!(shard.insert(&key(1), one.hash(&key(1)), half_open(0), 0).is_some());
    assert!(shard.insert(&key(2), one.hash(&key(2)), half_open(0), 0).is_some());
    assert_eq!((shard.len(), counters.flows.evicted.value()), (1, 1));
    let (none, counters) = table(0, Sweep::Whole);
    assert!(
        none.lock(0, &counters, &SETS)
            .unwrap()
            .insert(&key(1), none.hash(&key(1)), half_open(0), 0)
            .is_none()
    );
}

#[test]
fn a_table_that_cannot_be_is_refused() {
    let error = FlowTable::new(&spec(MOST_FLOWS + 1, Sweep::Paced)).unwrap_err();
    assert_eq!(error, TableError::TooLarge(MOST_FLOWS + 1));
    let few = TableSpec { reserved: 3, ..spec(usize::MAX, Sweep::Paced) };
    let (table, counters) = (FlowTable::new(&few).unwrap(), WorkerCounters::default());
    let mut shard = table.lock(0, &counters, &SETS).unwrap();
    assert!((0..3).all(|n| shard.insert(&key(n), table.hash(&key(n)), half_open(0), 0).is_some()));
}

#[test]
fn a_paced_sweep_frees_an_idle_flow_within_a_second_without_its_packets() {
    let (table, counters) = table(100_000, Sweep::Paced);
    let mut shard = table.lock(0, &counters, &SETS).unwrap();
    for n in 0..40_000 {
        shard.insert(&key(n), table.hash(&key(n)), half_open(0), 0);
    }
    let mut now_ms = 0;
    while now_ms < TIMEOUTS.tcp_syn_ms - 1 {
        now_ms += 3;
        shard.sweep(now_ms.min(TIMEOUTS.tcp_syn_ms - 1), false);
    }
    assert_eq!((shard.len(), counters.flows.expired.value()), (40_000, 0));
    while now_ms < TIMEOUTS.tcp_syn_ms + 1000 {
        now_ms += 3;
        shard.sweep(now_ms, false);
    }
    assert_eq!((shard.len(), counters.flows.expired.value()), (0, 40_000));
}

#[test]
fn an_idle_box_that_polls_100_times_a_second_frees_100_000_flows_in_time() {
    let (table, counters) = table(1_000_000, Sweep::Paced);
    let mut shard = table.lock(0, &counters, &SETS).unwrap();
    for n in 0..100_000 {
        let link = shard.insert(&key(n), table.hash(&key(n)), half_open(0), 0).unwrap();
        shard.confirm(link);
    }
    let mut now_ms = 0;
    while now_ms < TIMEOUTS.tcp_syn_ms + 1000 {
        now_ms += 10;
        shard.sweep(now_ms, true);
        // a worker doesn't sleep while its sweep is behind
        for _ in 0..10 {
            if shard.is_behind() {
                shard.sweep(now_ms, true);
            }
        }
    }
    assert_eq!(shard.len(), 0);
}

#[test]
fn a_shorter_timeout_rings_earlier() {
    let (table, counters) = table(100, Sweep::Whole);
    let mut shard = table.lock(0, &counters, &SETS).unwrap();
    let link = shard.insert(&key(1), table.hash(&key(1)), half_open(0), 0).unwrap();
    shard.set_state(link, FlowState::Established, 0);
    shard.confirm(link);
    shard.sweep_whole(4999);
    assert_eq!(shard.len(), 1);
    shard.entry(link).unwrap().refresh(4999, 60);
    shard.set_state(link, FlowState::Closing, 4999);
    shard.sweep_whole(4999 + 699);
    assert_eq!(shard.len(), 1);
    shard.sweep_whole(4999 + 700);
    assert_eq!((shard.len(), counters.flows.closed.value()), (0, 1));
}

#[test]
fn churn_at_the_brim_loses_nothing() {
    let (table, counters) = table(917_504 / 64, Sweep::Paced);
    let mut shard = table.lock(0, &counters, &SETS).unwrap();
    let full = 917_504 / 64;
    let confirmed = |shard: &mut super::Shard<'_>, n: u32| {
        let link = shard.insert(&key(n), table.hash(&key(n)), half_open(0), 0);
        link.inspect(|&link| shard.confirm(link))
    };
    for n in 0..full {
        assert!(confirmed(&mut shard, n).is_some(), "flow {n} of {full}");
    }
    for n in 0..3 * full {
        let link = shard.find(&key(n), table.hash(&key(n))).expect("the oldest is there");
        shard.end(link);
        assert!(confirmed(&mut shard, n + full).is_some(), "flow {n} in churn");
    }
    assert_eq!(shard.len(), full as usize);
    let marks = shard.index.buckets() / 8 * 7 - shard.index.capacity();
    assert!(
        marks < shard.index.buckets() / 32,
        "{marks} marks of removals in {} slots",
        shard.index.buckets()
    );
    assert!((3 * full..4 * full).all(|n| shard.find(&key(n), table.hash(&key(n))).is_some()));
}

/// What may happen to a shard.
#[derive(Debug, Clone)]
enum Step {
    Packet(u32),
    Confirm(u32),
    Close(u32),
    Pass(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u32..40).prop_map(Step::Packet),
        2 => (0u32..40).prop_map(Step::Confirm),
        1 => (0u32..40).prop_map(Step::Close),
        1 => (1u32..900).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..300)
}

#[derive(Debug, Clone, Copy)]
struct Model {
    state: FlowState,
    confirmed: bool,
    seen_ms: u32,
    born: usize,
}

proptest! {
    #[test]
    fn a_shard_does_what_its_model_does(capacity in 1usize..24, steps in steps(), start in prop_oneof![Just(0u32), Just(u32::MAX - 2000)]) {
        let (table, counters) = table(capacity, Sweep::Whole);
        let mut shard = table.lock(0, &counters, &SETS).unwrap();
        let mut model: HashMap<u32, Model> = HashMap::new();
        let (mut now_ms, mut evicted) = (start, 0);
        for (born, step) in steps.iter().enumerate() {
            model.retain(|_, m| now_ms.wrapping_sub(m.seen_ms) < m.state.timeout_ms(&TIMEOUTS));
            match *step {
                Step::Packet(n) => {
                    let hash = table.hash(&key(n));
                    let link = shard.find(&key(n), hash);
                    let over = link.and_then(|link| shard.entry(link)).is_some_and(|e| e.is_over(now_ms, &SETS));
                    prop_assert_eq!(link.is_some() && !over, model.contains_key(&n), "flow {} at {}", n, now_ms);
                    if let Some(known) = model.get_mut(&n) {
                        known.seen_ms = now_ms;
                        shard.entry(link.unwrap()).unwrap().refresh(now_ms, 60);
                        continue;
                    }
                    if over { shard.end(link.unwrap()); }
                    let tracked = shard.insert(&key(n), hash, half_open(now_ms), now_ms).is_some();
                    let unconfirmed = model.values().filter(|m| !m.confirmed).count();
                    let crowded = unconfirmed >= (capacity / 2).max(1) || model.len() >= capacity;
                    if crowded && unconfirmed > 0 {
                        let oldest = *model.iter().filter(|(_, m)| !m.confirmed).min_by_key(|(_, m)| m.born).unwrap().0;
                        model.remove(&oldest);
                        evicted += 1;
                    }
                    prop_assert_eq!(tracked, model.len() < capacity);
                    if tracked {
                        model.insert(n, Model { state: FlowState::HalfOpen, confirmed: false, seen_ms: now_ms, born });
                    }
                }
                Step::Confirm(n) | Step::Close(n) => {
                    let Some(known) = model.get_mut(&n) else { continue };
                    known.state = if matches!(step, Step::Close(_)) { FlowState::Closing } else { FlowState::Established };
                    known.confirmed = true;
                    known.seen_ms = now_ms;
                    let state = known.state;
                    let link = shard.find(&key(n), table.hash(&key(n))).unwrap();
                    shard.entry(link).unwrap().refresh(now_ms, 60);
                    shard.set_state(link, state, now_ms);
                    shard.confirm(link);
                }
                Step::Pass(ms) => {
                    now_ms = now_ms.wrapping_add(ms);
                    shard.sweep(now_ms, false);
                }
            }
            prop_assert!(shard.len() <= capacity);
            prop_assert!(shard.unconfirmed() <= (capacity / 2).max(1));
        }
        shard.sweep_whole(now_ms);
        model.retain(|_, m| now_ms.wrapping_sub(m.seen_ms) < m.state.timeout_ms(&TIMEOUTS));
        prop_assert_eq!(shard.len(), model.len());
        prop_assert_eq!(counters.flows.evicted.value(), evicted);
        let live = counters.member(MemberId(1)).unwrap().flows_live.value();
        prop_assert_eq!(live as usize, model.len());
    }
}
