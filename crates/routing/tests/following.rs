//! [`Routing`](evenkeel_routing::Routing) against a real kernel, in network namespaces of its own.

mod lab;

use evenkeel_routing::{Keeping, Reach, Routing, Target, Unresolved};
use lab::{Lab, MAC0, MAC1, SERVER4, SERVER6, by_route, no_answer, resolved};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

fn unresolved(reason: Unresolved) -> Reach {
    Reach::Unresolved(reason)
}

#[test]
fn both_families_are_resolved_and_nothing_is_left() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    for keeping in [Keeping::Managed, Keeping::Solicited] {
        let mut watch = lab.watch(keeping, vec![by_route(SERVER4), by_route(SERVER6)]);
        watch.expect(SERVER4, &resolved(lb0, MAC0));
        watch.expect(SERVER6, &resolved(lb0, MAC0));
        for address in [SERVER4, SERVER6] {
            let entry = lab.neighbour(address);
            assert_eq!(entry.contains("managed"), keeping == Keeping::Managed, "{entry}");
            assert!(entry.contains("proto 201"), "{entry}");
        }
        watch.stop();
        assert_eq!(lab.marked_neighbours(), Vec::<String>::new());
        assert_eq!(lab.neighbour(SERVER4), "");
    }
}

#[test]
fn a_changed_mac_is_followed() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    let mut watch = lab.watch(Keeping::Managed, vec![by_route(SERVER4), by_route(SERVER6)]);
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    watch.expect(SERVER6, &resolved(lb0, MAC0));

    // said by the server, as most do when they take over an address
    lab.server(&["sysctl", "-qw", "net.ipv4.conf.sv0.arp_notify=1", "net.ipv6.conf.sv0.ndisc_notify=1"]);
    lab.server(&["ip", "link", "set", "sv0", "address", "02:00:00:00:02:aa"]);
    watch.expect(SERVER4, &resolved(lb0, "02:00:00:00:02:aa"));

    // found out by the kernel, since the old MAC no longer answers
    lab.server(&["sysctl", "-qw", "net.ipv4.conf.sv0.arp_notify=0", "net.ipv6.conf.sv0.ndisc_notify=0"]);
    lab.server(&["ip", "link", "set", "sv0", "address", "02:00:00:00:02:bb"]);
    watch.expect(SERVER4, &resolved(lb0, "02:00:00:00:02:bb"));
    watch.stop();
}

#[test]
fn interfaces_come_and_go_and_leave_nothing_behind() {
    let lab = Lab::new();
    let (lb0, lb1) = (lab.ifindex("lb0"), lab.ifindex("lb1"));
    let mut watch = lab.watch(Keeping::Managed, vec![by_route(SERVER4), by_route("203.0.113.1")]);
    let unlisted = |name: &str| unresolved(Unresolved::UnlistedInterface { name: name.to_owned() });
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    watch.expect("203.0.113.1", &unlisted("lb1"));
    watch.list(&[lb0, lb1]);
    watch.expect("203.0.113.1", &resolved(lb1, MAC1));
    watch.list(&[lb1]);
    watch.expect(SERVER4, &unlisted("lb0"));
    let is_left = |line: &String| line.contains("dev lb0");
    assert_eq!(lab.marked_neighbours().into_iter().filter(is_left).collect::<Vec<_>>(), Vec::<String>::new());
    watch.list(&[lb0]);
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    watch.stop();
    assert_eq!(lab.marked_neighbours(), Vec::<String>::new());
}

#[test]
fn an_ipv6_neighbour_with_another_mac_is_followed() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    let mut watch = lab.watch(Keeping::Managed, vec![by_route(SERVER6)]);
    watch.expect(SERVER6, &resolved(lb0, MAC0));
    lab.server(&["ip", "link", "set", "sv0", "address", "02:00:00:00:02:aa"]);
    watch.expect(SERVER6, &resolved(lb0, "02:00:00:00:02:aa"));
    watch.stop();
}

#[test]
fn the_link_is_followed_down_and_up() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    // a route of an address is gone with the link, without notice; an interface that is given stays
    let given = Target { ifindex: Some(lb0), ..by_route(SERVER4) };
    let mut watch = lab.watch(Keeping::Managed, vec![given, by_route(SERVER6)]);
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    let down = |by_admin| unresolved(Unresolved::LinkDown { name: "lb0".into(), by_admin });

    lab.server(&["ip", "link", "set", "sv0", "down"]);
    let took = watch.expect(SERVER4, &down(false));
    assert!(took < Duration::from_millis(500), "no carrier seen after {took:?}");
    lab.server(&["ip", "link", "set", "sv0", "up"]);
    watch.expect(SERVER4, &resolved(lb0, MAC0));

    lab.balancer(&["ip", "link", "set", "lb0", "down"]);
    let took = watch.expect(SERVER4, &down(true));
    assert!(took < Duration::from_millis(500), "set down, seen after {took:?}");
    lab.balancer(&["ip", "link", "set", "lb0", "up"]);
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    watch.stop();
    assert_eq!(lab.marked_neighbours(), Vec::<String>::new());
}

#[test]
fn a_route_that_vanishes_without_notice_is_missed() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    let mut watch = lab.watch(Keeping::Managed, vec![by_route(SERVER4)]);
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    lab.balancer(&["ip", "address", "del", "198.51.100.254/24", "dev", "lb0"]);
    watch.expect(SERVER4, &unresolved(Unresolved::NoRoute));
    lab.balancer(&["ip", "address", "add", "198.51.100.254/24", "dev", "lb0"]);
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    watch.stop();
}

#[test]
fn a_server_that_stops_answering_is_unresolved_until_it_answers() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    for keeping in [Keeping::Managed, Keeping::Solicited] {
        let mut watch = lab.watch(keeping, vec![by_route(SERVER4), by_route(SERVER6)]);
        watch.expect(SERVER4, &resolved(lb0, MAC0));
        lab.server(&["ip", "address", "del", "198.51.100.1/24", "dev", "sv0"]);
        watch.expect(SERVER4, &no_answer());
        lab.server(&["ip", "address", "add", "198.51.100.1/24", "dev", "sv0"]);
        let took = watch.expect(SERVER4, &resolved(lb0, MAC0));
        assert!(took < Duration::from_secs(3), "in use again after {took:?}");
        watch.stop();
    }
}

#[test]
fn a_flushed_neighbour_table_moves_nobody() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    let mut watch = lab.watch(Keeping::Managed, vec![by_route(SERVER4)]);
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    lab.balancer(&["ip", "neighbour", "flush", "all"]);
    watch.expect_no_change(Duration::from_millis(1500));
    assert!(lab.neighbour(SERVER4).contains("managed"), "asked for again");
    watch.stop();
}

#[test]
fn the_route_decides_over_which_interface() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    let mut watch =
        lab.watch(Keeping::Managed, vec![by_route(SERVER4), by_route("203.0.113.1"), by_route("192.0.2.77")]);
    let unlisted = unresolved(Unresolved::UnlistedInterface { name: "lb1".into() });
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    watch.expect("203.0.113.1", &unlisted);
    watch.expect("192.0.2.77", &unresolved(Unresolved::NoRoute));

    lab.balancer(&["ip", "route", "add", "198.51.100.1/32", "dev", "lb1"]);
    watch.expect(SERVER4, &unlisted);
    lab.balancer(&["ip", "route", "del", "198.51.100.1/32", "dev", "lb1"]);
    watch.expect(SERVER4, &resolved(lb0, MAC0));

    let gateway = Some(SERVER4.parse().unwrap());
    lab.balancer(&["ip", "route", "add", "192.0.2.0/24", "via", SERVER4]);
    watch.expect("192.0.2.77", &unresolved(Unresolved::Gateway { gateway }));
    lab.balancer(&["ip", "route", "replace", "blackhole", "192.0.2.0/24"]);
    watch.expect("192.0.2.77", &unresolved(Unresolved::NoRoute));
    watch.stop();
}

#[test]
fn a_nexthop_object_that_takes_its_routes_with_it_is_noticed() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    lab.balancer(&["ip", "nexthop", "add", "id", "7", "dev", "lb1"]);
    lab.balancer(&["ip", "route", "add", "198.51.100.1/32", "nhid", "7"]);
    let mut watch = lab.watch(Keeping::Managed, vec![by_route(SERVER4)]);
    watch.expect(SERVER4, &unresolved(Unresolved::UnlistedInterface { name: "lb1".into() }));
    lab.balancer(&["ip", "nexthop", "del", "id", "7"]);
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    watch.stop();
}

#[test]
fn lost_notifications_are_a_hint() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut routing = Routing::open(&[lb0], Keeping::Managed).unwrap();
            routing.refresh().await.unwrap();
            // more notifications than a socket's default buffer (208 KiB) holds, with nobody reading
            for round in 0..2 {
                let verb = if round == 0 { "add" } else { "del" };
                let route = |n: u32| format!("route {verb} 2001:db8:{n:x}::/48 dev lb1\n");
                let batch: String = (0x100..0xd00).map(route).collect();
                ip_batch(&batch);
            }
            let due = tokio::time::timeout(Duration::from_secs(1), routing.due()).await;
            due.expect("a hint").expect("no error");
            routing.refresh().await.unwrap();
        });
    };
    lab.inside(work).join().unwrap();
}

#[test]
fn reopened_sockets_go_on_where_the_old_ones_ended() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut routing = Routing::open(&[lb0], Keeping::Managed).unwrap();
            routing.set_targets([by_route(SERVER4)].into());
            while routing.reach(&by_route(SERVER4)) != Some(&resolved(lb0, MAC0)) {
                routing.due().await.unwrap();
                routing.refresh().await.unwrap();
            }
            routing.reopen().unwrap();
            routing.due().await.unwrap();
            assert_eq!(routing.refresh().await.unwrap(), []);
            routing.close().await.unwrap();
        });
    };
    lab.inside(work).join().unwrap();
}

fn ip_batch(commands: &str) {
    let mut child = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn ipv6_ways_that_do_not_count() {
    let lab = Lab::new();
    lab.balancer(&["ip", "route", "add", "2001:db8:2::/64", "via", SERVER6]);
    lab.balancer(&["ip", "route", "add", "unreachable", "2001:db8:3::/64"]);
    let addresses = ["2001:db8:1::fe", "2001:db8:2::1", "2001:db8:3::1", "2001:db8:4::1"];
    let mut watch = lab.watch(Keeping::Managed, addresses.map(by_route).to_vec());
    let gateway = Some(SERVER6.parse().unwrap());
    watch.expect(addresses[0], &unresolved(Unresolved::Local));
    watch.expect(addresses[1], &unresolved(Unresolved::Gateway { gateway }));
    watch.expect(addresses[2], &unresolved(Unresolved::NoRoute));
    watch.expect(addresses[3], &unresolved(Unresolved::NoRoute));
    watch.stop();
}

#[test]
fn entries_of_others_are_used_and_left_alone() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    let permanent = ["198.51.100.7", "lladdr", "02:00:00:00:02:77", "dev", "lb0", "nud", "permanent"];
    lab.balancer(&[&["ip", "neighbour", "add"], &permanent[..]].concat());
    lab.balancer(&["ip", "neighbour", "add", SERVER4, "dev", "lb0", "managed"]);
    let mut watch = lab.watch(Keeping::Managed, vec![by_route("198.51.100.7"), by_route(SERVER4)]);
    watch.expect("198.51.100.7", &resolved(lb0, "02:00:00:00:02:77"));
    watch.expect(SERVER4, &resolved(lb0, MAC0));
    watch.stop();
    assert!(lab.neighbour("198.51.100.7").contains("PERMANENT"));
    assert!(lab.neighbour(SERVER4).contains("managed"));
}

#[test]
fn what_a_killed_process_left_is_removed() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    drop(lab.watch(Keeping::Managed, vec![by_route(SERVER4)]));
    lab.balancer(&["ip", "neighbour", "replace", "198.51.100.9", "dev", "lb0", "managed", "protocol", "201"]);
    assert!(!lab.marked_neighbours().is_empty());
    let mut watch = lab.watch(Keeping::Managed, vec![by_route(SERVER6)]);
    watch.expect(SERVER6, &resolved(lb0, MAC0));
    let left = lab.marked_neighbours();
    assert!(left.len() == 1 && left[0].starts_with(SERVER6), "{left:?}");
    watch.stop();
}

#[test]
fn a_given_mac_needs_no_neighbour() {
    let lab = Lab::new();
    let lb0 = lab.ifindex("lb0");
    let mac = "02:00:00:00:02:55";
    let given = |address: &str| Target { mac: Some(mac.parse().unwrap()), ..by_route(address) };
    lab.balancer(&["ip", "route", "add", "192.0.2.0/24", "via", SERVER4]);
    let mut watch = lab.watch(Keeping::Managed, vec![given("198.51.100.44"), given("192.0.2.44")]);
    watch.expect("198.51.100.44", &resolved(lb0, mac));
    watch.expect("192.0.2.44", &resolved(lb0, mac));
    assert_eq!(lab.marked_neighbours(), Vec::<String>::new());
    watch.stop();
}

#[test]
fn links_are_read_by_name() {
    let lab = Lab::new();
    lab.balancer(&["ip", "link", "set", "lb1", "mtu", "1400", "address", "02:00:00:00:01:01"]);
    let links = lab.links();
    let link = |name: &str| links.iter().find(|link| link.name == name).unwrap();
    let lb1 = link("lb1");
    assert_eq!((lb1.mtu, lb1.mac), (1400, Some("02:00:00:00:01:01".parse().unwrap())));
    assert!(lb1.is_up() && !link("lo").is_up());
    assert_eq!(link("lo").mac, None);
}
