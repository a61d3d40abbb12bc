//! The flow table alone: look a flow up and refresh it, its shard locked once per burst; beside it dashmap as it comes.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dashmap::DashMap;
use evenkeel_benches::frames::permutation;
use evenkeel_benches::machine::table;
use evenkeel_dataplane::{FlowEntry, FlowState, FlowTable, WorkerCounters};
use evenkeel_nexthop::{MemberId, TimeoutSets, TimeoutsId};
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6};
use std::hint::black_box;

const BURST: usize = 64;

fn key4(flow: u32) -> FlowKey {
    let [a, b, c, d] = flow.to_be_bytes();
    FlowKey::V4(FlowKey4::new([198, 18 | a, b, c], [192, 0, 2, 10], 1024 | u16::from(d), 80, 6))
}

fn key6(flow: u32) -> FlowKey {
    let mut source = [0x20; 16];
    source[12..].copy_from_slice(&flow.to_be_bytes());
    FlowKey::V6(FlowKey6::new(source, [0xfd; 16], 1024, 80, 6))
}

fn refresh(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("table");
    group.throughput(Throughput::Elements(BURST as u64)).sample_size(20);
    for (family, key) in [("ipv4", key4 as fn(u32) -> FlowKey), ("ipv6", key6)] {
        for (flows, name) in [(64, "64"), (65_536, "64k"), (1 << 20, "1M")] {
            let order = permutation(flows, 3);
            ours(&mut group, &format!("{family}/{name}"), key, &order);
            plain(&mut group, &format!("{family}/{name}-plain"), key, &order);
        }
    }
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn ours(group: &mut Group<'_>, name: &str, key: fn(u32) -> FlowKey, order: &[u32]) {
    let table = FlowTable::new(&table(2 << 20)).expect("there is memory for it");
    let counters = WorkerCounters::default();
    let timeouts = TimeoutSets::default();
    {
        let mut shard = table.lock(0, &counters, &timeouts).expect("there is a worker 0");
        for &flow in order {
            let entry = FlowEntry::new(MemberId(0), FlowState::Established, TimeoutsId(0), 0, 60);
            let link = shard.insert(&key(flow), table.hash(&key(flow)), entry, 0).expect("there is room");
            shard.confirm(link);
        }
    }
    let mut bursts = order.chunks_exact(BURST).cycle();
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let burst = bursts.next().expect("it goes round");
            let mut shard = table.lock(0, &counters, &timeouts).expect("there is a worker 0");
            let keys: [(FlowKey, u64); BURST] = std::array::from_fn(|at| {
                let key = key(burst[at]);
                (key, table.hash(&key))
            });
            keys.iter().for_each(|(_, hash)| shard.prefetch_control(*hash));
            let guesses = keys.map(|(_, hash)| shard.guess(hash));
            let links = guesses.map(|guess| shard.prefetch_flow(guess));
            for ((key, hash), link) in keys.iter().zip(links) {
                let link = match key {
                    FlowKey::V4(key) => shard.look_up4(link, key, *hash),
                    FlowKey::V6(key) => shard.look_up6(link, key, *hash),
                };
                if let Some(entry) = link.and_then(|link| shard.entry(link)) {
                    entry.refresh(1, 60);
                }
            }
        });
    });
}

fn plain(group: &mut Group<'_>, name: &str, key: fn(u32) -> FlowKey, order: &[u32]) {
    let table: DashMap<FlowKey, FlowEntry, ahash::RandomState> =
        DashMap::with_hasher(ahash::RandomState::with_seeds(1, 2, 3, 4));
    for &flow in order {
        table.insert(key(flow), FlowEntry::new(MemberId(0), FlowState::Established, TimeoutsId(0), 0, 60));
    }
    let mut bursts = order.chunks_exact(BURST).cycle();
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            for &flow in bursts.next().expect("it goes round") {
                if let Some(mut entry) = table.get_mut(&black_box(key(flow))) {
                    entry.refresh(1, 60);
                }
            }
        });
    });
}

criterion_group!(benches, refresh);
criterion_main!(benches);
