//! Configuration and routing to published snapshots.

#![forbid(unsafe_code)]

pub mod api;
pub mod config;
pub mod events;
pub mod live;
pub mod path;
pub mod plan;

pub use config::{Config, Mistakes};
