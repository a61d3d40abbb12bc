//! Events: what changed, as it happens.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number; the next one is one higher.
    pub id: u64,
    /// When, RFC 3339 in UTC with milliseconds.
    pub time: String,
    /// The snapshot at that moment.
    pub generation: u64,
    /// What kind.
    pub kind: EventKind,
    /// Of whom: `GROUP/NEXTHOP`, the name of an interface, of a service …; empty if of the box.
    pub subject: String,
    /// A sentence for people.
    pub text: String,
}

/// Kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A nexthop drains.
    Draining,
    /// A draining nexthop has no flow left.
    Drained,
    /// A nexthop takes new flows.
    Activated,
    /// A nexthop has another weight.
    Weight,
    /// A nexthop came.
    Added,
    /// A nexthop is being removed.
    Removing,
    /// A nexthop is gone.
    Removed,
    /// A nexthop can be used again.
    Up,
    /// A nexthop can't be used.
    Down,
    /// A nexthop is reached in another way.
    Adjacency,
    /// An interface can carry frames, or no longer can, or has another MAC.
    Link,
    /// Another configuration is in effect.
    Reloaded,
    /// A configuration or a change was refused.
    Refused,
    /// A static pin came.
    Pinned,
    /// A static pin went.
    Unpinned,
    /// The kernel's state is followed no longer, or again.
    Routing,
    /// Something that an operator should look at.
    Warning,
}

/// Where the stream of events begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Number of the last event that the reader has; the stream goes on behind it. Without it, and without the header
    /// `Last-Event-ID`, which says the same, the stream begins with what happens next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// Events that this reader does not get: they are no longer kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Missed {
    /// Number of the first of them.
    pub first: u64,
    /// Number of the last of them.
    pub last: u64,
}
