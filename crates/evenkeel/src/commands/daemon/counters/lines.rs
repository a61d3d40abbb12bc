//! Counters as a table: packets by stage, then flows, nexthops, workers, and the time in the box.

use crate::print::{Columns, count, rate};
use evenkeel_control::api::model::{Counters, Interface, InterfaceQueue, Latency, Worker};
use evenkeel_dataplane::DropReason;

/// The stages at which frames are dropped, and the reasons of each.
const DROPS: &[(&str, &[DropReason])] = &[
    (
        "parse",
        &[
            DropReason::Ipv4HeaderLength,
            DropReason::Ipv4TotalLength,
            DropReason::Ipv6PayloadLength,
            DropReason::Ipv6ExtensionHeader,
            DropReason::Ipv6ExtensionCount,
            DropReason::TcpHeader,
            DropReason::UdpHeader,
            DropReason::IcmpHeader,
            DropReason::IcmpQuote,
            DropReason::FirstFragmentHeader,
        ],
    ),
    ("select", &[DropReason::NoNexthop]),
    ("transmit", &[DropReason::TxRingFull, DropReason::PortGone]),
    ("punt", &[DropReason::PuntFailed]),
];

/// All of it; rates since the reading before, if there is one of the same daemon.
pub(super) fn text(now: &Counters, before: Option<&Counters>, all: bool) -> String {
    let before = before.filter(|before| before.uptime_ms < now.uptime_ms);
    let parts = [
        by_stage(now, before, all),
        nexthops(now, before),
        workers(now, before),
        times(now),
        latency(&now.latency),
    ];
    parts.join("\n")
}

/// One counter of a stage.
struct Line {
    stage: &'static str,
    name: String,
    value: u64,
    /// False for what can fall: no rate is told of it.
    counts: bool,
    /// Left out while it is 0.
    rare: bool,
}

impl Line {
    fn counter(stage: &'static str, name: &str, value: u64) -> Self {
        Self { stage, name: name.to_owned(), value, counts: true, rare: false }
    }

    fn gauge(stage: &'static str, name: &str, value: u64) -> Self {
        Self { counts: false, ..Self::counter(stage, name, value) }
    }

    fn drop(stage: &'static str, name: &str, value: u64) -> Self {
        Self { rare: true, ..Self::counter(stage, name, value) }
    }
}

fn by_stage(now: &Counters, before: Option<&Counters>, all: bool) -> String {
    let mut columns = Columns::new(match before {
        Some(_) => &["stage", "counter", ">value", ">per second"],
        None => &["stage", "counter", ">value"],
    });
    let earlier = before.map(lines);
    let mut last_stage = "";
    for (index, line) in lines(now).into_iter().enumerate() {
        if line.rare && line.value == 0 && !all {
            continue;
        }
        let stage = if line.stage == last_stage { String::new() } else { line.stage.to_owned() };
        last_stage = line.stage;
        match (before, earlier.as_ref().and_then(|lines| lines.get(index))) {
            (Some(before), Some(earlier)) if line.counts => {
                let per_second = per_second(now, before, line.value, earlier.value);
                columns.line([stage, line.name, line.value.to_string(), per_second]);
            }
            (Some(_), _) => columns.line([stage, line.name, line.value.to_string(), String::new()]),
            (None, _) => columns.line([stage, line.name, line.value.to_string()]),
        }
    }
    columns.to_string()
}

/// Every counter in the order in which a packet meets it; as many lines for each reading of one daemon.
fn lines(counters: &Counters) -> Vec<Line> {
    let (packets, flows) = (&counters.packets, &counters.flows);
    let mut lines = kernel(&counters.interfaces);
    lines.push(Line::counter("receive", "received", packets.received));
    let drops =
        |stage| DROPS.iter().filter(move |(name, _)| *name == stage).flat_map(move |(_, reasons)| *reasons);
    let dropped = |stage| {
        let value = |reason: &DropReason| counters.drops.get(reason.name()).copied().unwrap_or(0);
        drops(stage).map(move |reason| Line::drop(stage, reason.name(), value(reason)))
    };
    lines.extend(dropped("parse"));
    let table = "flow table";
    lines.extend([
        Line::gauge(table, "live", flows.live),
        Line::gauge(table, "unconfirmed", flows.unconfirmed),
        Line::gauge(table, "capacity", flows.capacity),
        Line::counter(table, "created", flows.created),
        Line::counter(table, "adopted", flows.adopted),
        Line::counter(table, "expired", flows.expired),
        Line::counter(table, "closed", flows.closed),
        Line::counter(table, "evicted", flows.evicted),
        Line::counter(table, "moved", flows.moved),
        Line::counter(table, "untracked_packets", flows.untracked_packets),
        Line::counter(table, "unsearched_packets", flows.unsearched_packets),
    ]);
    lines.extend(dropped("select"));
    lines.push(Line::counter("transmit", "forwarded", packets.forwarded));
    lines.extend(dropped("transmit"));
    lines.push(Line::counter("punt", "punted", packets.punted));
    lines.extend(dropped("punt"));
    lines.push(Line::counter("all stages", "dropped", packets.dropped));
    lines.push(Line::gauge("all stages", "held", packets.held));
    lines.extend(unknown_drops(counters));
    lines
}

/// What the kernel counts, summed over interfaces and queues.
fn kernel(interfaces: &[Interface]) -> Vec<Line> {
    let frames = |value: fn(&Interface) -> u64| interfaces.iter().map(value).sum();
    let queues = |value: fn(&InterfaceQueue) -> u64| {
        interfaces.iter().flat_map(|interface| &interface.queues).map(value).sum()
    };
    vec![
        Line::counter("kernel", "xdp_redirected", frames(|interface| interface.xdp_redirected)),
        Line::counter("kernel", "xdp_passed", frames(|interface| interface.xdp_passed)),
        Line::drop("kernel", "rx_ring_full", queues(|queue| queue.rx_ring_full)),
        Line::drop("kernel", "rx_fill_ring_empty", queues(|queue| queue.rx_fill_ring_empty)),
        Line::drop("kernel", "rx_dropped", queues(|queue| queue.rx_dropped)),
        Line::drop("kernel", "rx_invalid_descriptors", queues(|queue| queue.rx_invalid_descriptors)),
        Line::drop("kernel", "tx_invalid_descriptors", queues(|queue| queue.tx_invalid_descriptors)),
    ]
}

/// Drop reasons of a daemon that knows more of them than this program.
fn unknown_drops(counters: &Counters) -> impl Iterator<Item = Line> {
    let known = |name: &str| DropReason::ALL.iter().any(|reason| reason.name() == name);
    let unknown = counters.drops.iter().filter(move |(name, _)| !known(name));
    unknown.map(|(name, value)| Line::drop("all stages", name, *value))
}

fn nexthops(now: &Counters, before: Option<&Counters>) -> String {
    let mut columns = Columns::new(match before {
        Some(_) => {
            &["nexthop", ">packets", ">bytes", ">flows created", ">flows live", ">packets/s", ">bytes/s"]
        }
        None => &["nexthop", ">packets", ">bytes", ">flows created", ">flows live"],
    });
    for nexthop in &now.nexthops {
        let name = format!("{}/{}", nexthop.group, nexthop.name);
        let [packets, bytes] = [nexthop.packets, nexthop.bytes].map(|value| value.to_string());
        let [created, live] = [nexthop.flows_created, nexthop.flows_live].map(|value| value.to_string());
        let Some(before) = before else {
            columns.line([name, packets, bytes, created, live]);
            continue;
        };
        let same = |other: &&evenkeel_control::api::model::NexthopCounters| {
            (&other.group, &other.name, other.address) == (&nexthop.group, &nexthop.name, nexthop.address)
        };
        let earlier = before.nexthops.iter().find(same);
        let rates = [
            per_second(now, before, nexthop.packets, earlier.map_or(0, |earlier| earlier.packets)),
            per_second(now, before, nexthop.bytes, earlier.map_or(0, |earlier| earlier.bytes)),
        ];
        let [packet_rate, byte_rate] = rates;
        columns.line([name, packets, bytes, created, live, packet_rate, byte_rate]);
    }
    columns.to_string()
}

fn workers(now: &Counters, before: Option<&Counters>) -> String {
    let mut columns = Columns::new(match before {
        Some(_) => &["worker", ">core", ">received", ">forwarded", ">flows live", ">received/s"],
        None => &["worker", ">core", ">received", ">forwarded", ">flows live"],
    });
    for (index, worker) in now.workers.iter().enumerate() {
        let cells =
            [worker.queue as u64, worker.core as u64, worker.received, worker.forwarded, worker.flows_live];
        let [queue, core, received, forwarded, live] = cells.map(|value| value.to_string());
        match before {
            None => columns.line([queue, core, received, forwarded, live]),
            Some(before) => {
                let earlier = before.workers.get(index).map_or(0, |earlier| earlier.received);
                let rate = per_second(now, before, worker.received, earlier);
                columns.line([queue, core, received, forwarded, live, rate]);
            }
        }
    }
    columns.to_string()
}

/// By worker: how long its packets were in the box, and how long its polls took.
fn times(now: &Counters) -> String {
    let heads = ["worker", ">p50 us", ">p99 us", ">p99.9 us", ">max us", ">poll p99.9 us", ">worst poll us"];
    let mut columns = Columns::new(&heads);
    for Worker { queue, latency, polls, .. } in &now.workers {
        let times =
            [latency.p50_us, latency.p99_us, latency.p999_us, latency.max_us, polls.p999_us, polls.worst_us];
        let [p50, p99, p999, max, poll_p999, worst_poll] = times.map(|time_us| format!("{time_us:.1}"));
        columns.line([queue.to_string(), p50, p99, p999, max, poll_p999, worst_poll]);
    }
    columns.to_string()
}

fn latency(latency: &Latency) -> String {
    let Latency { packets, p50_us, p99_us, p999_us, max_us } = latency;
    if *packets == 0 {
        return "time in the box: no packets yet\n".to_owned();
    }
    format!(
        "time in the box: p50 {p50_us:.1} us, p99 {p99_us:.1} us, p99.9 {p999_us:.1} us, max {max_us:.1} us, of {}\n",
        count(*packets, "packet")
    )
}

fn per_second(now: &Counters, before: &Counters, value: u64, earlier: u64) -> String {
    let ms = now.uptime_ms.saturating_sub(before.uptime_ms).max(1);
    rate(value.saturating_sub(earlier) as f64 * 1000.0 / ms as f64)
}

#[cfg(test)]
mod tests;
