//! What is left of a process that ends in any way: nothing; and starting again works at once. Needs root.

mod lab;

use evenkeel_nexthop::PortId;
use lab::{Act, Balancer, Lab, VIP4, enter, service};
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Tells the test below to be the process that is killed, in the namespace that it names.
const NAMESPACE: &str = "EVENKEEL_AFXDP_TEST_NAMESPACE";
const TEST: &str = "killed_processes_leave_nothing_and_are_replaced_at_once";
const READY: &str = "balancer is ready";

#[test]
fn killed_processes_leave_nothing_and_are_replaced_at_once() {
    if let Ok(namespace) = env::var(NAMESPACE) {
        balance_until_killed(&namespace);
    }
    let lab = Lab::two_armed();
    for round in 0..3 {
        let mut child = start(&lab);
        for interface in ["eth1", "eth2"] {
            let link = lab.ip("lb", &format!("link show {interface}"));
            assert!(link.contains("prog/xdp"), "attached: {link}");
        }
        assert!(lab.ip("lb", "link show").contains("ek-punt"), "round {round}");
        // SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    wait_until_nothing_is_left(&lab);
}

/// Starts the child and waits until it is ready.
fn start(lab: &Lab) -> Child {
    let before = Instant::now();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(NAMESPACE, lab.namespace("lb"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let ready = output.lines().map_while(Result::ok).any(|line| line.contains(READY));
    assert!(ready, "the child ended before it was ready");
    assert!(before.elapsed() < Duration::from_secs(10), "ready after {:?}", before.elapsed());
    child
}

fn balance_until_killed(namespace: &str) -> ! {
    enter(namespace);
    let _balancer =
        Balancer::start(namespace, &["eth1", "eth2"], &[service(VIP4, &[])], Act::Forward(PortId(1)));
    println!("{READY}");
    // Longer than the test lasts, and yet not for ever if that dies.
    thread::sleep(Duration::from_secs(60));
    std::process::exit(1);
}

fn wait_until_nothing_is_left(lab: &Lab) {
    let end = Instant::now() + Duration::from_secs(2);
    loop {
        let links = lab.ip("lb", "link show");
        if !links.contains("prog/xdp") && !links.contains("ek-punt") {
            return;
        }
        assert!(Instant::now() < end, "left: {links}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn dropping_detaches() {
    let lab = Lab::two_armed();
    let namespace = lab.namespace("lb");
    let start = move || {
        let services = [service(VIP4, &[])];
        Balancer::start(&namespace, &["eth1"], &services, Act::Forward(PortId(0)))
    };
    let balancer = lab.spawn("lb", start).join().unwrap();
    assert!(lab.ip("lb", "link show eth1").contains("prog/xdp"));
    balancer.stop();
    wait_until_nothing_is_left(&lab);
}
