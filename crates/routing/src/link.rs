//! A network interface as the kernel shows it.

use evenkeel_packet::Mac;
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkLayerType, LinkMessage, State};

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number of the interface; never 0.
    pub ifindex: u32,
    /// Name, which can change while the number stays.
    pub name: String,
    /// Its MAC; none if it isn't an Ethernet interface.
    pub mac: Option<Mac>,
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// Set up by the administrator (`IFF_UP`).
    pub is_admin_up: bool,
    /// Ready to carry frames: `IFF_LOWER_UP`, and the operational state (RFC 2863) up, or unknown, which drivers
    /// without one report.
    pub has_carrier: bool,
}

impl Link {
    /// True if frames can leave and come.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.is_admin_up && self.has_carrier
    }

    pub(crate) fn of(message: &LinkMessage) -> Self {
        let flags = message.header.flags;
        let is_ethernet = message.header.link_layer_type == LinkLayerType::Ether;
        let mut link = Self {
            ifindex: message.header.index,
            name: String::new(),
            mac: None,
            mtu: 0,
            is_admin_up: flags.contains(LinkFlags::Up),
            has_carrier: flags.contains(LinkFlags::LowerUp),
        };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name.clone_from(name),
                LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
                LinkAttribute::Address(bytes) if is_ethernet => link.mac = mac_of(bytes),
                LinkAttribute::OperState(state) => {
                    link.has_carrier &= matches!(state, State::Up | State::Unknown);
                }
                _ => {}
            }
        }
        link
    }
}

/// The MAC in a link-layer address, if it is one that a frame can be sent to.
pub(crate) fn mac_of(bytes: &[u8]) -> Option<Mac> {
    let mac = Mac(bytes.try_into().ok()?);
    (!mac.is_multicast() && mac != Mac::default()).then_some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flags: LinkFlags, state: State, layer: LinkLayerType) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.flags = flags;
        message.header.link_layer_type = layer;
        message.attributes = vec![
            LinkAttribute::IfName("eth1".into()),
            LinkAttribute::Mtu(9000),
            LinkAttribute::Address(vec![2, 0, 0, 0, 1, 1]),
            LinkAttribute::OperState(state),
        ];
        message
    }

    #[test]
    fn all_fields_are_read() {
        let link = Link::of(&message(LinkFlags::Up | LinkFlags::LowerUp, State::Up, LinkLayerType::Ether));
        let want = Link {
            ifindex: 7,
            name: "eth1".into(),
            mac: Some(Mac([2, 0, 0, 0, 1, 1])),
            mtu: 9000,
            is_admin_up: true,
            has_carrier: true,
        };
        assert_eq!(link, want);
        assert!(link.is_up());
    }

    #[test]
    fn up_needs_admin_state_carrier_and_operational_state() {
        let both = LinkFlags::Up | LinkFlags::LowerUp;
        for (flags, state, is_up) in [
            (both, State::Up, true),
            (both, State::Unknown, true),
            (both, State::Down, false),
            (both, State::Dormant, false),
            (both, State::LowerLayerDown, false),
            (both, State::Testing, false),
            (LinkFlags::Up, State::Up, false),
            (LinkFlags::LowerUp, State::Up, false),
        ] {
            let link = Link::of(&message(flags, state, LinkLayerType::Ether));
            assert_eq!(link.is_up(), is_up, "{flags} {state}");
        }
    }

    #[test]
    fn other_link_layers_have_no_mac() {
        let flags = LinkFlags::Up | LinkFlags::LowerUp;
        assert_eq!(Link::of(&message(flags, State::Up, LinkLayerType::Loopback)).mac, None);
    }

    #[test]
    fn only_unicast_macs_count() {
        assert_eq!(mac_of(&[0; 6]), None);
        assert_eq!(mac_of(&[0xff; 6]), None);
        assert_eq!(mac_of(&[2, 0, 0, 0, 1]), None);
        assert_eq!(mac_of(&[2, 0, 0, 0, 1, 9]), Some(Mac([2, 0, 0, 0, 1, 9])));
    }
}
