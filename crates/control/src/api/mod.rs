//! The API of the running daemon.
//!
//! [`model`] is what goes over the wire, for the server and for its clients.

pub mod model;
