//! Services, groups, nexthops and buckets.

use super::Protocol;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::{IntoParams, ToSchema};

/// All services in the order of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Services {
    /// The services.
    pub services: Vec<Service>,
}

/// What is balanced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Address or prefix.
    pub vip: String,
    /// Which protocols it takes.
    pub protocol: Protocol,
    /// Ports that it takes; empty: any.
    pub ports: Vec<u16>,
    /// The group that serves it.
    pub group: String,
    /// Nexthops that can take a new flow now.
    pub nexthops_usable: usize,
    /// Idle times of its flows.
    pub timeouts: Timeouts,
}

/// Idle times after which flows are over, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timeouts {
    /// Half-open TCP.
    pub tcp_syn_ms: u32,
    /// Established or adopted TCP.
    pub tcp_established_ms: u32,
    /// TCP after RST or FIN.
    pub tcp_closing_ms: u32,
    /// UDP and other protocols.
    pub udp_ms: u32,
}

/// All groups in the order of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Groups {
    /// The groups.
    pub groups: Vec<Group>,
}

/// The nexthops that serve one or more services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Number of buckets.
    pub buckets: u32,
    /// Buckets that nobody can serve now.
    pub buckets_unserved: u32,
    /// XXH3-64 of the bucket table by nexthop addresses, in hexadecimal: equal on boxes that agree.
    pub table_hash: String,
    /// Services that it serves.
    pub services: Vec<String>,
    /// Its nexthops, removed ones not.
    pub nexthops: Vec<Nexthop>,
}

/// All nexthops, removed ones too until they are forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Nexthops {
    /// The nexthops, in the order of the configuration, then of adding.
    pub nexthops: Vec<Nexthop>,
}

/// Which nexthops are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NexthopQuery {
    /// Name of the group; all if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A nexthop in one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Nexthop {
    /// Name of the group.
    pub group: String,
    /// Its name in the group.
    pub name: String,
    /// Address of the server.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// Egress interface; none while it is not resolved.
    pub interface: Option<String>,
    /// Its MAC; none while it is not resolved.
    pub mac: Option<String>,
    /// Share of the buckets, 0 to 1000.
    pub weight: u16,
    /// Admin state.
    pub state: State,
    /// While it is being removed: milliseconds until what is left of its flows moves.
    pub removed_in_ms: Option<u64>,
    /// Whether it can be reached.
    pub liveness: Liveness,
    /// Why it can't be used, if it can't.
    pub reason: Option<String>,
    /// Buckets that it serves now.
    pub buckets: u32,
    /// Buckets that its weight asks for.
    pub want: f64,
    /// Frames forwarded to it.
    pub packets: u64,
    /// Their bytes, without FCS.
    pub bytes: u64,
    /// Flows pinned to it, adopted ones included.
    pub flows_created: u64,
    /// Flows pinned to it now.
    pub flows_live: u64,
    /// Frames per second.
    pub packets_per_second: f64,
    /// Bytes per second.
    pub bytes_per_second: f64,
    /// New flows per second.
    pub flows_per_second: f64,
}

/// Admin state of a nexthop in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Takes new flows.
    Active,
    /// Takes no new flows; its own stay.
    Draining,
    /// Draining until a deadline.
    Removing,
    /// Gone.
    Removed,
}

/// Liveness of a nexthop, the same in all its groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// Reachable and not known to be dead.
    Up,
    /// Dead or not reachable.
    Down,
}

/// The bucket table of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Buckets {
    /// Name of the group.
    pub name: String,
    /// By bucket, the name of the nexthop that serves it; null where nobody can.
    pub buckets: Vec<Option<String>>,
    /// Shares.
    pub shares: Vec<Share>,
}

/// How much of a group one nexthop serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// Its name.
    pub nexthop: String,
    /// Buckets that it serves.
    pub buckets: u32,
    /// Buckets that its weight asks for.
    pub want: f64,
}
