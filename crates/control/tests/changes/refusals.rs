//! Whatever is refused says why and where, and has changed nothing.

use super::{Daemon, add, change, remove};
use evenkeel_control::live::{BATCH_MAX, Change, DEADLINE_MAX_MS, Refusal, RefusalKind, Verb};

fn added(interface: Option<&str>, address: &str, mac: Option<&str>) -> Verb {
    Verb::Add {
        address: address.parse().unwrap(),
        weight: 1,
        interface: interface.map(str::to_owned),
        mac: mac.map(|mac| mac.parse().unwrap()),
    }
}

/// Every kind of wrong change: kind, field, and a part of the reason.
fn wrong() -> Vec<(Change, RefusalKind, &'static str, &'static str)> {
    use RefusalKind::{Conflict, Invalid, NotFound};
    let lo = Some("lo");
    vec![
        (change("weg", "s1", Verb::Drain), NotFound, "group", "there is no group \"weg\""),
        (change("web", "s9", Verb::Drain), NotFound, "nexthop", "has no nexthop \"s9\""),
        (change("web", "gone", Verb::Activate), Conflict, "nexthop", "has been removed"),
        (change("web", "gone", Verb::Weight(3)), Conflict, "nexthop", "has been removed"),
        (change("web", "s1", Verb::Weight(1001)), Invalid, "weight", "1001 is not one of 0 to 1000"),
        (
            change("web", "s1", remove(DEADLINE_MAX_MS + 1)),
            Invalid,
            "deadline",
            "is too long; allowed: from 0ms",
        ),
        (change("web", "s9", add("198.51.100.9", 1001)), Invalid, "weight", "1001"),
        (change("web", "", add("198.51.100.9", 1)), Invalid, "nexthop", "is empty"),
        (change("web", "a\nb", add("198.51.100.9", 1)), Invalid, "nexthop", "has control characters"),
        (change("web", "s1", add("198.51.100.9", 1)), Conflict, "nexthop", "has a nexthop \"s1\" already"),
        (change("web", "s9", add("198.51.100.2", 1)), Conflict, "address", "as nexthop \"s2\""),
        (change("web", "s9", added(lo, "127.0.0.1", None)), Invalid, "address", "is a loopback address"),
        (change("web", "s9", added(lo, "224.0.0.1", None)), Invalid, "address", "is a multicast address"),
        (
            change("web", "s9", added(lo, "192.0.2.10", None)),
            Invalid,
            "address",
            "is the VIP of the service \"web\"",
        ),
        (change("web", "s9", added(None, "fe80::9", None)), Invalid, "address", "is link-local"),
        (
            change("web", "s9", added(Some("eth7"), "198.51.100.9", None)),
            Invalid,
            "interface",
            "allowed: \"lo\"",
        ),
        (
            change("web", "s9", added(lo, "198.51.100.9", Some("01:00:00:00:00:01"))),
            Invalid,
            "mac",
            "is a group address",
        ),
        (
            change("dns", "b", added(lo, "198.51.100.2", Some("02:00:00:00:02:77"))),
            Conflict,
            "mac",
            "has another MAC",
        ),
    ]
}

/// A removed nexthop called gone.
fn daemon() -> Daemon {
    let daemon = Daemon::start();
    daemon.change(vec![change("web", "gone", add("198.51.100.8", 1))]).unwrap();
    daemon.change(vec![change("web", "gone", remove(0))]).unwrap();
    daemon
}

#[test]
fn a_wrong_change_is_refused_with_field_and_reason() {
    let daemon = daemon();
    let (before, generation) = (daemon.seen(), daemon.generation());
    for (wrong, kind, field, reason) in wrong() {
        let refusal = daemon.change(vec![wrong.clone()]).unwrap_err();
        assert_eq!(
            (refusal.kind(), refusal.field()),
            (kind, Some(format!("changes[0].{field}"))),
            "{wrong:?}"
        );
        assert!(refusal.to_string().contains(reason), "{refusal}");
        assert_eq!((daemon.seen(), daemon.generation()), (before.clone(), generation), "{wrong:?}");
    }
}

#[test]
fn one_wrong_change_refuses_its_batch() {
    let daemon = daemon();
    let (before, generation) = (daemon.seen(), daemon.generation());
    for (wrong, _, field, _) in wrong() {
        let good = [change("web", "s3", Verb::Activate), change("web", "s4", Verb::Weight(7))];
        let batch = [&good[..], std::slice::from_ref(&wrong)].concat();
        let refusal = daemon.change(batch).unwrap_err();
        assert_eq!(refusal.field(), Some(format!("changes[2].{field}")), "{wrong:?}");
        assert_eq!((daemon.seen(), daemon.generation()), (before.clone(), generation), "{wrong:?}");
    }
}

#[test]
fn a_batch_may_be_long_but_not_endless() {
    let daemon = Daemon::start();
    let batch = |count| vec![change("web", "s1", Verb::Drain); count];
    assert_eq!(daemon.change(batch(BATCH_MAX + 1)), Err(Refusal::TooManyChanges { count: BATCH_MAX + 1 }));
    assert_eq!(daemon.change(batch(BATCH_MAX)).unwrap().nexthops.len(), BATCH_MAX);
    assert_eq!(daemon.change(Vec::new()).unwrap().nexthops, []);
}

#[test]
fn a_group_has_a_bucket_for_each_of_its_takers() {
    let daemon = Daemon::start();
    // web has three with a weight, of 64 buckets
    let fits: Vec<_> =
        (0..61).map(|i| change("web", &format!("n{i}"), add(&format!("203.0.113.{i}"), 1))).collect();
    daemon.change(fits).unwrap();
    let before = daemon.seen();
    for one_more in [change("web", "last", add("203.0.113.99", 1)), change("web", "s4", Verb::Weight(1))] {
        let refusal = daemon.change(vec![one_more]).unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Full, "{refusal}");
        assert_eq!(daemon.seen(), before);
    }
}

#[test]
fn who_asks_a_thread_that_has_ended_is_told() {
    let daemon = Daemon::start();
    let client = daemon.handle.client();
    assert!(daemon.handle.stop().is_some());
    assert_eq!(client.change_blocking(Vec::new()), Err(Refusal::Ended));
}

#[test]
fn what_a_request_says_stays_on_its_line_in_the_log() {
    let daemon = Daemon::start();
    let forged = "s9\nweb/s1 is active\u{1b}[31m";
    daemon.change(vec![change("web", forged, add("198.51.100.9", 1))]).unwrap_err();
    daemon.change(vec![change(forged, "s1", Verb::Drain)]).unwrap_err();
    daemon.change(vec![change("web", forged, Verb::Drain)]).unwrap_err();
    let told = daemon.told();
    let refused: Vec<_> =
        told.iter().filter(|text| text.contains("s9\\nweb/s1 is active\\u{1b}[31m")).collect();
    assert_eq!(refused.len(), 3, "{told:#?}");
    assert!(!told.iter().any(|text| text.contains(char::is_control)), "{told:#?}");
}
