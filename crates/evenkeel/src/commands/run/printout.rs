//! What `run` prints: a line of counters now and then, all of them at the end, and the report.

use super::forwarder::{Ended, Forwarder};
use super::latency;
use anyhow::{Context, Result};
use std::path::Path;
use std::time::Duration;

/// Counters at the last line, from which rates follow.
#[derive(Debug, Default)]
pub(super) struct Rates {
    received: u64,
    forwarded: u64,
}

/// One line: rates since the last one, totals, flows, time in the box.
pub(super) fn print_line(forwarder: &Forwarder, before: &mut Rates, elapsed: Duration) {
    let totals = forwarder.totals();
    let packets = totals.packets;
    let per_second = |now: u64, before: u64| (now - before) as f64 / elapsed.as_secs_f64().max(1e-9);
    println!(
        "received {} ({:.0}/s) forwarded {} ({:.0}/s) punted {} dropped {} | flows {} | {}",
        packets.received,
        per_second(packets.received, before.received),
        packets.forwarded,
        per_second(packets.forwarded, before.forwarded),
        packets.punted,
        packets.dropped,
        totals.flows.live,
        latency::summary(forwarder.latency()),
    );
    *before = Rates { received: packets.received, forwarded: packets.forwarded };
}

/// The report for people, and what the kernel counted.
pub(super) fn print_end(ended: &Ended) {
    println!("{}", ended.report);
    for line in &ended.kernel {
        println!("kernel   {line}");
    }
    println!("latency  in the box: {}", ended.latency);
}

/// Writes the report, whole or not at all.
pub(super) fn write_report(ended: &Ended, path: &Path) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, ended.report.to_json())
        .and_then(|()| std::fs::rename(&part, path))
        .with_context(|| format!("can't write {}", path.display()))
}
