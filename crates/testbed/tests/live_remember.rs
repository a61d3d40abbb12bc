//! What operators changed is remembered: across a reload, an end, and `kill -9`.

use std::collections::BTreeMap;

use evenkeel_control::api::model::{Liveness, State};
use evenkeel_testbed::lab::config::{self, Draining};
use evenkeel_testbed::lab::daemon::Daemon;
use evenkeel_testbed::lab::{self, Lab, LabSpec};

const GROUPS: [&str; 2] = ["web4", "web6"];

/// Admin state and weight of each nexthop of a group; whoever is gone isn't there.
fn members(daemon: &Daemon, group: &str) -> BTreeMap<String, (State, u16)> {
    let nexthops = daemon.api().unwrap().nexthops(Some(group)).unwrap().nexthops;
    let there = nexthops.into_iter().filter(|nexthop| nexthop.state != State::Removed);
    there.map(|nexthop| (nexthop.name, (nexthop.state, nexthop.weight))).collect()
}

fn expected() -> BTreeMap<String, (State, u16)> {
    [
        ("s1", State::Draining, 1),
        ("s2", State::Active, 5),
        ("s3", State::Removing, 1),
        ("s4", State::Active, 2),
    ]
    .map(|(name, state, weight)| (name.to_owned(), (state, weight)))
    .into()
}

#[test]
fn changes_are_remembered_across_reload_end_and_kill_9() {
    if !lab::available("changes_are_remembered_across_reload_end_and_kill_9") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 4, ..LabSpec::default() }).unwrap();
    let three: Vec<_> = (0..3).map(|server| (server, Draining::No)).collect();
    let config = config::web_of(&lab, &three);
    let mut daemon = Daemon::start(&lab, &config).unwrap();
    for (group, vip) in GROUPS.into_iter().zip(lab::plan::WEB) {
        daemon.command(&["drain", group, "s1"]).unwrap();
        daemon.command(&["weight", group, "s2", "5"]).unwrap();
        daemon.command(&["remove", group, "s3", "--deadline", "10m"]).unwrap();
        let address = lab.nexthop(3, vip).0.to_string();
        daemon.command(&["add", group, "s4", &address, "--weight", "2"]).unwrap();
        assert_eq!(members(&daemon, group), expected(), "{group}");
    }

    // The file says nothing of it, and doesn't say anything else than it did.
    let said = daemon.reload(&config).unwrap();
    GROUPS.iter().for_each(|group| assert_eq!(members(&daemon, group), expected(), "reload: {said}"));

    daemon.kill();
    let daemon = Daemon::start(&lab, &config).unwrap();
    GROUPS.iter().for_each(|group| assert_eq!(members(&daemon, group), expected(), "kill -9"));
    let removing = daemon.api().unwrap().nexthop("web4", "s3").unwrap();
    let left_ms = removing.removed_in_ms.unwrap();
    assert!((1..600_000).contains(&left_ms), "{left_ms} ms left of ten minutes");
    assert_eq!(daemon.api().unwrap().nexthop("web6", "s4").unwrap().liveness, Liveness::Up);
    // Nobody who drains has buckets: new flows go to the others.
    let drained = daemon.api().unwrap().nexthop("web4", "s1").unwrap();
    assert_eq!(drained.buckets, 0, "{drained:?}");

    for group in GROUPS {
        daemon.command(&["activate", group, "s1", "s3"]).unwrap();
        daemon.command(&["weight", group, "s2", "1"]).unwrap();
        daemon.command(&["remove", group, "s4", "--now"]).unwrap();
    }
    daemon.stop().unwrap();
    let daemon = Daemon::start(&lab, &config).unwrap();
    let plain: BTreeMap<_, _> = ["s1", "s2", "s3"].map(|name| (name.to_owned(), (State::Active, 1))).into();
    GROUPS.iter().for_each(|group| assert_eq!(members(&daemon, group), plain, "after the end"));
    daemon.stop().unwrap();
}

#[test]
fn what_the_file_says_anew_beats_what_an_operator_said_before() {
    if !lab::available("what_the_file_says_anew_beats_what_an_operator_said_before") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 2, ..LabSpec::default() }).unwrap();
    let mut daemon = Daemon::start(&lab, &config::web(&lab, &[0])).unwrap();
    daemon.command(&["activate", "web4", "s1"]).unwrap();
    assert_eq!(members(&daemon, "web4")["s1"].0, State::Active);
    // The file goes to active, and then to draining again: the operator's word was about the file before.
    daemon.reload(&config::web(&lab, &[])).unwrap();
    daemon.reload(&config::web(&lab, &[0])).unwrap();
    assert_eq!(members(&daemon, "web4")["s1"].0, State::Draining);
    daemon.stop().unwrap();
}
