//! What the API refuses: each with a problem document that names the field, and nothing changed.

mod daemon;
mod plant;

use daemon::{CONFIG, Daemon, request};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// A batch of one change with these further members.
fn one(rest: &str) -> String {
    format!(r#"{{"changes":[{{"group":"web","nexthop":"s1",{rest}}}]}}"#)
}

/// A request with a body of another type, or of none.
fn typed(kind: &str, body: &str) -> String {
    let request = request("POST", "/v1/changes", Some(body));
    request.replace("Content-Type: application/json\r\n", kind)
}

#[test]
fn every_wrong_request_is_refused_and_changes_nothing() {
    let daemon = Daemon::start();
    let before = (daemon.status().generation, daemon.ask("GET", "/v1/nexthops", None).body);
    let post = |path: &str, body: &str| request("POST", path, Some(body));
    let get = |path: &str| request("GET", path, None);
    let drain = one(r#""action":"drain""#);
    for (request, status, field) in [
        (get("/"), 404, None),
        (get("/v1"), 404, None),
        (get("/v2/status"), 404, None),
        (get("/v1/status/"), 404, None),
        (get("/v1/groups/"), 404, None),
        (get("/v1/../v1/status"), 404, None),
        (get("/v1/groups/none"), 404, Some("group")),
        (get("/v1/groups/none/buckets"), 404, Some("group")),
        (get("/v1/groups/%ff"), 400, None),
        (get("/v1/nexthops?group=none"), 404, Some("group")),
        (get("/v1/nexthops?colour=red"), 422, Some("colour")),
        (request("DELETE", "/v1/status", None), 405, None),
        (request("TRACE", "/v1/status", None), 405, None),
        (request("GET", "/v1/changes", None), 405, None),
        (request("OPTIONS", "/v1/changes", None), 405, None),
        (typed("", &drain), 415, Some("Content-Type")),
        (typed("Content-Type: text/plain\r\n", &drain), 415, Some("Content-Type")),
        (typed("Content-Type: application/x-www-form-urlencoded\r\n", &drain), 415, Some("Content-Type")),
        (typed("Content-Type: application/jsonp\r\n", &drain), 415, Some("Content-Type")),
        (post("/v1/changes", ""), 400, Some("")),
        (post("/v1/changes", "{"), 400, Some("")),
        (post("/v1/changes", "\u{feff}{}"), 400, Some("")),
        (post("/v1/changes", "null"), 422, Some("")),
        (post("/v1/changes", r#"{"changes":[]}"#), 422, Some("/changes")),
        (post("/v1/changes", &one(r#""action":"drop""#)), 422, Some("/changes/0/action")),
        (post("/v1/changes", &one(r#""action":"drain","now":true"#)), 422, Some("/changes/0/now")),
        (post("/v1/changes", &one(r#""action":"weight","weight":1001"#)), 422, Some("/changes/0/weight")),
        (post("/v1/changes", &one(r#""action":"weight","weight":1.5"#)), 422, Some("/changes/0/weight")),
        (
            post("/v1/changes", &one(r#""action":"remove","deadline":"577h""#)),
            422,
            Some("/changes/0/deadline"),
        ),
        (
            post("/v1/changes", &one(r#""action":"drain""#).replace("web", "none")),
            404,
            Some("/changes/0/group"),
        ),
        (
            post("/v1/changes", &one(r#""action":"drain""#).replace("s1", "\\u001b[2J")),
            404,
            Some("/changes/0/nexthop"),
        ),
        (
            post("/v1/changes", &one(r#""action":"add","address":"198.51.100.2""#).replace("s1", "s3")),
            409,
            Some("/changes/0/address"),
        ),
        (
            post("/v1/changes", &one(r#""action":"add","address":"127.0.0.1""#).replace("s1", "s3")),
            422,
            Some("/changes/0/address"),
        ),
        (
            post("/v1/changes", &one(r#""action":"add","address":"192.0.2.10""#).replace("s1", "s3")),
            422,
            Some("/changes/0/address"),
        ),
        (
            post(
                "/v1/changes",
                &one(r#""action":"add","address":"198.51.100.9","interface":"eth9""#).replace("s1", "s3"),
            ),
            422,
            Some("/changes/0/interface"),
        ),
        (
            post(
                "/v1/changes",
                &one(r#""action":"add","address":"198.51.100.9","mac":"ff:ff:ff:ff:ff:ff""#)
                    .replace("s1", "s3"),
            ),
            422,
            Some("/changes/0/mac"),
        ),
        (post("/v1/reload", r#"{"dryrun":true}"#), 422, Some("/dryrun")),
        (post("/v1/reload", r#"{"config":"x"}"#), 422, Some("config:1:2")),
        (post("/v1/reload", r#"{"config":7}"#), 422, Some("/config")),
        (post("/v1/reload", r#"{"file":"/etc/shadow"}"#), 422, Some("/file")),
    ] {
        let answer = daemon.send(request.as_bytes());
        assert_eq!(answer.status, status, "{request}\n{answer:?}");
        let fields = answer.problem();
        assert_eq!(fields.first().map(String::as_str), field, "{request}\n{answer:?}");
        assert!(answer.head.contains("cache-control: no-store"), "{answer:?}");
    }
    let after = (daemon.status().generation, daemon.ask("GET", "/v1/nexthops", None).body);
    assert_eq!(before, after);
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let daemon = Daemon::start();
    let answer = daemon.ask("POST", "/v1/groups/web/nexthops/s1", Some("{}"));
    let allow = answer.head.lines().find_map(|line| line.strip_prefix("allow: ")).unwrap().to_owned();
    let mut methods: Vec<_> = allow.split(',').map(str::trim).collect();
    methods.sort_unstable();
    assert_eq!((answer.status, methods), (405, vec!["delete", "get", "head", "patch", "put"]));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let daemon = Daemon::start();
    let long = |bytes: usize| "x".repeat(bytes);
    let head = "POST /v1/changes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let chunk = format!("100000\r\n{}\r\n", long(1 << 20));
    for (request, status) in [
        (request("GET", &format!("/v1/groups/{}", long(9000)), None), 414),
        (request("GET", &format!("/v1/groups/{}", long(500_000)), None), 431),
        (request("GET", &format!("/v1/nexthops?group={}", long(9000)), None), 414),
        (
            request("GET", "/v1/status", None).replace("Host", &format!("X-Long: {}\r\nHost", long(20_000))),
            431,
        ),
        (request("GET", "/v1/status", None).replace("Host", &format!("{}Host", "X: y\r\n".repeat(500))), 431),
        (format!("{head}Content-Length: 1048577\r\n\r\n"), 413),
        (format!("{head}Content-Length: 99999999999999\r\n\r\n"), 413),
        (format!("{head}Content-Length: 99999999999999999999999\r\n\r\n"), 400),
        (format!("{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 400),
        (format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"), 413),
        (format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n"), 400),
        ("\u{16}\u{3}\u{1}\u{2}TLS\r\n\r\n".to_owned(), 400),
    ] {
        let answer = daemon.send(request.as_bytes());
        assert_eq!(answer.status, status, "{request:.100} {answer:?}");
        answer.problem();
    }
    let big = serde_json::to_string(
        &serde_json::json!({ "config": format!("{CONFIG}#{}", long(8 << 20)), "dry_run": true }),
    );
    assert_eq!(
        daemon.ask("POST", "/v1/reload", Some(&big.unwrap())).status,
        200,
        "a configuration may be long"
    );
    let deep = format!(r#"{{"changes":[{}"#, "[".repeat(1 << 19));
    assert_eq!(daemon.ask("POST", "/v1/changes", Some(&deep)).status, 422);
}

#[test]
fn one_request_too_many_is_told_and_the_others_go_on() {
    let daemon = Daemon::start();
    let connect = || UnixStream::connect(daemon.socket()).unwrap();
    let mut first = connect();
    let waiting: Vec<_> = (1..128).map(|_| connect()).collect();
    let refused = daemon.ask("GET", "/v1/status", None);
    assert_eq!(refused.status, 503);
    refused.problem();
    first.write_all(request("GET", "/v1/status", None).as_bytes()).unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(waiting);
    let again = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        daemon.ask("GET", "/v1/status", None).status == 200
    });
    assert!(again);
}

#[test]
fn who_sends_half_a_request_keeps_nobody_waiting() {
    let daemon = Daemon::start();
    let mut slow = UnixStream::connect(daemon.socket()).unwrap();
    let body = one(r#""action":"drain""#);
    let (half, _) = body.split_at(20);
    let length = format!("Content-Length: {}\r\n", body.len());
    let request = request("POST", "/v1/changes", Some(half)).replace("Content-Length: 20\r\n", &length);
    slow.write_all(request.as_bytes()).unwrap();
    let begun = std::time::Instant::now();
    daemon.status();
    assert!(begun.elapsed().as_secs() < 5);
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("urn:evenkeel:problem:slow"), "{answer}");
    assert_eq!(
        daemon.client().nexthop("web", "s1").unwrap().state,
        evenkeel_control::api::model::State::Active
    );
}
