//! Changes of nexthops: batches that are done whole or not at all.

use super::{Liveness, State};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::{IntoParams, ToSchema};

/// A batch of changes. All are done, in this order, in one snapshot, or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// At least one, at most 1000.
    pub changes: Vec<Change>,
}

/// A change of one nexthop in one group. What is so already is no error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Name of the group.
    pub group: String,
    /// Name of the nexthop.
    pub nexthop: String,
    /// What to do.
    pub action: Action,
    /// For `add`: address of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// For `add` (1 if missing) and `weight`: 0 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 1000)]
    pub weight: Option<u16>,
    /// For `add`: egress interface; by the kernel's route if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// For `add`: MAC of the server; by the kernel's neighbour table if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// For `remove`: how long its flows may stay, as in the configuration (`"30s"`, `"0s"` for at once);
    /// `timeouts.remove` if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
}

/// What can be done to a nexthop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// No new flows; its own stay.
    Drain,
    /// New flows again.
    Activate,
    /// Drain with a deadline, at which what is left moves.
    Remove,
    /// A new nexthop, active.
    Add,
    /// Another weight.
    Weight,
}

/// A nexthop that is to be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNexthop {
    /// Address of the server.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// 0 to 1000; 1 if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 1000)]
    pub weight: Option<u16>,
    /// Egress interface; by the kernel's route if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// MAC of the server; by the kernel's neighbour table if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
}

/// What is to be another one of a nexthop; at least one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NexthopPatch {
    /// Its admin state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AdminState>,
    /// Its weight, 0 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 1000)]
    pub weight: Option<u16>,
}

/// An admin state that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdminState {
    /// Takes new flows.
    Active,
    /// Takes no new flows; its own stay.
    Draining,
}

/// How a nexthop is removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RemoveQuery {
    /// How long its flows may stay, as in the configuration (`30s`, `0s` for at once); `timeouts.remove` if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
}

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// The snapshot that has it.
    pub generation: u64,
    /// One for each change, in order.
    pub results: Vec<ChangeResult>,
}

/// A nexthop after a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeResult {
    /// Name of the group.
    pub group: String,
    /// Name of the nexthop.
    pub nexthop: String,
    /// What was asked for.
    pub action: Action,
    /// False if it was so already.
    pub changed: bool,
    /// Its admin state now.
    pub state: State,
    /// Its weight now.
    pub weight: u16,
    /// Its liveness now.
    pub liveness: Liveness,
    /// Flows that it still serves.
    pub flows_live: u64,
    /// While it is being removed: milliseconds until what is left moves.
    pub removed_in_ms: Option<u64>,
}
