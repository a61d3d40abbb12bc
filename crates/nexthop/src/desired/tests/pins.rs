//! Static pins: asking for them, and what is refused.

use super::*;
use crate::pins::{PINS_CAPACITY, PinMatch, PinSpec};

fn spec(port: u16, nexthop: &str) -> PinSpec {
    let matches = PinMatch::Flow(key(port));
    PinSpec { matches, group: "web".into(), nexthop: nexthop.into(), idle_ms: None, hard_ms: None }
}

#[test]
fn asking_again_changes_nothing_and_otherwise_replaces() {
    let mut lab = Lab::new();
    assert_eq!(lab.desired.pin(&spec(1, "s1"), 0), Ok(true));
    assert_eq!(lab.desired.pin(&spec(1, "s1"), 5), Ok(false));
    let first = lab.desired.pins();
    assert_eq!((first.len(), first[0].since_ms), (1, 0));
    let other = PinSpec { idle_ms: Some(7), ..spec(1, "s2") };
    assert_eq!(lab.desired.pin(&other, 9), Ok(true));
    let [second] = lab.desired.pins().try_into().unwrap();
    assert_eq!((&second.spec, second.since_ms), (&other, 9));
    assert!(second.id.serial > first[0].id.serial);
    assert!(lab.desired.unpin("web", &other.matches) && !lab.desired.unpin("web", &other.matches));
    assert!(lab.desired.pins().is_empty());
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_done() {
    let mut lab = Lab::new();
    lab.act("s4", REMOVE);
    let (group, nexthop) = (|name: &str| name.to_owned(), |name: &str| name.to_owned());
    let refused = [
        (
            PinSpec { group: "nobody".into(), ..spec(1, "s1") },
            PinError::UnknownGroup { group: group("nobody") },
        ),
        (spec(1, "s9"), PinError::UnknownNexthop { group: group("web"), nexthop: nexthop("s9") }),
        (spec(1, "s4"), PinError::Removed { group: group("web"), nexthop: nexthop("s4") }),
        (PinSpec { hard_ms: Some(0), ..spec(1, "s1") }, PinError::ZeroTimeout),
        (PinSpec { idle_ms: Some(0), ..spec(1, "s1") }, PinError::ZeroTimeout),
    ];
    for (spec, error) in refused {
        assert_eq!(lab.desired.pin(&spec, 0), Err(error));
    }
    assert!(lab.desired.pins().is_empty());
}

#[test]
fn there_are_not_more_pins_than_slots() {
    let mut lab = Lab::new();
    for port in 0..PINS_CAPACITY as u16 {
        assert_eq!(lab.desired.pin(&spec(port, "s1"), 0), Ok(true));
    }
    assert_eq!(lab.desired.pin(&spec(9999, "s1"), 0), Err(PinError::Full));
    assert_eq!(lab.desired.pin(&spec(7, "s2"), 0), Ok(true), "replacing needs no other slot");
    assert!(lab.desired.unpin("web", &PinMatch::Flow(key(8))));
    assert_eq!(lab.desired.pin(&spec(9999, "s1"), 0), Ok(true));
}

#[test]
fn a_pin_follows_the_name_of_its_nexthop_and_goes_with_its_group() {
    let mut lab = Lab::new();
    lab.desired.pin(&spec(1, "s1"), 0).unwrap();
    let services = lab.desired.services().to_vec();
    let mut groups = lab.desired.configured_groups().to_vec();
    groups[0].nexthops[0].name = "renamed".into();
    lab.desired.reconcile(services.clone(), groups.clone(), 0, HOUR_MS).unwrap();
    assert_eq!(lab.desired.pins()[0].spec.nexthop, "renamed");
    let services: Vec<_> = services.into_iter().filter(|service| service.group != "web").collect();
    groups.retain(|group| group.name != "web");
    lab.desired.reconcile(services, groups, 0, HOUR_MS).unwrap();
    let snapshot = lab.desired.snapshot(&lab.liveness);
    assert!(snapshot.pins.is_empty());
    let ended = lab.desired.expire_pins(0, |_| None);
    assert_eq!(ended.iter().map(|(_, end)| *end).collect::<Vec<_>>(), [PinEnd::Removed]);
}
