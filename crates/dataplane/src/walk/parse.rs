//! First stage: bytes to headers, the straight way for most frames.

use super::classify::{straight4, straight6, winding};
use super::{Judged, Task, View};
use crate::flow_table::FlowTable;
use crate::port::{PortIo, Received};
use crate::verdict::Verdict;
use evenkeel_packet::Straight;

/// Parses and classifies a frame; if it is one of the few, what is known of it goes to `few`.
#[inline]
pub(crate) fn parse<P: PortIo>(
    io: &P,
    received: &Received<P::Frame>,
    view: &View<'_>,
    table: &FlowTable,
    few: &mut Vec<Judged>,
) -> Task {
    let Some(&own) = view.snapshot.own_macs().get(received.port.index()) else {
        return Task::Settled(Verdict::Punt);
    };
    let (frame, wire_len) = (io.bytes(&received.frame), received.wire_len as usize);
    match evenkeel_packet::straight(frame, wire_len, own) {
        Some(Straight::V4(segment)) => straight4(&segment, view.snapshot, table),
        Some(Straight::V6(segment)) => straight6(&segment, view.snapshot, table),
        None => {
            let place = few.len() as u16;
            few.push(winding(&evenkeel_packet::winding(frame, wire_len, own), frame, view.snapshot, table));
            Task::Winding(place)
        }
    }
}
