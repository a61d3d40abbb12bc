//! Services, groups, weights, buckets and the immutable snapshot of them: pure functions of configuration.
//!
//! [`Desired`] is what operators and files ask for. [`Desired::snapshot`] turns it into a [`Snapshot`], which workers
//! read; [`Liveness`] lies outside of it, so that a server that died is avoided from the next packet on. How buckets
//! are assigned is defined in `docs/buckets.md`.
//!
//! Knows no packets beyond their flow key, no clock (time is an argument) and no I/O.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod assignment;
mod desired;
mod exact_services;
mod group_table;
mod id;
mod liveness;
mod log2;
mod pins;
mod prefix;
mod quota;
mod score;
mod service_table;
mod snapshot;
mod spec;
mod timeouts;

pub use assignment::{Assignment, Taker};
pub use desired::{
    Change, ChangeError, Desired, DesiredError, GONE_KNOWN, MemberInfo, PinEnd, PinError, PinInfo,
    Reconciled, Verb,
};
pub use group_table::{GroupTable, Share};
pub use id::{GroupId, MemberId, NexthopId, PortId, ServiceId};
pub use liveness::{LIVENESS_CAPACITY, Liveness};
pub use pins::{PINS_CAPACITY, Pin, PinId, PinMatch, PinSpec, PinTable};
pub use prefix::{Prefix, PrefixError};
pub use snapshot::{Adjacency, Choice, Member, Service, Snapshot};
pub use spec::{AdminState, GroupSpec, NexthopSpec, Protocol, ServiceSpec};
pub use timeouts::{TIMEOUTS_CAPACITY, TimeoutSets, Timeouts, TimeoutsId};
