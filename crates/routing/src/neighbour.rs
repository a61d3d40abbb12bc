//! An entry of the kernel's neighbour table (ARP, RFC 826; neighbour discovery, RFC 4861 §7.3.2).

use crate::link::mac_of;
use evenkeel_packet::Mac;
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::RouteProtocol;
use std::net::IpAddr;

/// Origin (`NDA_PROTOCOL`) of the entries that we make, from the range that `rtnetlink.h` leaves to users. It tells them
/// from everybody else's, also after a process was killed.
pub(crate) const OUR_PROTOCOL: RouteProtocol = RouteProtocol::Other(201);

/// Where a neighbour is: interface and address.
pub(crate) type NeighbourKey = (u32, IpAddr);

/// What the kernel knows of a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// `NUD_REACHABLE`, `STALE`, `DELAY`, `PROBE`: its link-layer address is known; none if frames can't be sent to it.
    Known(Option<Mac>),
    /// `NUD_PERMANENT`, `NOARP`: the same, and the kernel never asks.
    Fixed(Option<Mac>),
    /// `NUD_INCOMPLETE`, `NONE`: being asked.
    Asked,
    /// `NUD_FAILED`: it did not answer.
    Failed,
}

/// An entry of the neighbour table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Neighbour {
    pub(crate) knowledge: Knowledge,
    /// The kernel keeps it resolved (`NTF_EXT_MANAGED`).
    pub(crate) is_managed: bool,
    /// We made or marked it.
    pub(crate) is_ours: bool,
}

impl Neighbour {
    /// None for entries that aren't of an IP address.
    pub(crate) fn of(message: &NeighbourMessage) -> Option<(NeighbourKey, Self)> {
        let (mut address, mut mac, mut is_managed, mut is_ours) = (None, None, false, false);
        for attribute in &message.attributes {
            match attribute {
                NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => {
                    address = Some(IpAddr::V4(*v4));
                }
                NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => {
                    address = Some(IpAddr::V6(*v6));
                }
                NeighbourAttribute::LinkLayerAddress(bytes) => mac = mac_of(bytes),
                NeighbourAttribute::ExtFlags(flags) => {
                    is_managed = flags.contains(NeighbourExtFlags::Managed);
                }
                NeighbourAttribute::Protocol(protocol) => is_ours = *protocol == OUR_PROTOCOL,
                _ => {}
            }
        }
        let knowledge = match message.header.state {
            NeighbourState::Reachable
            | NeighbourState::Stale
            | NeighbourState::Delay
            | NeighbourState::Probe => Knowledge::Known(mac),
            NeighbourState::Permanent | NeighbourState::Noarp => Knowledge::Fixed(mac),
            NeighbourState::Failed => Knowledge::Failed,
            _ => Knowledge::Asked,
        };
        Some(((message.header.ifindex, address?), Self { knowledge, is_managed, is_ours }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

    fn message(state: NeighbourState) -> NeighbourMessage {
        let mut message = NeighbourMessage::default();
        message.header.ifindex = 3;
        message.header.state = state;
        message.attributes = vec![
            NeighbourAttribute::Destination(NeighbourAddress::Inet(SERVER)),
            NeighbourAttribute::LinkLayerAddress(vec![2, 0, 0, 0, 2, 1]),
        ];
        message
    }

    #[test]
    fn states_say_what_is_known() {
        let mac = Some(Mac([2, 0, 0, 0, 2, 1]));
        for (state, knowledge) in [
            (NeighbourState::Reachable, Knowledge::Known(mac)),
            (NeighbourState::Stale, Knowledge::Known(mac)),
            (NeighbourState::Delay, Knowledge::Known(mac)),
            (NeighbourState::Probe, Knowledge::Known(mac)),
            (NeighbourState::Permanent, Knowledge::Fixed(mac)),
            (NeighbourState::Noarp, Knowledge::Fixed(mac)),
            (NeighbourState::Incomplete, Knowledge::Asked),
            (NeighbourState::None, Knowledge::Asked),
            (NeighbourState::Failed, Knowledge::Failed),
        ] {
            let (key, neighbour) = Neighbour::of(&message(state)).unwrap();
            assert_eq!(key, (3, IpAddr::V4(SERVER)));
            assert_eq!(neighbour, Neighbour { knowledge, is_managed: false, is_ours: false }, "{state}");
        }
    }

    #[test]
    fn marks_are_read() {
        let mut message = message(NeighbourState::Reachable);
        message.attributes.push(NeighbourAttribute::ExtFlags(NeighbourExtFlags::Managed));
        message.attributes.push(NeighbourAttribute::Protocol(OUR_PROTOCOL));
        let (_, neighbour) = Neighbour::of(&message).unwrap();
        assert!(neighbour.is_managed && neighbour.is_ours);
        message.attributes.pop();
        message.attributes.push(NeighbourAttribute::Protocol(RouteProtocol::Zebra));
        assert!(!Neighbour::of(&message).unwrap().1.is_ours);
    }

    #[test]
    fn entries_without_an_ip_address_are_skipped() {
        let mut message = message(NeighbourState::Reachable);
        message.attributes.remove(0);
        assert_eq!(Neighbour::of(&message), None);
    }
}
