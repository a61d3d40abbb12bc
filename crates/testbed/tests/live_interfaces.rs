//! Interfaces that come and go by reload while HTTP runs over the others.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use evenkeel_testbed::lab::config::{self, Draining, ServiceText};
use evenkeel_testbed::lab::daemon::Daemon;
use evenkeel_testbed::lab::plan::{SINGLE4, WEB4, WEB6};
use evenkeel_testbed::lab::{self, Lab, LabSpec, Wiring};
use evenkeel_testbed::load::{Load, LoadSpec};

const PATIENCE: Duration = Duration::from_secs(5);
const COMES: &str = "[[interface]]\nname = \"eth4\"\n\n";

/// The web service on s1 and s2, behind interfaces of their own.
fn without(lab: &Lab) -> String {
    config::web_of(lab, &[(0, Draining::No), (1, Draining::No)]).replace(COMES, "")
}

/// The same and a service on s3, behind a third one.
fn with(lab: &Lab) -> String {
    let service = |name, vip, members: &[usize]| ServiceText {
        name,
        vip,
        protocol: "tcp",
        ports: &[80],
        members: members.iter().map(|server| (*server, Draining::No)).collect(),
        idle: None,
    };
    let web = [service("web4", WEB4.into(), &[0, 1]), service("web6", WEB6.into(), &[0, 1])];
    let services = [&web[..], &[service("single", SINGLE4.into(), &[2])]].concat();
    // Its place in the file says nothing.
    COMES.to_owned() + &config::text(lab, &services).replace(COMES, "")
}

/// True if s3 answers on its VIP.
fn is_served(lab: &Lab) -> bool {
    let ask = || -> std::io::Result<String> {
        let limit = Duration::from_secs(1);
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((SINGLE4, 80)), limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    lab.client().within(ask).unwrap().is_ok_and(|answer| answer.ends_with("s3\n"))
}

fn wait_until_served(lab: &Lab, daemon: &Daemon) {
    let until = Instant::now() + PATIENCE;
    while !is_served(lab) {
        assert!(Instant::now() < until, "s3 isn't reached:\n{}", daemon.log());
    }
}

fn has_program(lab: &Lab, interface: &str) -> bool {
    lab.balancer().run(&format!("ip link show {interface}")).unwrap().contains("xdp")
}

#[test]
fn an_interface_comes_and_goes_and_nobody_else_notices() {
    if !lab::available("an_interface_comes_and_goes_and_nobody_else_notices") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 3, wiring: Wiring::Direct, queues: 2 }).unwrap();
    let (without, with) = (without(&lab), with(&lab));
    let mut daemon = Daemon::start(&lab, &without).unwrap();
    let spec =
        LoadSpec { held_per_vip: 60, request_interval: Duration::from_millis(20), ..LoadSpec::default() };
    let load = Load::start(lab.client(), spec, "before").unwrap();
    load.wait_until_held(Duration::from_secs(10)).unwrap();
    for round in 1..=3 {
        load.step(&format!("comes {round}"));
        daemon.reload(&with).unwrap();
        wait_until_served(&lab, &daemon);
        assert!(has_program(&lab, "eth4"));
        load.step(&format!("goes {round}"));
        daemon.reload(&without).unwrap();
        assert!(!has_program(&lab, "eth4"), "{}", daemon.log());
        assert!(!is_served(&lab));
    }
    load.step("back again, and the first of all goes");
    daemon.reload(&with).unwrap();
    wait_until_served(&lab, &daemon);
    // Longer than sockets take to be closed and frames to come back.
    thread::sleep(Duration::from_secs(2));
    for step in load.finish().unwrap() {
        assert!(step.lost.is_empty(), "{}: {:?}\n{}", step.step, step.causes(), daemon.log());
    }
    // Its end says so if a frame is missing or a packet unaccounted for.
    let report = daemon.stop().unwrap();
    assert_eq!(report.number("/flows/moved").unwrap(), 0, "{}", report.json());
}

#[test]
fn the_first_interface_can_go_and_a_made_one_is_taken_up() {
    if !lab::available("the_first_interface_can_go_and_a_made_one_is_taken_up") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 3, wiring: Wiring::Direct, queues: 1 }).unwrap();
    let with = with(&lab);
    let mut daemon = Daemon::start(&lab, &with).unwrap();
    wait_until_served(&lab, &daemon);
    let load =
        Load::start(lab.client(), LoadSpec { held_per_vip: 20, ..LoadSpec::default() }, "all").unwrap();
    load.wait_until_held(Duration::from_secs(10)).unwrap();
    // The first in the file, whose socket the memory was registered with.
    daemon.reload(&without(&lab)).unwrap();
    thread::sleep(Duration::from_secs(1));
    daemon.reload(&with).unwrap();
    wait_until_served(&lab, &daemon);

    // One of the same name that isn't the same.
    lab.balancer().ip("link set eth4 down\nlink set eth4 name old4\n").unwrap();
    lab.balancer()
        .ip("link add eth4 type veth peer name far4\nlink set eth4 up\nlink set far4 up\n")
        .unwrap();
    let said = daemon.reload(&with).unwrap();
    assert!(said.contains("reload"), "{said}\n{}", daemon.log());
    assert!(has_program(&lab, "eth4") && !has_program(&lab, "old4"), "{}", daemon.log());

    for step in load.finish().unwrap() {
        assert!(step.lost.is_empty(), "{}: {:?}\n{}", step.step, step.causes(), daemon.log());
    }
    daemon.stop().unwrap();
}

#[test]
fn interfaces_full_of_traffic_leave_without_a_frame_unaccounted_for() {
    if !lab::available("interfaces_full_of_traffic_leave_without_a_frame_unaccounted_for") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 3, wiring: Wiring::Direct, queues: 2 }).unwrap();
    let with = with(&lab);
    let mut daemon = Daemon::start(&lab, &with).unwrap();
    // No new connections: while the clients' interface is away, the kernel answers them that there is no route.
    let spec = LoadSpec {
        vips: vec![WEB4.into(), WEB6.into(), SINGLE4.into()],
        held_per_vip: 60,
        request_interval: Duration::from_millis(5),
        short_interval: None,
        timeout: Duration::from_secs(5),
        ..LoadSpec::default()
    };
    let load = Load::start(lab.client(), spec, "all").unwrap();
    load.wait_until_held(Duration::from_secs(15)).unwrap();
    // Toward the clients: what is under way is sent again, and goes on when the interface is back.
    daemon.reload(&with.replace("[[interface]]\nname = \"eth1\"\n\n", "")).unwrap();
    assert!(!has_program(&lab, "eth1"), "{}", daemon.log());
    daemon.reload(&with).unwrap();
    // Toward a server: the same.
    daemon.reload(&without(&lab)).unwrap();
    daemon.reload(&with).unwrap();
    thread::sleep(Duration::from_secs(2));
    load.wait_until_held(Duration::from_secs(5)).unwrap();
    for step in load.finish().unwrap() {
        assert!(step.lost.is_empty(), "{}: {:?}\n{}", step.step, step.causes(), daemon.log());
    }
    // Its end says so if a frame is missing or a packet unaccounted for.
    daemon.stop().unwrap();
}

#[test]
fn what_the_box_cannot_do_changes_nothing() {
    if !lab::available("what_the_box_cannot_do_changes_nothing") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 2, wiring: Wiring::Direct, queues: 1 }).unwrap();
    let good = config::web(&lab, &[]);
    lab.balancer()
        .ip("link add many numrxqueues 2 numtxqueues 2 type veth peer name many1 numrxqueues 2 numtxqueues 2\n\
             link add large mtu 3000 type veth peer name large1 mtu 3000\n\
             link add plain type veth peer name plain1\n")
        .unwrap();
    let mut daemon = Daemon::start(&lab, &good).unwrap();
    let load =
        Load::start(lab.client(), LoadSpec { held_per_vip: 20, ..LoadSpec::default() }, "all").unwrap();
    load.wait_until_held(Duration::from_secs(10)).unwrap();
    for (interface, why) in [
        ("many", "ethtool -L many rx 1"),
        ("large", "ip link set large mtu 1770"),
        ("absent", "interface absent is unknown"),
        ("lo", "not an Ethernet interface"),
    ] {
        // A good one before it: it is given back.
        let text = format!(
            "[[interface]]\nname = \"plain\"\n\n[[interface]]\nname = \"{interface}\"\n\n{}",
            good.replace("web6", "renamed6")
        );
        let said = daemon.reload(&text).unwrap();
        assert!(said.starts_with("reload refused") && said.contains(why), "{interface}: {said}");
        assert!(!has_program(&lab, "plain"), "{interface}");
    }
    let more = (0..9).map(|n| format!("[[interface]]\nname = \"more{n}\"\n\n")).collect::<String>();
    let said = daemon.reload(&(more + &good)).unwrap();
    assert!(said.starts_with("reload refused") && said.contains("max_interfaces"), "{said}");
    for step in load.finish().unwrap() {
        assert!(step.lost.is_empty(), "{}: {:?}\n{}", step.step, step.causes(), daemon.log());
    }
    daemon.stop().unwrap();
}

#[test]
fn another_mac_of_its_own_is_followed() {
    if !lab::available("another_mac_of_its_own_is_followed") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 2, wiring: Wiring::Direct, queues: 1 }).unwrap();
    let mut daemon = Daemon::start(&lab, &config::web(&lab, &[])).unwrap();
    let load =
        Load::start(lab.client(), LoadSpec { held_per_vip: 20, ..LoadSpec::default() }, "all").unwrap();
    load.wait_until_held(Duration::from_secs(10)).unwrap();
    let seen = daemon.log().len();
    // It says so itself, or the client would go on sending to the old one.
    lab.balancer().set(&[("ipv4/conf/eth1/arp_notify", "1"), ("ipv6/conf/eth1/ndisc_notify", "1")]).unwrap();
    lab.balancer().ip("link set eth1 address 02:00:00:00:77:01\n").unwrap();
    let is_told = |line: &str| line.contains("eth1 has a new MAC");
    daemon.process().wait_for_line(seen, PATIENCE, is_told).unwrap();
    load.step("after");
    thread::sleep(Duration::from_secs(2));
    let steps = load.finish().unwrap();
    for step in &steps {
        assert!(step.lost.is_empty(), "{}: {:?}\n{}", step.step, step.causes(), daemon.log());
    }
    let report = daemon.stop().unwrap();
    // Only a frame or two that were on the way came to the old one.
    assert!(report.number("/packets/punted").unwrap() < 50, "{}", report.json());
}
