use super::*;
use proptest::prelude::*;
use serde_json::json;

const SECOND_NS: u64 = 1_000_000_000;

/// A run of `duration_s` seconds with these connections: start, connect and end in seconds, error, host.
fn run(duration_s: f64, connections: &[(f64, f64, f64, &str, &str)]) -> Stats {
    let ns = |seconds: f64| (seconds * 1e9) as u64;
    let connections: Vec<_> = connections
        .iter()
        .map(|&(started, connect, ended, err, host)| {
            json!({"Started": ns(started), "Connect": ns(connect), "Ended": ns(ended), "Err": err, "Host": host,
                "Sent": 0, "Received": 0, "Dropped": 0, "Retransmits": 0, "Local": "", "Remote": ""})
        })
        .collect();
    let run = json!({"Started": "2019-01-21T08:40:08.293474852Z", "Duration": ns(duration_s), "Rate": 100,
        "Connections": 3, "PacketSize": 2048, "FailedConnections": 0, "Sent": 0, "Received": 0, "Dropped": 0,
        "Retransmits": 0, "FailedConnects": 0, "ConnStats": connections});
    serde_json::from_value(run).unwrap()
}

fn with_samples(samples: &[(u64, u64)]) -> Stats {
    let mut stats = run(3.0, &[]);
    stats.samples = samples
        .iter()
        .map(|&(time_ns, received)| crate::stats::Sample { time_ns, received, ..Default::default() })
        .collect();
    stats
}

/// Two that last, one that is lost on s1 and comes back on s2, one that never comes back.
fn eventful() -> Stats {
    let mut stats = run(
        4.01,
        &[
            (0.0, 0.1, 4.01, "", "s1"),
            (0.0, 0.1, 4.01, "", "s2"),
            (0.0, 0.1, 2.2, "reset", "s1"),
            (0.0, 0.1, 2.3, "no whole answer within 1s", "s1"),
            (2.2, 2.3, 4.01, "", "s2"),
            (2.3, 0.0, 4.01, "", ""),
        ],
    );
    stats.conn_stats[2].reason = Some(crate::stats::Reason::Reset);
    stats.conn_stats[3].reason = Some(crate::stats::Reason::Timeout);
    stats
}

#[test]
fn throughput_is_what_was_received_between_samples() {
    let stats = with_samples(&[(0, 0), (SECOND_NS, 100), (3 * SECOND_NS, 400)]);
    let text = Throughput::of(&stats).unwrap().to_string();
    assert_eq!(text, "Time Throughput\n0.500 200.000\n2.000 300.000\n");
}

#[test]
fn throughput_needs_samples_whose_times_grow() {
    assert_eq!(Throughput::of(&with_samples(&[])), Err(AnalysisError::NoSamples));
    assert_eq!(Throughput::of(&with_samples(&[(0, 0)])), Err(AnalysisError::NoSamples));
    let backwards = Throughput::of(&with_samples(&[(0, 0), (2, 0), (2, 0)])).unwrap_err();
    assert_eq!(backwards.to_string(), "Samples 1 ends before it begins");
}

#[test]
fn connections_are_counted_second_by_second() {
    let text = Connections::of(&eventful()).unwrap().to_string();
    assert_eq!(
        text,
        "Time Active New Failed Connecting\n0.5 4 4 0 0\n1.5 4 0 0 0\n2.5 3 2 2 1\n3.5 3 0 0 1\n"
    );
}

#[test]
fn hosts_are_those_of_lost_and_of_lasting_connections() {
    let text = Hosts::of(&eventful()).unwrap().to_string();
    assert_eq!(text, "Lost connections: 2\n  s1 2\nLasting connections: 3\n  s1 1\n  s2 2\n");
}

#[test]
fn each_loss_belongs_to_the_step_before_it() {
    let mut stats = eventful();
    let text = Steps::of(&stats).unwrap().to_string();
    assert_eq!(text, "Time Lost Step\n0.000 2 start (1 reset, 1 timeout)\n");
    let step = |time_ns, name: &str| crate::stats::Step { time_ns, name: name.to_owned() };
    stats.steps =
        vec![step(1_000_000_000, "drain s1"), step(2_200_000_000, "kill s1"), step(2_250_000_000, "wait")];
    let text = Steps::of(&stats).unwrap().to_string();
    let expected = "0.000 0 start\n1.000 0 drain s1\n2.200 1 kill s1 (1 reset)\n2.250 1 wait (1 timeout)\n";
    assert_eq!(text, format!("Time Lost Step\n{expected}"));
}

#[test]
fn what_has_no_connections_or_impossible_ones_is_refused() {
    let none = run(4.0, &[]);
    assert_eq!(Connections::of(&none), Err(AnalysisError::NoConnections));
    assert_eq!(Hosts::of(&none), Err(AnalysisError::NoConnections));
    assert_eq!(Steps::of(&none), Err(AnalysisError::NoConnections));
    let backwards = run(4.0, &[(0.0, 0.1, 4.0, "", ""), (2.0, 0.0, 0.0, "", "")]);
    let error = AnalysisError::Backwards { what: "ConnStats", index: 1 };
    assert_eq!(Connections::of(&backwards), Err(error));
}

proptest! {
    /// Whatever happened: every loss and every beginning is in one second, and what began is there or lost.
    #[test]
    fn nothing_is_lost_between_seconds(
        times in prop::collection::vec((0u64..12_000, 0u64..12_000, prop::bool::ANY), 1..60),
        duration_ms in 500u64..12_500,
    ) {
        let connections: Vec<_> = times
            .iter()
            .map(|&(from, to, is_lost)| {
                let (from, to) = (from.min(to).min(duration_ms), to.max(from).min(duration_ms));
                let end = if is_lost { to } else { duration_ms };
                let seconds = |ms: u64| ms as f64 / 1000.0;
                (seconds(from), seconds(from.max(1)), seconds(end), if is_lost { "reset" } else { "" }, "s1")
            })
            .collect();
        let stats = run(duration_ms as f64 / 1000.0, &connections);
        let seconds = Connections::of(&stats).unwrap().seconds;
        let lost = stats.losses().count() as u64;
        prop_assert_eq!(seconds.iter().map(|second| second.failed).sum::<u64>(), lost);
        prop_assert_eq!(seconds.iter().map(|second| second.new).sum::<u64>(), connections.len() as u64);
        let mut there = 0;
        for second in &seconds {
            there = there + second.new - second.failed;
            prop_assert!(second.active + second.connecting <= there);
        }
        let last = seconds.last().unwrap();
        prop_assert_eq!(last.active + last.connecting, connections.len() as u64 - lost);
        prop_assert_eq!(Steps::of(&stats).unwrap().steps.iter().map(|step| step.lost).sum::<u64>(), lost);
        let hosts = Hosts::of(&stats).unwrap();
        prop_assert_eq!(hosts.lost.values().chain(hosts.lasting.values()).sum::<u64>(), connections.len() as u64);
    }
}
