//! The API of the running daemon: HTTP with JSON on a unix socket, and over TCP where the configuration says so.
//!
//! [`model`] is what goes over the wire, for the server and for its clients; [`client`] is how commands ask. The [`Server`] is a
//! task on the control thread and asks the control thread as anybody does: whatever a client sends, or does not send, keeps
//! nobody waiting but itself.

mod access;
mod answers;
mod body;
pub mod client;
mod connection;
mod head;
pub mod model;
mod openapi;
mod params;
mod problem;
mod refusals;
mod requests;
mod routes;
mod server;
mod socket;
mod token;
mod wire;

pub use server::{Server, ServerError};
pub use socket::SocketError;
pub use token::TokenError;

/// Media type of an error (RFC 9457 §3).
const MEDIA_TYPE_PROBLEM: &str = "application/problem+json";
