//! Publishing: from a change to the snapshot that workers see, memory under a change every millisecond, and packets that
//! saw half a change. `--test` makes it short; `EVENKEEL_PUBLISH` names a file for the figures.

use evenkeel_benches::publish::half;
use evenkeel_benches::publish::memory::{self, Churn};
use evenkeel_benches::publish::site::{Extent, Site};
use evenkeel_benches::publish::times::{Case, Times, measure, quantile};
use serde_json::{Value, json};
use std::time::Duration;

const MANY: Extent = Extent { groups: 100, buckets: 65_536, nexthops: 100 };
const WIDE: Extent = Extent { groups: 1, buckets: 65_536, nexthops: 1000 };
/// What a change every millisecond may add to the resident set in bytes, beyond the snapshots that wait to be freed.
const GROWTH: u64 = 16 << 20;

/// A change of one group, and of one nexthop in each.
const BARS_MS: [f64; 2] = [5.0, 50.0];

const CASES: [Case; 3] = [
    Case { name: "one of 100x65536x100", extent: MANY, at_once: 1, bars_ms: BARS_MS, rounds: 500 },
    Case { name: "65536x1000", extent: WIDE, at_once: 1, bars_ms: [5.0; 2], rounds: 250 },
    Case { name: "each of 100x65536x100", extent: MANY, at_once: 100, bars_ms: BARS_MS, rounds: 20 },
];

fn main() {
    let is_short = std::env::args().any(|argument| argument == "--test");
    let mut rows = Vec::new();
    if is_short {
        println!("short, on small sites: that it works, not how fast");
    }
    println!("{:<38} {:>8} {:>8} {:>8} {:>8} {:>6}", "ms", "p50", "p99", "worst", "p99 CPU", "bar");
    for case in CASES.map(|case| if is_short { shortened(case) } else { case }) {
        for times in measure(&case) {
            rows.push(row(&case, &times));
        }
    }
    let time = if is_short { Duration::from_millis(200) } else { Duration::from_secs(10) };
    halves(time, &mut rows);
    let extent = if is_short { Extent { groups: 2, buckets: 1024, nexthops: 20 } } else { MANY };
    let mut site = Site::new(extent);
    for churn in [Churn::States, Churn::Servers] {
        remember(&mut site, churn, time, &mut rows);
    }
    if let Ok(file) = std::env::var("EVENKEEL_PUBLISH") {
        std::fs::write(&file, Value::from(rows).to_string()).expect("the file of the figures can be written");
    }
}

fn shortened(case: Case) -> Case {
    let Extent { groups, nexthops, .. } = case.extent;
    let extent = Extent { groups: groups.min(4), buckets: 1024, nexthops: nexthops.min(20) };
    Case { extent, at_once: case.at_once.min(4), rounds: 3, ..case }
}

fn row(case: &Case, times: &Times) -> Value {
    let ms = |of: &[Duration], part| quantile(of, part).as_secs_f64() * 1e3;
    let (p50, p99, worst) = (ms(&times.wall, 0.5), ms(&times.wall, 0.99), ms(&times.wall, 1.0));
    let (cpu, bar) = (ms(&times.cpu, 0.99), times.bar_ms);
    let name = format!("{}, {}", case.name, times.kind);
    println!("{name:<38} {p50:>8.2} {p99:>8.2} {worst:>8.2} {cpu:>8.2} {bar:>6.0}");
    figures(
        &name,
        p50 * 1e6,
        "whole time of one change, not per packet",
        json!({"p50_ms": p50, "p99_ms": p99, "worst_ms": worst, "p99_cpu_ms": cpu, "bar_ms": bar}),
    )
}

/// A row as the other benches have it, and what publishing has beside it.
fn figures(name: &str, ns: f64, note: &str, mut more: Value) -> Value {
    let row = json!({
        "case": format!("publish/{name}"), "ns_per_packet": ns, "allocations_per_packet": 0.0, "baseline_ns": 0.0,
        "note": note,
    });
    if let (Value::Object(more), Value::Object(row)) = (&mut more, row) {
        more.extend(row);
    }
    more
}

fn halves(time: Duration, rows: &mut Vec<Value>) {
    let seen = half::watch(time);
    println!(
        "\n{} changes under {} bursts: {} of {} packets saw half a change",
        seen.changes, seen.bursts, seen.half, seen.packets
    );
    assert!(seen.changes > 10 && seen.packets > 1000, "too little happened: {seen:?}");
    assert_eq!(seen.half, 0, "packets saw half a change");
    let more = json!({"changes": seen.changes, "packets": seen.packets, "half": seen.half});
    rows.push(figures("half a change", 0.0, "packets that saw half a change", more));
}

fn remember(site: &mut Site, churn: Churn, time: Duration, rows: &mut Vec<Value>) {
    let seen = memory::watch(site, churn, time);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let what = match churn {
        Churn::States => "states change",
        Churn::Servers => "servers come and go",
    };
    println!(
        "{what}: {} changes in {} s, resident {:.0} MiB after a tenth, {:.0} at most, {:.0} at the end, \
         at most {} snapshots alive, {} ids",
        seen.changes,
        time.as_secs_f64(),
        mib(seen.early),
        mib(seen.most),
        mib(seen.late),
        seen.most_snapshots,
        seen.members
    );
    assert!(seen.most <= seen.early + GROWTH, "memory grows");
    let more = json!({
        "changes": seen.changes, "early_mib": mib(seen.early), "most_mib": mib(seen.most), "late_mib": mib(seen.late),
        "most_snapshots": seen.most_snapshots,
    });
    rows.push(figures(
        &format!("memory, {what}"),
        0.0,
        "resident set under a change every millisecond",
        more,
    ));
}
