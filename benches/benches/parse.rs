//! Parsing one frame to its flow key, and the same with etherparse's `SlicedPacket` as the plain way to do it.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evenkeel_benches::OWN;
use evenkeel_benches::frames::Kind;
use std::hint::black_box;

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(1));
    for kind in [Kind::Udp4, Kind::Tcp4, Kind::Tcp6, Kind::Vlan] {
        let mut frame = kind.template(0x10);
        kind.set_flow(&mut frame, 123_456);
        let name = format!("{kind:?}").to_lowercase();
        group.bench_function(&name, |bencher| {
            bencher.iter(|| evenkeel_packet::parse(black_box(&frame), frame.len(), OWN));
        });
        group.bench_function(format!("{name}-plain"), |bencher| {
            bencher.iter(|| etherparse::SlicedPacket::from_ethernet(black_box(&frame)).map(|p| p.transport));
        });
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
