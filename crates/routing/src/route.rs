//! What the kernel's routing says about one address.

use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia};
use std::net::IpAddr;

/// The way to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// On the wire behind this interface.
    OnLink { ifindex: u32 },
    /// Behind a router; its address, if it has one.
    Gateway { ifindex: u32, gateway: Option<IpAddr> },
    /// An address of this machine, or one that it accepts.
    Local,
    /// No route, or one that refuses.
    None,
}

impl Route {
    /// The interface over which it leaves this machine.
    pub(crate) const fn ifindex(self) -> Option<u32> {
        match self {
            Self::OnLink { ifindex } | Self::Gateway { ifindex, .. } => Some(ifindex),
            Self::Local | Self::None => None,
        }
    }

    /// Reads the answer to a question about `address`.
    pub(crate) fn of(message: &RouteMessage, address: IpAddr) -> Self {
        let (mut ifindex, mut gateway, mut is_routed) = (None, None, false);
        for attribute in &message.attributes {
            match attribute {
                RouteAttribute::Oif(index) => ifindex = Some(*index),
                RouteAttribute::Gateway(via) => (is_routed, gateway) = (true, ip_of(via)),
                RouteAttribute::Via(via) => (is_routed, gateway) = (true, ip_of_via(via)),
                // a tunnel's way is not the wire's
                RouteAttribute::EncapType(_) => is_routed = true,
                _ => {}
            }
        }
        match (message.header.kind, ifindex) {
            (RouteType::Local | RouteType::Broadcast | RouteType::Anycast, _) => Self::Local,
            (RouteType::Unicast, Some(ifindex)) => {
                if is_routed && gateway != Some(address) {
                    Self::Gateway { ifindex, gateway }
                } else {
                    Self::OnLink { ifindex }
                }
            }
            _ => Self::None,
        }
    }
}

fn ip_of(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(v4) => Some(IpAddr::V4(*v4)),
        RouteAddress::Inet6(v6) => Some(IpAddr::V6(*v6)),
        _ => None,
    }
}

fn ip_of_via(via: &RouteVia) -> Option<IpAddr> {
    match via {
        RouteVia::Inet(v4) => Some(IpAddr::V4(*v4)),
        RouteVia::Inet6(v6) => Some(IpAddr::V6(*v6)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtnetlink::packet_route::route::RouteLwEnCapType;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
    const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);

    fn route(kind: RouteType, attributes: Vec<RouteAttribute>) -> Route {
        let mut message = RouteMessage::default();
        message.header.kind = kind;
        message.attributes = attributes;
        Route::of(&message, SERVER)
    }

    #[test]
    fn unicast_routes() {
        let oif = RouteAttribute::Oif(4);
        let gateway = RouteAttribute::Gateway(RouteAddress::Inet(ROUTER));
        let own = RouteAttribute::Gateway(RouteAddress::from(SERVER));
        let via6 = RouteAttribute::Via(RouteVia::Inet6(Ipv6Addr::LOCALHOST));
        let encap = RouteAttribute::EncapType(RouteLwEnCapType::Ip);
        let behind = |gateway| Route::Gateway { ifindex: 4, gateway };
        for (attributes, want) in [
            (vec![oif.clone()], Route::OnLink { ifindex: 4 }),
            (vec![oif.clone(), own], Route::OnLink { ifindex: 4 }),
            (vec![gateway.clone(), oif.clone()], behind(Some(IpAddr::V4(ROUTER)))),
            (vec![via6, oif.clone()], behind(Some(IpAddr::V6(Ipv6Addr::LOCALHOST)))),
            (vec![encap, oif], behind(None)),
            (vec![gateway], Route::None),
        ] {
            assert_eq!(route(RouteType::Unicast, attributes), want);
        }
    }

    #[test]
    fn other_kinds_lead_nowhere() {
        let oif = vec![RouteAttribute::Oif(1)];
        assert_eq!(route(RouteType::Local, oif.clone()), Route::Local);
        assert_eq!(route(RouteType::Broadcast, oif.clone()), Route::Local);
        for kind in [RouteType::BlackHole, RouteType::Unreachable, RouteType::Prohibit, RouteType::Throw] {
            assert_eq!(route(kind, oif.clone()), Route::None, "{kind:?}");
        }
    }
}
