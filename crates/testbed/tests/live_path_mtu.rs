//! Path MTU discovery through the load balancer: the way back to a client narrows, and the router there says so to
//! the VIP. Only when its ICMP error reaches the one server that has the connection does the download go on.

use std::fs;
use std::net::IpAddr;

use evenkeel_testbed::lab::daemon::Daemon;
use evenkeel_testbed::lab::plan::{CLIENT_SWITCH4, CLIENT_SWITCH6, WEB4, WEB6};
use evenkeel_testbed::lab::{self, Lab, LabSpec, config};

/// The client's namespace becomes a router; behind it, over a link of 1300 bytes that only the router knows to be
/// narrow, another client asks for files.
fn lay_narrow_way(lab: &Lab) -> lab::namespace::Namespace {
    let behind = lab.annex("behind").unwrap();
    let router = lab.client();
    router
        .ip(&format!(
            "link add narrow mtu 1300 type veth peer name eth0 mtu 1500 netns {}\nlink set narrow up\n\
             addr add 198.18.1.1/24 dev narrow\naddr add 2001:db8:d::1/64 dev narrow nodad\n",
            behind.path().display()
        ))
        .unwrap();
    router.run("ethtool -K narrow tx off").unwrap();
    router.set(&[("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1")]).unwrap();
    behind.run("ethtool -K eth0 tx off").unwrap();
    behind
        .ip("link set eth0 up\naddr add 198.18.1.2/24 dev eth0\naddr add 2001:db8:d::2/64 dev eth0 nodad\n\
             route add default via 198.18.1.1\nroute add default via 2001:db8:d::1\n")
        .unwrap();
    for server in lab.servers() {
        let back = format!(
            "route add 198.18.1.0/24 via {CLIENT_SWITCH4}\nroute add 2001:db8:d::/64 via {CLIENT_SWITCH6}\n"
        );
        server.namespace().ip(&back).unwrap();
    }
    behind
}

#[test]
fn a_too_big_message_reaches_the_server_of_its_flow() {
    if !lab::available("a_too_big_message_reaches_the_server_of_its_flow") {
        return;
    }
    let lab = Lab::lay(LabSpec { servers: 4, ..LabSpec::default() }).unwrap();
    fs::write(lab.served_files().join("200kB"), vec![3; 200_000]).unwrap();
    let behind = lay_narrow_way(&lab);
    let daemon = Daemon::start(&lab, &config::web(&lab, &[])).unwrap();
    for vip in [IpAddr::from(WEB4), IpAddr::from(WEB6)] {
        let url = if vip.is_ipv4() { format!("http://{vip}") } else { format!("http://[{vip}]") };
        for download in 1..=8 {
            let size = behind
                .run(&format!("curl -sS -m 5 -o /dev/null -w %{{size_download}} {url}/files/200kB"))
                .unwrap_or_else(|error| panic!("{vip}, download {download}: {error:#}"));
            assert_eq!(size, "200000", "{vip}, download {download}");
        }
    }
    // A server learns the width of the way once and remembers it: at least one error to each that served.
    let learnt = lab.servers().iter().filter(|server| knows_narrow_way(server)).count();
    assert!(learnt >= 2, "only {learnt} servers were told");
    daemon.stop().unwrap();
}

fn knows_narrow_way(server: &lab::server::Server) -> bool {
    ["ip -4 route get 198.18.1.2", "ip -6 route get 2001:db8:d::2"]
        .iter()
        .any(|route| server.namespace().run(route).is_ok_and(|text| text.contains("mtu 1300")))
}
