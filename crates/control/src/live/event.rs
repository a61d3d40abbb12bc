//! What the control thread has to say to the operator, one line each.

use super::reload::Reloaded;
use evenkeel_packet::Mac;
use evenkeel_routing::{RoutingError, Unresolved};
use std::fmt;
use std::net::IpAddr;

/// A nexthop, as the operator knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NexthopName {
    /// Its memberships: `group/name`, with commas between them.
    pub memberships: String,
    /// Its address.
    pub address: IpAddr,
}

impl fmt::Display for NexthopName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.memberships, self.address)
    }
}

/// A nexthop that can't be used now, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnresolvedNexthop {
    /// The nexthop.
    pub nexthop: NexthopName,
    /// Why; none if the kernel hasn't been asked yet.
    pub reason: Option<Unresolved>,
}

impl fmt::Display for UnresolvedNexthop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "nexthop {} is not resolved: {reason}", self.nexthop),
            None => write!(f, "nexthop {} is not resolved: nobody has been asked yet", self.nexthop),
        }
    }
}

/// Something happened. Displays as one line for the operator.
#[derive(Debug)]
pub enum LiveEvent {
    /// A nexthop has an adjacency, for the first time, again, or another one.
    Resolved {
        /// The nexthop.
        nexthop: NexthopName,
        /// Name of the egress interface.
        interface: String,
        /// Its MAC.
        mac: Mac,
        /// The MAC that it had; none if it was not resolved.
        before: Option<Mac>,
    },
    /// A nexthop can't be used: its flows move, new ones go to others.
    Unresolved(UnresolvedNexthop),
    /// An interface can carry frames, or no longer can.
    Link {
        /// Its name.
        interface: String,
        /// True if it can.
        is_up: bool,
    },
    /// The MAC of an interface is another one. Frames leave with the new one; the workers take in frames to the old one
    /// until the next start.
    LinkMac {
        /// Its name.
        interface: String,
        /// The new MAC.
        mac: Mac,
    },
    /// An interface has gone; only a new start takes it up again.
    LinkGone {
        /// The name that it had.
        interface: String,
    },
    /// A new configuration is in effect.
    Reloaded(Reloaded),
    /// The deadline of removed members is over: their last flows move.
    Removed {
        /// `group/name` of each.
        members: Vec<String>,
    },
    /// The kernel's state can't be followed for now; tried again every second.
    RoutingLost(RoutingError),
    /// It is followed again.
    RoutingBack,
}

impl fmt::Display for LiveEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolved { nexthop, interface, mac, before: None } => {
                write!(f, "nexthop {nexthop} is at {mac} on {interface}")
            }
            Self::Resolved { nexthop, interface, mac, before: Some(before) } => {
                write!(f, "nexthop {nexthop} is now at {mac} on {interface} (was {before})")
            }
            Self::Unresolved(unresolved) => fmt::Display::fmt(unresolved, f),
            Self::Link { interface, is_up: true } => write!(f, "interface {interface} is up"),
            Self::Link { interface, is_up: false } => write!(f, "interface {interface} is down"),
            Self::LinkMac { interface, mac } => {
                write!(f, "interface {interface} has a new MAC, {mac}: restart to take in frames to it")
            }
            Self::LinkGone { interface } => {
                write!(f, "interface {interface} has gone: restart when it is back")
            }
            Self::Reloaded(reloaded) => write!(f, "configuration reloaded: {reloaded}"),
            Self::Removed { members } => write!(f, "removed: {}", members.join(", ")),
            Self::RoutingLost(error) => write!(f, "routing can't be followed: {error}"),
            Self::RoutingBack => f.write_str("routing is followed again"),
        }
    }
}
