//! What changes while connections are open: drain, return, death of a server, end and restart of the daemon.

use std::slice;
use std::thread;
use std::time::{Duration, Instant};

use evenkeel_testbed::demo::{self, Run, steps};
use evenkeel_testbed::forwarder::Kind;
use evenkeel_testbed::lab::daemon::Daemon;
use evenkeel_testbed::lab::{self, Lab, LabSpec, Wiring, config};
use evenkeel_testbed::load::{Load, LoadSpec};
use nix::sys::signal::Signal;

#[test]
fn the_demonstration_loses_only_what_dies() {
    if !lab::available("the_demonstration_loses_only_what_dies") {
        return;
    }
    let run = demo::run(Kind::Evenkeel).unwrap();
    assert!(run.held >= 200, "{} connections", run.held);
    assert_eq!((run.lost_by_changes(), run.lost_beside_the_dead()), (0, 0), "{}", page(&run));
    // A drained server keeps what it has and gets nothing new, but what was under way before the reload was done.
    let drained = run.step(steps::DRAIN);
    assert!(drained.opened.get("s1").copied().unwrap_or(0) <= 10, "{:?}", drained.opened);
    assert!(drained.responses["s1"] > 100, "{:?}", drained.responses);
    assert!(run.step(steps::RETURN).opened["s1"] > 10, "{:?}", run.step(steps::RETURN).opened);
    // Its own flows were moved to others, which reset them: each counted, each counted once.
    let moved = run.report.as_ref().unwrap()["flows"]["moved"].as_u64().unwrap();
    assert!(moved > 0, "{:?}", run.report);
}

/// The page that the demonstration prints, and why connections were lost.
fn page(run: &Run) -> String {
    let mut page = Vec::new();
    demo::print(&mut page, slice::from_ref(run)).unwrap();
    let causes: Vec<_> = run.steps.iter().map(|step| (&step.step, step.causes())).collect();
    format!("{}{causes:?}", String::from_utf8_lossy(&page))
}

#[test]
fn a_bad_configuration_changes_nothing() {
    if !lab::available("a_bad_configuration_changes_nothing") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 2, ..LabSpec::default() }).unwrap();
    let good = config::web(&lab, &[]);
    let mut daemon = Daemon::start(&lab, &good).unwrap();
    let load =
        Load::start(lab.client(), LoadSpec { held_per_vip: 20, ..LoadSpec::default() }, "load").unwrap();
    load.wait_until_held(Duration::from_secs(10)).unwrap();
    let said = daemon.reload(&good.replace("192.0.2.10", "192.0.2.310")).unwrap();
    thread::sleep(Duration::from_secs(1));
    load.wait_until_held(Duration::from_secs(1)).unwrap();
    let steps = load.finish().unwrap();
    assert!(steps[0].lost.is_empty(), "{:?}", steps[0].causes());
    assert!(daemon.log().contains("192.0.2.310"), "{said}\n{}", daemon.log());
    daemon.stop().unwrap();
}

#[test]
fn signals_end_it_within_a_second() {
    if !lab::available("signals_end_it_within_a_second") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 1, ..LabSpec::default() }).unwrap();
    let config = config::web(&lab, &[]);
    let report = Daemon::start(&lab, &config).unwrap().stop().unwrap();
    assert!(report.took < Duration::from_secs(1), "SIGTERM: {:?}", report.took);

    let mut daemon = Daemon::start(&lab, &config).unwrap();
    let began = Instant::now();
    daemon.process().signal(Signal::SIGINT).unwrap();
    let status = daemon.process().wait(Duration::from_secs(3)).unwrap();
    assert!(status.success(), "{status}");
    assert!(began.elapsed() < Duration::from_secs(1), "SIGINT: {:?}", began.elapsed());
    assert_eq!(xdp_programs(&lab), 0);
}

#[test]
fn kill_9_leaves_no_program_and_connections_outlive_the_restart() {
    if !lab::available("kill_9_leaves_no_program_and_connections_outlive_the_restart") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 3, wiring: Wiring::Direct, queues: 1 }).unwrap();
    let config = config::web(&lab, &[]);
    let daemon = Daemon::start(&lab, &config).unwrap();
    assert_eq!(xdp_programs(&lab), 4, "one on each interface");
    // No new connections: while nobody forwards, the kernel answers them that there is no route.
    let spec = LoadSpec { short_interval: None, timeout: Duration::from_secs(5), ..LoadSpec::default() };
    let load = Load::start(lab.client(), spec, "load").unwrap();
    load.wait_until_held(Duration::from_secs(15)).unwrap();

    load.step("kill -9");
    daemon.kill();
    let gone = Instant::now() + Duration::from_secs(2);
    while xdp_programs(&lab) > 0 {
        assert!(Instant::now() < gone, "programs stay attached");
        thread::sleep(Duration::from_millis(10));
    }
    let restarted = Instant::now();
    let daemon = Daemon::start(&lab, &config).unwrap();
    assert!(restarted.elapsed() < Duration::from_secs(3), "ready after {:?}", restarted.elapsed());
    thread::sleep(Duration::from_secs(3));
    let steps = load.finish().unwrap();
    // The buckets are the same again, and every flow is adopted where it was.
    assert!(steps[1].lost.is_empty(), "{:?}", steps[1].causes());
    let report = daemon.stop().unwrap();
    assert!(report.number("/flows/adopted").unwrap() >= 200, "{}", report.json());
}

/// XDP programs on the load balancer's interfaces.
fn xdp_programs(lab: &Lab) -> usize {
    let links = lab.balancer().run("ip -j link show type veth").unwrap();
    let links: serde_json::Value = serde_json::from_str(&links).unwrap();
    links.as_array().unwrap().iter().filter(|link| link.get("xdp").is_some()).count()
}
