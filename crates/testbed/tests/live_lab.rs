//! The lab itself, on the kernel's multipath route: it serves, it loses what the kernel loses, it goes.

use std::fs;
use std::net::IpAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;
use std::time::Duration;

use evenkeel_testbed::lab::plan::{WEB4, WEB6};
use evenkeel_testbed::lab::process::Process;
use evenkeel_testbed::lab::{self, Lab, LabSpec, Wiring, kernel, owner};
use evenkeel_testbed::load::{Load, LoadSpec};
use nix::sys::signal::Signal;

/// Another lab may have to go first.
const PATIENCE: Duration = Duration::from_secs(60);

fn namespaces_of(lab: &str) -> Vec<String> {
    let names = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.starts_with(lab)).collect()
}

#[test]
fn every_wiring_serves_both_families_and_returns_directly() {
    if !lab::available("every_wiring_serves_both_families_and_returns_directly") {
        return;
    }
    for wiring in [Wiring::Switched, Wiring::Direct, Wiring::OneArmed] {
        let lab = Lab::lay(LabSpec { servers: 2, wiring, queues: 2 }).unwrap();
        fs::write(lab.served_files().join("1MB"), vec![7; 1_000_000]).unwrap();
        kernel::route(&lab, &[1]).unwrap();
        for vip in [IpAddr::from(WEB4), IpAddr::from(WEB6)] {
            let source = lab::plan::source(vip, 7);
            let url = if vip.is_ipv4() { format!("http://{vip}") } else { format!("http://[{vip}]") };
            let curl = format!("curl -sS -m 5 --interface {source}");
            assert_eq!(lab.client().run(&format!("{curl} {url}/")).unwrap(), "s2\n", "{wiring:?} {vip}");
            lab.client().run(&format!("{curl} -o /dev/null {url}/files/1MB")).unwrap();
        }
        // Two files of 1 MB went to the client; past the load balancer only what acknowledges them.
        let sent = sent_bytes(&lab);
        assert!((1..200_000).contains(&sent), "{wiring:?}: the load balancer sent {sent} bytes");
    }
}

/// What the load balancer sent on all its interfaces.
fn sent_bytes(lab: &Lab) -> u64 {
    let links = lab.balancer().run("ip -s -j link show type veth").unwrap();
    let links: serde_json::Value = serde_json::from_str(&links).unwrap();
    links.as_array().unwrap().iter().map(|link| link["stats64"]["tx"]["bytes"].as_u64().unwrap()).sum()
}

#[test]
fn kernel_multipath_loses_connections_when_a_server_leaves() {
    if !lab::available("kernel_multipath_loses_connections_when_a_server_leaves") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 4, ..LabSpec::default() }).unwrap();
    kernel::route(&lab, &[0, 1, 2, 3]).unwrap();
    let load = Load::start(lab.client(), LoadSpec::default(), "steady").unwrap();
    load.wait_until_held(Duration::from_secs(10)).unwrap();
    thread::sleep(Duration::from_secs(1));
    load.step("without s1");
    kernel::route(&lab, &[1, 2, 3]).unwrap();
    thread::sleep(Duration::from_secs(3));
    let steps = load.finish().unwrap();

    assert!(steps[0].lost.is_empty(), "{:?}", steps[0].causes());
    assert_eq!(steps[0].responses.len(), 4, "{:?}", steps[0].responses);
    let lost = steps[1].lost.len();
    // RFC 2992: half of all flows move when an edge member leaves; 240 connections.
    assert!((70..=170).contains(&lost), "{lost} lost: {:?}", steps[1].causes());
    // One or two may have been under way when the step began.
    assert!(steps[1].opened.get("s1").copied().unwrap_or(0) <= 2, "{:?}", steps[1].opened);
}

#[test]
fn nothing_is_left_of_a_lab() {
    if !lab::available("nothing_is_left_of_a_lab") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 1, ..LabSpec::default() }).unwrap();
    let name = lab.directory().file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(namespaces_of(&name).len(), 4);
    // A process that nobody knows of goes with its namespace.
    let mut stray = lab.client().command("sleep").arg("600").spawn().unwrap();
    let directory = lab.directory();
    drop(lab);
    assert_eq!(namespaces_of(&name), [""; 0]);
    assert!(!directory.exists());
    assert!(!stray.wait().unwrap().success());
}

#[test]
fn a_panic_removes_the_lab() {
    if !lab::available("a_panic_removes_the_lab") {
        return;
    }
    let panicked = thread::spawn(|| -> () {
        let lab = Lab::lay(LabSpec { servers: 1, ..LabSpec::default() }).unwrap();
        panic!("{}", lab.directory().display());
    });
    let message = panicked.join().unwrap_err();
    let directory = message.downcast_ref::<String>().expect("the lab stood");
    let name = directory.rsplit('/').next().unwrap();
    assert_eq!(namespaces_of(name), [""; 0]);
}

/// `lab up` in a process of its own, and the names of its namespaces without the role.
fn lab_in_a_process() -> (Process, String) {
    let log = std::env::temp_dir().join(format!("live-lab-{}", std::process::id()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    let mut process = Process::start(command.args(["up", "--servers", "1"]), &log).unwrap();
    let line = process.wait_for_line(0, PATIENCE, |line| line.starts_with("load balancer")).unwrap();
    process.wait_for_line(0, PATIENCE, |line| line.contains("ctrl-C")).unwrap();
    fs::remove_file(log).unwrap();
    let name = line.split_whitespace().last().unwrap().strip_suffix("-lb").unwrap().to_owned();
    (process, name)
}

#[test]
fn signals_remove_the_lab() {
    if !lab::available("signals_remove_the_lab") {
        return;
    }
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (mut process, name) = lab_in_a_process();
        assert_eq!(namespaces_of(&name).len(), 4);
        process.signal(signal).unwrap();
        assert_eq!(process.wait(PATIENCE).unwrap().signal(), Some(signal as i32));
        assert_eq!(namespaces_of(&name), [""; 0], "{signal}");
    }
}

#[test]
fn what_a_killed_owner_left_is_swept() {
    if !lab::available("what_a_killed_owner_left_is_swept") {
        return;
    }
    let (mut process, name) = lab_in_a_process();
    process.kill();
    assert_eq!(namespaces_of(&name).len(), 4);
    assert_eq!(owner::sweep().len(), 4);
    assert_eq!(namespaces_of(&name), [""; 0]);
    assert!(!std::env::temp_dir().join(&name).exists());
}
