//! Listings: what lives throughout is in them once, whatever else happens.

use super::{SETS, TIMEOUTS, half_open, key, table};
use crate::flow_table::{Cursor, FlowPage, FlowRecord, FlowState, FlowTable, Shard, Sweep};
use proptest::prelude::*;
use std::collections::HashMap;

fn insert(table: &FlowTable, shard: &mut Shard<'_>, n: u32, now_ms: u32) -> bool {
    let hash = table.hash(&key(n));
    let link = shard.find(&key(n), hash).or_else(|| shard.insert(&key(n), hash, half_open(now_ms), now_ms));
    link.inspect(|&link| shard.confirm(link)).is_some()
}

/// A whole listing at one time, in pages of `room`.
fn list(shard: &Shard<'_>, room: usize, now_ms: u32) -> Vec<FlowRecord> {
    let (mut all, mut cursor) = (Vec::new(), Cursor::default());
    loop {
        let mut page = FlowPage::new(cursor, room);
        while !shard.list(&mut page, 3, 64, now_ms) {}
        assert!(page.records.len() <= room);
        all.append(&mut page.records);
        if page.is_last {
            return all;
        }
        cursor = page.cursor;
    }
}

#[test]
fn a_record_says_what_the_entry_knows() {
    let (table, counters) = table(100, Sweep::Whole);
    let mut shard = table.lock(0, &counters, &SETS).unwrap();
    for n in [1, 3] {
        let link = shard.insert(&key(n), table.hash(&key(n)), half_open(1000), 1000).unwrap();
        shard.entry(link).unwrap().refresh(1500, 100);
        shard.set_state(link, FlowState::Established, 1500);
        let want = FlowRecord {
            key: key(n),
            member: evenkeel_nexthop::MemberId(1),
            state: FlowState::Established,
            packets: 2,
            bytes: 160,
            idle_ms: 250,
            timeout_ms: TIMEOUTS.tcp_established_ms,
            confirmed: false,
            by_pin: false,
        };
        let record = |shard: &Shard<'_>, now_ms| shard.record(&key(n), table.hash(&key(n)), now_ms);
        assert_eq!(record(&shard, 1750), Some(want));
        shard.confirm(link);
        assert_eq!(record(&shard, 1750), Some(FlowRecord { confirmed: true, ..want }));
        assert_eq!(record(&shard, 1500 + TIMEOUTS.tcp_established_ms), None, "it is over");
    }
    assert_eq!(shard.record(&key(2), table.hash(&key(2)), 1750), None);
}

#[test]
fn flows_that_are_over_are_left_out() {
    let (table, counters) = table(100, Sweep::Paced);
    let mut shard = table.lock(0, &counters, &SETS).unwrap();
    assert!((0..20).all(|n| insert(&table, &mut shard, n, if n < 10 { 0 } else { 500 })));
    assert_eq!(list(&shard, 7, 999).len(), 20);
    assert_eq!(list(&shard, 7, 1000).len(), 10);
    assert_eq!(list(&shard, 7, 1500).len(), 0);
}

#[test]
fn a_step_copies_and_passes_no_more_than_it_may() {
    let (table, counters) = table(10_000, Sweep::Paced);
    let mut shard = table.lock(0, &counters, &SETS).unwrap();
    let mut empty = FlowPage::new(Cursor::default(), 1000);
    assert!(!shard.list(&mut empty, 10, 64, 0));
    assert_eq!((empty.cursor.position, empty.is_last), (64, false));
    assert!((0..5000).all(|n| insert(&table, &mut shard, n, 0)));
    let mut page = FlowPage::new(Cursor::default(), 1000);
    let mut steps = 0;
    while !shard.list(&mut page, 10, usize::MAX, 0) {
        steps += 1;
        assert_eq!(page.records.len(), 10 * steps);
    }
    assert_eq!((page.records.len(), page.records.capacity(), page.is_last), (1000, 1000, false));
}

proptest! {
    #[test]
    fn what_lives_throughout_is_listed_once(
        stay in 0u32..300,
        room in 1usize..40,
        entries in 1usize..20,
        churn in prop::collection::vec(300u32..900, 0..400),
    ) {
        let (table, counters) = table(2000, Sweep::Paced);
        let mut shard = table.lock(0, &counters, &SETS).unwrap();
        prop_assert!((0..stay).all(|n| insert(&table, &mut shard, n, 0)));
        let mut churn = churn.into_iter();
        let (mut listed, mut page) = (HashMap::new(), FlowPage::new(Cursor::default(), room));
        loop {
            // a few flows come or, if they are there, go, between any two steps
            for n in churn.by_ref().take(3) {
                match shard.find(&key(n), table.hash(&key(n))) {
                    Some(link) => shard.end(link),
                    None => prop_assert!(insert(&table, &mut shard, n, 0)),
                }
            }
            if !shard.list(&mut page, entries, 500, 0) {
                continue;
            }
            for record in &page.records {
                *listed.entry(record.key).or_insert(0) += 1;
            }
            if page.is_last {
                break;
            }
            page = FlowPage::new(page.cursor, room);
        }
        prop_assert!((0..stay).all(|n| listed.get(&key(n)) == Some(&1)));
    }
}
