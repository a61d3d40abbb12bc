//! What `run` prints: a line of counters now and then, and all of them at the end.

use super::forwarder::{Ended, Forwarder};
use super::{latency, say};
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
    let per_second =
        |now: u64, before: u64| now.saturating_sub(before) as f64 / elapsed.as_secs_f64().max(1e-9);
    say::print(format_args!(
        "received {} ({:.0}/s) forwarded {} ({:.0}/s) punted {} dropped {} | flows {} | {}",
        packets.received,
        per_second(packets.received, before.received),
        packets.forwarded,
        per_second(packets.forwarded, before.forwarded),
        packets.punted,
        packets.dropped,
        totals.flows.live,
        latency::summary(forwarder.latency()),
    ));
    *before = Rates { received: packets.received, forwarded: packets.forwarded };
}

/// The report for people, and what the kernel counted.
pub(super) fn print_end(ended: &Ended) {
    if let Some(report) = &ended.report {
        say::print(report);
    }
    for line in &ended.kernel {
        say::print(format_args!("kernel   {line}"));
    }
    say::print(format_args!("latency  in the box: {}", ended.latency));
}
