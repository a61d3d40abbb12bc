//! Configuration files of `evenkeel` for a lab.

use std::fmt::Write;
use std::net::IpAddr;

use super::Lab;
use super::plan::{WEB_PORTS, WEB4, WEB6};

/// One service and its group, of the same name.
#[derive(Clone, Debug)]
pub struct ServiceText<'a> {
    /// Name of the service and of its group.
    pub name: &'a str,
    /// The VIP.
    pub vip: IpAddr,
    /// `tcp`, `udp` or `any`.
    pub protocol: &'a str,
    /// Empty: any port.
    pub ports: &'a [u16],
    /// Servers by index from 0, and whether each is draining.
    pub members: Vec<(usize, Draining)>,
    /// Idle time of established TCP flows, as the configuration says it; `None`: the default.
    pub idle: Option<&'a str>,
}

/// The admin state of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draining {
    /// `active`
    No,
    /// `draining`
    Yes,
}

/// A configuration with all interfaces of the lab's load balancer and these services.
pub fn text(lab: &Lab, services: &[ServiceText<'_>]) -> String {
    let mut text = String::new();
    for interface in lab.interfaces() {
        text += &format!("[[interface]]\nname = \"{interface}\"\n\n");
    }
    for service in services {
        write_service(&mut text, lab, service);
    }
    text
}

/// The lab's web service over both families with all servers; `draining` servers (by index) take no new flows.
pub fn web(lab: &Lab, draining: &[usize]) -> String {
    let state = |index| if draining.contains(&index) { Draining::Yes } else { Draining::No };
    let members: Vec<_> = (0..lab.servers().len()).map(|index| (index, state(index))).collect();
    web_of(lab, &members)
}

/// The lab's web service over both families with these servers (by index).
pub fn web_of(lab: &Lab, members: &[(usize, Draining)]) -> String {
    text(lab, &web_services(members))
}

/// The services of [`web_of`].
pub fn web_services(members: &[(usize, Draining)]) -> [ServiceText<'static>; 2] {
    [("web4", WEB4.into()), ("web6", WEB6.into())].map(|(name, vip)| ServiceText {
        name,
        vip,
        protocol: "tcp",
        ports: &WEB_PORTS,
        members: members.to_vec(),
        idle: None,
    })
}

fn write_service(text: &mut String, lab: &Lab, service: &ServiceText<'_>) {
    let ServiceText { name, vip, protocol, ports, members, idle } = service;
    let ports = if ports.is_empty() { String::new() } else { format!("ports = {ports:?}\n") };
    let idle =
        idle.map_or_else(String::new, |idle| format!("timeouts = {{ tcp_established = \"{idle}\" }}\n"));
    *text += &format!(
        "[[service]]\nname = \"{name}\"\nvip = \"{vip}\"\nprotocol = \"{protocol}\"\n{ports}{idle}group = \"{name}\"\n\n\
         [[group]]\nname = \"{name}\"\n\n"
    );
    for &(server, draining) in members {
        let (address, _) = lab.nexthop(server, *vip);
        let state = if draining == Draining::Yes { "draining" } else { "active" };
        let server = lab.servers()[server].name();
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "[[group.nexthop]]\nname = \"{server}\"\naddress = \"{address}\"\nstate = \"{state}\"\n"
        );
    }
}
