//! New flows as fast as the worker takes them, and how long a worker is held up at the worst. `--test` makes it short.

use evenkeel_benches::figures::{self, Row, is_short};
use evenkeel_benches::newflows::{self, Load};
use evenkeel_benches::stalls::{self, Disturbance};

const ROOM: u32 = 2 << 20;
/// SYNs: every slot is used more than once.
const SYNS: u32 = 3 << 20;

/// After a tenth of a second as many flows end as begin, with a quarter of a million half-open; after ten seconds none did,
/// and the table is full.
const LOADS: [Load; 3] = [
    Load { name: "half-full", room: ROOM, established: 786_000, syn_ms: 100, syns: SYNS },
    Load { name: "nearly-full", room: ROOM, established: 1_660_000, syn_ms: 100, syns: SYNS },
    Load { name: "syn-flood", room: ROOM, established: 1_500_000, syn_ms: 10_000, syns: SYNS },
];

const QUIET: Disturbance = Disturbance { expiry: false, listing: false, publishes: false };
const DISTURBANCES: [(&str, Disturbance); 5] = [
    ("quiet", QUIET),
    ("expiry", Disturbance { expiry: true, ..QUIET }),
    ("listing", Disturbance { listing: true, ..QUIET }),
    ("publishes", Disturbance { publishes: true, ..QUIET }),
    ("all-at-once", Disturbance { expiry: true, listing: true, publishes: true }),
];

fn main() {
    let mut rows = Vec::new();
    for load in LOADS.map(|load| if is_short() { shortened(load) } else { load }) {
        rows.push(new_flows(&load));
    }
    let (flows, size) = if is_short() { (1 << 13, "8k") } else { (1 << 20, "1M") };
    for (name, what) in DISTURBANCES {
        let seen = stalls::measure(flows, 8 * u64::from(flows), what);
        println!(
            "{name}: {} flows ended, {} listed, {} snapshots",
            seen.expired, seen.listed, seen.published
        );
        let note = "worker on established TCP4 flows while others end, are listed, or nexthops change";
        let row = seen.polls.row(&format!("stalls/{name}/{size}"), note);
        rows.push(
            row.with("expired", seen.expired).with("listed", seen.listed).with("published", seen.published),
        );
    }
    figures::write("newflows", &rows);
}

fn new_flows(load: &Load) -> Row {
    let seen = newflows::measure(load);
    println!(
        "{}: {} SYNs, {} flows expired and {} evicted meanwhile, {:.0} % of the table full at the end",
        load.name,
        load.syns,
        seen.expired,
        seen.evicted,
        seen.fill * 100.0
    );
    let row = seen.polls.row(
        &format!("newflows/{}", load.name),
        "first packets (SYN) at 1M a second of the worker's clock, while flows end",
    );
    let per_second = 1e9 / row.ns_per_packet;
    row.with("flows_per_second", per_second)
        .with("expired", seen.expired)
        .with("evicted", seen.evicted)
        .with("fill", seen.fill)
}

fn shortened(load: Load) -> Load {
    let part = |of: u32| of / 64;
    Load {
        room: part(load.room),
        established: part(load.established),
        syns: part(load.syns),
        syn_ms: 5,
        ..load
    }
}
