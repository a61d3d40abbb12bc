//! `evenkeel plan` over files and captures: what it says, and that a replay of the same step then does it.

mod capture;
mod pairs;

use capture::{Flow, config, evenkeel, write_pcap};
use evenkeel_control::Config;
use pairs::{ACK, Draft, Reality, Sent, Went, set_flags};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// Flows of the capture, each with a packet at its beginning.
const FLOWS: u16 = 200;

/// By group, the server of each bucket.
type Buckets = BTreeMap<String, Vec<Option<u8>>>;

fn plan(directory: &Path, old: &str, new: &str, more: &[&str]) -> Value {
    fs::write(directory.join("old.toml"), old).unwrap();
    fs::write(directory.join("new.toml"), new).unwrap();
    let (old, new) = (directory.join("old.toml"), directory.join("new.toml"));
    let arguments = [&["plan", old.to_str().unwrap(), new.to_str().unwrap(), "--json"], more].concat();
    serde_json::from_slice(&evenkeel(&arguments)).unwrap()
}

/// The flows that moved in a replay: all send once more after the change.
fn moved(directory: &Path, events: &str) -> u64 {
    let at = |name: &str| directory.join(name);
    let all = (0..FLOWS).map(Flow::frame);
    write_pcap(&at("twice.pcap"), all.clone().chain(all));
    fs::write(at("events.toml"), events).unwrap();
    let (config, input, out) = (at("old.toml"), format!("eth1={}", at("twice.pcap").display()), at("out"));
    evenkeel(&[
        "replay",
        "--config",
        config.to_str().unwrap(),
        "--in",
        &input,
        "--out-dir",
        out.to_str().unwrap(),
        "--events",
        at("events.toml").to_str().unwrap(),
    ]);
    let report: Value = serde_json::from_str(&fs::read_to_string(out.join("report.json")).unwrap()).unwrap();
    report["flows"]["moved"].as_u64().unwrap()
}

/// Standard error of a command that ends with a status.
fn refused(status: i32, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_evenkeel")).args(arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
    stderr
}

#[test]
fn what_plan_says_of_a_capture_is_what_a_replay_does() {
    let directory = tempfile::tempdir().unwrap();
    write_pcap(&directory.path().join("once.pcap"), (0..FLOWS).map(Flow::frame));
    let input = format!("eth1={}", directory.path().join("once.pcap").display());
    let at = format!("at = \"{}ms\"\ngroup = \"web\"\nnexthop = \"s7\"\n", f64::from(FLOWS) / 1000.0);
    let without = config(6);
    let cases = [
        // what differs, the event that does it, the fates that may not be 0
        (config(7).replace("weight = 7", "weight = 0"), "action = \"weight\"\nweight = 0", "stay"),
        (config(7).replace("weight = 7", "state = \"draining\"\nweight = 7"), "action = \"drain\"", "stay"),
        (
            format!("[timeouts]\nremove = \"0s\"\n{without}"),
            "action = \"remove\"\ndeadline = \"0s\"",
            "move_now",
        ),
        (without, "action = \"remove\"\ndeadline = \"300s\"", "move_at_deadline"),
    ];
    for (new, event, fate) in cases {
        let plan = plan(directory.path(), &config(7), &new, &["--in", &input]);
        let flows = &plan["flows"];
        assert!(flows[fate].as_u64().unwrap() > 20, "{fate}: {flows}");
        assert_eq!(flows["live"], u64::from(FLOWS), "{flows}");
        let moved = moved(directory.path(), &format!("[[event]]\n{at}{event}\n"));
        assert_eq!(flows["move_now"], moved, "{event}");
        let group = &plan["groups"][0];
        let moves = group["moves"].as_array().unwrap().iter().map(|one| one["buckets"].as_u64().unwrap());
        assert_eq!(group["buckets_moved"], moves.sum::<u64>());
    }
}

/// Random pairs of configurations and captures: the plan, then the same reload on a box with the same flows.
#[test]
fn what_plan_says_of_any_pair_is_what_then_happens() {
    let mut fates = BTreeMap::<&str, u64>::new();
    for seed in 1..=60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let old = Draft::random(&mut random);
        let new = old.changed(&mut random);
        let directory = tempfile::tempdir().unwrap();
        let sent = pairs::capture(&mut random, FLOWS);
        let capture = directory.path().join("in.pcap");
        write_pcap(&capture, sent.iter().map(|packet| packet.frame.clone()));
        let input = format!("eth1={}", capture.display());
        let plan = plan(directory.path(), &old.text(), &new.text(), &["--in", &input]);
        for (fate, flows) in happened(&plan, &old, &new, &sent, seed) {
            *fates.entry(fate).or_default() += flows;
        }
    }
    // a pair in which nothing happens would prove nothing
    assert!(fates.len() == 5 && fates.values().all(|flows| *flows > 20), "{fates:?}");
}

/// Carries the change out on a box that took the capture, and holds the plan to it; flows by fate.
fn happened(plan: &Value, old: &Draft, new: &Draft, sent: &[Sent], seed: u64) -> BTreeMap<&'static str, u64> {
    let config = |draft: &Draft| Config::parse(Path::new("pair.toml"), &draft.text()).unwrap();
    let mut reality = Reality::new(&config(old));
    let (mut now_ms, mut before) = (0, BTreeMap::new());
    for (at, packet) in sent.iter().enumerate() {
        now_ms = at as u64 / 1000;
        if let (Went::To(server), true) = (reality.send(now_ms, &packet.frame), packet.opens) {
            before.insert(packet.number, server);
        }
    }
    let buckets = reality.buckets();
    reality.reload(&config(new), now_ms);
    held_to_buckets(plan, &buckets, &reality.buckets(), seed);
    let mut fates = BTreeMap::from([
        ("stay", 0),
        ("move_now", 0),
        ("move_at_deadline", 0),
        ("unserved", 0),
        ("dropped", 0),
    ]);
    let deadline_ms = now_ms + config(new).remove_ms;
    let again = |number: u16| {
        let mut frame = Flow::frame(number);
        set_flags(&mut frame, number, ACK);
        frame
    };
    let now: BTreeMap<u16, Went> =
        before.keys().map(|&number| (number, reality.send(now_ms, &again(number)))).collect();
    let moved_now = reality.moved();
    reality.expire(deadline_ms);
    for (&number, &server) in &before {
        let later = reality.send(deadline_ms, &again(number));
        let (fate, to, when) = match (now[&number], later) {
            (Went::Punted, _) => ("unserved", Some(None), "now"),
            (Went::Dropped, _) => ("dropped", Some(None), "now"),
            (Went::To(to), _) if to != server => ("move_now", Some(Some(to)), "now"),
            (Went::To(_), Went::To(to)) if to != server => {
                ("move_at_deadline", Some(Some(to)), "at_deadline")
            }
            (Went::To(_), Went::Dropped) => ("move_at_deadline", Some(None), "at_deadline"),
            (Went::To(_), _) => ("stay", None, ""),
        };
        *fates.get_mut(fate).unwrap() += 1;
        let said = said_of(plan, number, new);
        assert_eq!(said, to.map(|to| (to, when.to_owned())), "seed {seed}, flow {number} of {server}");
    }
    let flows = &plan["flows"];
    assert_eq!(flows["live"], before.len(), "seed {seed}");
    for (fate, count) in &fates {
        assert_eq!(flows[*fate], *count, "seed {seed}: {fate} of {fates:?}");
    }
    assert_eq!(moved_now, fates["move_now"], "seed {seed}: the counter of moves");
    fates
}

/// What the plan says of a flow that doesn't stay: the server to which it goes, and when.
fn said_of(plan: &Value, number: u16, new: &Draft) -> Option<(Option<u8>, String)> {
    let (source, _, protocol) = Flow::ends(number);
    let source = SocketAddr::new(source, number).to_string();
    let protocol = if protocol == 6 { "tcp" } else { "udp" };
    let moves = plan["flows"]["moves"].as_array().unwrap();
    let one = moves.iter().find(|one| one["source"] == *source && one["protocol"] == protocol)?;
    let to = one["to"].as_str().map(|name| new.server(name).expect("a nexthop of the new configuration"));
    Some((to, one["when"].as_str().unwrap().to_owned()))
}

/// Groups that stay as large: as many buckets move, and between the same, as the plan says.
fn held_to_buckets(plan: &Value, before: &Buckets, after: &Buckets, seed: u64) {
    for group in plan["groups"].as_array().unwrap() {
        let name = group["name"].as_str().unwrap();
        let (Some(old), Some(new)) = (before.get(name), after.get(name)) else { continue };
        if group["buckets_before"] != group["buckets_after"] {
            continue;
        }
        let moved = old.iter().zip(new).filter(|(old, new)| old != new).count();
        assert_eq!(group["buckets_moved"], moved, "seed {seed}: group {name}");
        let moves = group["moves"].as_array().unwrap().iter().map(|one| one["buckets"].as_u64().unwrap());
        assert_eq!(moves.sum::<u64>(), moved as u64, "seed {seed}: group {name}");
    }
}

#[test]
fn a_plan_for_people_says_what_differs_first() {
    let directory = tempfile::tempdir().unwrap();
    plan(directory.path(), &config(3), &config(2), &[]);
    let (old, new) = (directory.path().join("old.toml"), directory.path().join("new.toml"));
    let text = String::from_utf8(evenkeel(&["plan", old.to_str().unwrap(), new.to_str().unwrap()])).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("what ") && lines[1].starts_with("nexthop web/s3"), "{text}");
    assert!(text.contains(" of 64 buckets (") && text.contains("nexthop  before  after"), "{text}");
    assert!(!text.contains("live flow"), "nothing is known of flows: {text}");
}

#[test]
fn what_cannot_be_planned_is_status_2() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("good.toml"), config(1)).unwrap();
    fs::write(at("bad.toml"), config(1).replace("weight = 1", "weight = 1001")).unwrap();
    fs::write(at("no-mac.toml"), config(1).replace("mac = \"02:00:00:00:01:01\"\n", "")).unwrap();
    write_pcap(Path::new(&at("in.pcap")), (0..1).map(Flow::frame));
    let input = format!("eth1={}", at("in.pcap"));
    for (arguments, says) in [
        (&["plan", &at("good.toml"), &at("bad.toml")][..], "bad.toml:"),
        (&["plan", &at("good.toml"), &at("none.toml")], "cannot be read"),
        (&["plan", &at("none.toml")], "cannot be read"),
        (&["plan", &at("good.toml"), "--in", &input], "--in needs two files"),
        (&["plan", &at("good.toml"), &at("good.toml"), "--in", "eth9=x.pcap"], "allowed: eth1"),
        (
            &["plan", &at("good.toml"), &at("good.toml"), "--in", "eth1=/nonexistent.pcap"],
            "/nonexistent.pcap",
        ),
        (&["plan", &at("no-mac.toml"), &at("good.toml"), "--in", &input], "no MAC for eth1"),
        (&["plan"], "FILE"),
    ] {
        let stderr = refused(2, arguments);
        assert!(stderr.contains(says), "{arguments:?}: {stderr}");
    }
}
