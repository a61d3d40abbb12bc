//! The API of the running daemon.
//!
//! [`model`] is what goes over the wire, for the server and for its clients; [`client`] is how commands ask.

pub mod client;
pub mod model;

/// Media type of an error (RFC 9457 §3).
pub(crate) const MEDIA_TYPE_PROBLEM: &str = "application/problem+json";
