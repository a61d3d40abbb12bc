//! Bulk traffic through AF_XDP: files arrive unchanged, iperf3 runs, every wiring and every queue works.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use evenkeel_testbed::lab::config::{self, Draining, ServiceText};
use evenkeel_testbed::lab::daemon::{Daemon, Report};
use evenkeel_testbed::lab::plan::{SINGLE4, SINGLE6, WEB4, WEB6, source};
use evenkeel_testbed::lab::process::Process;
use evenkeel_testbed::lab::{self, Lab, LabSpec, Wiring};
use evenkeel_testbed::load::{Load, LoadSpec};

const FILE_BYTES: usize = 100_000_000;

fn url(vip: IpAddr) -> String {
    if vip.is_ipv4() { format!("http://{vip}") } else { format!("http://[{vip}]") }
}

/// Bytes that don't repeat (xorshift64), so that nothing can be swapped unseen.
fn write_noise(path: &Path) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = Vec::with_capacity(FILE_BYTES);
    while noise.len() < FILE_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend_from_slice(&state.to_le_bytes());
    }
    fs::write(path, &noise).unwrap();
    noise
}

fn assert_forwarded_only(report: &Report, at_least: u64) {
    let number = |pointer| report.number(pointer).unwrap();
    assert!(number("/packets/forwarded") >= at_least, "{}", report.json());
    assert_eq!(number("/packets/dropped"), 0, "{}", report.json());
    assert_eq!(number("/flows/moved"), 0, "{}", report.json());
}

#[test]
fn a_file_of_100_mb_arrives_unchanged_in_every_wiring() {
    if !lab::available("a_file_of_100_mb_arrives_unchanged_in_every_wiring") {
        return;
    }
    for wiring in [Wiring::Switched, Wiring::Direct, Wiring::OneArmed] {
        let lab = Lab::lay(LabSpec { servers: 2, wiring, queues: 1 }).unwrap();
        let noise = write_noise(&lab.served_files().join("noise"));
        let daemon = Daemon::start(&lab, &config::web(&lab, &[])).unwrap();
        for vip in [IpAddr::from(WEB4), IpAddr::from(WEB6)] {
            let arrived = lab.directory().join("arrived");
            let mut curl = lab.client().command("curl");
            curl.args(["-sS", "-m", "60", "--interface", &source(vip, 1).to_string(), "-o"]);
            curl.arg(&arrived).arg(format!("{}/files/noise", url(vip)));
            lab::namespace::succeed(&mut curl).unwrap();
            assert!(fs::read(&arrived).unwrap() == noise, "{wiring:?} {vip}: the file changed on its way");
        }
        // What went through were two requests and the acknowledgements of two files.
        assert_forwarded_only(&daemon.stop().unwrap(), 1000);
    }
}

#[test]
fn a_file_of_100_mb_goes_up_unchanged() {
    if !lab::available("a_file_of_100_mb_goes_up_unchanged") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 1, ..LabSpec::default() }).unwrap();
    let sent = lab.directory().join("noise");
    let noise = write_noise(&sent);
    let daemon = Daemon::start(&lab, &config::web(&lab, &[])).unwrap();
    for vip in [IpAddr::from(WEB4), IpAddr::from(WEB6)] {
        let name = if vip.is_ipv4() { "up4" } else { "up6" };
        let mut curl = lab.client().command("curl");
        curl.args(["-sS", "-f", "-m", "60", "--interface", &source(vip, 2).to_string(), "-T"]);
        curl.arg(&sent).arg(format!("{}/files/{name}", url(vip)));
        lab::namespace::succeed(&mut curl).unwrap();
        let arrived = fs::read(lab.served_files().join(name)).unwrap();
        assert!(arrived == noise, "{vip}: the file changed on its way");
    }
    // Full frames of 1448 bytes: 100 MB twice.
    assert_forwarded_only(&daemon.stop().unwrap(), 138_000);
}

#[test]
fn iperf3_runs_for_ten_seconds_over_both_families() {
    if !lab::available("iperf3_runs_for_ten_seconds_over_both_families") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 1, ..LabSpec::default() }).unwrap();
    let service = |name, vip| ServiceText {
        name,
        vip,
        protocol: "tcp",
        ports: &[5201],
        members: vec![(0, Draining::No)],
        idle: None,
    };
    let services = [service("iperf4", SINGLE4.into()), service("iperf6", SINGLE6.into())];
    let daemon = Daemon::start(&lab, &config::text(&lab, &services)).unwrap();
    let mut command = lab.servers()[0].namespace().command("iperf3");
    let mut server =
        Process::start(command.args(["-s", "--forceflush"]), &lab.directory().join("iperf3.log")).unwrap();
    server.wait_for_line(0, Duration::from_secs(5), |line| line.contains("listening")).unwrap();
    for vip in [IpAddr::from(SINGLE4), IpAddr::from(SINGLE6)] {
        let client = format!("iperf3 -J -t 10 -c {vip} -B {}", source(vip, 3));
        let result: serde_json::Value = serde_json::from_str(&lab.client().run(&client).unwrap()).unwrap();
        let received = &result["end"]["sum_received"];
        let seconds = received["seconds"].as_f64().unwrap();
        let bits_per_second = received["bits_per_second"].as_f64().unwrap();
        eprintln!("iperf3 to {vip}: {:.2} Gbit/s for {seconds:.1} s", bits_per_second / 1e9);
        assert!(seconds >= 9.5, "{received}");
        assert!(bits_per_second > 100e6, "{received}");
    }
    assert_forwarded_only_or_full(&daemon.stop().unwrap());
}

/// At the highest rate a full ring may drop, which TCP mends; every other reason would be wrong.
fn assert_forwarded_only_or_full(report: &Report) {
    let full = report.json()["drops"]["tx_ring_full"].as_u64().unwrap_or(0);
    assert_eq!(report.number("/packets/dropped").unwrap(), full, "{}", report.json());
    assert_eq!(report.number("/flows/moved").unwrap(), 0, "{}", report.json());
}

#[test]
fn two_queues_have_two_workers_and_both_carry_traffic() {
    if !lab::available("two_queues_have_two_workers_and_both_carry_traffic") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 2, wiring: Wiring::Direct, queues: 2 }).unwrap();
    let daemon = Daemon::start(&lab, &config::web(&lab, &[])).unwrap();
    let load = Load::start(lab.client(), LoadSpec::default(), "load").unwrap();
    load.wait_until_held(Duration::from_secs(15)).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let steps = load.finish().unwrap();
    assert!(steps[0].lost.is_empty(), "{:?}", steps[0].causes());
    let report = daemon.stop().unwrap();
    let workers = report.workers().unwrap();
    assert_eq!(workers.len(), 2, "{}", report.json());
    for (received, forwarded) in workers {
        assert!(received > 500 && forwarded > 500, "{}", report.json());
    }
}
