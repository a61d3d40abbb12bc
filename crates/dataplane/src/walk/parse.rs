//! First stage: bytes to headers.

use crate::port::{PortIo, Received};
use evenkeel_packet::{Mac, NotOurs, Outcome};

/// Parses a frame; `own` are the box's own MACs by port.
#[inline]
pub(crate) fn parse<P: PortIo>(io: &P, received: &Received<P::Frame>, own: &[Mac]) -> Outcome {
    match own.get(received.port.index()) {
        Some(&mac) => evenkeel_packet::parse(io.bytes(&received.frame), received.wire_len as usize, mac),
        None => Outcome::NotOurs(NotOurs::OtherMac),
    }
}
