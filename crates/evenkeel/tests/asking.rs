//! The commands that ask the daemon: what they send, what they print, and how they end when something is wrong.

mod daemon;

use daemon::{Asked, Daemon, done, evenkeel, refused};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn problem(status: u16, detail: &str) -> (u16, String) {
    let problem = json!({"type": "/problems/x", "title": "x", "status": status, "detail": detail});
    (status, problem.to_string())
}

/// A daemon that answers everything with a value.
fn with(answer: Value) -> Daemon {
    Daemon::answering(move |_| (200, answer.to_string()))
}

fn changed(asked: &Asked) -> (u16, String) {
    let (method, target, body) = asked;
    if method == "GET" {
        return problem(404, "no such group");
    }
    assert_eq!(target, "/v1/changes");
    let result = |change: &Value| {
        json!({"group": change["group"], "nexthop": change["nexthop"], "action": change["action"], "changed": true,
               "state": "draining", "weight": 1, "liveness": "up", "flows_live": 3, "removed_in_ms": null})
    };
    let results: Vec<_> = body["changes"].as_array().unwrap().iter().map(result).collect();
    (200, json!({"generation": 7, "results": results}).to_string())
}

#[test]
fn no_daemon_is_status_1_and_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("api.sock");
    let ask = || evenkeel(&["status", "--socket", socket.to_str().unwrap()]);
    let stderr = refused(1, &ask());
    assert!(stderr.contains("no daemon at ") && stderr.contains("is `evenkeel run` running"), "{stderr}");
    assert_eq!(stderr.matches("No such file").count(), 1, "{stderr}");
    drop(UnixListener::bind(&socket).unwrap());
    let stderr = refused(1, &ask());
    assert!(stderr.contains("the daemon has ended"), "an old socket: {stderr}");
}

#[test]
fn what_the_daemon_refuses_is_status_2_if_the_arguments_are_to_blame() {
    for (status, exit) in [(404, 2), (422, 2), (400, 2), (500, 1), (403, 1)] {
        let daemon = Daemon::answering(move |_| problem(status, "group \"wbe\" is not known"));
        let stderr = refused(exit, &daemon.evenkeel(&["drain", "wbe", "s1"]));
        assert_eq!(stderr, "evenkeel: group \"wbe\" is not known\n", "{status}");
    }
}

#[test]
fn another_version_of_the_daemon_is_told() {
    let stderr = refused(1, &with(json!({"strange": true})).evenkeel(&["status"]));
    assert!(
        stderr.contains("doesn't answer as Evenkeel does") && stderr.contains("this is evenkeel "),
        "{stderr}"
    );
}

#[test]
fn verbs_send_one_batch() {
    let daemon = Daemon::answering(changed);
    for (arguments, change) in [
        (&["drain", "web", "s1"][..], json!({"action": "drain"})),
        (&["activate", "web", "s1"], json!({"action": "activate"})),
        (&["remove", "web", "s1", "--deadline", "5m"], json!({"action": "remove", "deadline": "5m"})),
        (&["remove", "web", "s1", "--now"], json!({"action": "remove", "deadline": "0s"})),
        (&["weight", "web", "s1", "3"], json!({"action": "weight", "weight": 3})),
        (&["weight", "web", "s1", "--weight", "0"], json!({"action": "weight", "weight": 0})),
        (&["add", "web", "s1", "198.51.100.9"], json!({"action": "add", "address": "198.51.100.9"})),
        (
            &[
                "add",
                "web",
                "s1",
                "--address",
                "2001:db8::9",
                "--weight",
                "2",
                "--interface",
                "eth2",
                "--mac",
                "m",
            ],
            json!({"action": "add", "address": "2001:db8::9", "weight": 2, "interface": "eth2", "mac": "m"}),
        ),
    ] {
        let text = done(&daemon.evenkeel(arguments));
        assert!(text.lines().nth(1).unwrap().starts_with("web/s1 "), "{text}");
        let mut want = json!({"group": "web", "nexthop": "s1"});
        want.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(daemon.take_asked()[0].2, json!({"changes": [want]}), "{arguments:?}");
    }
    let json = done(&daemon.evenkeel(&["drain", "web", "s1", "s2", "--json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["results"][1]["nexthop"], "s2");
    assert_eq!(daemon.take_asked()[0].2["changes"].as_array().unwrap().len(), 2);
}

#[test]
fn pins_and_reloads_send_what_was_said() {
    let daemon = with(json!({"changed": true}));
    done(&daemon.evenkeel(&["pin", "web", "s1", "--source", "203.0.113.0/24", "--hard-timeout", "1h"]));
    done(&daemon.evenkeel(&["unpin", "web", "--source", "203.0.113.0/24"]));
    let asked = daemon.take_asked();
    let (method, target, body) = &asked[0];
    assert_eq!((&**method, &**target), ("POST", "/v1/pins"));
    assert_eq!((&body["source"], &body["hard_timeout"]), (&"203.0.113.0/24".into(), &"1h".into()));
    assert_eq!((&*asked[1].0, &*asked[1].1), ("DELETE", "/v1/pins?group=web&source=203.0.113.0%2F24"));

    let nothing = json!({"generation": 1, "applied": false, "differences": [], "warnings": ["careful"]});
    let daemon = with(nothing);
    let output = daemon.evenkeel(&["reload", "--dry-run"]);
    assert_eq!(done(&output), "no difference\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "careful\n");
    assert_eq!(daemon.take_asked()[0].2, json!({"dry_run": true}));
}

fn flow(port: u16) -> Value {
    json!({"source": format!("203.0.113.5:{port}"), "destination": "192.0.2.10:80", "protocol": "tcp", "service": "web",
           "group": "web", "nexthop": "s1", "address": "198.51.100.1", "state": "established", "by_pin": false,
           "packets": 1, "bytes": 60, "idle_ms": 5, "over_in_ms": 1000, "worker": 0})
}

/// 20 pages of 500 flows.
fn pages(asked: &Asked) -> (u16, String) {
    let number = |text: &str| text.split("cursor=").nth(1).map_or(0, |rest| rest.parse::<u16>().unwrap());
    let page = number(&asked.1);
    let flows: Vec<_> = (0..500).map(|index| flow(page * 500 + index)).collect();
    let cursor = (page < 19).then(|| (page + 1).to_string());
    let page = json!({"flows": flows, "found": 500, "packets": 500, "bytes": 30_000, "cursor": cursor});
    (200, page.to_string())
}

#[test]
fn flows_follow_all_pages() {
    let daemon = Daemon::answering(pages);
    let text = done(&daemon.evenkeel(&["flows", "--nexthop", "s1", "--state", "established"]));
    assert_eq!(text.lines().count(), 1 + 10_000 + 1);
    assert_eq!(text.lines().last(), Some("10000 flows, 10000 packets, 600000 bytes"));
    let asked = daemon.take_asked();
    assert_eq!(asked.len(), 20);
    assert!(asked.iter().all(|(_, target, _)| target.contains("nexthop=s1&state=established")), "{asked:?}");
    let json: Value = serde_json::from_str(&done(&daemon.evenkeel(&["flows", "--json"]))).unwrap();
    assert_eq!((json["flows"].as_array().unwrap().len(), &json["found"]), (10_000, &10_000.into()));
}

#[test]
fn a_reader_that_has_gone_ends_the_list_without_failure() {
    let daemon = Daemon::answering(pages);
    let mut child = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(["flows", "--socket", daemon.socket.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{line}");
    assert!(daemon.take_asked().len() < 20, "nobody reads the rest");
}

#[test]
fn events_end_with_their_reader_though_nothing_happens() {
    let daemon = Daemon::telling(
        "event: drained\ndata: {\"id\":7,\"time\":\"2026-11-27T02:00:00.000Z\",\"generation\":3,\"kind\":\"drained\",\
         \"subject\":\"web/s1\",\"text\":\"web/s1 has no flow left\"}",
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(["events", "--socket", daemon.socket.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("web/s1 has no flow left"), "{line}");
    let gone = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    assert!(gone.elapsed() < Duration::from_secs(5), "not at the next event: {:?}", gone.elapsed());
}

#[test]
fn a_count_is_one_question() {
    let daemon = with(json!({"flows": [], "found": 1_000_000, "packets": 1, "bytes": 60, "cursor": null}));
    assert_eq!(done(&daemon.evenkeel(&["flows", "--count"])), "1000000 flows, 1 packet, 60 bytes\n");
    let asked = daemon.take_asked();
    assert_eq!((asked.len(), &*asked[0].1), (1, "/v1/flows?count=true"));
}

#[test]
fn a_drain_is_followed_to_its_end_or_to_its_time() {
    const SEQ: std::sync::atomic::Ordering = std::sync::atomic::Ordering::SeqCst;
    let left = std::sync::atomic::AtomicU64::new(2);
    let answer = move |asked: &Asked| {
        if !asked.1.starts_with("/v1/nexthops") {
            return changed(asked);
        }
        let flows = left.fetch_update(SEQ, SEQ, |left| Some(left.saturating_sub(1))).unwrap();
        let nexthop = json!({"group": "web", "name": "s1", "address": "198.51.100.1", "interface": null, "mac": null,
            "weight": 1, "state": "draining", "removed_in_ms": null, "liveness": "up", "reason": null, "buckets": 0,
            "want": 0.0, "packets": 0, "bytes": 0, "flows_created": 0, "flows_live": flows, "packets_per_second": 0.0,
            "bytes_per_second": 0.0, "flows_per_second": 0.0});
        (200, json!({"nexthops": [nexthop]}).to_string())
    };
    let daemon = Daemon::answering(answer);
    let stderr = refused(1, &daemon.evenkeel(&["drain", "web", "s1", "--wait", "0s"]));
    assert!(stderr.contains("2 flows left after"), "{stderr}");
    let output = daemon.evenkeel(&["drain", "web", "s1", "--wait", "0s", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &json["results"][0]["flows_live"]), (Some(1), &1.into()));
    let text = done(&daemon.evenkeel(&["drain", "web", "s1", "--wait"]));
    assert!(text.ends_with("  0 flows left\n"), "{text}");
}

#[test]
fn bad_arguments_are_status_2_before_anybody_is_asked() {
    let daemon = with(json!({}));
    for arguments in [
        &["drain", "web"][..],
        &["add", "web", "s1"],
        &["add", "web", "s1", "198.51.100.300"],
        &["weight", "web", "s1"],
        &["weight", "web", "s1", "-1"],
        &["remove", "web", "s1", "--deadline", "5"],
        &["remove", "web", "s1", "--deadline", "5s", "--now"],
        &["pin", "web", "s1"],
        &["pin", "web", "s1", "--source", "203.0.113.1:9", "--destination", "192.0.2.10:80"],
        &["flows", "--state", "closed"],
        &["counters", "--watch", "1"],
        &["completion", "cmd"],
        &["man", "nothing"],
    ] {
        let stderr = refused(2, &evenkeel(arguments));
        assert!(!stderr.is_empty(), "{arguments:?}");
    }
    refused(2, &daemon.evenkeel(&["status", "--url", "http://127.0.0.1:1"]));
    refused(2, &evenkeel(&["status", "--url", "https://127.0.0.1:1"]));
    refused(2, &evenkeel(&["status", "--url", "http://127.0.0.1:1", "--token-file", "/nonexistent"]));
    assert!(daemon.take_asked().is_empty());
}

#[test]
fn completion_and_manual_name_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = done(&evenkeel(&["completion", shell]));
        assert!(script.contains("drain") && script.contains("token-file"), "{shell}");
    }
    let directory = tempfile::tempdir().unwrap();
    done(&evenkeel(&["man", "--dir", directory.path().to_str().unwrap()]));
    let page = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert!(page("evenkeel.8").contains("evenkeel\\-drain(8)"));
    let drain = page("evenkeel-drain.8");
    assert!(drain.contains(".SH EXAMPLES") && drain.contains("evenkeel activate web s1 s2"), "{drain}");
    assert_eq!(done(&evenkeel(&["man", "drain"])), drain);
    assert_eq!(done(&evenkeel(&["man", "traffic", "client"])), page("evenkeel-traffic-client.8"));
    assert!(done(&evenkeel(&["man"])).contains(".TH evenkeel 8"));
}
