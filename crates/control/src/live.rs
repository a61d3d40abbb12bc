//! The live half: one thread that owns everything that changes, and turns it into published snapshots.
//!
//! [`start`] gives a [`LiveHandle`]. The thread owns the desired state; workers see it by snapshots, and by the liveness
//! atomics what is down before the next snapshot. Nothing here can block a worker. Whoever wants something changed or
//! known asks by a [`ControlClient`]; what a change means to interfaces, sockets and steering is asked of the [`Plant`].
//!
//! A nexthop with a `mac` in the configuration keeps it, and only its link and, unless the configuration names the
//! interface, its route are followed. All others are resolved by the kernel's neighbour table, on the interface that
//! the configuration names, else where the kernel's route leads.

mod apply;
mod change;
mod client;
mod control;
mod difference;
mod event;
mod flows;
mod follow;
mod handle;
mod log;
mod memory;
mod news;
mod nexthops;
mod pins;
mod plan;
mod plant;
mod ports;
mod publisher;
mod rates;
mod refusal;
mod reload;
mod state;
mod view;

pub use change::{BATCH_MAX, Change, Changed, ChangedNexthop, DEADLINE_MAX_MS, NexthopState, Verb};
pub use client::ControlClient;
pub use difference::{Difference, DifferenceKind};
pub(crate) use difference::{Side, differences};
pub use event::{NexthopName, UnresolvedNexthop};
pub use flows::{FlowCursor, FlowCursorError, FlowPageView, FlowQuery, FlowView, LivePath, PAGE_MAX};
pub use handle::{LiveError, LiveHandle, LiveSpec, start};
pub use log::{KEPT_EVENTS, Subscription, Told};
pub use memory::default_state_file;
pub use pins::PinView;
pub use plant::{
    InterfaceStatus, Latency, LivePort, Plant, PlantError, PollTimes, SocketCounts, WorkerStatus,
};
pub(crate) use ports::Ports;
pub use publisher::publisher;
pub use refusal::{Refusal, RefusalKind, RefusedChange};
pub use reload::{ConfigSource, Reloaded};
pub use view::{
    Buckets, CountersView, GroupView, InterfaceView, MemberRates, NexthopView, Rates, ServiceView, ShareView,
    StatusView, WorkerView,
};
