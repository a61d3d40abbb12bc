//! Services, groups, weights, buckets and the immutable snapshot of them: pure functions of configuration.

mod id;

pub use id::{GroupId, MemberId, NexthopId, PortId, ServiceId};
