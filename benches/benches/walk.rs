//! The whole walk of a packet in memory: parse, classify, flow table, select, rewrite, counters; and in turn with it the
//! plain way to do it.
//!
//! Frames are written into the area before the clock runs, as a NIC would. A case of N flows touches N distinct flows in
//! random order. No case may allocate.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use evenkeel_benches::contest::Contest;
use evenkeel_benches::figures::{self, Row, has_room_for_10m, is_short};
use evenkeel_benches::frames::Kind;
use evenkeel_benches::rig::Rig;
use evenkeel_benches::traffic::Traffic;
use std::time::Duration;

/// A case, the worker that it is for, and what it sends.
type Case = (String, Box<dyn Fn() -> Rig>, Box<dyn Fn() -> Traffic>);

/// Room for flows when nobody asks for another.
const DEFAULT_ROOM: usize = 1_000_000;

/// Flows, how they are called, and the room for them.
const SIZES: [(u32, &str, usize); 3] =
    [(1 << 16, "64k", 1 << 17), (1 << 20, "1M", 2 << 20), (10_000_000, "10M", 16 << 20)];

fn walk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("walk");
    group.throughput(Throughput::Elements(1)).sampling_mode(SamplingMode::Flat).sample_size(20);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(800));
    let mut rows = Vec::new();
    for case in cases() {
        measure(&mut group, &case, &mut rows);
    }
    group.finish();
    figures::write("walk", &rows);
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (kind, name) in
        [(Kind::Tcp4, "tcp4"), (Kind::Tcp6, "tcp6"), (Kind::Udp4, "udp4"), (Kind::Vlan, "vlan")]
    {
        let sizes = if is_short() || matches!(kind, Kind::Udp4 | Kind::Vlan) { 1 } else { SIZES.len() };
        for (flows, size, room) in SIZES.into_iter().take(sizes) {
            let case = format!("{name}-established/{size}");
            if size != "10M" || has_room_for_10m(&case) {
                cases.push(in_room(case, room, move || Traffic::established(kind, flows)));
            }
        }
    }
    let (flows, room, size) =
        if is_short() { (1 << 16, 1 << 17, "64k-of-128k") } else { (1 << 20, 2 << 20, "1M-of-2M") };
    cases.push(in_room(format!("tcp4-first/{size}"), room, move || Traffic::first(Kind::Tcp4, flows)));
    cases.push(in_room("mixed".into(), DEFAULT_ROOM, Traffic::mixed));
    let few = || Traffic::established(Kind::Tcp4, 1 << 16);
    cases.push(in_room("tcp4-established/64k-of-default".into(), DEFAULT_ROOM, few));
    let aligned = || Rig::new(1 << 17).in_aligned_chunks();
    cases.push(("tcp4-established/64k-aligned-chunks".into(), Box::new(aligned), Box::new(few)));
    cases
}

/// A case whose flow table has room for so many flows.
fn in_room(case: String, room: usize, traffic: impl Fn() -> Traffic + 'static) -> Case {
    (case, Box::new(move || Rig::new(room)), Box::new(traffic))
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, (case, rig, traffic): &Case, rows: &mut Vec<Row>) {
    let mut contest = None;
    group.bench_function(case, |bencher| {
        let contest = contest.get_or_insert_with(|| Contest::new(rig(), traffic));
        bencher.iter_custom(|packets| contest.run(packets));
    });
    let Some(contest) = contest else { return };
    assert_eq!(contest.allocated(), 0, "walk/{case} allocates: the way of a packet must not");
    if let Some(outcome) = contest.outcome() {
        let note = "whole walk, one core; baseline: SlicedPacket and dashmap as they come, in turn";
        rows.push(Row::of(&format!("walk/{case}"), note).beside(outcome.plain_ns, outcome.ratio));
    }
}

criterion_group!(benches, walk);
criterion_main!(benches);
