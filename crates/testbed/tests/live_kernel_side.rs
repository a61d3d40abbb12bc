//! What stays with the kernel really reaches it: the box's own services, other ports of a VIP, pings, fragments.

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use evenkeel_testbed::lab::daemon::Daemon;
use evenkeel_testbed::lab::plan::{BALANCER4, BALANCER6, WEB4, WEB6};
use evenkeel_testbed::lab::{self, Lab, LabSpec, config, kernel};

const PATIENCE: Duration = Duration::from_secs(3);

fn lay() -> (Lab, Daemon) {
    let lab = Lab::lay(LabSpec { servers: 2, ..LabSpec::default() }).unwrap();
    let daemon = Daemon::start(&lab, &config::web(&lab, &[])).unwrap();
    (lab, daemon)
}

#[test]
fn the_boxs_own_services_answer() {
    if !lab::available("the_boxs_own_services_answer") {
        return;
    }
    let (lab, daemon) = lay();
    for own in [IpAddr::from(BALANCER4), IpAddr::from(BALANCER6)] {
        let at = SocketAddr::new(own, 22);
        let listener = lab.balancer().within(|| TcpListener::bind(at).unwrap()).unwrap();
        lab.client().within(|| TcpStream::connect_timeout(&at, PATIENCE).map(drop)).unwrap().unwrap();
        drop(listener);
        // A ping of 4000 bytes is three fragments there and three back.
        for bytes in [56, 4000] {
            lab.client().run(&format!("ping -c 2 -i 0.2 -W 2 -s {bytes} {own}")).unwrap();
        }
    }
    daemon.stop().unwrap();
}

#[test]
fn a_port_of_a_vip_without_a_service_goes_the_kernels_way() {
    if !lab::available("a_port_of_a_vip_without_a_service_goes_the_kernels_way") {
        return;
    }
    let (lab, daemon) = lay();
    // The kernel has a route for the VIPs of its own, to s2 alone.
    kernel::route(&lab, &[1]).unwrap();
    for vip in [IpAddr::from(WEB4), IpAddr::from(WEB6)] {
        let tcp = SocketAddr::new(vip, 8080);
        let listener = lab.servers()[1].namespace().within(|| TcpListener::bind(tcp).unwrap()).unwrap();
        lab.client().within(|| TcpStream::connect_timeout(&tcp, PATIENCE).map(drop)).unwrap().unwrap();
        drop(listener);
        assert_eq!(echo(&lab, SocketAddr::new(vip, 4000), 100), 100, "{vip}: UDP");
        // Echo requests are the kernel's, also to a VIP; s2 answers.
        lab.client().run(&format!("ping -c 2 -i 0.2 -W 2 {vip}")).unwrap();
    }
    daemon.stop().unwrap();
}

#[test]
fn fragments_share_the_fate_of_their_first_and_reach_the_kernel() {
    if !lab::available("fragments_share_the_fate_of_their_first_and_reach_the_kernel") {
        return;
    }
    let (lab, daemon) = lay();
    kernel::route(&lab, &[1]).unwrap();
    for vip in [IpAddr::from(WEB4), IpAddr::from(WEB6)] {
        // Only the first of the three fragments has ports, and no service has them: what the XDP program can't
        // tell of the others comes back from the worker.
        assert_eq!(echo(&lab, SocketAddr::new(vip, 4001), 4000), 4000, "{vip}");
    }
    let report = daemon.stop().unwrap();
    assert_eq!(report.number("/packets/dropped").unwrap(), 0, "{}", report.json());
}

/// Sends one datagram from the client to an address that s2 listens on; how many bytes arrived there.
fn echo(lab: &Lab, at: SocketAddr, bytes: usize) -> usize {
    let server = lab.servers()[1].namespace().within(|| UdpSocket::bind(at).unwrap()).unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let any: SocketAddr = if at.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse().unwrap();
    let client = lab.client().within(|| UdpSocket::bind(any).unwrap()).unwrap();
    client.send_to(&vec![5; bytes], at).unwrap();
    let mut buffer = vec![0; 65536];
    server.recv_from(&mut buffer).map_or(0, |(length, _)| length)
}
