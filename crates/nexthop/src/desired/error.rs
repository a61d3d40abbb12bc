//! Why services and groups make no desired state.

use crate::id::PortId;
use crate::spec::{MAX_BUCKETS, MAX_WEIGHT, MIN_BUCKETS};
use evenkeel_packet::Mac;
use std::net::IpAddr;

/// Why services and groups make no desired state. A configuration that was checked has none of these faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DesiredError {
    /// Two groups with one name.
    #[error("two groups are called \"{group}\"")]
    DuplicateGroup {
        /// The name.
        group: String,
    },
    /// Two services with one name.
    #[error("two services are called \"{service}\"")]
    DuplicateService {
        /// The name.
        service: String,
    },
    /// Two nexthops of a group with one name.
    #[error("two nexthops of group \"{group}\" are called \"{nexthop}\"")]
    DuplicateNexthop {
        /// The group.
        group: String,
        /// The name.
        nexthop: String,
    },
    /// Two nexthops of a group with one address.
    #[error("two nexthops of group \"{group}\" have the address {address}")]
    DuplicateAddress {
        /// The group.
        group: String,
        /// The address.
        address: IpAddr,
    },
    /// A service of a group that isn't there.
    #[error("service \"{service}\" refers to group \"{group}\", which isn't there")]
    UnknownGroup {
        /// The service.
        service: String,
        /// The name.
        group: String,
    },
    /// A number of buckets out of range.
    #[error(
        "group \"{group}\" has {buckets} buckets: not a power of two from {MIN_BUCKETS} to {MAX_BUCKETS}"
    )]
    Buckets {
        /// The group.
        group: String,
        /// The number.
        buckets: u32,
    },
    /// More nexthops with a weight than buckets.
    #[error("group \"{group}\" has more nexthops with a weight than its {buckets} buckets")]
    TooFewBuckets {
        /// The group.
        group: String,
        /// The number.
        buckets: u32,
    },
    /// A weight out of range.
    #[error(
        "nexthop \"{nexthop}\" of group \"{group}\" has the weight {weight}: not one of 0 to {MAX_WEIGHT}"
    )]
    Weight {
        /// The group.
        group: String,
        /// The nexthop.
        nexthop: String,
        /// The weight.
        weight: u16,
    },
    /// A port that the box doesn't have.
    #[error("nexthop \"{nexthop}\" of group \"{group}\" is behind port {}, which isn't there", port.0)]
    UnknownPort {
        /// The group.
        group: String,
        /// The nexthop.
        nexthop: String,
        /// The port.
        port: PortId,
    },
    /// One nexthop with two MACs.
    #[error("{address} has two MACs, {first} and {second}")]
    TwoMacs {
        /// The nexthop.
        address: IpAddr,
        /// One of them.
        first: Mac,
        /// The other one.
        second: Mac,
    },
    /// More nexthops than there are ids.
    #[error("more than {} nexthops, removed ones included", crate::LIVENESS_CAPACITY)]
    TooManyNexthops,
    /// More different sets of timeouts than there are ids.
    #[error(
        "more than {} different sets of timeouts, those of a while ago included that flows still have",
        crate::TIMEOUTS_CAPACITY
    )]
    TooManyTimeouts,
    /// More services or groups than there are ids.
    #[error("more than {} services or groups, removed groups included", u16::MAX)]
    TooManyServices,
}
