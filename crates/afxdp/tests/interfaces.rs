//! What interfaces give, and what is said of those that can't be used. Needs root.

mod lab;

use evenkeel_afxdp::{Access, Attachment, Interface, InterfaceError, Mode, PuntDevice, Queue, Steering};
use evenkeel_nexthop::PortId;
use lab::{LB_MACS, Lab};
use std::error::Error;

/// Runs `work` in the namespace of the load balancer.
fn in_lb<T: Send + 'static>(lab: &Lab, work: impl FnOnce() -> T + Send + 'static) -> T {
    lab.spawn("lb", work).join().unwrap()
}

#[test]
fn a_veth_gives_copies_and_says_so() {
    let lab = Lab::two_armed();
    in_lb(&lab, || {
        let auto = Interface::open("eth1", Mode::Auto).unwrap();
        assert_eq!((auto.mtu, auto.queues, auto.mac), (1500, 2, LB_MACS[0]));
        let punt = PuntDevice::open(1500).unwrap().into();
        let queue = Queue::open(0, &[auto], 1, &punt).unwrap();
        assert_eq!(queue.access(), Access::Copy);
        drop(queue);
        let demanding = Interface::open("eth1", Mode::ZeroCopy).unwrap();
        let error = Queue::open(0, &[demanding], 1, &punt).unwrap_err();
        assert_eq!(error.to_string(), "binding to queue 0 of eth1 (ZeroCopy) failed");
        assert!(error.source().unwrap().to_string().contains("os error 95"), "EOPNOTSUPP: {error:?}");
    });
}

#[test]
fn a_driver_without_xdp_gets_generic_mode_if_any_will_do() {
    let lab = Lab::two_armed();
    lab.ip("lb", "link add br0 type bridge");
    let (any, native) = in_lb(&lab, || {
        let attach = |mode| {
            let interface = Interface::open("br0", mode).unwrap();
            Steering::load(1, &[]).unwrap().attach(PortId(0), &interface)
        };
        (attach(Mode::Auto), attach(Mode::Copy))
    });
    assert_eq!(any.unwrap(), Attachment::Generic);
    let error = native.unwrap_err().to_string();
    assert!(error.contains("br0 in native mode failed: its driver does not know this mode"), "{error}");
}

#[test]
fn another_program_is_not_replaced() {
    let lab = Lab::two_armed();
    let second = in_lb(&lab, || {
        let interface = Interface::open("eth1", Mode::Auto).unwrap();
        let load = || Steering::load(interface.queues, &[]).unwrap();
        let mut first = load();
        first.attach(PortId(0), &interface).unwrap();
        load().attach(PortId(0), &interface).unwrap_err().to_string()
    });
    assert!(second.ends_with("another XDP program is attached there"), "{second}");
}

#[test]
fn interfaces_that_cannot_be_used_are_named() {
    let lab = Lab::two_armed();
    lab.ip("lb", "link add br0 mtu 9000 type bridge");
    lab.ip("lb", "link add single type veth peer name other");
    in_lb(&lab, || {
        let open = |name: &str| Interface::open(name, Mode::Auto);
        let message = |name: &str| open(name).unwrap_err().to_string();
        assert_eq!(message("none"), "the index of interface none is unknown");
        assert!(message("a name that is longer than the kernel allows").contains("the index of"));
        assert_eq!(message("lo"), "interface lo is not an Ethernet interface");
        assert!(matches!(open("br0"), Err(InterfaceError::Mtu { mtu: 9000, .. })));
        let unequal = [open("eth1").unwrap(), open("single").unwrap()];
        let error = evenkeel_afxdp::equal_queues(&unequal).unwrap_err().to_string();
        assert!(error.contains("eth1 has 2, single has 1"), "{error}");
        assert!(error.ends_with("ethtool -L eth1 rx 1"), "{error}");
    });
}
