//! What happens on the control thread: for operators a line each, for programs a kind and a subject.

use super::difference::Difference;
use super::pins::PinName;
use super::refusal::Refusal;
use super::reload::Reloaded;
use crate::api::model::EventKind;
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
pub(super) enum LiveEvent {
    /// A member takes no new flows any more.
    Draining {
        /// `group/name`.
        member: String,
        /// Flows that it still serves.
        flows_live: u64,
    },
    /// A member that takes no new flows has none left.
    Drained {
        /// `group/name`.
        member: String,
    },
    /// A member takes new flows again.
    Activated {
        /// `group/name`.
        member: String,
    },
    /// A member has another weight.
    Weight {
        /// `group/name`.
        member: String,
        /// The weight before.
        before: u16,
        /// The weight now.
        weight: u16,
    },
    /// A member came.
    Added {
        /// `group/name`.
        member: String,
        /// Address of the server.
        address: IpAddr,
        /// Its weight.
        weight: u16,
    },
    /// A member is being removed.
    Removing {
        /// `group/name`.
        member: String,
        /// Milliseconds until it is gone.
        in_ms: u64,
        /// Flows that it still serves.
        flows_live: u64,
    },
    /// A member is gone: its last flows move.
    Removed {
        /// `group/name`.
        member: String,
    },
    /// A static pin came.
    Pinned {
        /// Which.
        pin: PinName,
    },
    /// A static pin went.
    Unpinned {
        /// Which.
        pin: PinName,
        /// Why.
        why: &'static str,
    },
    /// Something that was asked for was refused; nothing was changed.
    Refused {
        /// What it was: `change`, `reload`, `pin`.
        what: &'static str,
        /// Why.
        why: String,
    },
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
    /// The MAC of an interface is another one. Frames leave with it, and frames to it are taken in.
    LinkMac {
        /// Its name.
        interface: String,
        /// The new MAC.
        mac: Mac,
    },
    /// An interface has gone; a reload takes it up again when it is back.
    LinkGone {
        /// The name that it had.
        interface: String,
    },
    /// A new configuration is in effect.
    Reloaded(Reloaded),
    /// One thing that a reload changed, other than the state of a member.
    Differs(Difference),
    /// Something that an operator should look at.
    Warning(String),
    /// The kernel's state can't be followed for now; tried again every second.
    RoutingLost(RoutingError),
    /// It is followed again.
    RoutingBack,
}

impl LiveEvent {
    /// A refusal. What it repeats of a request stays on its line; a configuration's mistakes have a line each, and quote
    /// by themselves.
    pub(super) fn refused(what: &'static str, refusal: &Refusal) -> Self {
        let why = match refusal {
            Refusal::Config(mistakes) => format!("{}; nothing was changed\n{mistakes}", mistakes.summary()),
            _ => without_controls(&refusal.to_string()),
        };
        Self::Refused { what, why }
    }

    /// Its kind, as the API calls it.
    pub(super) const fn kind(&self) -> EventKind {
        match self {
            Self::Draining { .. } => EventKind::Draining,
            Self::Drained { .. } => EventKind::Drained,
            Self::Activated { .. } => EventKind::Activated,
            Self::Weight { .. } => EventKind::Weight,
            Self::Added { .. } => EventKind::Added,
            Self::Removing { .. } => EventKind::Removing,
            Self::Removed { .. } => EventKind::Removed,
            Self::Pinned { .. } => EventKind::Pinned,
            Self::Unpinned { .. } => EventKind::Unpinned,
            Self::Refused { .. } => EventKind::Refused,
            Self::Resolved { before: None, .. } => EventKind::Up,
            Self::Resolved { before: Some(_), .. } => EventKind::Adjacency,
            Self::Unresolved(_) => EventKind::Down,
            Self::Link { .. } | Self::LinkMac { .. } | Self::LinkGone { .. } => EventKind::Link,
            Self::Reloaded(_) | Self::Differs(_) => EventKind::Reloaded,
            Self::Warning(_) => EventKind::Warning,
            Self::RoutingLost(_) | Self::RoutingBack => EventKind::Routing,
        }
    }

    /// Of whom it is; empty if of the box.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Draining { member, .. }
            | Self::Drained { member }
            | Self::Activated { member }
            | Self::Weight { member, .. }
            | Self::Added { member, .. }
            | Self::Removing { member, .. }
            | Self::Removed { member } => member.clone(),
            Self::Pinned { pin } | Self::Unpinned { pin, .. } => pin.member.clone(),
            Self::Resolved { nexthop, .. } | Self::Unresolved(UnresolvedNexthop { nexthop, .. }) => {
                nexthop.memberships.clone()
            }
            Self::Link { interface, .. } | Self::LinkMac { interface, .. } | Self::LinkGone { interface } => {
                interface.clone()
            }
            Self::Differs(difference) => difference.subject(),
            Self::Refused { .. }
            | Self::Reloaded(_)
            | Self::Warning(_)
            | Self::RoutingLost(_)
            | Self::RoutingBack => String::new(),
        }
    }
}

impl fmt::Display for LiveEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draining { member, flows_live } => write!(f, "{member} drains: {flows_live} flows left"),
            Self::Drained { member } => write!(f, "{member} has no flow left"),
            Self::Activated { member } => write!(f, "{member} is active"),
            Self::Weight { member, before, weight } => {
                write!(f, "{member} has the weight {weight} (was {before})")
            }
            Self::Added { member, address, weight } => {
                write!(f, "{member} was added: {address}, weight {weight}")
            }
            Self::Removing { member, in_ms, flows_live } => {
                let in_s = in_ms.div_ceil(1000);
                write!(f, "{member} is being removed, within {in_s}s: {flows_live} flows left")
            }
            Self::Removed { member } => write!(f, "removed: {member}"),
            Self::Pinned { pin } => write!(f, "new flows {} go to {} by a static pin", pin.flows, pin.member),
            Self::Unpinned { pin, why } => {
                write!(f, "the static pin of flows {} to {} has ended: {why}", pin.flows, pin.member)
            }
            Self::Refused { what, why } => write!(f, "{what} refused: {why}"),
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
                write!(f, "interface {interface} has a new MAC, {mac}")
            }
            Self::LinkGone { interface } => {
                write!(f, "interface {interface} has gone: reload when it is back")
            }
            Self::Reloaded(reloaded) => write!(f, "configuration reloaded: {reloaded}"),
            Self::Differs(difference) => fmt::Display::fmt(difference, f),
            Self::Warning(text) => f.write_str(text),
            Self::RoutingLost(error) => write!(f, "routing can't be followed: {error}"),
            Self::RoutingBack => f.write_str("routing is followed again"),
        }
    }
}

/// The same with control characters escaped.
fn without_controls(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            escaped.extend(character.escape_debug());
        } else {
            escaped.push(character);
        }
    }
    escaped
}
