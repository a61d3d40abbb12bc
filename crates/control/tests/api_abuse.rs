//! Abuse of every operation that the document of the API knows: wrong bodies, paths and queries of all kinds are refused with a
//! problem document and change nothing, and the daemon goes on.
//!
//! What single refusals say is in `api_refusals.rs`; here nothing is left out, also not what comes to the document later.

mod daemon;
mod plant;

use daemon::{Answer, CONFIG, Daemon, request};
use serde_json::{Value, json};

/// An operation of the document, with a group and a nexthop that are there in its path.
struct Operation {
    method: String,
    /// As the document has it.
    template: String,
    path: String,
    /// A good body, if it takes one.
    body: Option<Value>,
    queries: Vec<String>,
}

/// Values that are good nowhere, but as a name of a text (`/file`) or, for null, as if nothing were said.
fn nasty_values() -> Vec<Value> {
    let deep = |open: &str, close: &str| {
        serde_json::from_str(&format!("{}7{}", open.repeat(100), close.repeat(100))).unwrap_or(Value::Null)
    };
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!(u64::MAX),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"": null}),
        json!(""),
        json!("\u{0}"),
        json!("\r\nX-Injected: yes"),
        json!("\u{1b}[2J\u{202e}"),
        json!("../../../etc/shadow"),
        json!("' OR 1=1; --"),
        json!("%s%n${jndi:ldap://192.0.2.1}"),
        json!("💥".repeat(1000)),
        json!("x".repeat(200_000)),
        deep("[", "]"),
        deep("{\"a\":", "}"),
    ]
}

/// The same for a part of a path or a query, ready to be sent.
const NASTY_PARTS: &[&str] = &[
    "%00",
    "%ff%fe",
    "%",
    "%zz",
    "..",
    "%2e%2e%2f%2e%2e",
    "%0d%0aX-Injected:%20yes",
    "-1",
    "1e99",
    "18446744073709551616",
    "%F0%9F%92%A5",
    "%5B::1",
    "0.0.0.0/-1",
    "192.0.2.1/33",
    "192.0.2.1:65536",
    "%1b%5B2J",
];

fn operations(daemon: &Daemon) -> Vec<Operation> {
    let document = daemon.ask("GET", "/v1/openapi.json", None).json();
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(template, operations)| {
        let methods = operations.as_object().unwrap().iter();
        methods.map(|(method, operation)| Operation::new(template, method, operation))
    });
    // a stream of events has no end
    let all: Vec<_> = all.filter(|operation| operation.template != "/v1/events").collect();
    assert!(all.len() > 15, "the document lost operations");
    all
}

impl Operation {
    fn new(template: &str, method: &str, operation: &Value) -> Self {
        let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let query = |parameter: &Value| {
            (parameter["in"] == "query").then(|| parameter["name"].as_str().unwrap().to_owned())
        };
        Self {
            method: method.to_uppercase(),
            template: template.to_owned(),
            path: template.replace("{group}", "web").replace("{nexthop}", "s1"),
            body: schema.map(|schema| good_body(schema.rsplit('/').next().unwrap())),
            queries: parameters.iter().filter_map(query).collect(),
        }
    }

    fn ask(&self, daemon: &Daemon, path: &str, body: Option<&Value>) -> Answer {
        let body = body.or(self.body.as_ref()).map(Value::to_string);
        daemon.ask(&self.method, path, body.as_deref())
    }

    fn reads(&self) -> bool {
        self.method == "GET"
    }
}

/// A body of this name in the document that is taken.
fn good_body(schema: &str) -> Value {
    match schema {
        "Changes" => json!({"changes": [{"group": "web", "nexthop": "s2", "action": "drain"}]}),
        "NewNexthop" => {
            json!({"address": "198.51.100.1", "weight": 1, "interface": "lo", "mac": "02:00:00:00:02:01"})
        }
        "NexthopPatch" => json!({"weight": 3, "state": "draining"}),
        "Pin" => json!({"group": "web", "nexthop": "s1", "source": "203.0.113.0/24", "idle_timeout": "1h"}),
        "PlanRequest" => json!({"config": CONFIG, "file": "next.toml"}),
        "Reload" => json!({"config": CONFIG, "file": "next.toml", "dry_run": true}),
        other => panic!("{other} has no good body here"),
    }
}

/// What must not change: generation, services, groups and their buckets, nexthops, pins.
fn state(daemon: &Daemon) -> Vec<String> {
    let parts = ["services", "groups", "groups/web/buckets", "nexthops", "pins"];
    let parts = parts.iter().map(|part| {
        let answer = daemon.ask("GET", &format!("/v1/{part}"), None);
        assert_eq!(answer.status, 200, "{answer:?}");
        without_time(answer.json()).to_string()
    });
    std::iter::once(daemon.status().generation.to_string()).chain(parts).collect()
}

/// The same without what time alone changes.
fn without_time(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.retain(|key, _| !key.ends_with("_ms") && !key.ends_with("_per_second"));
            members.values_mut().for_each(|value| *value = without_time(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| *value = without_time(value.take())),
        _ => {}
    }
    value
}

/// A refusal says why, and has changed nothing.
fn assert_refused(daemon: &Daemon, answer: &Answer, before: &[String], what: &str) {
    assert!((400..500).contains(&answer.status), "{what:.300}: {answer:?}");
    answer.problem();
    assert!(!answer.head.contains("x-injected"), "{what:.300}: {answer:?}");
    assert!(answer.body.len() < 10_000, "{what:.300}: a refusal repeats {} bytes", answer.body.len());
    assert_eq!(state(daemon), before, "{what:.300} has changed something: {answer:?}");
}

/// The places of a body, as pointers.
fn places(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| self::places(value, &format!("{at}/{key}"), places));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| {
                self::places(value, &format!("{at}/{index}"), places);
            });
        }
        _ => {}
    }
}

#[test]
fn no_wrong_value_at_any_place_of_any_body_is_taken() {
    let daemon = Daemon::start();
    let before = state(&daemon);
    for operation in operations(&daemon) {
        let Some(good) = &operation.body else { continue };
        let mut all = Vec::new();
        places(good, "", &mut all);
        for place in all {
            for nasty in nasty_values() {
                let mut body = good.clone();
                *body.pointer_mut(&place).unwrap() = nasty.clone();
                let what = format!("{} {} {body}", operation.method, operation.path);
                // what is said of a file in messages is free, null is as if nothing were said, and so a reload may say nothing
                let is_free = good.pointer(&place) == Some(&nasty)
                    || place == "/file" && nasty.is_string()
                    || nasty.is_null() && !place.is_empty()
                    || nasty == json!({}) && place.is_empty() && operation.template == "/v1/reload";
                if is_free {
                    continue;
                }
                let answer = operation.ask(&daemon, &operation.path, Some(&body));
                assert_refused(&daemon, &answer, &before, &what);
            }
        }
        let mut more = good.clone();
        more.as_object_mut().unwrap().insert("unknown".into(), json!(1));
        let answer = operation.ask(&daemon, &operation.path, Some(&more));
        assert_refused(&daemon, &answer, &before, "a key too many");
    }
}

#[test]
fn no_text_that_is_not_such_a_body_is_taken() {
    let daemon = Daemon::start();
    let before = state(&daemon);
    let texts: [&[u8]; 14] = [
        b"",
        b" ",
        b"{",
        b"}",
        b"{}x",
        b"[]",
        b"7",
        b"NaN",
        b"\"changes\"",
        b"{\"changes\":}",
        b"\xff\xfe{\x00}\x00",
        b"{\"config\":\"\xc3\x28\"}",
        b"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY x SYSTEM \"file:///etc/shadow\">]>",
        b"changes[0][action]=drain",
    ];
    let twice = br#"{"changes":[],"changes":[{"group":"web","nexthop":"s1","action":"drain"}]}"#;
    let deep = [b"[".repeat(1 << 18), b"{\"a\":".repeat(1 << 16)];
    for operation in operations(&daemon).iter().filter(|operation| operation.body.is_some()) {
        for text in texts.into_iter().chain([&twice[..]]).chain(deep.iter().map(Vec::as_slice)) {
            let head = format!(
                "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n",
                operation.method,
                operation.path,
                text.len()
            );
            let answer = daemon.send(&[head.as_bytes(), text].concat());
            let what =
                format!("{} {} {:?}", operation.method, operation.path, text.get(..80).unwrap_or(text));
            assert_refused(&daemon, &answer, &before, &what);
        }
    }
}

#[test]
fn no_wrong_path_or_query_changes_anything() {
    let daemon = Daemon::start();
    let before = state(&daemon);
    let long = "x".repeat(5000);
    for operation in operations(&daemon) {
        for part in NASTY_PARTS.iter().copied().chain([long.as_str()]) {
            for parameter in ["{group}", "{nexthop}"] {
                if !operation.template.contains(parameter) {
                    continue;
                }
                let path = operation.template.replace(parameter, part);
                let path = path.replace("{group}", "web").replace("{nexthop}", "s1");
                let answer = operation.ask(&daemon, &path, None);
                assert_refused(&daemon, &answer, &before, &format!("{} {path}", operation.method));
            }
            for query in operation.queries.iter().map(String::as_str).chain(["unknown"]) {
                let path = format!("{}?{query}={part}", operation.path);
                let answer = operation.ask(&daemon, &path, None);
                // a name that nobody has may be asked for
                if operation.reads() && answer.status == 200 {
                    assert_eq!(state(&daemon), before);
                } else {
                    assert_refused(&daemon, &answer, &before, &format!("{} {path}", operation.method));
                }
            }
        }
    }
}

#[test]
fn no_method_but_those_of_the_document_is_taken() {
    let daemon = Daemon::start();
    let before = state(&daemon);
    let all = operations(&daemon);
    for operation in &all {
        for method in
            ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "OPTIONS", "PROPFIND", "x"]
        {
            let is_known = |other: &Operation| other.template == operation.template && other.method == method;
            if all.iter().any(is_known) {
                continue;
            }
            let answer = daemon.ask(method, &operation.path, Some("{}"));
            assert_refused(&daemon, &answer, &before, &format!("{method} {}", operation.path));
        }
    }
}

#[test]
fn a_batch_with_one_wrong_change_does_nothing_of_it() {
    let daemon = Daemon::start();
    let before = state(&daemon);
    let good = |nexthop: &str, action: &str| json!({"group": "web", "nexthop": nexthop, "action": action});
    let wrong = [
        good("nobody", "drain"),
        good("s1", "add"),
        json!({"group": "web", "nexthop": "s1", "action": "weight", "weight": 1001}),
        json!({"group": "web", "nexthop": "s3", "action": "add", "address": "198.51.100.2"}),
    ];
    for wrong in wrong {
        for place in 0..=3 {
            let mut changes = vec![good("s1", "drain"), good("s2", "remove"), good("s1", "remove")];
            changes.insert(place, wrong.clone());
            let body = json!({ "changes": changes }).to_string();
            let answer = daemon.ask("POST", "/v1/changes", Some(&body));
            assert_refused(&daemon, &answer, &before, &body);
            let fields = answer.problem();
            assert!(fields[0].starts_with(&format!("/changes/{place}")), "{fields:?}: {body}");
        }
    }
}

#[test]
fn what_is_asked_for_twice_is_done_once() {
    let all = operations(&Daemon::start());
    for operation in all.iter().filter(|operation| !operation.reads()) {
        let daemon = Daemon::start();
        let path = match (&*operation.method, &*operation.template) {
            ("DELETE", "/v1/pins") => format!("{}?group=web&source=203.0.113.0/24", operation.path),
            _ => operation.path.clone(),
        };
        let first = operation.ask(&daemon, &path, None);
        assert!((200..300).contains(&first.status), "{} {path}: {first:?}", operation.method);
        let once = state(&daemon);
        let second = operation.ask(&daemon, &path, None);
        assert!((200..300).contains(&second.status), "{} {path}: {second:?}", operation.method);
        assert_eq!(state(&daemon), once, "{} {path}", operation.method);
    }
}

#[test]
fn half_requests_of_all_lengths_change_nothing() {
    let daemon = Daemon::start();
    let before = state(&daemon);
    let body = json!({"changes": [{"group": "web", "nexthop": "s1", "action": "drain"}]}).to_string();
    let whole = request("POST", "/v1/changes", Some(&body));
    for len in (1..whole.len()).step_by(7) {
        use std::io::Write;
        let mut stream = std::os::unix::net::UnixStream::connect(daemon.socket()).unwrap();
        stream.write_all(&whole.as_bytes()[..len]).unwrap();
        // gone before it has sent all
        drop(stream);
    }
    assert_eq!(state(&daemon), before);
}
