//! Ports of the box that are opened, closed, and get another number.

use super::*;

const OTHER_MAC: Mac = Mac([2, 0, 0, 0, 1, 9]);

fn adjacency(port: u16, source: Mac) -> Option<Adjacency> {
    Some(Adjacency { port: PortId(port), source, destination: Mac([2, 0, 0, 0, 3, 3]) })
}

/// A box whose group `web` has s1 behind port 0 and s2 behind port 1, both with a MAC, and s3 wherever the kernel says.
fn lab() -> Lab {
    let mut lab = Lab::new();
    assert!(lab.desired.open_port(PortId(1), OTHER_MAC));
    let mut web = group("web", 1..=3);
    web.nexthops[1].port = Some(PortId(1));
    (web.nexthops[2].port, web.nexthops[2].mac) = (None, None);
    lab.reload(vec![web]);
    lab.desired.expire_removals(HOUR_MS);
    let s3 = lab.desired.member(lab.id("s3")).unwrap().nexthop;
    assert!(lab.desired.set_adjacency(s3, adjacency(1, OTHER_MAC)));
    lab
}

#[test]
fn a_nexthop_behind_a_closed_port_is_not_resolved() {
    let mut lab = lab();
    assert_eq!(lab.takers(), ["s1", "s2", "s3"]);
    assert!(lab.desired.close_port(PortId(1)));
    assert!(!lab.desired.close_port(PortId(1)), "once");
    assert_eq!(lab.takers(), ["s1"]);
    let s3 = lab.desired.member(lab.id("s3")).unwrap().nexthop;
    assert!(!lab.desired.set_adjacency(s3, adjacency(1, OTHER_MAC)), "nor can it be again");
    assert_eq!(lab.snapshot().own_macs(), [PORT_MAC, OTHER_MAC], "what came in is still known");
    assert!(lab.desired.names_port(PortId(1)), "s2 would come back with it");
    let moved = Mac([2, 0, 0, 0, 1, 8]);
    assert!(lab.desired.open_port(PortId(1), moved));
    assert_eq!(lab.takers(), ["s1", "s2"]);
    assert_eq!(lab.snapshot().member(lab.id("s2")).unwrap().adjacency.source, moved);
    assert!(lab.desired.set_adjacency(s3, adjacency(1, moved)));
    assert_eq!(lab.takers(), ["s1", "s2", "s3"]);
}

#[test]
fn nexthops_go_along_with_their_interface() {
    let mut lab = lab();
    let (s2, nexthop) = (lab.id("s2"), lab.desired.member(lab.id("s2")).unwrap().nexthop);
    lab.act(
        "s7",
        Verb::Add { address: [198, 51, 100, 7].into(), weight: 1, port: Some(PortId(1)), mac: None },
    );
    assert!(lab.desired.close_port(PortId(1)));
    assert!(lab.desired.open_port(PortId(4), OTHER_MAC));
    lab.desired.move_port(PortId(1), PortId(4));
    assert!(!lab.desired.names_port(PortId(1)));
    assert!(lab.desired.names_port(PortId(4)));
    let info = lab.desired.member(s2).unwrap();
    assert_eq!((info.nexthop, info.port), (nexthop, Some(PortId(4))));
    assert_eq!(lab.snapshot().member(s2).unwrap().adjacency.port, PortId(4));
    assert_eq!(lab.desired.member(lab.id("s7")).unwrap().port, Some(PortId(4)));
    // the configuration says the same under the new number: nothing changes
    let mut web = group("web", 1..=3);
    web.nexthops[1].port = Some(PortId(4));
    (web.nexthops[2].port, web.nexthops[2].mac) = (None, None);
    assert_eq!(lab.reload(vec![web]), Reconciled::default());
    assert_eq!(lab.snapshot().own_macs(), [PORT_MAC, OTHER_MAC, Mac::default(), Mac::default(), OTHER_MAC]);
}

#[test]
fn only_open_ports_can_be_named() {
    let mut lab = lab();
    assert!(lab.desired.close_port(PortId(1)));
    let verb = Verb::Add { address: [198, 51, 100, 7].into(), weight: 1, port: Some(PortId(1)), mac: None };
    assert_eq!(lab.try_do("s7", verb, 0), Err(ChangeError::UnknownPort { port: PortId(1) }));
    let mut web = group("web", [1]);
    web.nexthops[0].port = Some(PortId(2));
    let error = lab.desired.reconcile(Vec::new(), vec![web], 0, HOUR_MS).unwrap_err();
    assert!(matches!(error, DesiredError::UnknownPort { port: PortId(2), .. }), "{error:?}");
    assert!(!lab.desired.names_port(PortId(2)));
}

#[test]
fn a_port_is_free_when_the_last_member_that_names_it_is_gone() {
    let mut lab = lab();
    assert!(lab.desired.close_port(PortId(1)));
    lab.reload(vec![group("web", [1])]);
    assert!(lab.desired.names_port(PortId(1)), "s2 is being removed");
    lab.desired.expire_removals(HOUR_MS);
    assert!(!lab.desired.names_port(PortId(1)));
}

#[test]
fn a_server_that_is_to_be_reached_otherwise_is_reached_as_before_until_that_is_known() {
    let mut lab = lab();
    let before = |name: &str, lab: &Lab| lab.desired.member(lab.id(name)).unwrap().adjacency;
    let (s2, s3) = (before("s2", &lab), before("s3", &lab));
    let mut web = group("web", 1..=3);
    (web.nexthops[1].port, web.nexthops[1].mac) = (Some(PortId(1)), None);
    (web.nexthops[2].port, web.nexthops[2].mac) = (Some(PortId(0)), None);
    lab.reload(vec![web.clone()]);
    assert_eq!((before("s2", &lab), before("s3", &lab)), (s2, s3));
    assert_eq!(lab.takers(), ["s1", "s2", "s3"]);
    let nexthop = lab.desired.member(lab.id("s3")).unwrap().nexthop;
    assert_eq!(lab.desired.adjacency(nexthop), s3);
    assert!(lab.desired.set_adjacency(nexthop, None), "until it is set anew");

    let mut other = group("dns", [3]);
    (other.nexthops[0].port, other.nexthops[0].mac) = (None, None);
    lab.reload(vec![web.clone(), other.clone()]);
    let is_it = |member: &MemberInfo<'_>| (member.group, member.name) == ("dns", "s3");
    let of_dns = lab.desired.members().find(is_it).unwrap().nexthop;
    lab.desired.set_adjacency(of_dns, None);
    assert!(lab.desired.set_adjacency(nexthop, adjacency(0, PORT_MAC)));
    web.nexthops[2].port = None;
    lab.reload(vec![web, other]);
    assert_eq!(lab.takers(), ["s1", "s2"], "of one that was in use it is known that it can't be reached");
}
