//! Who has which address. Documentation and benchmark ranges only (RFC 5737, RFC 2544, RFC 3849).
//!
//! | range | what |
//! |---|---|
//! | 192.0.2.0/24, 2001:db8:10::/64 | VIPs, on the servers' loopback |
//! | 203.0.113.0/24, 2001:db8:1::/64 | client to load balancer |
//! | 198.51.100.0/24, 2001:db8:2::/64 | the switch: servers, the client's way back, the load balancer when it is there |
//! | 198.19.N.0/24, 2001:db8:3:N::/64 | load balancer to server N, when each has a link of its own |
//! | 198.18.0.0/24, 2001:db8:c::/112 | the client's many sources |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The VIPs' prefixes, routed to the load balancer.
pub const VIP_PREFIXES: [&str; 2] = ["192.0.2.0/24", "2001:db8:10::/64"];
/// The client's sources, routed to its side of the switch.
pub const SOURCE_PREFIXES: [&str; 2] = ["198.18.0.0/24", "2001:db8:c::/112"];

/// The VIPs that every server holds.
pub const WEB4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
/// See [`WEB4`].
pub const WEB6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x10, 0, 0, 0, 0, 0x10);
/// Both of them.
pub const WEB: [IpAddr; 2] = [IpAddr::V4(WEB4), IpAddr::V6(WEB6)];
/// VIPs of a service with one nexthop, for tools that open several connections which belong together.
pub const SINGLE4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 20);
/// See [`SINGLE4`].
pub const SINGLE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x10, 0, 0, 0, 0, 0x20);

/// Ports of the web service: HTTP of nginx, and the echo of `evenkeel traffic server`.
pub const WEB_PORTS: [u16; 2] = [80, ECHO_PORT];
/// See [`WEB_PORTS`].
pub const ECHO_PORT: u16 = 5003;

/// The client on its link to the load balancer.
pub const CLIENT4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
/// See [`CLIENT4`].
pub const CLIENT6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);
/// The load balancer on its link to the client.
pub const BALANCER4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// See [`BALANCER4`].
pub const BALANCER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
/// The client on the switch.
pub const CLIENT_SWITCH4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 200);
/// See [`CLIENT_SWITCH4`].
pub const CLIENT_SWITCH6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x200);
/// The load balancer on the switch.
pub const BALANCER_SWITCH4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 254);
/// See [`BALANCER_SWITCH4`].
pub const BALANCER_SWITCH6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0xfe);

/// Server `number` (from 1) on the switch.
pub fn server_switch(number: u8) -> (Ipv4Addr, Ipv6Addr) {
    (Ipv4Addr::new(198, 51, 100, number), Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, number.into()))
}

/// Server `number` on its own link to the load balancer.
pub fn server_link(number: u8) -> (Ipv4Addr, Ipv6Addr) {
    (Ipv4Addr::new(198, 19, number, 1), Ipv6Addr::new(0x2001, 0xdb8, 3, number.into(), 0, 0, 0, 1))
}

/// The load balancer on its own link to server `number`.
pub fn balancer_link(number: u8) -> (Ipv4Addr, Ipv6Addr) {
    (Ipv4Addr::new(198, 19, number, 254), Ipv6Addr::new(0x2001, 0xdb8, 3, number.into(), 0, 0, 0, 0xfe))
}

/// Source number `index` of the client, of the VIP's family; 250 of them, then from the first again.
pub fn source(vip: IpAddr, index: usize) -> IpAddr {
    let last = (index % 250) as u8 + 1;
    match vip {
        IpAddr::V4(_) => Ipv4Addr::new(198, 18, 0, last).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, last.into()).into(),
    }
}
