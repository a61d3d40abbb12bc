//! A daemon with two workers that are fed with frames by hand, whose API listens in a directory of its own. Nothing of the
//! machine is touched: its one interface is the loopback, and its nexthops have their MACs.

#![allow(dead_code, reason = "each test file uses a part of it")]

#[path = "../changes/workers.rs"]
mod workers;

use super::plant::Bare;
use evenkeel_control::api::Server;
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::Status;
use evenkeel_control::config::{ApiConfig, Config};
use evenkeel_control::live::{self, LiveHandle, LivePort, LiveSpec};
use evenkeel_nexthop::{Liveness, PortId};
use evenkeel_packet::Mac;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use workers::Workers;

/// The configuration of the daemon.
pub(crate) const CONFIG: &str = r#"
[[interface]]
name = "lo"
[[service]]
name = "web"
vip = "192.0.2.10"
protocol = "tcp"
ports = [80, 443]
group = "web"
[[service]]
name = "names"
vip = "192.0.2.53"
protocol = "udp"
group = "names"
[[group]]
name = "web"
buckets = 64
[[group.nexthop]]
name = "s1"
address = "198.51.100.1"
interface = "lo"
mac = "02:00:00:00:02:01"
[[group.nexthop]]
name = "s2"
address = "198.51.100.2"
interface = "lo"
mac = "02:00:00:00:02:02"
[[group]]
name = "names"
buckets = 128
[[group.nexthop]]
name = "a/b c"
address = "2001:db8:1::1"
interface = "lo"
mac = "02:00:00:00:03:01"
"#;

/// A daemon under test.
pub(crate) struct Daemon {
    pub(crate) handle: LiveHandle,
    pub(crate) workers: Workers,
    directory: TempDir,
}

impl Daemon {
    /// One that listens on its unix socket alone.
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    pub(crate) fn start_with(api: Option<&ApiConfig>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("evenkeel.toml");
        std::fs::write(&file, CONFIG).unwrap();
        let config = Config::read(&file).unwrap();
        let mac = Mac([2, 0, 0, 0, 1, 1]);
        let ports = vec![LivePort { port: PortId(0), name: "lo".to_owned(), ifindex: 1, mac }];
        let (liveness, epoch) = (Arc::new(Liveness::new()), Instant::now());
        let mut desired = config.desired(vec![mac]).unwrap();
        let workers = Workers::start(desired.snapshot(&liveness), &liveness, epoch);
        let spec = LiveSpec {
            desired,
            config,
            state_file: None,
            config_file: Some(file),
            ports: ports.clone(),
            liveness,
            workers: workers.counters.clone(),
            mailboxes: workers.mailboxes.clone(),
            epoch,
            plant: Box::new(Bare::new(ports)),
        };
        let server = Server::bind(&directory.path().join("api.sock"), api).unwrap();
        let handle = live::start(spec, workers.publisher()).unwrap();
        // from here on nothing changes by itself
        assert_eq!(handle.initial_resolution(Duration::from_secs(10)), []);
        let control = handle.client();
        handle.spawn(async move { server.serve(control).await.unwrap() });
        Self { handle, workers, directory }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("api.sock")
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("evenkeel.toml")
    }

    pub(crate) fn client(&self) -> Client {
        Client::unix(&self.socket()).unwrap()
    }

    pub(crate) fn status(&self) -> Status {
        self.client().status().unwrap()
    }

    /// The answer to bytes on the unix socket.
    pub(crate) fn send(&self, bytes: &[u8]) -> Answer {
        Answer::of(UnixStream::connect(self.socket()).unwrap(), bytes)
    }

    /// The answer to a request without a body, or with one that is JSON.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        self.send(request(method, path, body).as_bytes())
    }
}

/// A request; its connection ends with the answer.
pub(crate) fn request(method: &str, path: &str, body: Option<&str>) -> String {
    let body = body.map_or("\r\n".to_owned(), |body| {
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    });
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{body}")
}

/// The answer to bytes on TCP.
pub(crate) fn send_tcp(port: u16, bytes: &[u8]) -> Answer {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    Answer::of(stream, bytes)
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn of(mut stream: impl Read + Write, bytes: &[u8]) -> Self {
        // a daemon that refuses need not take all of it
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap();
        let body = if head.contains("transfer-encoding: chunked") { "" } else { body };
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The fields of a problem document, which this must be.
    pub(crate) fn problem(&self) -> Vec<String> {
        assert!(self.head.contains("content-type: application/problem+json"), "{self:?}");
        let problem = self.json();
        let text =
            |key: &str| problem[key].as_str().unwrap_or_else(|| panic!("no {key}: {self:?}")).to_owned();
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert!(text("type").starts_with("urn:evenkeel:problem:"), "{self:?}");
        assert!(!text("title").is_empty() && !text("detail").is_empty(), "{self:?}");
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let field = |error: &Value| {
            assert!(!error["reason"].as_str().unwrap().is_empty());
            error["field"].as_str().unwrap().to_owned()
        };
        errors.iter().map(field).collect()
    }
}

/// A port of the loopback that nobody listens at.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
