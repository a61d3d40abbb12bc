use super::super::super::interfaces::tests::interface;
use super::*;
use evenkeel_control::api::model::{Flows, NexthopCounters, Packets, Polls, Worker};
use std::collections::BTreeSet;

const TIMES: Latency = Latency { packets: 900, p50_us: 3.0, p99_us: 12.5, p999_us: 20.0, max_us: 31.0 };

fn counters() -> Counters {
    Counters {
        packets: Packets { received: 1000, forwarded: 900, punted: 60, dropped: 40, held: 0 },
        drops: [("no_nexthop".to_owned(), 30), ("tcp_header".to_owned(), 10), ("udp_header".to_owned(), 0)]
            .into(),
        flows: Flows { created: 50, live: 40, closed: 10, capacity: 1_000_000, ..Flows::default() },
        nexthops: vec![NexthopCounters {
            group: "web".into(),
            name: "s1".into(),
            address: [198, 51, 100, 1].into(),
            packets: 900,
            bytes: 57_600,
            flows_created: 50,
            flows_live: 40,
        }],
        workers: vec![Worker {
            core: 1,
            queue: 0,
            received: 1000,
            forwarded: 900,
            flows_live: 40,
            latency: TIMES,
            polls: Polls { polls: 40_000, p50_us: 0.2, p99_us: 9.0, p999_us: 18.0, worst_us: 450.0 },
        }],
        interfaces: vec![interface("eth1", true), interface("eth2", true)],
        latency: TIMES,
        uptime_ms: 10_000,
    }
}

#[test]
fn counters_stand_in_the_order_of_a_packets_way() {
    let want = "\
stage       counter               value
kernel      xdp_redirected       246912
            xdp_passed               14
            rx_ring_full              6
receive     received               1000
parse       tcp_header               10
flow table  live                     40
            unconfirmed               0
            capacity            1000000
            created                  50
            adopted                   0
            expired                   0
            closed                   10
            evicted                   0
            moved                     0
            untracked_packets         0
            unsearched_packets        0
select      no_nexthop               30
transmit    forwarded               900
punt        punted                   60
all stages  dropped                  40
            held                      0

nexthop  packets  bytes  flows created  flows live
web/s1       900  57600             50          40

worker  core  received  forwarded  flows live
0          1      1000        900          40

worker  p50 us  p99 us  p99.9 us  max us  poll p99.9 us  worst poll us
0          3.0    12.5      20.0    31.0           18.0          450.0

time in the box: p50 3.0 us, p99 12.5 us, p99.9 20.0 us, max 31.0 us, of 900 packets
";
    assert_eq!(text(&counters(), None, false), want);
}

#[test]
fn rates_are_since_the_reading_before() {
    let before = counters();
    let mut now = counters();
    now.uptime_ms += 2000;
    now.packets.received += 500;
    now.workers[0].received += 500;
    now.nexthops[0].bytes += 3;
    let text = text(&now, Some(&before), false);
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap().split_whitespace();
    assert_eq!(line("receive ").collect::<Vec<_>>(), ["receive", "received", "1500", "250"]);
    assert_eq!(
        line("flow table").collect::<Vec<_>>(),
        ["flow", "table", "live", "40"],
        "a gauge has no rate"
    );
    assert_eq!(line("web/s1").last(), Some("1.5"));
    assert_eq!(line("0 ").last(), Some("250"));
}

#[test]
fn another_daemon_has_no_rates() {
    let (now, mut before) = (counters(), counters());
    before.uptime_ms = 11_000;
    assert!(!text(&now, Some(&before), false).contains("per second"));
}

#[test]
fn all_shows_every_drop_reason_once() {
    let mut counters = counters();
    counters.drops.insert("of_tomorrow".into(), 1);
    let text = text(&counters, None, true);
    for name in DropReason::ALL.iter().map(|reason| reason.name()).chain(["of_tomorrow", "rx_dropped"]) {
        assert_eq!(text.split_whitespace().filter(|word| *word == name).count(), 1, "{name}");
    }
    let staged: Vec<_> = DROPS.iter().flat_map(|(_, reasons)| *reasons).map(|reason| reason.name()).collect();
    let once: BTreeSet<_> = staged.iter().collect();
    assert_eq!((once.len(), staged.len()), (DropReason::ALL.len(), DropReason::ALL.len()));
}

#[test]
fn the_manual_explains_every_counter() {
    let manual = include_str!("../../../../../../../docs/counters.md");
    for line in lines(&counters()).iter().filter(|line| line.name != "dropped") {
        assert!(manual.contains(&format!("`{}`", line.name)), "{}", line.name);
    }
}
