//! Bytes to headers and back: parse a frame in place, its flow key, checksum update, rewrite.
//!
//! Knows no policy (which address is a VIP, where a flow goes) and does no I/O. Nothing here panics or allocates,
//! whatever the bytes.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod checksum;
mod datagram;
mod ethernet;
mod flow_key;
mod icmp;
mod ipv4;
mod ipv6;
mod ipv6_extensions;
mod l4;
mod mac;
mod outcome;
mod parse;
mod rewrite;
mod straight;

#[cfg(test)]
mod tests;

pub use flow_key::{Canonical, FlowKey, FlowKey4, FlowKey6};
pub use mac::{Mac, NotAMac};
pub use outcome::{Class, Fragment, FragmentKey, Malformed, NotOurs, Outcome, Packet, TcpSignal};
pub use parse::{parse, winding};
pub use rewrite::rewrite;
pub use straight::{Segment, Straight, straight};
