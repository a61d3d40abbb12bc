//! How an interface stands to others: below a bridge or bond, on another interface, or one end of a pair. And its addresses.

use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage};
use rtnetlink::packet_route::link::{LinkAttribute, LinkMessage};
use std::net::IpAddr;

/// An interface among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The kernel's number of the interface.
    pub ifindex: u32,
    /// Number of the bridge, bond or the like to which it belongs (`IFLA_MASTER`).
    pub master: Option<u32>,
    /// The interface on which it stands, or the other end of a veth (`IFLA_LINK`).
    pub other: Option<Other>,
}

/// The interface to which another one leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// In this network namespace, by its number.
    Here(u32),
    /// In another network namespace.
    Elsewhere {
        /// Its number there.
        ifindex: u32,
        /// The kernel's number of that namespace (`ip netns list-id`); negative if it has none.
        namespace: i32,
    },
}

/// An address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnAddress {
    /// The address.
    pub address: IpAddr,
    /// Length of its prefix.
    pub len: u8,
    /// The kernel's number of the interface.
    pub ifindex: u32,
}

impl OwnAddress {
    /// None if the message tells no address.
    pub(crate) fn of(message: &AddressMessage) -> Option<Self> {
        let (mut local, mut other) = (None, None);
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Local(address) => local = Some(*address),
                // of a point-to-point interface it is the other end's
                AddressAttribute::Address(address) => other = Some(*address),
                _ => {}
            }
        }
        let (len, ifindex) = (message.header.prefix_len, message.header.index);
        Some(Self { address: local.or(other)?, len, ifindex })
    }
}

impl Standing {
    pub(crate) fn of(message: &LinkMessage) -> Self {
        let (mut master, mut other, mut namespace) = (None, None, None);
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::Controller(ifindex) => master = Some(*ifindex),
                LinkAttribute::Link(ifindex) => other = Some(*ifindex),
                LinkAttribute::LinkNetNsId(id) => namespace = Some(*id),
                _ => {}
            }
        }
        let place = |ifindex| match namespace {
            None => Other::Here(ifindex),
            Some(namespace) => Other::Elsewhere { ifindex, namespace },
        };
        Self { ifindex: message.header.index, master, other: other.map(place) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_end_is_here_unless_a_namespace_is_named() {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        assert_eq!(Standing::of(&message), Standing { ifindex: 7, master: None, other: None });
        message.attributes = vec![LinkAttribute::Link(8), LinkAttribute::Controller(3)];
        let standing = Standing::of(&message);
        assert_eq!(standing, Standing { ifindex: 7, master: Some(3), other: Some(Other::Here(8)) });
        message.attributes.push(LinkAttribute::LinkNetNsId(2));
        let elsewhere = Other::Elsewhere { ifindex: 8, namespace: 2 };
        assert_eq!(Standing::of(&message).other, Some(elsewhere));
    }
}
