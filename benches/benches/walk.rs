//! The whole walk of a packet in memory: parse, classify, flow table, select, rewrite, counters; and beside it the plain
//! way to do it.
//!
//! Frames are written into the area before the clock runs, as a NIC would. A case of N flows touches N distinct flows in
//! random order. Allocations per packet go to the file that `EVENKEEL_ALLOCATIONS` names.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use evenkeel_benches::count::{Counting, allocations};
use evenkeel_benches::frames::{Kind, permutation};
use evenkeel_benches::plain::Plain;
use evenkeel_benches::rig::{AREA, Rig};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ACK: u8 = 0x10;
const SIZES: [(u32, &str); 3] = [(64, "64"), (65_536, "64k"), (1 << 20, "1M")];

fn established(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("walk");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    let mut allocated = BTreeMap::new();
    for kind in [Kind::Tcp4, Kind::Tcp6, Kind::Vlan] {
        for (flows, size) in SIZES {
            if kind == Kind::Vlan && flows > 65_536 {
                continue;
            }
            let case = format!("{}-established/{size}", format!("{kind:?}").to_lowercase());
            let per_packet = ours(&mut group, &case, kind, flows);
            allocated.insert(format!("walk/{case}"), per_packet);
            plain(&mut group, &format!("{case}-plain"), kind, flows);
        }
    }
    group.finish();
    if let Some(file) = std::env::var_os("EVENKEEL_ALLOCATIONS") {
        let json = serde_json::to_string(&allocated).expect("a map of numbers");
        std::fs::write(&file, json).expect("EVENKEEL_ALLOCATIONS names a file that can be written");
    }
}

/// Benches the walk; allocations per packet.
fn ours(group: &mut BenchmarkGroup<'_, WallTime>, case: &str, kind: Kind, flows: u32) -> f64 {
    let (mut allocated, mut sent) = (0, 0);
    let mut rig = None;
    group.bench_function(case, |bencher| {
        let (rig, order, frame) = rig.get_or_insert_with(|| {
            let mut rig = Rig::new(2 << 20);
            rig.establish(kind, flows);
            (rig, permutation(flows, 2), kind.template(ACK))
        });
        let mut flows = order.iter().copied().cycle();
        let mut batch = Vec::with_capacity(AREA);
        bencher.iter_custom(|packets| {
            let mut time = Duration::ZERO;
            let mut left = packets as usize;
            while left > 0 {
                batch.clear();
                batch.extend(flows.by_ref().take(left.min(AREA)));
                let before = allocations();
                time += rig.batch_of_flows(kind, frame, &batch);
                allocated += allocations() - before;
                left -= batch.len();
            }
            sent += packets;
            time
        });
    });
    if sent == 0 { 0.0 } else { allocated as f64 / sent as f64 }
}

fn plain(group: &mut BenchmarkGroup<'_, WallTime>, case: &str, kind: Kind, flows: u32) {
    let mut plain = None;
    group.bench_function(case, |bencher| {
        let (plain, order, area) = plain.get_or_insert_with(|| {
            let mut plain = Plain::default();
            let mut frame = kind.template(ACK);
            let order = permutation(flows, 2);
            for &flow in &order {
                kind.set_flow(&mut frame, flow);
                plain.establish(&frame);
            }
            (plain, order, vec![frame; AREA])
        });
        let mut flows = order.iter().copied().cycle();
        bencher.iter_custom(|packets| {
            let mut time = Duration::ZERO;
            let mut left = packets as usize;
            while left > 0 {
                let count = left.min(AREA);
                let template = kind.template(ACK);
                for (frame, flow) in area.iter_mut().take(count).zip(flows.by_ref()) {
                    frame.copy_from_slice(&template);
                    kind.set_flow(frame, flow);
                }
                let begin = Instant::now();
                for frame in area.iter_mut().take(count) {
                    plain.forward(frame);
                }
                time += begin.elapsed();
                left -= count;
            }
            time
        });
    });
}

criterion_group!(benches, established);
criterion_main!(benches);
