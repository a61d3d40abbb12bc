//! Kernel routes, neighbours and links over netlink: over which interface and to which MAC a nexthop is reached.
//!
//! [`Routing`] is asked about [`Target`]s and answers with [`Reach`]es. It knows nothing of groups, weights or
//! snapshots, and nothing of time but what it needs to read the kernel's state again.
//!
//! The kernel's notifications are hints only, since it changes its tables without any (routes vanish silently when a
//! link goes down): every hint, and half a minute without one, leads to reading the state anew and to comparing it with
//! what was known. Links are looked at ten times a second, since the kernel tells of a lost carrier up to a second late.

mod decision;
mod error;
mod hints;
mod keep;
mod kernel;
mod link;
mod neighbour;
mod pace;
mod reach;
mod route;
mod routing;
mod standing;

pub use error::RoutingError;
pub use kernel::{has_routes, read_addresses, read_links, read_standings};
pub use link::Link;
pub use reach::{Change, Reach, Target, Unresolved};
pub use routing::{Keeping, Routing};
pub use standing::{Other, OwnAddress, Standing};
