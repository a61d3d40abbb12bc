//! The commands, asked of a running daemon with open connections.

use std::time::Duration;

use evenkeel_testbed::lab::daemon::Daemon;
use evenkeel_testbed::lab::{self, Lab, LabSpec, config};
use evenkeel_testbed::load::{Load, LoadSpec};
use serde_json::Value;

/// Keys of `path --config --json`, which the running daemon's answer has too.
const PATH_KEYS: [&str; 7] = ["verdict", "service", "group", "bucket", "nexthop", "address", "why"];

/// Readings of counters of which one has to add up.
const READINGS: usize = 20;

fn json(daemon: &Daemon, words: &[&str]) -> Value {
    serde_json::from_str(&daemon.command(&[words, &["--json"]].concat()).unwrap()).unwrap()
}

/// Flows that a nexthop of the IPv4 group serves.
fn flows_of(daemon: &Daemon, nexthop: &str) -> Vec<Value> {
    let list = json(daemon, &["flows", "--group", "web4", "--nexthop", nexthop, "--state", "established"]);
    assert_eq!(list["found"], list["flows"].as_array().unwrap().len(), "{list}");
    list["flows"].as_array().unwrap().clone()
}

#[test]
fn every_command_answers_while_connections_are_open() {
    if !lab::available("every_command_answers_while_connections_are_open") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 2, ..LabSpec::default() }).unwrap();
    let text = config::web(&lab, &[]);
    let daemon = Daemon::start(&lab, &text).unwrap();
    let held_alone = LoadSpec { held_per_vip: 20, short_interval: None, ..LoadSpec::default() };
    let load = Load::start(lab.client(), held_alone, "load").unwrap();
    load.wait_until_held(Duration::from_secs(10)).unwrap();

    looks(&daemon);
    paths(&daemon);
    changes(&daemon);
    plans(&lab, &daemon, &text);
    let events = daemon.command(&["events", "--after", "0", "--count", "3"]).unwrap();
    assert_eq!(events.lines().count(), 3, "{events}");

    let steps = load.finish().unwrap();
    assert!(steps.iter().all(|step| step.lost.is_empty()), "{:?}", steps[0].causes());
    daemon.stop().unwrap();
}

#[test]
fn a_refused_reload_is_told_once() {
    if !lab::available("a_refused_reload_is_told_once") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 1, ..LabSpec::default() }).unwrap();
    let good = config::web(&lab, &[]);
    let mut daemon = Daemon::start(&lab, &good).unwrap();
    let said = daemon.reload(&format!("strange = 1\nother = 2\n{good}")).unwrap();
    assert!(said.ends_with("evenkeel.toml has 2 mistakes; nothing was changed"), "{said}");
    // What would come after it comes before the answer to a later question.
    daemon.reload(&good).unwrap();
    let log = daemon.log();
    for mistake in ["evenkeel.toml:1:1: ", "evenkeel.toml:2:1: "] {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(mistake)).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].starts_with('/'), "a line of its own: {log}");
    }
    assert_eq!(log.matches("nothing was changed").count(), 1, "{log}");
    daemon.stop().unwrap();
}

/// Tables begin with their headings, and the figures agree with each other.
fn looks(daemon: &Daemon) {
    for (words, heading) in [
        (&["status"][..], "version "),
        (&["services"], "service "),
        (&["groups"], "group "),
        (&["nexthops", "--group", "web4"], "nexthop "),
        (&["interfaces"], "interface "),
        (&["counters"], "stage "),
        (&["flows"], "protocol "),
        (&["pins"], "nexthop "),
    ] {
        let text = daemon.command(words).unwrap();
        assert!(text.starts_with(heading), "{words:?}: {text}");
    }
    assert!((0..READINGS).any(|_| adds_up(&json(daemon, &["counters"]))), "{}", json(daemon, &["counters"]));
    assert_eq!(
        flows_of(daemon, "s1").len() + flows_of(daemon, "s2").len(),
        20,
        "the connections that are held"
    );
}

/// True if the frames of all nexthops are the forwarded ones. While packets come, a reading may fall between two counters.
fn adds_up(counters: &Value) -> bool {
    let nexthops = counters["nexthops"].as_array().unwrap();
    let by_nexthop: u64 = nexthops.iter().map(|one| one["packets"].as_u64().unwrap()).sum();
    counters["packets"]["forwarded"] == by_nexthop
}

/// The flow table's answer, and the bucket's for a flow that isn't known.
fn paths(daemon: &Daemon) {
    let flow = flows_of(daemon, "s1").remove(0);
    let of = |source: &str| {
        json(daemon, &["path", "--src", source, "--dst", "192.0.2.10:80", "--protocol", "tcp"])
    };
    let known = of(flow["source"].as_str().unwrap());
    assert_eq!((&known["nexthop"], &known["flow"]["source"]), (&"s1".into(), &flow["source"]), "{known}");
    assert!(known["without_entry"]["nexthop"].is_string(), "{known}");
    let unknown = of("198.18.0.250:9");
    assert!(unknown["flow"].is_null() && unknown["bucket"].is_number(), "{unknown}");
    for key in PATH_KEYS {
        assert!(known.get(key).is_some() && unknown.get(key).is_some(), "{key}");
    }
}

/// Verbs and pins, each undone again.
fn changes(daemon: &Daemon) {
    let before = flows_of(daemon, "s1").len();
    let drained = json(daemon, &["drain", "web4", "s1"]);
    assert_eq!(
        (&drained["results"][0]["state"], &drained["results"][0]["changed"]),
        (&"draining".into(), &true.into())
    );
    assert_eq!(json(daemon, &["drain", "web4", "s1"])["results"][0]["changed"], false);
    let waited = daemon.command(&["drain", "web4", "s1", "--wait", "100ms"]).unwrap_err().to_string();
    assert!(waited.contains("flows left after"), "{waited}");
    daemon.command(&["pin", "web4", "s1", "--source", "198.18.0.250/32", "--hard-timeout", "1h"]).unwrap();
    let pinned =
        json(daemon, &["path", "--src", "198.18.0.250:9", "--dst", "192.0.2.10:80", "--protocol", "tcp"]);
    assert_eq!(pinned["nexthop"], "s1", "a pin is followed to who drains: {pinned}");
    daemon.command(&["unpin", "web4", "--source", "198.18.0.250/32"]).unwrap();
    assert_eq!(json(daemon, &["pins"])["pins"], Value::Array(Vec::new()));
    daemon.command(&["activate", "web4", "s1"]).unwrap();
    daemon.command(&["weight", "web4", "s1", "3"]).unwrap();
    daemon.command(&["weight", "web4", "s1", "1"]).unwrap();
    assert_eq!(flows_of(daemon, "s1").len(), before, "no flow moved");
    for words in
        [&["drain", "web4", "s9"][..], &["drain", "nobody", "s1"], &["nexthops", "--group", "nobody"]]
    {
        let refused = daemon.command(words).unwrap_err().to_string();
        assert!(refused.contains("exit status: 2"), "{words:?}: {refused}");
    }
}

/// A plan says what a reload of the same file then does.
fn plans(lab: &Lab, daemon: &Daemon, text: &str) {
    let next = lab.directory().join("next.toml");
    std::fs::write(&next, config::web(lab, &[0])).unwrap();
    let next = next.to_str().unwrap();
    let plan = json(daemon, &["plan", next]);
    assert!(plan["flows"]["live"].as_u64().unwrap() >= 40, "{plan}");
    assert_eq!(
        (&plan["flows"]["stay"], &plan["flows"]["move_now"]),
        (&plan["flows"]["live"], &0.into()),
        "a drain"
    );
    let reloaded = json(daemon, &["reload", next]);
    assert_eq!((&reloaded["applied"], &reloaded["differences"]), (&true.into(), &plan["differences"]));
    assert_eq!(daemon.command(&["plan", next]).unwrap(), "no difference\n");
    // the daemon's own file counts again
    assert_eq!(json(daemon, &["reload"])["differences"].as_array().unwrap().len(), 2, "{text}");
    assert_eq!(daemon.command(&["reload", "--dry-run"]).unwrap(), "no difference\n");
}
