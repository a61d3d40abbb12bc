//! Measuring client and server: how connections spread over servers, and which of them are lost when something changes.
//!
//! Knows nothing of what forwards its packets, and no other crate of the workspace. The statistics have the names and the
//! meaning of mconnect's and ctraffic's, so that figures of both can be held beside each other.

pub mod analyze;
pub mod client;
pub mod connect;
mod connection;
pub mod descriptors;
pub mod plot;
pub mod server;
pub mod source;
pub mod stats;
mod tcp_info;

pub use connection::Transport;
