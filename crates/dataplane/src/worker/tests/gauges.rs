//! How full the table is, and what goes by the bucket for want of a search.

use super::{Lab, frag_needed, tcp};

fn syns(ports: std::ops::Range<u16>) -> Vec<Vec<u8>> {
    ports.map(|port| tcp(port, "S")).collect()
}

#[test]
fn gauges_follow_the_table() {
    let mut lab = Lab::new(2, 200);
    lab.poll(0, 0, &syns(0..30));
    lab.poll(0, 1, &(0..20).map(|port| tcp(port, "A")).collect::<Vec<_>>());
    lab.poll(1, 1, &syns(100..105));
    let flows = lab.totals().flows;
    assert_eq!((flows.live, flows.unconfirmed, flows.capacity), (35, 15, 200));
    let shards: Vec<_> = lab.counters.iter().map(|counters| counters.flows.live.value()).collect();
    assert_eq!(shards, [30, 5]);
    // half-open flows are over first
    for worker in 0..2 {
        lab.workers[worker].advance(20_000, &mut lab.ports[worker]);
    }
    assert_eq!((lab.totals().flows.live, lab.totals().flows.unconfirmed), (20, 0));
    for worker in 0..2 {
        lab.workers[worker].finish(400_000, &mut lab.ports[worker]);
    }
    assert_eq!(lab.counters.iter().map(|counters| counters.flows.live.value()).sum::<u64>(), 0);
}

#[test]
fn a_flow_that_moves_home_is_counted_there() {
    let mut lab = Lab::new(2, 200);
    lab.poll(0, 0, &syns(0..10));
    lab.poll(1, 1, &[tcp(3, "A")]);
    lab.poll(0, 1, &[]);
    let shards: Vec<_> = lab.counters.iter().map(|counters| counters.flows.live.value()).collect();
    assert_eq!(shards, [9, 1]);
    assert_eq!(lab.totals().flows.unconfirmed, 9);
}

#[test]
fn packets_beyond_those_that_are_searched_for_are_counted() {
    let mut lab = Lab::with_burst(2, 1000, 128);
    lab.poll(0, 0, &syns(0..100));
    let mut frames: Vec<_> = (0..100).map(|port| tcp(port, "A")).collect();
    frames.push(frag_needed(1));
    assert_eq!(lab.poll(1, 1, &frames).len(), 101);
    let totals = lab.totals();
    assert_eq!(totals.flows.unsearched_packets, 101 - 64);
    assert_eq!((totals.flows.created, totals.flows.live, totals.packets.forwarded), (100, 100, 201));
    lab.assert_adds_up();
}
