//! Static pins: they decide for flows that nobody serves, and count what went by them.

use super::{Lab, fragment, nexthop_of, tcp, udp};
use crate::totals::{PinTotals, Totals};
use evenkeel_nexthop::{Change, PinEnd, PinInfo, PinMatch, PinSpec, Verb};
use evenkeel_packet::{FlowKey, FlowKey4, Mac};

const CLIENTS: &str = "203.0.113.0/24";

fn spec(matches: PinMatch, nexthop: &str) -> PinSpec {
    PinSpec { matches, group: "web".into(), nexthop: nexthop.into(), idle_ms: None, hard_ms: None }
}

fn source(prefix: &str) -> PinMatch {
    PinMatch::Source(prefix.parse().unwrap())
}

fn flow(port: u16) -> PinMatch {
    PinMatch::Flow(FlowKey::V4(FlowKey4::new([203, 0, 113, 5], [192, 0, 2, 10], port, 80, 6)))
}

impl Lab {
    fn pin(&mut self, spec: &PinSpec) -> PinInfo {
        assert!(self.desired.pin(spec, 0).unwrap());
        self.publish();
        self.desired.pins().last().unwrap().clone()
    }

    fn pin_totals(&self, pin: &PinInfo) -> PinTotals {
        Totals::of_pin(&self.counters, pin.id)
    }

    /// The nexthops to which these frames leave.
    fn servers(&mut self, now_ms: u64, frames: &[Vec<u8>]) -> Vec<String> {
        let exits = self.poll(0, now_ms, frames);
        exits.iter().map(|(_, frame)| format!("s{}", Mac(nexthop_of(frame)).0[5])).collect()
    }

    fn apply(&mut self, nexthop: &str, verb: Verb, now_ms: u64) {
        let change = Change { group: "web".into(), nexthop: nexthop.into(), verb };
        self.desired.apply(&change, now_ms, &self.liveness).unwrap();
        self.publish();
    }
}

fn syns(ports: std::ops::Range<u16>) -> Vec<Vec<u8>> {
    ports.map(|port| tcp(port, "S")).collect()
}

#[test]
fn new_and_adopted_flows_of_a_source_go_where_its_pin_says() {
    let mut lab = Lab::new(1, 1000);
    let free = lab.servers(0, &syns(0..40));
    assert!(free.contains(&"s1".to_owned()) && free.contains(&"s2".to_owned()));
    let pin = lab.pin(&spec(source(CLIENTS), "s2"));
    assert!(lab.servers(1, &syns(100..140)).iter().all(|server| server == "s2"));
    assert!(lab.servers(2, &[tcp(200, "A"), udp(201)]).iter().all(|server| server == "s2"));
    // what was served before stays where it was
    assert_eq!(lab.servers(3, &syns(0..40)), free);
    let bytes = 40 * tcp(0, "S").len() + tcp(0, "A").len() + udp(0).len();
    assert_eq!(lab.pin_totals(&pin), PinTotals { packets: 42, bytes: bytes as u64, used_ms: Some(2) });
    // further packets of a flow that it decided count, those of others don't
    lab.servers(9, &[tcp(100, "A"), tcp(1, "A")]);
    let totals = lab.pin_totals(&pin);
    assert_eq!((totals.packets, totals.used_ms), (43, Some(9)));
    lab.assert_adds_up();
}

#[test]
fn the_pin_of_a_flow_is_before_that_of_its_source() {
    let mut lab = Lab::new(1, 1000);
    let (wide, exact) = (lab.pin(&spec(source(CLIENTS), "s1")), lab.pin(&spec(flow(7), "s2")));
    assert_eq!(lab.servers(0, &[tcp(7, "S"), tcp(8, "S")]), ["s2", "s1"]);
    assert_eq!((lab.pin_totals(&wide).packets, lab.pin_totals(&exact).packets), (1, 1));
    assert!(lab.desired.unpin("web", &flow(7)));
    lab.publish();
    // its flow goes on, and counts for no other pin
    assert_eq!(lab.servers(1, &[tcp(7, "A")]), ["s2"]);
    assert_eq!(lab.pin_totals(&wide).packets, 1);
}

#[test]
fn a_pin_reaches_a_drained_nexthop_and_one_without_weight() {
    let mut lab = Lab::new(1, 1000);
    lab.apply("s1", Verb::Drain, 0);
    lab.apply("s2", Verb::Weight(0), 0);
    assert_eq!(lab.poll(0, 0, &syns(0..1)).len(), 1);
    assert_eq!(lab.totals().packets.dropped, 1, "nobody takes new flows");
    lab.pin(&spec(flow(1), "s1"));
    lab.pin(&spec(flow(2), "s2"));
    assert_eq!(lab.servers(0, &syns(1..3)), ["s1", "s2"]);
}

#[test]
fn while_the_pinned_nexthop_is_down_the_bucket_decides() {
    let mut lab = Lab::new(1, 1000);
    let pin = lab.pin(&spec(source(CLIENTS), "s2"));
    assert_eq!(lab.servers(0, &syns(0..1)), ["s2"]);
    lab.apply("s2", Verb::Down, 0);
    assert_eq!(lab.servers(1, &[tcp(0, "A"), tcp(1, "S")]), ["s1", "s1"]);
    lab.apply("s2", Verb::Up, 0);
    // both have gone elsewhere and stay; a new one goes by the pin again
    assert_eq!(lab.servers(2, &[tcp(0, "A"), tcp(1, "A"), tcp(2, "S")]), ["s1", "s1", "s2"]);
    assert_eq!(lab.pin_totals(&pin).packets, 2);
    // a flow that is picked again goes by the pin too
    lab.apply("s1", Verb::Down, 0);
    assert_eq!(lab.servers(3, &[tcp(0, "A")]), ["s2"]);
    lab.servers(4, &[tcp(0, "A")]);
    assert_eq!(lab.pin_totals(&pin).packets, 4);
    assert_eq!(lab.totals().flows.moved, 2);
}

#[test]
fn what_is_not_tracked_goes_by_the_pin_too() {
    let mut lab = Lab::new(1, 1);
    let pin = lab.pin(&spec(source(CLIENTS), "s2"));
    // a reset of nobody's flow, and a datagram's later fragment without its first
    assert_eq!(lab.servers(0, &[tcp(1, "R")]), ["s2"]);
    lab.poll(0, 0, &[fragment(udp(5000), 7, 6, false)]);
    lab.workers[0].advance(1000, &mut lab.ports[0]);
    let late = lab.ports[0].take_kept();
    assert_eq!(nexthop_of(&late[0].1)[5], 2);
    // a full table
    lab.servers(1000, &[tcp(1, "S"), tcp(1, "A"), tcp(2, "A")]);
    assert_eq!(lab.totals().flows.untracked_packets, 1);
    assert_eq!(lab.pin_totals(&pin).packets, 4);
}

#[test]
fn a_pin_ends_when_it_is_idle_too_old_or_its_nexthop_removed() {
    let mut lab = Lab::new(1, 1000);
    let idle = lab.pin(&PinSpec { idle_ms: Some(1000), ..spec(flow(1), "s1") });
    let hard = lab.pin(&PinSpec { hard_ms: Some(5000), ..spec(flow(2), "s1") });
    let other = lab.pin(&spec(flow(3), "s2"));
    let ended = |lab: &mut Lab, now_ms| {
        let counters = lab.counters.clone();
        let ended = lab.desired.expire_pins(now_ms, |pin| Totals::of_pin(&counters, pin).used_ms);
        lab.publish();
        ended.into_iter().map(|(pin, end)| (pin.id, end)).collect::<Vec<_>>()
    };
    assert_eq!(lab.desired.next_pin_end_ms(), Some(1000));
    lab.servers(900, &[tcp(1, "S")]);
    lab.servers(1500, &[tcp(1, "A")]);
    assert_eq!(ended(&mut lab, 2499), []);
    assert_eq!(lab.desired.next_pin_end_ms(), Some(2500));
    assert_eq!(ended(&mut lab, 2500), [(idle.id, PinEnd::Idle)]);
    assert_eq!(ended(&mut lab, 4999), []);
    assert_eq!(ended(&mut lab, 5000), [(hard.id, PinEnd::Hard)]);
    assert_eq!(lab.desired.next_pin_end_ms(), None);
    lab.apply("s2", Verb::Remove { deadline_ms: Some(9000) }, 5000);
    assert_eq!(lab.servers(5000, &[tcp(3, "S")]), ["s1"], "no new flows to a nexthop that leaves");
    assert_eq!(ended(&mut lab, 5000), [(other.id, PinEnd::Removed)]);
    assert_eq!(lab.desired.pins(), []);
}

#[test]
fn a_slot_that_is_used_again_counts_anew() {
    let mut lab = Lab::new(1, 1000);
    let first = lab.pin(&spec(flow(1), "s1"));
    lab.servers(5, &[tcp(1, "S"), tcp(1, "A")]);
    assert!(lab.desired.unpin("web", &flow(1)));
    let second = lab.pin(&spec(flow(2), "s1"));
    assert_eq!(first.id.slot, second.id.slot);
    assert_eq!(lab.pin_totals(&second), PinTotals::default());
    lab.servers(6, &[tcp(1, "A"), tcp(2, "S")]);
    assert_eq!(lab.pin_totals(&second).packets, 1);
    assert_eq!(lab.pin_totals(&first), PinTotals::default());
}

#[test]
fn pinned_flows_are_told_as_such() {
    let mut lab = Lab::new(1, 1000);
    lab.pin(&spec(flow(1), "s1"));
    lab.servers(0, &syns(1..3));
    for (port, by_pin) in [(1, true), (2, false)] {
        let PinMatch::Flow(key) = flow(port) else { panic!("a flow") };
        let mut pending = lab.mailboxes[0].ask_flow(key).unwrap();
        lab.poll(0, 0, &[]);
        assert_eq!(pending.take().unwrap().unwrap().unwrap().by_pin, by_pin, "port {port}");
    }
}
