//! The lab's links, addresses and routes, as lines of `ip`.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::Result;

use super::namespace::Namespace;
use super::plan::{self, SOURCE_PREFIXES, VIP_PREFIXES};
use super::server::Server;
use super::{Lab, Wiring};

/// Connects the namespaces of a lab that nothing runs in yet.
pub(super) fn wire(lab: &Lab) -> Result<()> {
    let switch = &lab.switch;
    settle_kernels(lab, switch)?;
    switch.ip("link add br0 type bridge mcast_snooping 0\nlink set br0 up\n")?;
    plug(switch, "client", &lab.client, "eth1", 1)?;
    for server in &lab.servers {
        wire_server(lab, switch, server)?;
    }
    wire_balancer(lab, switch)?;
    wire_client(lab)
}

/// No duplicate address detection (it takes seconds), no reverse path filter (the ways differ), no router
/// advertisements.
fn settle_kernels(lab: &Lab, switch: &Namespace) -> Result<()> {
    let servers = lab.servers.iter().map(Server::namespace);
    for namespace in [&lab.client, &lab.balancer, switch].into_iter().chain(servers) {
        namespace.set(&[
            ("ipv4/conf/all/rp_filter", "0"),
            ("ipv4/conf/default/rp_filter", "0"),
            ("ipv6/conf/all/accept_dad", "0"),
            ("ipv6/conf/default/accept_dad", "0"),
            ("ipv6/conf/default/accept_ra", "0"),
        ])?;
    }
    Ok(())
}

/// Lays a cable from a port of the switch to an interface.
fn plug(switch: &Namespace, port: &str, to: &Namespace, interface: &str, queues: u8) -> Result<()> {
    cable(to, interface, switch, port, queues)?;
    switch.ip(&format!("link set {port} master br0\nlink set {port} up\n"))
}

/// Lays a cable between two interfaces; the far end is one whose frames the load balancer may read.
///
/// Its checksum offload is switched off: what a local stack sends into a veth else carries a checksum that
/// nobody finishes before AF_XDP hands the frame out.
fn cable(near: &Namespace, interface: &str, far: &Namespace, port: &str, queues: u8) -> Result<()> {
    let queues = format!("numrxqueues {queues} numtxqueues {queues}");
    let path = far.path();
    near.ip(&format!(
        "link add {interface} {queues} type veth peer name {port} netns {} {queues}\nlink set {interface} up\n",
        path.display()
    ))?;
    checksum_in_software(far, port)?;
    far.ip(&format!("link set {port} up\n"))
}

fn checksum_in_software(namespace: &Namespace, interface: &str) -> Result<()> {
    namespace.run(&format!("ethtool -K {interface} tx off")).map(drop)
}

/// A server: the VIPs on its loopback, its way back to the client over the switch.
fn wire_server(lab: &Lab, switch: &Namespace, server: &Server) -> Result<()> {
    let namespace = server.namespace();
    let number = server.number();
    // It has VIPs that others have too: it answers ARP only for addresses of the asked interface.
    namespace.set(&[("ipv4/conf/all/arp_ignore", "1"), ("ipv4/conf/all/arp_announce", "2")])?;
    let on_switch = if lab.spec.wiring == Wiring::Direct { "eth1" } else { "eth0" };
    plug(switch, server.name(), namespace, on_switch, 1)?;
    checksum_in_software(namespace, on_switch)?;
    let (address4, address6) = plan::server_switch(number);
    let mut lines = format!(
        "addr add {address4}/24 dev {on_switch}\naddr add {address6}/64 dev {on_switch} nodad\n\
         route add {} via {}\nroute add {} via {}\n",
        SOURCE_PREFIXES[0],
        plan::CLIENT_SWITCH4,
        SOURCE_PREFIXES[1],
        plan::CLIENT_SWITCH6,
    );
    for vip in [plan::WEB4, plan::SINGLE4] {
        lines += &format!("addr add {vip}/32 dev lo\n");
    }
    for vip in [plan::WEB6, plan::SINGLE6] {
        lines += &format!("addr add {vip}/128 dev lo nodad\n");
    }
    // What else the client's link sends (pings, tools without a source of their own) is answered there too.
    lines += &format!(
        "route add 203.0.113.0/24 via {}\nroute add 2001:db8:1::/64 via {}\n",
        plan::CLIENT_SWITCH4,
        plan::CLIENT_SWITCH6
    );
    namespace.ip(&lines)
}

fn wire_balancer(lab: &Lab, switch: &Namespace) -> Result<()> {
    let balancer = &lab.balancer;
    balancer.set(&[
        ("ipv4/ip_forward", "1"),
        ("ipv6/conf/all/forwarding", "1"),
        // A redirect would tell the client the way past the load balancer when it stands one-armed.
        ("ipv4/conf/all/send_redirects", "0"),
        ("ipv4/conf/default/send_redirects", "0"),
        ("ipv4/fib_multipath_hash_policy", "1"),
        ("ipv6/fib_multipath_hash_policy", "1"),
        ("ipv4/conf/all/ignore_routes_with_linkdown", "1"),
        ("ipv4/conf/default/ignore_routes_with_linkdown", "1"),
        ("ipv6/conf/all/ignore_routes_with_linkdown", "1"),
        ("ipv6/conf/default/ignore_routes_with_linkdown", "1"),
    ])?;
    let queues = lab.spec.queues;
    if lab.spec.wiring != Wiring::OneArmed {
        cable(balancer, "eth1", &lab.client, "eth0", queues)?;
        give(balancer, "eth1", plan::BALANCER4, plan::BALANCER6)?;
    }
    match lab.spec.wiring {
        Wiring::OneArmed => wire_to_switch(lab, switch, "eth1"),
        Wiring::Switched => wire_to_switch(lab, switch, "eth2"),
        Wiring::Direct => lab.servers.iter().try_for_each(|server| wire_link(lab, server)),
    }
}

fn wire_to_switch(lab: &Lab, switch: &Namespace, interface: &str) -> Result<()> {
    plug(switch, "lb", &lab.balancer, interface, lab.spec.queues)?;
    give(&lab.balancer, interface, plan::BALANCER_SWITCH4, plan::BALANCER_SWITCH6)
}

/// The load balancer's own link to one server.
fn wire_link(lab: &Lab, server: &Server) -> Result<()> {
    let number = server.number();
    let interface = format!("eth{}", number + 1);
    cable(&lab.balancer, &interface, server.namespace(), "eth0", lab.spec.queues)?;
    let (near, far) = (plan::balancer_link(number), plan::server_link(number));
    give(&lab.balancer, &interface, near.0, near.1)?;
    give(server.namespace(), "eth0", far.0, far.1)
}

/// The client: many sources on its loopback, the VIPs behind the load balancer.
fn wire_client(lab: &Lab) -> Result<()> {
    let client = &lab.client;
    // Sockets may be bound to any address of the source prefixes, which the loopback owns as a whole.
    client.set(&[("ipv4/ip_nonlocal_bind", "1"), ("ipv6/ip_nonlocal_bind", "1")])?;
    checksum_in_software(client, "eth1")?;
    give(client, "eth1", plan::CLIENT_SWITCH4, plan::CLIENT_SWITCH6)?;
    let (gateway4, gateway6) = if lab.spec.wiring == Wiring::OneArmed {
        (plan::BALANCER_SWITCH4, plan::BALANCER_SWITCH6)
    } else {
        give(client, "eth0", plan::CLIENT4, plan::CLIENT6)?;
        (plan::BALANCER4, plan::BALANCER6)
    };
    client.ip(&format!(
        "route add local {} dev lo\nroute add local {} dev lo\nroute add {} via {gateway4}\nroute add {} via {gateway6}\n",
        SOURCE_PREFIXES[0], SOURCE_PREFIXES[1], VIP_PREFIXES[0], VIP_PREFIXES[1],
    ))
}

fn give(namespace: &Namespace, interface: &str, v4: Ipv4Addr, v6: Ipv6Addr) -> Result<()> {
    namespace.ip(&format!("addr add {v4}/24 dev {interface}\naddr add {v6}/64 dev {interface} nodad\n"))
}
