//! The kernel's own multipath route in place of Evenkeel: what it is compared with.

use std::net::IpAddr;

use anyhow::Result;

use super::Lab;
use super::plan::{VIP_PREFIXES, WEB4, WEB6};

/// Routes the VIPs of both families over these servers (by index), replacing the route that is there.
///
/// The hash takes the ports in (`fib_multipath_hash_policy=1`), and a nexthop whose link is down is left out;
/// the lab has set both.
///
/// # Errors
/// When the kernel refuses.
pub fn route(lab: &Lab, servers: &[usize]) -> Result<()> {
    let mut lines = String::new();
    for (vip, prefix) in [(IpAddr::from(WEB4), VIP_PREFIXES[0]), (IpAddr::from(WEB6), VIP_PREFIXES[1])] {
        lines += &format!("route replace {prefix}");
        for &server in servers {
            let (address, interface) = lab.nexthop(server, vip);
            lines += &format!(" nexthop via {address} dev {interface}");
        }
        lines += "\n";
    }
    lab.balancer().ip(&lines)
}
