//! A worker on its way through time: driven by the arrivals of frames, by changes and by the deadlines of removals.
//!
//! What falls on one time happens in this order: what ends by time (held fragments, idle flows), with the state that
//! there was; deadlines of removals; changes; frames. Nothing happens after the last frame but what is over by then.

use super::{Replay, ReplayError};
use crate::port::{CapturePort, Exits};
use crate::report::Report;
use evenkeel_dataplane::{
    Cursor, FlowPage, FlowRecord, FlowTable, Published, Questions, Sweep, TableSeeds, TableSpec, Totals,
    Worker, WorkerCounters, WorkerSpec,
};
use evenkeel_nexthop::{Change, Desired, Liveness};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;

/// Nanoseconds of a tick of the worker's clock.
const MILLISECOND_NS: u64 = 1_000_000;
/// Longest time that passes at once while there is anything that can end, in milliseconds: times in the flow table
/// are compared within a window of some hours.
const STRIDE_MS: u64 = 3_600_000;

/// A replay under way.
pub(super) struct Run<W: Write> {
    worker: Worker<CapturePort<W>>,
    port: CapturePort<W>,
    desired: Desired,
    changes: VecDeque<(u64, Change)>,
    liveness: Arc<Liveness>,
    published: Arc<Published>,
    table: Arc<FlowTable>,
    counters: Arc<WorkerCounters>,
    /// What the worker's clock shows.
    now_ms: u64,
    /// When the next removal or change is due, in nanoseconds from the first frame.
    due_ns: Option<u64>,
}

impl<W: Write> Run<W> {
    /// Lays out a worker with its own flow table; seeds are fixed, so that every run is the same.
    ///
    /// # Errors
    /// If the flow table can't be.
    pub(super) fn new(replay: Replay, port: CapturePort<W>) -> Result<Self, ReplayError> {
        let Replay { mut desired, mut changes, flow_capacity, .. } = replay;
        changes.sort_by_key(|&(at_ns, _)| at_ns);
        let counters = Arc::new(WorkerCounters::default());
        let liveness = Arc::new(Liveness::new());
        counters.reserve(desired.members().count());
        let published = Arc::new(Published::new(desired.snapshot(&liveness)));
        let table = Arc::new(FlowTable::new(&TableSpec {
            capacity: flow_capacity,
            // there can't be more flows than frames
            reserved: flow_capacity.min(port.frame_count()),
            workers: 1,
            seeds: TableSeeds::Fixed,
            sweep: Sweep::Whole,
        })?);
        let worker = Worker::new(WorkerSpec {
            index: 0,
            burst: replay.burst,
            table: Arc::clone(&table),
            published: Arc::clone(&published),
            liveness: Arc::clone(&liveness),
            counters: Arc::clone(&counters),
            questions: Questions::default(),
        });
        let due_ns = next_due_ns(&desired, changes.first());
        Ok(Self {
            worker,
            port,
            desired,
            changes: changes.into(),
            liveness,
            published,
            table,
            counters,
            now_ms: 0,
            due_ns,
        })
    }

    /// Lets all frames through.
    pub(super) fn play(mut self) -> Result<Self, ReplayError> {
        while let Some(arrival_ns) = self.port.next_arrival_ns() {
            while let Some(due_ns) = self.due_ns.filter(|&due_ns| due_ns <= arrival_ns) {
                self.change(due_ns)?;
            }
            self.pass_until(arrival_ns / MILLISECOND_NS);
            let tick_end_ns = (self.now_ms + 1) * MILLISECOND_NS;
            self.port.open_until(self.due_ns.map_or(tick_end_ns, |due_ns| due_ns.min(tick_end_ns)));
            while self.port.has_waiting() {
                self.worker.poll(self.now_ms, &mut self.port);
            }
        }
        self.worker.finish(self.now_ms, &mut self.port);
        Ok(self)
    }

    /// The report, and the exits or why one of them failed.
    pub(super) fn into_report(self) -> Result<(Report, io::Result<Exits<W>>), ReplayError> {
        let report = Report::of(&[self.counters], &self.desired)?;
        Ok((report, self.port.into_exits()))
    }

    /// The flows in the table now.
    pub(super) fn flows(&self) -> Vec<FlowRecord> {
        let timeouts = self.published.timeouts();
        let Some(shard) = self.table.lock(0, &self.counters, &timeouts) else { return Vec::new() };
        let mut page = FlowPage::new(Cursor::default(), shard.len());
        // times in the table are the low 32 bits of milliseconds
        shard.list(&mut page, usize::MAX, usize::MAX, self.now_ms as u32);
        page.records
    }

    /// Does what is due by `due_ns`, the earliest time at which anything is.
    fn change(&mut self, due_ns: u64) -> Result<(), ReplayError> {
        // a deadline can be due within the tick that has begun
        self.pass_until((due_ns / MILLISECOND_NS).max(self.now_ms));
        self.desired.expire_removals(self.now_ms);
        while let Some((at_ns, change)) = self.changes.pop_front_if(|(at_ns, _)| *at_ns <= due_ns) {
            // a deadline of zero is over before the next change of the same time
            self.desired.expire_removals(self.now_ms);
            let applied = self.desired.apply(&change, self.now_ms, &self.liveness);
            applied.map_err(|source| ReplayError::Change { at_ns, source })?;
        }
        self.counters.reserve(self.desired.members().count());
        self.published.publish(self.desired.snapshot(&self.liveness));
        self.due_ns = next_due_ns(&self.desired, self.changes.front());
        Ok(())
    }

    /// Lets time pass until `to_ms`, which isn't before now: what is over by then ends, in strides if it is far.
    fn pass_until(&mut self, to_ms: u64) {
        while to_ms - self.now_ms > STRIDE_MS && self.can_anything_end() {
            self.now_ms += STRIDE_MS;
            self.worker.advance(self.now_ms, &mut self.port);
        }
        if to_ms != self.now_ms {
            self.now_ms = to_ms;
            self.worker.advance(self.now_ms, &mut self.port);
        }
    }

    fn can_anything_end(&self) -> bool {
        let totals = Totals::of(std::slice::from_ref(&self.counters));
        totals.flows.live != 0 || totals.packets.held != 0
    }
}

/// When the next removal or change is due, in nanoseconds from the first frame.
fn next_due_ns(desired: &Desired, change: Option<&(u64, Change)>) -> Option<u64> {
    let deadline_ns = desired.next_deadline_ms().map(|ms| ms.saturating_mul(MILLISECOND_NS));
    deadline_ns.into_iter().chain(change.map(|&(at_ns, _)| at_ns)).min()
}
