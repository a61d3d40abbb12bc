//! A worker: takes a burst from its ports, walks each packet, sends it on its way.

use crate::counters::WorkerCounters;
use crate::flow_table::FlowTable;
use crate::mailbox::{Question, Questions};
use crate::port::PortIo;
use crate::published::Published;
use crate::walk::{Table, View};
use burst::{Burst, Patience};
use crossbeam::epoch;
use evenkeel_nexthop::Liveness;
use std::sync::Arc;

mod answer;
mod burst;
mod elsewhere;
#[cfg(test)]
mod tests;

/// What a worker is made of.
#[derive(Debug)]
pub struct WorkerSpec {
    /// Number of the worker: of its shard and of the queue that it owns on every port.
    pub index: usize,
    /// Most frames of a burst.
    pub burst: usize,
    /// The flow table of the box.
    pub table: Arc<FlowTable>,
    /// Where the current snapshot is.
    pub published: Arc<Published>,
    /// Which nexthops are up.
    pub liveness: Arc<Liveness>,
    /// The worker's own counters.
    pub counters: Arc<WorkerCounters>,
    /// What others ask of its shard.
    pub questions: Questions,
}

/// One worker on its ports.
pub struct Worker<P: PortIo> {
    spec: WorkerSpec,
    burst: Burst<P::Frame>,
    /// The question in work.
    asked: Option<Question>,
    is_behind: bool,
}

impl<P: PortIo> Worker<P> {
    /// A worker with all the memory that it will ever need.
    #[must_use]
    pub fn new(spec: WorkerSpec) -> Self {
        Self { burst: Burst::new(spec.burst), asked: None, is_behind: false, spec }
    }

    /// Takes one burst from receive to transmit and returns how many frames it was. 0: nothing was waiting.
    ///
    /// `now_ms` is the worker's clock in milliseconds; it must not go back.
    pub fn poll(&mut self, now_ms: u64, io: &mut P) -> usize {
        io.receive(self.spec.burst, &mut self.burst.received);
        let received = self.burst.received.len();
        self.spec.counters.received.add(received as u64);
        self.walk(now_ms, io, Patience::Kept);
        received
    }

    /// True while there is work that doesn't wait for packets: the worker should be polled again at once.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Lets time pass without receiving: held fragments whose time is over leave, flows that are over are freed.
    pub fn advance(&mut self, now_ms: u64, io: &mut P) {
        self.walk(now_ms, io, Patience::Kept);
    }

    /// Ends the work: all held fragments leave and every flow that is over is freed.
    pub fn finish(&mut self, now_ms: u64, io: &mut P) {
        self.walk(now_ms, io, Patience::Over);
        let guard = epoch::pin();
        let timeouts = &self.spec.published.load(&guard).timeouts;
        if let Some(mut shard) = self.spec.table.lock(self.spec.index, &self.spec.counters, timeouts) {
            shard.sweep_whole(now_ms as u32);
            shard.gauge();
        }
    }

    /// The walk of a burst, stage by stage.
    fn walk(&mut self, now_ms: u64, io: &mut P, patience: Patience) {
        let Self { spec, burst, .. } = self;
        let guard = epoch::pin();
        let snapshot = spec.published.load(&guard);
        let view = View { snapshot, liveness: &spec.liveness, now_ms };

        burst.release_overdue(&view, patience);
        self.is_behind = look_up(burst, &view, io, spec);
        burst.search_elsewhere(&view, spec);
        burst.send(&view, io, spec);
        io.flush();
        spec.counters.held.set(burst.held() as u64);
        answer::answer(&mut self.asked, &view, spec, &mut self.is_behind);
    }
}

/// The stages up to the decision, with the home shard locked once; true if the shard's sweep is behind.
fn look_up<P: PortIo>(burst: &mut Burst<P::Frame>, view: &View<'_>, io: &P, spec: &WorkerSpec) -> bool {
    let (table, counters) = (&spec.table, &*spec.counters);
    burst.prefetch_frames(io);
    let Some(mut shard) = table.lock(spec.index, counters, &view.snapshot.timeouts) else { return false };
    shard.sweep(view.now_ms as u32, burst.received.is_empty());
    burst.parse(view, io, table, &shard);
    burst.prefetch(&shard);
    let elsewhere = table.workers() > 1;
    burst.decide(&mut Table { view, shard: &mut shard, counters, elsewhere });
    shard.gauge();
    shard.is_behind()
}
