//! Transition tables of the decision.

use super::*;
use evenkeel_packet::Mac;

const MAC: Mac = Mac([2, 0, 0, 0, 2, 1]);
const OTHER_MAC: Mac = Mac([2, 0, 0, 0, 2, 9]);

fn server() -> IpAddr {
    "198.51.100.1".parse().unwrap()
}

fn target() -> Target {
    Target { address: server(), ifindex: None, mac: None }
}

fn link(ifindex: u32, is_admin_up: bool, has_carrier: bool) -> Option<Link> {
    let name = format!("eth{ifindex}");
    Some(Link { ifindex, name, mac: Some(Mac([2, 0, 0, 0, 1, 1])), mtu: 1500, is_admin_up, has_carrier })
}

/// Interfaces: 1 up, 2 set down, 3 without carrier, 4 gone, 9 unlisted.
fn picture(route: Route, knowledge: Option<Knowledge>) -> Picture {
    let links = [(1, link(1, true, true)), (2, link(2, false, false)), (3, link(3, true, false)), (4, None)];
    let entry = |knowledge| ((1, server()), Neighbour { knowledge, is_managed: true, is_ours: true });
    Picture {
        links: links.into(),
        routes: [(server(), route)].into(),
        unlisted: [(9, "wan0".to_owned())].into(),
        neighbours: knowledge.map(entry).into_iter().collect(),
        refused: HashMap::new(),
    }
}

fn on_link(ifindex: u32) -> Route {
    Route::OnLink { ifindex }
}

fn resolved(mac: Mac) -> Reach {
    Reach::Resolved { ifindex: 1, mac }
}

fn no_answer() -> Reach {
    Reach::Unresolved(Unresolved::NoAnswer { name: "eth1".into() })
}

#[test]
fn what_the_kernel_knows_decides() {
    let before = resolved(OTHER_MAC);
    let no_mac = Reach::Unresolved(Unresolved::NoMac { name: "eth1".into() });
    for (knowledge, at_first, after_another_mac) in [
        (Some(Knowledge::Known(Some(MAC))), resolved(MAC), resolved(MAC)),
        (Some(Knowledge::Fixed(Some(MAC))), resolved(MAC), resolved(MAC)),
        (Some(Knowledge::Known(None)), no_mac.clone(), no_mac.clone()),
        (Some(Knowledge::Fixed(None)), no_mac.clone(), no_mac.clone()),
        (Some(Knowledge::Failed), no_answer(), no_answer()),
        (Some(Knowledge::Asked), no_answer(), resolved(OTHER_MAC)),
        (None, no_answer(), resolved(OTHER_MAC)),
    ] {
        let picture = picture(on_link(1), knowledge);
        assert_eq!(picture.reach(&target(), None), at_first, "{knowledge:?}");
        assert_eq!(picture.reach(&target(), Some(&before)), after_another_mac, "{knowledge:?}");
    }
}

#[test]
fn a_vanished_entry_keeps_its_mac_only_on_the_same_interface() {
    let before = Reach::Resolved { ifindex: 7, mac: MAC };
    assert_eq!(picture(on_link(1), None).reach(&target(), Some(&before)), no_answer());
    assert_eq!(picture(on_link(1), None).reach(&target(), Some(&no_answer())), no_answer());
}

#[test]
fn the_way_decides_first() {
    let router: IpAddr = "192.0.2.254".parse().unwrap();
    let before = resolved(MAC);
    for (route, reason) in [
        (Route::None, Unresolved::NoRoute),
        (Route::Local, Unresolved::Local),
        (Route::Gateway { ifindex: 1, gateway: Some(router) }, Unresolved::Gateway { gateway: Some(router) }),
        (on_link(2), Unresolved::LinkDown { name: "eth2".into(), by_admin: true }),
        (on_link(3), Unresolved::LinkDown { name: "eth3".into(), by_admin: false }),
        (on_link(4), Unresolved::InterfaceGone { ifindex: 4 }),
        (on_link(9), Unresolved::UnlistedInterface { name: "wan0".into() }),
    ] {
        let picture = picture(route, Some(Knowledge::Known(Some(MAC))));
        assert_eq!(picture.reach(&target(), Some(&before)), Reach::Unresolved(reason.clone()));
        assert_eq!(picture.needed_neighbour(&target()), None, "{reason}");
    }
}

#[test]
fn an_unknown_address_has_no_route() {
    let mut picture = picture(on_link(1), None);
    picture.routes.clear();
    assert_eq!(picture.reach(&target(), None), Reach::Unresolved(Unresolved::NoRoute));
}

#[test]
fn a_given_interface_needs_no_route() {
    let given = Target { ifindex: Some(1), ..target() };
    let picture = picture(Route::None, Some(Knowledge::Known(Some(MAC))));
    assert_eq!(picture.reach(&given, None), resolved(MAC));
    assert_eq!(picture.needed_neighbour(&given), Some((1, server())));
    let down = Target { ifindex: Some(2), ..target() };
    let reason = Unresolved::LinkDown { name: "eth2".into(), by_admin: true };
    assert_eq!(picture.reach(&down, None), Reach::Unresolved(reason));
}

#[test]
fn a_given_mac_is_never_looked_for() {
    let given = Target { mac: Some(OTHER_MAC), ..target() };
    let routed = Route::Gateway { ifindex: 1, gateway: None };
    for route in [on_link(1), routed] {
        let picture = picture(route, Some(Knowledge::Known(Some(MAC))));
        assert_eq!(picture.reach(&given, None), resolved(OTHER_MAC));
        assert_eq!(picture.needed_neighbour(&given), None);
    }
    let reason = Unresolved::LinkDown { name: "eth3".into(), by_admin: false };
    assert_eq!(picture(on_link(3), None).reach(&given, None), Reach::Unresolved(reason));
}

#[test]
fn a_refusal_is_said() {
    let mut picture = picture(on_link(1), None);
    picture.refused.insert((1, server()), 22);
    let reason = Unresolved::Refused { name: "eth1".into(), errno: 22 };
    assert_eq!(
        reason.to_string(),
        "the kernel refuses a neighbour entry on eth1: Invalid argument (os error 22)"
    );
    assert_eq!(picture.reach(&target(), None), Reach::Unresolved(reason));
}
