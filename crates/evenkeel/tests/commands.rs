//! The commands that read a configuration: what they print, and their exit status.

use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

const CONFIG: &str = r#"
[[interface]]
name = "eth1"

[[service]]
name = "web"
vip = "192.0.2.10"
protocol = "tcp"
ports = [80]
group = "web"

[[service]]
name = "web6"
vip = "2001:db8::10"
protocol = "udp"
group = "web"

[[service]]
name = "closed"
vip = "192.0.2.11"
protocol = "tcp"
group = "nobody"

[[group]]
name = "web"
buckets = 256

[[group.nexthop]]
name = "s1"
address = "198.51.100.1"

[[group.nexthop]]
name = "s2"
address = "198.51.100.2"
weight = 3

[[group]]
name = "nobody"
buckets = 64
"#;

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }
}

fn evenkeel(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evenkeel")).args(arguments).output().unwrap()
}

/// Standard output of a command that is done with status 0.
fn done(arguments: &[&str]) -> String {
    let output = evenkeel(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a command that ends with a status.
fn refused(status: i32, arguments: &[&str]) -> String {
    let output = evenkeel(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
    stderr
}

fn path(config: &str, src: &str, dst: &str, protocol: &str) -> Value {
    let arguments =
        ["path", "--config", config, "--src", src, "--dst", dst, "--protocol", protocol, "--json"];
    serde_json::from_str(&done(&arguments)).unwrap()
}

#[test]
fn check_says_what_a_good_file_holds_and_what_is_odd_in_it() {
    let files = Files::new();
    let config = files.write("lb.toml", CONFIG);
    let config = config.to_str().unwrap();
    let text = done(&["check", "--config", config]);
    assert!(text.starts_with(&format!("{config}: ok\n")), "{text}");
    assert!(text.contains("  service web: 192.0.2.10 tcp, port 80, to group web\n"), "{text}");
    assert!(text.contains("  group web: 256 buckets, 2 nexthops\n"), "{text}");
    assert!(text.contains("lb.toml:37:1: warning: the group \"nobody\" takes no new flow"), "{text}");
}

#[test]
fn check_refuses_a_bad_file_with_all_its_mistakes() {
    let files = Files::new();
    let bad = CONFIG.replace("192.0.2.10", "192.0.2.310").replace("weight = 3", "wieght = 3");
    let config = files.write("bad.toml", &bad);
    let config = config.to_str().unwrap();
    let stderr = refused(2, &["check", "--config", config]);
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(lines[0].starts_with(&format!("{config}:7:7: `vip = \"192.0.2.310\"` is not")), "{stderr}");
    assert!(lines[1].starts_with(&format!("{config}:35:1: unknown key `wieght`")), "{stderr}");
    let output = evenkeel(&["check", "--config", config, "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&json["ok"], &json["mistakes"][0]["line"], &json["mistakes"][0]["column"]),
        (&false.into(), &7.into(), &7.into())
    );
}

#[test]
fn a_file_that_is_not_there_is_exit_status_2_for_every_command() {
    for command in ["check", "buckets"] {
        let stderr = refused(2, &[command, "--config", "/nonexistent/lb.toml"]);
        assert!(stderr.starts_with("/nonexistent/lb.toml: cannot be read: "), "{stderr}");
    }
}

#[test]
fn buckets_names_the_nexthop_of_every_bucket() {
    let files = Files::new();
    let config = files.write("lb.toml", CONFIG);
    let config = config.to_str().unwrap();
    let json: Value = serde_json::from_str(&done(&["buckets", "--config", config, "--json"])).unwrap();
    let [web, nobody] = json["groups"].as_array().unwrap().as_slice() else { panic!("two groups: {json}") };
    assert_eq!(web["name"], "web");
    let buckets = web["buckets"].as_array().unwrap();
    let of = |name: &str| buckets.iter().filter(|bucket| **bucket == name).count();
    assert_eq!((buckets.len(), of("s1") + of("s2")), (256, 256));
    let shares = web["shares"].as_array().unwrap();
    assert_eq!(shares.len(), 2);
    for (share, (name, want)) in shares.iter().zip([("s1", 64.0), ("s2", 192.0)]) {
        assert_eq!((&share["nexthop"], &share["want"]), (&name.into(), &want.into()));
        assert_eq!(share["buckets"], of(name), "shares count the buckets");
    }
    assert!(nobody["buckets"].as_array().unwrap().iter().all(Value::is_null), "nobody can serve");
    assert_eq!(nobody["shares"], Value::Array(Vec::new()));
}

#[test]
fn buckets_of_one_group_and_of_one_that_is_not_there() {
    let files = Files::new();
    let config = files.write("lb.toml", CONFIG);
    let config = config.to_str().unwrap();
    let text = done(&["buckets", "--config", config, "--group", "nobody"]);
    assert!(text.starts_with("group nobody: 64 buckets\n") && !text.contains("web"), "{text}");
    let stderr = refused(2, &["buckets", "--config", config, "--group", "wbe"]);
    assert!(
        stderr.contains("\"wbe\" is no group") && stderr.contains("allowed: \"web\", \"nobody\""),
        "{stderr}"
    );
}

#[test]
fn path_says_nexthop_bucket_and_why() {
    let files = Files::new();
    let config = files.write("lb.toml", CONFIG);
    let config = config.to_str().unwrap();
    let table: Value = serde_json::from_str(&done(&["buckets", "--config", config, "--json"])).unwrap();
    for (src, dst, protocol, service) in [
        ("203.0.113.5:1000", "192.0.2.10:80", "tcp", "web"),
        ("[2001:db8:1::5]:1000", "[2001:db8::10]:53", "udp", "web6"),
    ] {
        let answer = path(config, src, dst, protocol);
        assert_eq!((&answer["service"], &answer["group"]), (&service.into(), &"web".into()));
        let bucket = answer["bucket"].as_u64().unwrap() as usize;
        assert_eq!(answer["nexthop"], table["groups"][0]["buckets"][bucket], "as the table says");
        assert!(answer["why"].as_str().unwrap().contains(&format!("bucket {bucket}")), "{answer}");
    }
}

#[test]
fn path_says_why_a_flow_has_no_nexthop() {
    let files = Files::new();
    let config = files.write("lb.toml", CONFIG);
    let config = config.to_str().unwrap();
    let why = |dst, protocol| {
        let answer = path(config, "203.0.113.5:1000", dst, protocol);
        assert!(answer["nexthop"].is_null(), "{answer}");
        (answer["verdict"].as_str().unwrap().to_owned(), answer["why"].as_str().unwrap().to_owned())
    };
    let (verdict, reason) = why("192.0.2.10:81", "tcp");
    assert!(
        verdict == "punt" && reason.starts_with("punt: no service of 192.0.2.10 takes tcp port 81"),
        "{reason}"
    );
    let (verdict, reason) = why("192.0.2.99:80", "tcp");
    assert!(verdict == "punt" && reason.starts_with("punt: 192.0.2.99 is no VIP"), "{reason}");
    let (verdict, reason) = why("192.0.2.11:80", "tcp");
    assert!(verdict == "drop" && reason.starts_with("no_nexthop: "), "{reason}");
}

#[test]
fn bad_arguments_are_exit_status_2_and_what_cannot_be_done_is_1() {
    let files = Files::new();
    let config = files.write("lb.toml", CONFIG);
    let config = config.to_str().unwrap();
    let ends = ["--src", "203.0.113.5:1000", "--dst", "192.0.2.10:80", "--protocol", "tcp"];
    let with = |index: usize, value| {
        let mut arguments = [&["path", "--config", config][..], &ends].concat();
        arguments[index] = value;
        refused(2, &arguments)
    };
    assert!(with(4, "203.0.113.5").contains("allowed: ADDR:PORT"));
    assert!(with(4, "[2001:db8::1]:1").contains("different families"));
    assert!(with(8, "sctp").contains("[possible values: tcp, udp]"));
    refused(2, &[]);
    refused(2, &["chekc"]);
}

#[test]
fn every_command_has_an_example() {
    let help = done(&["--help"]);
    let commands =
        help.lines().skip_while(|line| !line.ends_with(':')).take_while(|line| *line != "Options:");
    let names = commands.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<_> = names.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 20, "{help}");
    for name in names {
        let help = done(&[name, "--help"]);
        let is_example = |line: &str| line.split_whitespace().take(2).eq(["evenkeel", name]);
        assert!(help.contains("Example") && help.lines().any(is_example), "{help}");
    }
}
