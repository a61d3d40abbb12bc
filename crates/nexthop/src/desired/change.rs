//! Changes that operators and events ask for, and why one is refused.

use crate::id::PortId;
use crate::spec::MAX_WEIGHT;
use evenkeel_packet::Mac;
use std::net::IpAddr;

/// A change of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Name of the group.
    pub group: String,
    /// Name of the nexthop.
    pub nexthop: String,
    /// What to do.
    pub verb: Verb,
}

/// What can be done to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// No new flows; its own stay. Lifts the deadline of a member that is being removed.
    Drain,
    /// New flows again. Undoes `Drain` and, before the deadline, `Remove`.
    Activate,
    /// Drain with a deadline, at which it is gone. Anew: a new deadline.
    Remove {
        /// Milliseconds from now; 0: at once; `None`: the default of the desired state.
        deadline_ms: Option<u64>,
    },
    /// A new member, active. One that is gone with the same address comes back, by its new name.
    Add {
        /// Address of the server.
        address: IpAddr,
        /// 0 to 1000.
        weight: u16,
        /// As in [`NexthopSpec`](crate::NexthopSpec).
        port: Option<PortId>,
        /// As in [`NexthopSpec`](crate::NexthopSpec).
        mac: Option<Mac>,
    },
    /// A new weight, 0 to 1000.
    Weight(u16),
    /// The server is dead, in every group.
    Down,
    /// The server is alive, in every group.
    Up,
}

/// Why a change is refused. Nothing of it was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// No group has this name.
    #[error("there is no group \"{group}\"")]
    UnknownGroup {
        /// The name.
        group: String,
    },
    /// No member of the group has, or had, this name.
    #[error("group \"{group}\" has no nexthop \"{nexthop}\"")]
    UnknownNexthop {
        /// The group.
        group: String,
        /// The name.
        nexthop: String,
    },
    /// The member was removed.
    #[error("nexthop \"{nexthop}\" of group \"{group}\" has been removed")]
    Gone {
        /// The group.
        group: String,
        /// The name.
        nexthop: String,
    },
    /// To be added, but there.
    #[error("group \"{group}\" has a nexthop \"{nexthop}\" already")]
    NamePresent {
        /// The group.
        group: String,
        /// The name.
        nexthop: String,
    },
    /// To be added, but another member has the address.
    #[error("group \"{group}\" has {address} already, as nexthop \"{nexthop}\"")]
    AddressPresent {
        /// The group.
        group: String,
        /// The address.
        address: IpAddr,
        /// Who has it.
        nexthop: String,
    },
    /// The weight is out of range.
    #[error("the weight {weight} is not one of 0 to {MAX_WEIGHT}")]
    Weight {
        /// The weight.
        weight: u16,
    },
    /// The port is none of the box's.
    #[error("there is no port {}", port.0)]
    UnknownPort {
        /// The port.
        port: PortId,
    },
    /// Another group reaches the same nexthop by another MAC.
    #[error("{address} has another MAC, {mac}, in another group")]
    OtherMac {
        /// The nexthop.
        address: IpAddr,
        /// The MAC it has.
        mac: Mac,
    },
    /// More members with a weight than buckets.
    #[error("group \"{group}\" has no bucket for another nexthop")]
    NoBucket {
        /// The group.
        group: String,
    },
    /// More nexthops, gone ones too, than there are ids.
    #[error("no more than {} nexthops, removed ones included", crate::LIVENESS_CAPACITY)]
    TooManyNexthops,
}
