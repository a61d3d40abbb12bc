//! The bodies of the API: what requests say and what answers hold. Both sides use these types.
//!
//! Names of the same things are those of the configuration and of replay's report. Times are in milliseconds, or in RFC 3339 where a
//! moment is meant; rates are per second. Fields may be added within a version of the API, none is renamed or removed.

mod change;
mod counters;
mod event;
mod flow;
mod group;
mod pin;
mod plan;
mod status;

pub use change::{
    Action, AdminState, Change, ChangeResult, Changed, Changes, NewNexthop, NexthopPatch, RemoveQuery,
};
pub use counters::{
    Counters, Flows, Interface, InterfaceQueue, Interfaces, Latency, Nexthop as NexthopCounters, Packets,
    Polls, Worker,
};
pub use event::{Event, EventKind, EventQuery, Missed};
pub use flow::{Flow, FlowPage, FlowQuery, FlowState, Path, PathQuery, Protocol, Without};
pub use group::{
    Buckets, Group, Groups, Liveness, Nexthop, NexthopQuery, Nexthops, Service, Services, Share, State,
    Timeouts,
};
pub use pin::{Pin, PinChanged, PinQuery, Pins};
pub use plan::{
    BucketMove, Difference, FlowFate, FlowMove, GroupPlan, Plan, PlanRequest, PlanShare, Reload, Reloaded,
};
pub use status::{Problem, ProblemItem, Status};
