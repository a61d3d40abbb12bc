//! Bucket tables: built from nothing, and mended after one nexthop more or less. Whole times, not per packet.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use evenkeel_benches::OWN;
use evenkeel_nexthop::{AdminState, Change, Desired, GroupSpec, Liveness, NexthopSpec, PortId, Verb};
use evenkeel_packet::Mac;

fn desired(nexthops: u32) -> Desired {
    let nexthop = |n: u32| NexthopSpec {
        name: format!("s{n}"),
        address: std::net::Ipv4Addr::from_bits(0xc612_0000 + n).into(),
        weight: 1,
        state: AdminState::Active,
        port: Some(PortId(0)),
        mac: Some(Mac([2, 0, 0, 0, 2, 1])),
    };
    let group =
        GroupSpec { name: "web".into(), buckets: 65536, nexthops: (0..nexthops).map(nexthop).collect() };
    Desired::new(0, vec![OWN], Vec::new(), vec![group]).expect("a good configuration")
}

fn buckets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("buckets");
    group.sample_size(10);
    for nexthops in [10, 100, 1000] {
        group.bench_function(format!("build/65536x{nexthops}"), |bencher| {
            bencher.iter_batched(
                || (desired(nexthops), Liveness::new()),
                |(mut desired, liveness)| (desired.snapshot(&liveness), desired),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(format!("change/65536x{nexthops}"), |bencher| {
            let liveness = Liveness::new();
            let mut desired = desired(nexthops);
            desired.snapshot(&liveness);
            let mut verbs = [Verb::Drain, Verb::Activate].into_iter().cycle();
            bencher.iter(|| {
                let verb = verbs.next().expect("it goes round");
                let change = Change { group: "web".into(), nexthop: "s5".into(), verb };
                desired.apply(&change, 0, &liveness).expect("a good change");
                desired.snapshot(&liveness)
            });
        });
    }
}

criterion_group!(benches, buckets);
criterion_main!(benches);
