//! Live frames from a client through the queues to a server and to the kernel. Needs root.

mod lab;

use evenkeel_afxdp::Mode;
use evenkeel_nexthop::PortId;
use lab::{Act, Balancer, LOCAL4, LOCAL6, Lab, VIP4, VIP6, ping_pong, service};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a balancer in the lab while a client sends `count` datagrams to each address, and returns how many came back
/// from each, and what each worker received.
fn run(
    lab: &Lab,
    mode: Mode,
    interfaces: &'static [&'static str],
    addresses: [&'static str; 2],
    act: Act,
    count: usize,
) -> (Vec<usize>, Vec<usize>) {
    let stop = Arc::new(AtomicBool::new(false));
    let server = if matches!(act, Act::Punt) { "lb" } else { "sv" };
    let servers = lab.echo(server, &addresses, &stop);
    let namespace = lab.namespace("lb");
    let services = addresses.map(|vip| service(vip, &[]));
    let balancer = lab
        .spawn("lb", move || Balancer::start_in(mode, &namespace, interfaces, &services, act))
        .join()
        .unwrap();
    let clients =
        addresses.map(|address| lab.spawn("cl", move || ping_pong(address, 32, count, 1000, PATIENCE)));
    let back = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let ports = (0..interfaces.len() as u16).map(PortId);
    let counts: Vec<_> = ports.map(|port| balancer.steering.counts(port).unwrap()).collect();
    assert!(counts[0].passed > 0, "ARP and neighbour discovery stayed with the kernel: {counts:?}");
    let redirected: u64 = counts.iter().map(|counts| counts.redirected).sum();
    let received = balancer.stop();
    assert_eq!(redirected, received.iter().sum::<usize>() as u64, "every redirected frame reached a worker");
    stop.store(true, Ordering::Relaxed);
    for server in servers {
        server.join().unwrap();
    }
    (back, received)
}

#[test]
fn frames_cross_from_one_interface_to_another_on_two_queues() {
    let lab = Lab::two_armed();
    let (back, received) =
        run(&lab, Mode::Auto, &["eth1", "eth2"], [VIP4, VIP6], Act::Forward(PortId(1)), 3200);
    assert_eq!(back, [3200, 3200], "workers received {received:?}");
    assert!(received.len() == 2 && received.iter().all(|count| *count > 100), "both queues: {received:?}");
}

#[test]
fn frames_leave_on_the_interface_on_which_they_came() {
    let lab = Lab::one_armed();
    let (back, received) = run(&lab, Mode::Auto, &["eth1"], [VIP4, VIP6], Act::Forward(PortId(0)), 3200);
    assert_eq!(back, [3200, 3200], "workers received {received:?}");
}

#[test]
fn punted_frames_reach_the_kernel() {
    let lab = Lab::two_armed();
    // Strict reverse path filtering everywhere: the punt device must exempt itself.
    lab.sh_in("lb", "for f in all default; do echo 1 > /proc/sys/net/ipv4/conf/$f/rp_filter; done");
    let (back, received) = run(&lab, Mode::Auto, &["eth1", "eth2"], [LOCAL4, LOCAL6], Act::Punt, 640);
    assert_eq!(back, [640, 640], "workers received {received:?}");
    assert_eq!(received.iter().sum::<usize>(), 1280);
}

#[test]
fn generic_mode_receives() {
    let lab = Lab::two_armed();
    let (back, received) = run(&lab, Mode::Generic, &["eth1", "eth2"], [LOCAL4, LOCAL6], Act::Punt, 320);
    assert_eq!(back, [320, 320], "workers received {received:?}");
}

#[test]
fn replacing_the_services_loses_no_packet_of_a_vip_that_stays() {
    let lab = Lab::two_armed();
    let stop = Arc::new(AtomicBool::new(false));
    let servers_stop = Arc::new(AtomicBool::new(false));
    let servers = lab.echo("sv", &[VIP4], &servers_stop);
    let namespace = lab.namespace("lb");
    let of_set = |other: &str| vec![service(VIP4, &[7]), service(other, &[80])];
    let sets = [of_set("192.0.2.98"), of_set("192.0.2.99")];
    let first = sets[0].clone();
    let start = move || Balancer::start(&namespace, &["eth1", "eth2"], &first, Act::Forward(PortId(1)));
    let mut balancer = lab.spawn("lb", start).join().unwrap();
    let client_stop = Arc::clone(&stop);
    let client = lab.spawn("cl", move || {
        let (mut sent, mut back) = (0, 0);
        while !client_stop.load(Ordering::Relaxed) {
            sent += 80;
            back += ping_pong(VIP4, 8, 80, 100, PATIENCE);
        }
        (sent, back)
    });
    for replaced in 1..=20 {
        balancer.steering.set_services(&sets[replaced % 2]).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let (sent, back) = client.join().unwrap();
    servers_stop.store(true, Ordering::Relaxed);
    for server in servers {
        server.join().unwrap();
    }
    assert!(sent > 800, "only {sent} datagrams meanwhile");
    assert_eq!(back, sent);
    assert_eq!(balancer.stop().iter().sum::<usize>(), sent);
}

#[test]
fn a_vanished_interface_takes_nothing_with_it() {
    let lab = Lab::two_armed();
    let stop = Arc::new(AtomicBool::new(false));
    let servers = lab.echo("sv", &[VIP4], &stop);
    let namespace = lab.namespace("lb");
    let start = move || {
        let services = [service(VIP4, &[])];
        Balancer::start(&namespace, &["eth1", "eth2"], &services, Act::Forward(PortId(1)))
    };
    let balancer = lab.spawn("lb", start).join().unwrap();
    let client = |count| lab.spawn("cl", move || ping_pong(VIP4, 1, count, 100, PATIENCE)).join().unwrap();
    assert_eq!(client(80), 80);
    lab.ip("lb", "link del eth2");
    assert_eq!(client(1), 0);
    let ended = balancer.halt();
    assert_eq!(ended.iter().map(|(count, _)| count).sum::<usize>(), 81, "received all the same");
    for (_, queue) in ended {
        let census = queue.census();
        // What was in the tx ring of the interface stays there.
        assert!(census.is_whole() && census.held == 0 && census.sending <= 1, "{census:?}");
    }
    stop.store(true, Ordering::Relaxed);
    for server in servers {
        server.join().unwrap();
    }
}
