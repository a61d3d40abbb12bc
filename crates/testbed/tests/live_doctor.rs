//! `evenkeel doctor` on interfaces that are laid wrong: what it finds goes when its advice is followed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;

use evenkeel_testbed::lab::daemon::Daemon;
use evenkeel_testbed::lab::namespace::Namespace;
use evenkeel_testbed::lab::{self, Lab, LabSpec, config};
use evenkeel_testbed::workspace;
use serde_json::Value;

/// Rounds of looking and following: some faults show when others are gone.
const ROUNDS: usize = 4;

const CONFIG: &str = r#"
[[interface]]
name = "one"

[[interface]]
name = "two"

[[service]]
name = "web"
vip = "192.0.2.10"
protocol = "tcp"
group = "web"

[[group]]
name = "web"

[[group.nexthop]]
name = "s1"
address = "198.51.100.1"
"#;

/// A veth whose far end sends large packets with unfinished checksums and which is down; another with more queues; and the
/// VIP on the box itself, which routes.
const WRONG: &str = "\
link add one numrxqueues 1 numtxqueues 1 type veth peer name far1 mtu 9000 numrxqueues 1 numtxqueues 1
link add two numrxqueues 2 numtxqueues 2 type veth peer name far2 numrxqueues 2 numtxqueues 2
link set far1 up
link set far2 up
link set two up
route add 192.0.2.0/24 via 198.51.100.1
addr add 192.0.2.10/32 dev lo
";

fn doctor(namespace: &Namespace, arguments: &[&str]) -> Output {
    let program = workspace::evenkeel().unwrap();
    let mut command = namespace.command(&program.to_string_lossy());
    command.arg("doctor").args(arguments).output().unwrap()
}

fn findings(output: &Output) -> Vec<Value> {
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    json["findings"].as_array().unwrap().clone()
}

/// Code and interface of each finding that isn't well.
fn bad(findings: &[Value]) -> BTreeSet<(String, String)> {
    let is_bad = |finding: &&Value| finding["severity"] != "ok";
    let name = |finding: &Value| {
        let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        (word("code"), word("subject"))
    };
    findings.iter().filter(is_bad).map(name).collect()
}

fn is_among(bad: &BTreeSet<(String, String)>, code: &str, subject: &str) -> bool {
    bad.contains(&(code.to_owned(), subject.to_owned()))
}

/// What concerns the interfaces and this network namespace, not the machine.
const LAID: &[&str] = &[
    "interface",
    "queues",
    "xdp_mode",
    "mtu",
    "vlan_offload",
    "peer_checksum",
    "peer_mtu",
    "rp_filter",
    "ip_forward",
    "vip_local",
];

/// Runs the first advice of every finding about what was laid.
fn follow(namespace: &Namespace, findings: &[Value]) {
    let bad = findings.iter().filter(|finding| finding["severity"] != "ok");
    for finding in bad.filter(|finding| LAID.contains(&finding["code"].as_str().unwrap())) {
        let Some(advice) = finding["advice"][0].as_str() else { continue };
        let output = namespace.command("sh").args(["-c", advice]).output().unwrap();
        assert!(output.status.success(), "{advice}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn what_the_doctor_finds_goes_when_its_advice_is_followed() {
    if !lab::available("what_the_doctor_finds_goes_when_its_advice_is_followed") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 1, ..LabSpec::default() }).unwrap();
    let balancer = lab.balancer();
    balancer.ip(WRONG).unwrap();
    balancer.set(&[("ipv4/conf/one/rp_filter", "1")]).unwrap();
    let config = lab.directory().join("doctor.toml");
    fs::write(&config, CONFIG).unwrap();
    let nobody = lab.directory().join("nobody.sock");
    let (config, nobody) = (config.to_str().unwrap(), nobody.to_str().unwrap());
    let look = || doctor(balancer, &["--json", "--config", config, "--socket", nobody]);

    let first = look();
    assert_eq!(first.status.code(), Some(1), "{first:?}");
    let found = bad(&findings(&first));
    for (code, subject) in [
        ("interface", "one"),
        ("queues", "two"),
        ("peer_checksum", "one"),
        ("peer_checksum", "two"),
        ("peer_mtu", "one"),
        ("vlan_offload", "one"),
        ("rp_filter", "one"),
        ("ip_forward", ""),
        ("vip_local", ""),
        ("daemon", ""),
    ] {
        assert!(is_among(&found, code, subject), "{code} {subject} isn't in {found:?}");
    }
    let mut output = first;
    for _ in 0..ROUNDS {
        follow(balancer, &findings(&output));
        output = look();
    }
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let left = bad(&findings(&output));
    let laid: Vec<_> = left.iter().filter(|(code, _)| LAID.contains(&code.as_str())).collect();
    // a veth has no zero-copy, whatever is done
    assert!(laid.iter().all(|(code, _)| code == "xdp_mode"), "{left:?}");
}

#[test]
fn the_doctor_asks_a_running_daemon_and_says_where_to_look() {
    if !lab::available("the_doctor_asks_a_running_daemon_and_says_where_to_look") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 1, ..LabSpec::default() }).unwrap();
    let daemon = Daemon::start(&lab, &config::web(&lab, &[])).unwrap();
    let socket = lab.directory().join("api.sock");
    let output = doctor(lab.balancer(), &["--json", "--socket", socket.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let findings = findings(&output);
    let finding = |code: &str, subject: &str| {
        let is_it = |finding: &&Value| {
            finding["code"] == code && finding["subject"].as_str().unwrap_or_default() == subject
        };
        findings.iter().find(is_it).unwrap_or_else(|| panic!("no {code} {subject} in {findings:?}"))
    };
    assert_eq!(finding("daemon", "")["severity"], "ok");
    assert_eq!(finding("xdp_program", "eth1")["severity"], "ok", "the daemon's own");
    let mode = finding("xdp_mode", "eth2");
    assert!(mode["seen"].as_str().unwrap().starts_with("native, copy"), "{mode}");
    assert_eq!(finding("frames_lost", "eth1")["severity"], "ok");

    // The other end is the client's, in a namespace of its own.
    let checksum = finding("peer_checksum", "eth1");
    assert_eq!(checksum["severity"], "unknown");
    let id = checksum["seen"].as_str().unwrap().rsplit(' ').next().unwrap();
    let named = lab.balancer().run_ip(&format!("netns list-id nsid {id}")).unwrap();
    assert!(named.contains(lab.client().name()), "{named}: {checksum}");
    daemon.stop().unwrap();

    let stopped = doctor(lab.balancer(), &["--socket", socket.to_str().unwrap(), "--interface", "eth1"]);
    let text = String::from_utf8(stopped.stdout).unwrap();
    assert!(text.contains("judged as `run` would find it"), "{text}");
    assert!(!Path::new(&socket).exists(), "the daemon takes its socket away");
}
