//! Asking workers: a question is sent, and looked after every millisecond until its answer is there.

use crate::live::refusal::Refusal;
use evenkeel_dataplane::{AskError, FlowPage, FlowRecord, Mailbox, Pending};
use evenkeel_packet::FlowKey;
use std::time::{Duration, Instant};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(1);
/// Longest time that is waited for one answer. A worker looks into its mailbox every 10 ms or more often.
const PATIENCE: Duration = Duration::from_secs(5);

/// A page of flows of a worker: `room` at the most, from `cursor` on.
pub(in super::super) async fn page(
    worker: usize,
    mailbox: &Mailbox,
    cursor: evenkeel_dataplane::Cursor,
    room: usize,
) -> Result<FlowPage, Refusal> {
    answer(worker, || mailbox.ask_page(FlowPage::new(cursor, room))).await
}

/// The record of a flow, if the worker has it.
pub(super) async fn flow(
    worker: usize,
    mailbox: &Mailbox,
    key: FlowKey,
) -> Result<Option<FlowRecord>, Refusal> {
    answer(worker, || mailbox.ask_flow(key)).await
}

/// Asks until there is room for the question, and waits for its answer.
async fn answer<T>(
    worker: usize,
    mut ask: impl FnMut() -> Result<Pending<T>, AskError>,
) -> Result<T, Refusal> {
    let until = Instant::now() + PATIENCE;
    let mut pending = None;
    while Instant::now() < until {
        let looked = match &mut pending {
            None => ask().map(|asked| {
                pending = Some(asked);
                None
            }),
            Some(asked) => asked.take(),
        };
        match looked {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) | Err(AskError::Busy) => tokio::time::sleep(LOOK).await,
            Err(AskError::Ended) => break,
        }
    }
    Err(Refusal::NoAnswer { worker })
}
