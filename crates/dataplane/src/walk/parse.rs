//! First stage: bytes to headers, the straight way for most frames.

use super::classify::{straight4, straight6, winding};
use super::{Tasks, View};
use crate::flow_table::{FlowTable, Shard};
use crate::port::{PortIo, Received};
use crate::verdict::Verdict;
use evenkeel_packet::Straight;

/// Parses and classifies a frame, and begins to bring in what its look-up will touch.
#[inline(always)]
pub(crate) fn parse<P: PortIo>(
    io: &P,
    received: &Received<P::Frame>,
    view: &View<'_>,
    (table, shard): (&FlowTable, &Shard<'_>),
    tasks: &mut Tasks,
) {
    let snapshot = view.snapshot;
    let Some(&own) = snapshot.own_macs().get(received.port.index()) else {
        return tasks.settle(Verdict::Punt);
    };
    let (frame, wire_len) = (io.bytes(&received.frame), received.wire_len as usize);
    match evenkeel_packet::straight(frame, wire_len, own) {
        Some(Straight::V4(segment)) => match straight4(&segment, snapshot, table) {
            Some(lookup) => {
                shard.prefetch_control(lookup.hash);
                tasks.look_up4(lookup);
            }
            None => tasks.settle(Verdict::Punt),
        },
        Some(Straight::V6(segment)) => match straight6(&segment, snapshot, table) {
            Some(lookup) => {
                shard.prefetch_control(lookup.hash);
                tasks.look_up6(lookup);
            }
            None => tasks.settle(Verdict::Punt),
        },
        None => {
            let outcome = evenkeel_packet::winding(frame, wire_len, own);
            let judged = winding(&outcome, frame, snapshot, table);
            if let Some(lookup) = judged.matter.lookup() {
                shard.prefetch_control(lookup.hash);
            }
            tasks.wind(judged);
        }
    }
}
