//! Reloads and plans: what another configuration changes, or would.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A reload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reload {
    /// Text of the new configuration; the daemon reads its file again if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// What messages call that text; `config` if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Only say what would change.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a reload changed, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// The snapshot that has it; the present one if nothing was done.
    pub generation: u64,
    /// False after a dry run, and if there was nothing to do.
    pub applied: bool,
    /// The difference.
    pub differences: Vec<Difference>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
}

/// One thing that is another one in the new configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// What: `service web`, `group web`, `nexthop web/s1`, `interface eth2`, `timeouts`.
    pub what: String,
    /// What of it: `added`, `removed`, or a key (`weight`, `state`, `address`, `mac`, `buckets`, `ports` …).
    pub key: String,
    /// Before; none if it was not there.
    pub from: Option<String>,
    /// After; none if it is not there.
    pub to: Option<String>,
}

/// A configuration whose effect is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// Text of the configuration.
    pub config: String,
    /// What messages call that text; `config` if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// What a change does to buckets and flows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// The difference.
    pub differences: Vec<Difference>,
    /// Groups of either configuration.
    pub groups: Vec<GroupPlan>,
    /// What becomes of flows; none without a capture and without a running daemon.
    pub flows: Option<FlowFate>,
}

/// The buckets of one group, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupPlan {
    /// Name of the group.
    pub name: String,
    /// Buckets before; 0 if the group is new.
    pub buckets_before: u32,
    /// Buckets after; 0 if the group goes.
    pub buckets_after: u32,
    /// Buckets whose nexthop is another one afterwards: where new flows go. All of them if their number changes.
    pub buckets_moved: u32,
    /// Between whom.
    pub moves: Vec<BucketMove>,
    /// Shares before and after.
    pub shares: Vec<PlanShare>,
}

/// Buckets that go from one nexthop to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BucketMove {
    /// Who has them; none: nobody.
    pub from: Option<String>,
    /// Who gets them; none: nobody.
    pub to: Option<String>,
    /// How many.
    pub buckets: u32,
}

/// A nexthop's share before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanShare {
    /// Its name.
    pub nexthop: String,
    /// Buckets before.
    pub before: u32,
    /// Buckets after.
    pub after: u32,
    /// Buckets that its weight asks for, afterwards.
    pub want: f64,
}

/// What becomes of the flows that are live at the change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowFate {
    /// Live flows.
    pub live: u64,
    /// Stay where they are for as long as they live.
    pub stay: u64,
    /// Move at their next packet: broken connections.
    pub move_now: u64,
    /// Stay until the deadline of their nexthop's removal, and move then if they still live.
    pub move_at_deadline: u64,
    /// Lose their service: left to the kernel.
    pub unserved: u64,
    /// Find nobody who can serve: dropped.
    pub dropped: u64,
    /// The flows that don't stay, at most 1000 of them.
    pub moves: Vec<FlowMove>,
}

/// A flow that does not stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowMove {
    /// The client.
    pub source: String,
    /// The service's address.
    pub destination: String,
    /// `tcp`, `udp`, or the number of another protocol.
    pub protocol: String,
    /// `GROUP/NEXTHOP` that serves it.
    pub from: String,
    /// `GROUP/NEXTHOP` that will; none: nobody.
    pub to: Option<String>,
    /// When: `now`, `at_deadline`.
    pub when: String,
}
