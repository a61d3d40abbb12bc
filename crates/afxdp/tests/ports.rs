//! Interfaces that leave and come while workers run. Needs root.

mod lab;

use evenkeel_afxdp::{Interface, Mode, QueueError};
use evenkeel_nexthop::PortId;
use lab::{Act, Balancer, Lab, VIP4, enter, ping_pong, service};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// Takes a port out of every queue, as its owner does: nothing comes any more, what has come is forwarded, sockets are
/// closed elsewhere, frames come back.
fn take_out(balancer: &mut Balancer, port: PortId) {
    balancer.steering.close(port);
    for worker in 0..balancer.binders.len() {
        balancer.order(worker, move |queue, _| queue.leave(port));
    }
    thread::sleep(Duration::from_millis(100));
    for worker in 0..balancer.binders.len() {
        let parted = balancer.order(worker, move |queue, _| {
            assert!(queue.is_drained(port));
            queue.part(port).unwrap()
        });
        let census = balancer.order(worker, |queue, _| queue.census());
        assert!(census.is_whole() && census.parted > 0, "{census:?}");
        let closed = parted.close().unwrap().wait();
        let census = balancer.order(worker, |queue, _| {
            queue.take_back(closed);
            queue.census()
        });
        assert!(census.is_whole() && census.parted == 0, "{census:?}");
    }
}

/// Takes an interface up at every queue.
fn take_up(balancer: &mut Balancer, port: PortId, interface: &Interface) {
    balancer.steering.attach(port, interface).unwrap();
    for worker in 0..balancer.binders.len() {
        let joining = balancer.binders[worker].bind(port, interface).unwrap();
        balancer.steering.connect(&joining.handle()).unwrap();
        balancer.order(worker, move |queue, act| {
            queue.join(joining);
            *act = Act::Forward(port);
        });
    }
    balancer.steering.open(port).unwrap();
}

#[test]
fn the_first_interface_leaves_and_comes_back_under_another_number() {
    let lab = Lab::two_armed();
    let stop = Arc::new(AtomicBool::new(false));
    let servers = lab.echo("sv", &[VIP4], &stop);
    let namespace = lab.namespace("lb");
    let client = |count| {
        let sockets = 8.min(count);
        lab.spawn("cl", move || ping_pong(VIP4, sockets, count, 100, PATIENCE)).join().unwrap()
    };
    let start = move || {
        let services = [service(VIP4, &[])];
        Balancer::start(&namespace, &["eth2", "eth1"], &services, Act::Forward(PortId(0)))
    };
    let mut balancer = lab.spawn("lb", start).join().unwrap();
    assert_eq!(client(800), 800);

    // What is bound to a namespace's interface is bound from within.
    let namespace = lab.namespace("lb");
    let gone = PortId(0);
    let mut balancer = thread::spawn(move || {
        enter(&namespace);
        take_out(&mut balancer, gone);
        let interface = Interface::open("eth2", Mode::Auto).unwrap();
        let large = Interface { mtu: 3000, ..interface.clone() };
        let refused = balancer.binders[0].bind(PortId(2), &large).unwrap_err();
        assert!(matches!(refused, QueueError::Mtu { mtu: 3000, .. }), "{refused}");
        let zero_copy = Interface { mode: Mode::ZeroCopy, ..interface.clone() };
        let refused = balancer.binders[0].bind(PortId(2), &zero_copy).unwrap_err();
        assert!(matches!(refused, QueueError::OtherAccess { .. }), "{refused}");
        // The queues of the kernel are free again: the first socket of a UMEM is closed like any other.
        for port in 2..4 {
            take_up(&mut balancer, PortId(port), &interface);
            take_out(&mut balancer, PortId(port));
        }
        balancer
    })
    .join()
    .unwrap();
    assert_eq!(client(1), 0, "there is no way to the server");
    let namespace = lab.namespace("lb");
    let balancer = thread::spawn(move || {
        enter(&namespace);
        take_up(&mut balancer, PortId(4), &Interface::open("eth2", Mode::Auto).unwrap());
        balancer
    })
    .join()
    .unwrap();
    assert_eq!(client(800), 800);
    assert_eq!(balancer.stop().iter().sum::<usize>(), 1601);
    stop.store(true, Ordering::Relaxed);
    for server in servers {
        server.join().unwrap();
    }
}
