//! The kernel's own ECMP in place of Evenkeel: what it is compared with.
//!
//! Both ways take the ports into the hash (`fib_multipath_hash_policy=1`), and leave out a nexthop whose link is
//! down; the lab has set both.

use std::net::{IpAddr, SocketAddr};

use anyhow::Result;

use super::plan::{VIP_PREFIXES, WEB4, WEB6};
use super::{Lab, LabSpec};

/// Buckets of a resilient group: many for each connection of a scenario, so that few share one.
const RESILIENT_BUCKETS: u32 = 1024;
/// A bucket without a packet for so long may go to a nexthop that lacks buckets. Connections of the scenarios say
/// something more often, so the kernel never takes one of theirs for idle.
const RESILIENT_IDLE_S: u32 = 2;
/// Number of the group of the first family; its members have the numbers behind it.
const FIRST_GROUP_ID: u32 = 100;

/// A family's VIP, and the prefix that is routed.
fn families() -> [(IpAddr, &'static str); 2] {
    [(WEB4.into(), VIP_PREFIXES[0]), (WEB6.into(), VIP_PREFIXES[1])]
}

/// Routes the VIPs of both families over these servers (by index) by a multipath route, replacing the route that
/// is there.
///
/// # Errors
/// When the kernel refuses.
pub fn route(lab: &Lab, servers: &[usize]) -> Result<()> {
    let mut lines = String::new();
    for (vip, prefix) in families() {
        lines += &format!("route replace {prefix}");
        for &server in servers {
            let (address, interface) = lab.nexthop(server, vip);
            lines += &format!(" nexthop via {address} dev {interface}");
        }
        lines += "\n";
    }
    lab.balancer().ip(&lines)
}

/// Lays a resilient nexthop group of these servers (by index) for each family, and routes the VIPs over it.
///
/// # Errors
/// When the kernel refuses: it has no resilient groups (before 5.13), or the groups are there already.
pub fn lay_resilient(lab: &Lab, servers: &[usize]) -> Result<()> {
    let mut lines = String::new();
    for (group, (vip, prefix)) in group_ids().zip(families()) {
        for server in 0..lab.servers().len() {
            let (address, interface) = lab.nexthop(server, vip);
            lines += &format!("nexthop add id {} via {address} dev {interface}\n", member_id(group, server));
        }
        lines += &format!(
            "nexthop add id {group} {} type resilient buckets {RESILIENT_BUCKETS} idle_timer {RESILIENT_IDLE_S} \
             unbalanced_timer 0\nroute replace {prefix} nhid {group}\n",
            members(group, servers)
        );
    }
    lab.balancer().ip(&lines)
}

/// Why this kernel can't be compared with resilient groups; `None`: it can.
///
/// # Errors
/// When a lab can't be laid.
pub fn lacks_resilient() -> Result<Option<String>> {
    let lab = Lab::lay(LabSpec { servers: 1, ..LabSpec::default() })?;
    Ok(lay_resilient(&lab, &[0]).err().map(|error| format!("{error:#}")))
}

/// Gives the resilient groups these servers (by index) as members.
///
/// The kernel moves the buckets of those that left at once, and gives those that came buckets that are idle.
///
/// # Errors
/// When the kernel refuses.
pub fn change_resilient(lab: &Lab, servers: &[usize]) -> Result<()> {
    let change = |group| format!("nexthop replace id {group} {} type resilient\n", members(group, servers));
    lab.balancer().ip(&group_ids().map(change).collect::<String>())
}

fn group_ids() -> impl Iterator<Item = u32> {
    (0..2).map(|family| FIRST_GROUP_ID * (family + 1))
}

fn member_id(group: u32, server: usize) -> u32 {
    group + 1 + server as u32
}

fn members(group: u32, servers: &[usize]) -> String {
    let ids: Vec<_> = servers.iter().map(|&server| member_id(group, server).to_string()).collect();
    format!("group {}", ids.join("/"))
}

/// What the kernel says of the way of a TCP flow: the address of the nexthop.
///
/// On veth it needn't be where the flow goes: there a packet carries the hash that the sender's stack gave it, which the kernel
/// takes before it computes one.
///
/// # Errors
/// When there is no route, or `ip` says something else.
pub fn path(lab: &Lab, source: SocketAddr, destination: SocketAddr) -> Result<IpAddr> {
    let said = lab.balancer().run_ip(&format!(
        "-j route get {} from {} iif eth1 ipproto tcp sport {} dport {}",
        destination.ip(),
        source.ip(),
        source.port(),
        destination.port()
    ))?;
    let routes: serde_json::Value = serde_json::from_str(&said)?;
    let gateway = routes[0]["gateway"].as_str().unwrap_or_default();
    gateway.parse().map_err(|_| anyhow::anyhow!("no gateway in {said}"))
}
