//! `evenkeel traffic`: the commands against each other over the loopback interface.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

/// A server on ports of its own.
struct Server {
    process: Child,
    names: String,
    echo: String,
}

impl Server {
    fn start() -> Self {
        let arguments =
            ["server", "--udp", "--host", "s1", "--address", "127.0.0.1:0", "--echo-address", "127.0.0.1:0"];
        let mut process = traffic(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(process.stderr.as_mut().unwrap()).read_line(&mut ready).unwrap();
        let addresses = ready.trim_end().strip_prefix("ready: s1 says its name on ").expect(&ready);
        let (names, echo) = addresses.split_once(", echoes on ").expect(&ready);
        let (names, echo) = (names.to_owned(), echo.to_owned());
        Self { process, names, echo }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn traffic(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.arg("traffic").args(arguments).stdin(Stdio::null());
    if arguments.first() == Some(&"client") {
        // What is tested isn't how busy the machine is.
        command.args(["--answer-timeout", "10s"]);
    }
    command
}

fn output(arguments: &[&str]) -> Output {
    traffic(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn connect_counts_names_and_fails_when_one_fails() {
    let server = Server::start();
    let counted =
        output(&["connect", "--address", &server.names, "--nconn", "50", "--srccidr", "127.7.0.0/16"]);
    assert_eq!(String::from_utf8_lossy(&counted.stdout), "Failed connects; 0\nFailed reads; 0\ns1 50\n");
    let counted =
        json(&output(&["connect", "--address", &server.names, "--udp", "--output", "json", "--seed", "3"]));
    assert_eq!((&counted["hosts"]["s1"], &counted["seed"]), (&1.into(), &3.into()));
    for key in ["connects", "failed_connects", "failed_reads", "start_time", "timeout", "duration"] {
        assert!(!counted[key].is_null(), "{key}: {counted}");
    }

    let failed = output(&["connect", "--address", "127.0.0.1:1", "--nconn", "3"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(failed.stdout.starts_with(b"Failed connects; 3\n"));
    assert_eq!(String::from_utf8_lossy(&failed.stderr), "evenkeel: 3 of 3 connections failed\n");
}

#[test]
fn client_writes_statistics_lines_and_steps() {
    let server = Server::start();
    let arguments = [
        "client",
        "--address",
        &server.echo,
        "--nconn",
        "5",
        "--rate",
        "50",
        "--timeout",
        "2s",
        "--stats",
        "all",
    ];
    let mut client = traffic(&arguments);
    client.args(["--monitor", "--steps"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut client = client.spawn().unwrap();
    client.stdin.take().unwrap().write_all(b"drain s1\nactivate s1\n").unwrap();
    let output = client.wait_with_output().unwrap();

    let stats = json(&output);
    let steps: Vec<_> = stats["Steps"].as_array().unwrap().iter().map(|step| &step["Name"]).collect();
    assert_eq!(steps, ["drain s1", "activate s1"]);
    assert_eq!((&stats["FailedConnections"], &stats["Connections"]), (&0.into(), &5.into()));
    assert_eq!(stats["ConnStats"].as_array().unwrap().len(), 5);
    assert_eq!(stats["ConnStats"][0]["Host"], "s1");
    assert!(stats["Samples"].as_array().unwrap().len() >= 2);
    let lines = String::from_utf8(output.stderr).unwrap();
    let line = lines.lines().last().unwrap();
    let (sent, received) = (&stats["Sent"], &stats["Received"]);
    let expected = format!("Packets send/rec/dropped: {sent}/{received}/{}", stats["Dropped"]);
    assert!(line.starts_with("Conn act/fail/connecting: 5/0/0, ") && line.ends_with(&expected), "{line}");
}

#[test]
fn client_writes_what_is_asked_for() {
    let server = Server::start();
    let client = |more: &[&str]| {
        let arguments =
            ["client", "--address", &server.echo, "--rate", "100", "--timeout", "300ms", "--reconnect=false"];
        output(&[&arguments[..], more].concat())
    };
    let summary = json(&client(&[]));
    assert!(
        summary["Sent"].as_u64() > Some(0) && summary["ConnStats"].is_null() && summary["Samples"].is_null()
    );
    assert!(client(&["--stats", "none"]).stdout.is_empty());
    assert_eq!(json(&client(&["--udp", "--seed", "9"]))["Transport"], "udp");
}

#[test]
fn what_a_client_wrote_is_analysed_and_drawn() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.json");
    let client = ["client", "--address", &server.echo, "--nconn", "5", "--timeout", "1s", "--stats", "all"];
    let written = traffic(&client).stdout(std::fs::File::create(&file).unwrap()).status().unwrap();
    assert!(written.success());
    let file = file.to_str().unwrap();

    let text = |analysis: &str| {
        let output = output(&["analyze", analysis, file]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text("connections").starts_with("Time Active New Failed Connecting\n0.5 5 5 0 0\n"));
    assert!(text("hosts").starts_with("Lost connections: 0\nLasting connections: "));
    assert!(text("throughput").starts_with("Time Throughput\n0."));
    assert_eq!(text("steps"), "Time Lost Step\n0.000 0 start\n");
    let connections = json(&output(&["analyze", "connections", file, "--json"]));
    assert_eq!(connections["seconds"][0]["active"], 5);

    let drawn = directory.path().join("run.svg");
    let run = format!("a run={file}");
    let plotted = output(&["plot", &run, "--title", "One second", "-o", drawn.to_str().unwrap()]);
    assert_eq!(plotted.status.code(), Some(0), "{}", String::from_utf8_lossy(&plotted.stderr));
    let svg = std::fs::read_to_string(drawn).unwrap();
    assert!(svg.contains("One second") && svg.contains("a run: 0 lost"), "{svg}");
    assert!(output(&["plot", file]).stdout.starts_with(b"<svg"));
}

#[test]
fn files_that_are_no_statistics_are_refused_with_their_place() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |text: &str, arguments: &[&str]| {
        let file = directory.path().join("run.json");
        std::fs::write(&file, text).unwrap();
        let output = output(&[arguments, &[file.to_str().unwrap()]].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        String::from_utf8(output.stderr).unwrap()
    };
    let wrong = refused("{\n \"Duration\": \"x\"}", &["analyze", "hosts"]);
    assert!(wrong.contains("run.json:2:16: not the statistics"), "{wrong}");
    assert!(wrong.contains("invalid type: string"), "{wrong}");
    assert!(refused("", &["plot"]).contains("run.json:1:0: not the statistics"));
    let summary = r#"{"Started":"2026-01-01T00:00:00Z","Duration":1,"Rate":1,"Connections":1,"PacketSize":64,"Sent":0,
        "FailedConnections":0,"Received":0,"Dropped":0,"Retransmits":0,"FailedConnects":0}"#;
    assert!(refused(summary, &["analyze", "hosts"]).contains("run.json: there are no connections"));
    assert!(refused(summary, &["plot"]).contains("run: there are no samples"));
    let five = output(&["plot", "a", "b", "c", "d", "e"]);
    assert_eq!(five.status.code(), Some(2));
}

#[test]
fn bad_arguments_are_status_2_and_say_what_is_allowed() {
    for (arguments, expected) in [
        (&["client", "--psize", "63"][..], "allowed: 64 to 65507"),
        (&["client", "--rate", "0"], "allowed: a number above 0"),
        (&["client", "--timeout", "10"], "has no unit"),
        (&["client", "--timeout", "10000h"], "longer than a year"),
        (&["client", "--timeout", "0s"], "allowed: more than 0"),
        (&["client", "--address", "127.0.0.1"], "allowed: ADDR:PORT"),
        (&["client", "--stats", "some"], "possible values: none, summary, all"),
        (&["client", "--srccidr", "198.18.0.0"], "\"198.18.0.0\" is no prefix"),
        (&["client", "--srcfile", "/nonexistent/file"], "/nonexistent/file: "),
        (&["connect", "--nconn", "0"], "0 is not in"),
        (&["connect", "--srccidr", "198.18.0.0/16"], "not of one family"),
        (&["connect", "--srccidr", "2001:db8::/64", "--srcfile", "x"], "cannot be used with"),
        (&["server", "--address", "x"], "allowed: ADDR:PORT"),
        (&["analyze", "hosts", "/nonexistent/run.json"], "/nonexistent/run.json: No such file"),
        (&["analyze", "all", "x"], "possible values: throughput, connections, hosts, steps"),
        (&["plot", "a="], "allowed: FILE or NAME=FILE"),
        (&["plot"], "required"),
        (&["server", "--host", ""], "not 1 to 55 bytes long"),
    ] {
        let output = output(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
}

#[test]
fn every_command_has_an_example() {
    for command in ["server", "connect", "client", "analyze", "plot"] {
        let help = output(&[command, "--help"]);
        let text = String::from_utf8_lossy(&help.stdout);
        assert!(text.contains(&format!("\n  evenkeel traffic {command} ")), "{text}");
    }
}
