//! The live half: one thread that turns configuration, routing and liveness into published snapshots.
//!
//! [`start`] gives a [`LiveHandle`]. The thread owns the desired state; workers see it by snapshots, and by the liveness
//! atomics what is down before the next snapshot. Nothing here can block a worker.
//!
//! A nexthop with a `mac` in the configuration keeps it, and only its link and, unless the configuration names the
//! interface, its route are followed. All others are resolved by the kernel's neighbour table, on the interface that
//! the configuration names, else where the kernel's route leads.

mod control;
mod event;
mod handle;
mod nexthops;
mod publisher;
mod reload;

pub use event::{LiveEvent, NexthopName, UnresolvedNexthop};
pub use handle::{LiveError, LiveHandle, LivePort, LiveSpec, start};
pub use publisher::publisher;
pub use reload::{ReloadError, Summary};
