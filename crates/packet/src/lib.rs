//! Bytes to headers and back: parse a frame in place, its flow key, checksum update, rewrite.
//!
//! Knows no policy (which address is a VIP, where a flow goes) and does no I/O.

#![forbid(unsafe_code)]

mod flow_key;
mod mac;
mod outcome;

pub use flow_key::{FlowKey, FlowKey4, FlowKey6};
pub use mac::{Mac, NotAMac};
pub use outcome::{
    Class, Fragment, FragmentKey, Malformed, NotOurs, Outcome, Packet, TcpSignal,
};
