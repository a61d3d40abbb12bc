//! A minute of small datagrams at the highest rate that a client's sockets give: no packet is unaccounted for, no
//! frame of the UMEM is lost (else `evenkeel run` ends with status 1), and everything works as before afterwards.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use evenkeel_testbed::lab::config::{self, Draining, ServiceText};
use evenkeel_testbed::lab::daemon::Daemon;
use evenkeel_testbed::lab::plan::{WEB4, WEB6, source};
use evenkeel_testbed::lab::{self, Lab, LabSpec};
use evenkeel_testbed::load::{Load, LoadSpec};

const SECONDS: u64 = 60;
const SOCKETS: usize = 64;
const PORT: u16 = 9;

/// Sends until the time is over; how many datagrams the kernel took.
fn flood(vips: [IpAddr; 2]) -> u64 {
    let sockets: Vec<(UdpSocket, SocketAddr)> = (0..SOCKETS)
        .map(|number| {
            let vip = vips[number % 2];
            let socket = UdpSocket::bind(SocketAddr::new(source(vip, number), 0)).unwrap();
            (socket, SocketAddr::new(vip, PORT))
        })
        .collect();
    let end = Instant::now() + Duration::from_secs(SECONDS);
    let mut sent = 0;
    while Instant::now() < end {
        for (socket, to) in &sockets {
            // What a full queue refuses is not sent: the rate is what the machine gives.
            sent += u64::from(socket.send_to(&[0; 18], to).is_ok());
        }
    }
    sent
}

#[test]
fn a_minute_at_full_rate_loses_no_frame_and_no_count() {
    if !lab::available("a_minute_at_full_rate_loses_no_frame_and_no_count") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 3, ..LabSpec::default() }).unwrap();
    let members: Vec<_> = (0..3).map(|server| (server, Draining::No)).collect();
    let service = |name, vip, protocol, ports| ServiceText {
        name,
        vip,
        protocol,
        ports,
        members: members.clone(),
        idle: None,
    };
    let (web4, web6) = (IpAddr::from(WEB4), IpAddr::from(WEB6));
    let services = [
        service("web4", web4, "tcp", &[80]),
        service("web6", web6, "tcp", &[80]),
        service("flood4", web4, "udp", &[PORT]),
        service("flood6", web6, "udp", &[PORT]),
    ];
    let daemon = Daemon::start(&lab, &config::text(&lab, &services)).unwrap();
    let sent = lab.client().within(|| flood([web4, web6])).unwrap();

    let load = Load::start(lab.client(), LoadSpec::default(), "afterwards").unwrap();
    load.wait_until_held(Duration::from_secs(15)).unwrap();
    let steps = load.finish().unwrap();
    assert!(steps[0].lost.is_empty(), "{:?}", steps[0].causes());

    let log = daemon.log();
    let report = daemon.stop().unwrap_or_else(|error| panic!("{error:#}\n{log}"));
    let received = report.number("/packets/received").unwrap();
    eprintln!(
        "{sent} datagrams sent in {SECONDS} s, {received} packets received: {}",
        report.json()["packets"]
    );
    // What is beyond the worker's rate stays in the full ring, which the kernel counts; enough of it came through.
    assert!(received > 500_000, "{received} of {sent} received\n{log}");
}
