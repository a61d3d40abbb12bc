//! Timeouts per service, and other ones in mid-flow.

use super::{Lab, tcp, udp};
use evenkeel_nexthop::{AdminState, GroupSpec, NexthopSpec, PortId, Timeouts};
use evenkeel_packet::Mac;

/// The lab's box once its services have these timeouts.
fn reload(lab: &mut Lab, web: Timeouts, dns: Timeouts, now_ms: u64) {
    let mut services = lab.desired.services().to_vec();
    (services[0].timeouts, services[1].timeouts) = (web, dns);
    let nexthop = |n: u8| NexthopSpec {
        name: format!("s{n}"),
        address: [198, 51, 100, n].into(),
        weight: 1,
        state: AdminState::Active,
        port: Some(PortId(0)),
        mac: Some(Mac([2, 0, 0, 0, 2, n])),
    };
    let group = GroupSpec { name: "web".into(), buckets: 64, nexthops: vec![nexthop(1), nexthop(2)] };
    lab.desired.reconcile(services, vec![group], now_ms, 0).unwrap();
    lab.publish();
}

fn established_ms(tcp_established_ms: u32) -> Timeouts {
    Timeouts { tcp_established_ms, ..Timeouts::DEFAULT }
}

/// Flows that live once time has passed without packets.
fn live_at(lab: &mut Lab, now_ms: u64) -> u64 {
    lab.workers[0].advance(now_ms, &mut lab.ports[0]);
    lab.totals().flows.live
}

#[test]
fn flows_of_two_services_end_by_their_own_timeouts() {
    let mut lab = Lab::new(1, 100);
    let timeouts = |udp_ms, tcp_syn_ms| Timeouts { udp_ms, tcp_syn_ms, ..Timeouts::DEFAULT };
    reload(&mut lab, timeouts(1000, 9000), timeouts(4000, 1000), 0);
    lab.poll(0, 0, &[tcp(1, "S"), udp(2)]);
    assert_eq!(live_at(&mut lab, 3999), 2);
    assert_eq!(live_at(&mut lab, 5000), 1);
    assert_eq!(live_at(&mut lab, 10_000), 0);
}

#[test]
fn longer_timeouts_hold_from_the_next_packet_on() {
    let mut lab = Lab::new(1, 100);
    reload(&mut lab, established_ms(5000), Timeouts::DEFAULT, 0);
    for port in [1, 2] {
        lab.poll(0, 0, &[tcp(port, "S"), tcp(port, "A")]);
    }
    reload(&mut lab, established_ms(60_000), Timeouts::DEFAULT, 1000);
    lab.poll(0, 4000, &[tcp(1, "A")]);
    // the other one had no packet, and ends as it would have
    assert_eq!(live_at(&mut lab, 6000), 1);
    assert_eq!(live_at(&mut lab, 63_999), 1);
    assert_eq!(live_at(&mut lab, 65_000), 0);
    lab.assert_adds_up();
}

#[test]
fn shorter_timeouts_free_a_flow_in_time() {
    let mut lab = Lab::new(1, 100);
    reload(&mut lab, established_ms(3_600_000), Timeouts::DEFAULT, 0);
    lab.poll(0, 0, &[tcp(1, "S"), tcp(1, "A")]);
    reload(&mut lab, established_ms(2000), Timeouts::DEFAULT, 1000);
    assert_eq!(live_at(&mut lab, 100_000), 1);
    lab.poll(0, 100_000, &[tcp(1, "A")]);
    assert_eq!(live_at(&mut lab, 101_999), 1);
    assert_eq!(live_at(&mut lab, 103_000), 0);
    assert_eq!(lab.totals().flows.expired, 1);
}

#[test]
fn a_flow_that_a_reload_left_alone_goes_on_with_what_it_had() {
    let mut lab = Lab::new(1, 100);
    reload(&mut lab, established_ms(50_000), Timeouts::DEFAULT, 0);
    lab.poll(0, 0, &[tcp(1, "S"), tcp(1, "A")]);
    // many reloads, each with timeouts of its own: none takes the number that the flow still holds
    for reloads in 0..100 {
        reload(&mut lab, established_ms(1000 + reloads), Timeouts::DEFAULT, 10);
    }
    assert_eq!(live_at(&mut lab, 49_999), 1);
    assert_eq!(live_at(&mut lab, 51_000), 0);
}
