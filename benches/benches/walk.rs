//! The whole walk of a packet in memory: parse, classify, flow table, select, rewrite, counters.
//!
//! Frames are written into the area before the clock runs; a case of N flows touches N distinct flows in random order.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evenkeel_benches::frames::{Kind, permutation};
use evenkeel_benches::rig::{AREA, Rig};
use std::time::Duration;

const ACK: u8 = 0x10;

fn established(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("walk");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    for kind in [Kind::Tcp4, Kind::Tcp6, Kind::Vlan] {
        for (flows, name) in [(64, "64"), (65_536, "64k"), (1 << 20, "1M")] {
            if kind == Kind::Vlan && flows > 65_536 {
                continue;
            }
            let case = format!("{}-established/{name}", format!("{kind:?}").to_lowercase());
            let mut rig = None;
            group.bench_function(case, |bencher| {
                let (rig, order, frame) = rig.get_or_insert_with(|| {
                    let mut rig = Rig::new(2 << 20);
                    rig.establish(kind, flows);
                    (rig, permutation(flows, 2), kind.template(ACK))
                });
                let mut flows = order.iter().copied().cycle();
                bencher.iter_custom(|packets| {
                    let mut time = Duration::ZERO;
                    let mut left = packets as usize;
                    let mut batch = Vec::with_capacity(AREA);
                    while left > 0 {
                        batch.clear();
                        batch.extend(flows.by_ref().take(left.min(AREA)));
                        time += rig.batch_of_flows(kind, frame, &batch);
                        left -= batch.len();
                    }
                    time
                });
            });
        }
    }
}

criterion_group!(benches, established);
criterion_main!(benches);
