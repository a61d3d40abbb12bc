//! Questions and answers: a nexthop's address, and how it is reached or why it isn't.

use crate::link::Link;
use evenkeel_packet::Mac;
use std::fmt;
use std::net::IpAddr;

/// A nexthop whose way is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// Its address.
    pub address: IpAddr,
    /// Its interface, if the configuration names it: then the kernel's routes aren't asked.
    pub ifindex: Option<u32>,
    /// Its MAC, if the configuration gives it: then nobody is asked for it, and a router on the way doesn't matter.
    pub mac: Option<Mac>,
}

/// How a target is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Frames to `mac` over the interface get there.
    Resolved {
        /// Number of the interface; one of the listed ones, and up.
        ifindex: u32,
        /// The MAC of the nexthop.
        mac: Mac,
    },
    /// Not to be used now.
    Unresolved(Unresolved),
}

/// Why a target can't be reached. The text names interfaces and is meant for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// The kernel has no route to the address, or one that refuses.
    NoRoute,
    /// The address is one of this machine.
    Local,
    /// The route goes through a router. A nexthop gets frames for the VIP, which a router would send back, so it has
    /// to be on the wire itself.
    Gateway {
        /// Address of the router; none for a tunnel.
        gateway: Option<IpAddr>,
    },
    /// The route leaves over an interface that isn't one of ours.
    UnlistedInterface {
        /// Its name.
        name: String,
    },
    /// The interface has gone, or isn't one of ours any more.
    InterfaceGone {
        /// The number that it had.
        ifindex: u32,
    },
    /// The interface is down.
    LinkDown {
        /// Its name.
        name: String,
        /// Down by the administrator, not for want of a carrier.
        by_admin: bool,
    },
    /// The nexthop has not answered ARP or neighbour discovery (yet).
    NoAnswer {
        /// Name of the interface.
        name: String,
    },
    /// Its neighbour entry has no MAC that frames can be sent to.
    NoMac {
        /// Name of the interface.
        name: String,
    },
    /// The kernel refuses to look for it there.
    Refused {
        /// Name of the interface.
        name: String,
        /// The kernel's errno.
        errno: i32,
    },
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoute => f.write_str("no route"),
            Self::Local => f.write_str("it is an address of this machine"),
            Self::Gateway { gateway: Some(gateway) } => {
                write!(f, "its route goes through {gateway}, but it has to be on a link of this machine")
            }
            Self::Gateway { gateway: None } => {
                f.write_str("its route goes through a tunnel, but it has to be on a link of this machine")
            }
            Self::UnlistedInterface { name } => {
                write!(f, "its route leaves over {name}, which isn't a configured interface")
            }
            Self::InterfaceGone { ifindex } => write!(f, "its interface (number {ifindex}) has gone"),
            Self::LinkDown { name, by_admin: true } => write!(f, "{name} is set down"),
            Self::LinkDown { name, by_admin: false } => write!(f, "{name} has no carrier"),
            Self::NoAnswer { name } => write!(f, "no answer to ARP or neighbour discovery on {name}"),
            Self::NoMac { name } => write!(f, "its neighbour entry on {name} has no unicast MAC"),
            Self::Refused { name, errno } => {
                let error = std::io::Error::from_raw_os_error(*errno);
                write!(f, "the kernel refuses a neighbour entry on {name}: {error}")
            }
        }
    }
}

/// What a new look at the kernel's state brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A listed interface came, went or changed.
    Link {
        /// Its number.
        ifindex: u32,
        /// As it was; none if it was not there.
        before: Option<Link>,
        /// As it is; none if it has gone.
        after: Option<Link>,
    },
    /// A target's answer is new or another one.
    Reach {
        /// The target.
        target: Target,
        /// The answer.
        reach: Reach,
    },
}
