//! A worker: takes a burst from its ports, walks each packet, sends it on its way.

use crate::counters::WorkerCounters;
use crate::flow_table::{FlowTable, Shard};
use crate::fragments::{Fates, Held};
use crate::mailbox::{Question, Questions};
use crate::port::{PortIo, Received};
use crate::published::Published;
use crate::walk::classify::classify;
use crate::walk::egress::{Leaving, leave};
use crate::walk::parse::parse;
use crate::walk::{Decision, Judged, Table, Task, View, fragment};
use crossbeam::epoch;
use evenkeel_nexthop::Liveness;
use std::sync::Arc;

mod answer;
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
    burst: Vec<Received<P::Frame>>,
    judged: Vec<Judged>,
    leaving: Vec<Leaving<P::Frame>>,
    aside: Vec<elsewhere::Aside<P::Frame>>,
    fates: Fates,
    held: Held<P::Frame, Judged>,
    /// The question in work.
    asked: Option<Question>,
    is_behind: bool,
}

impl<P: PortIo> Worker<P> {
    /// A worker with all the memory that it will ever need.
    #[must_use]
    pub fn new(spec: WorkerSpec) -> Self {
        let held = Held::new();
        let most_leaving = spec.burst + crate::fragments::HELD_CAPACITY;
        Self {
            burst: Vec::with_capacity(spec.burst),
            judged: Vec::with_capacity(spec.burst),
            leaving: Vec::with_capacity(most_leaving),
            aside: Vec::with_capacity(elsewhere::MOST_ASIDE),
            fates: Fates::new(),
            held,
            asked: None,
            is_behind: false,
            spec,
        }
    }

    /// Takes one burst from receive to transmit and returns how many frames it was. 0: nothing was waiting.
    ///
    /// `now_ms` is the worker's clock in milliseconds; it must not go back.
    pub fn poll(&mut self, now_ms: u64, io: &mut P) -> usize {
        io.receive(self.spec.burst, &mut self.burst);
        let received = self.burst.len();
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
        let guard = epoch::pin();
        let snapshot = self.spec.published.load(&guard);
        let liveness = Arc::clone(&self.spec.liveness);
        let view = View { snapshot, liveness: &liveness, now_ms };

        self.release_overdue(&view, patience);
        self.parse_and_classify(&view, io);
        self.look_up(&view);
        self.search_elsewhere(&view);
        for leaving in self.leaving.drain(..) {
            leave(io, leaving, snapshot, &self.spec.counters);
        }
        io.flush();
        self.answer(&view);
    }

    fn parse_and_classify(&mut self, view: &View<'_>, io: &P) {
        let table = &self.spec.table;
        let own = view.snapshot.own_macs();
        self.judged.clear();
        self.judged.extend(self.burst.iter().map(|received| {
            let outcome = parse(io, received, own);
            classify(&outcome, io.bytes(&received.frame), view.snapshot, table)
        }));
    }

    /// Decides on every packet of the burst, with the home shard locked once.
    fn look_up(&mut self, view: &View<'_>) {
        let table = Arc::clone(&self.spec.table);
        let counters = Arc::clone(&self.spec.counters);
        let Some(mut shard) = table.lock(self.spec.index, &counters, &view.snapshot.timeouts) else { return };
        shard.sweep(view.now_ms as u32, self.burst.is_empty());
        self.is_behind = shard.is_behind();
        self.prefetch(&shard);
        let elsewhere = table.workers() > 1;
        let mut burst = std::mem::take(&mut self.burst);
        let mut judged = std::mem::take(&mut self.judged);
        let mut stage = Table { view, shard: &mut shard, counters: &counters, elsewhere };
        for (received, judged) in burst.drain(..).zip(judged.drain(..)) {
            self.decide(&mut stage, received, judged);
        }
        shard.gauge();
        (self.burst, self.judged) = (burst, judged);
    }

    /// Brings in what the look-ups of the burst will touch: control bytes of all, then slots of all.
    fn prefetch(&self, shard: &Shard<'_>) {
        let lookups = || {
            self.judged.iter().filter_map(|judged| match &judged.task {
                Task::Flow(lookup, _) | Task::IcmpError(lookup) => Some(lookup),
                Task::Settled(_) | Task::LaterFragment(_) => None,
            })
        };
        lookups().for_each(|lookup| shard.prefetch_control(&lookup.key, lookup.hash));
        lookups().for_each(|lookup| shard.prefetch_slot(&lookup.key, lookup.hash));
    }

    /// Decides on one packet: it leaves, is held, or is put aside.
    #[inline]
    fn decide(&mut self, stage: &mut Table<'_, '_>, received: Received<P::Frame>, judged: Judged) {
        match stage.decide(&judged, received.wire_len, &self.fates) {
            Decision::Settled(verdict) => {
                if judged.first_of.is_some() {
                    self.settle_first(stage.view, &judged, verdict);
                }
                self.leaving.push(Leaving { received, verdict, l3_offset: judged.l3_offset });
            }
            Decision::Hold(key) => self.hold(stage.view, key, received, judged),
            Decision::SearchElsewhere => self.put_aside(stage, received, judged),
        }
    }

    /// A first fragment is decided on: those that waited for it leave before it, those to come will follow.
    fn settle_first(&mut self, view: &View<'_>, judged: &Judged, verdict: crate::Verdict) {
        let Some(key) = judged.first_of else { return };
        self.fates.note(key, verdict, view.now_ms);
        while let Some((received, waiting)) = self.held.release(&key) {
            self.leaving.push(Leaving { received, verdict, l3_offset: waiting.l3_offset });
        }
        self.count_held();
    }

    fn hold(
        &mut self,
        view: &View<'_>,
        key: evenkeel_packet::FragmentKey,
        received: Received<P::Frame>,
        judged: Judged,
    ) {
        if let Err((received, judged)) = self.held.hold(key, received, judged, view.now_ms) {
            let verdict = fragment::by_addresses(view, &key);
            self.leaving.push(Leaving { received, verdict, l3_offset: judged.l3_offset });
        }
        self.count_held();
    }

    /// Fragments that have waited long enough, or at the end all of them, go by addresses.
    fn release_overdue(&mut self, view: &View<'_>, patience: Patience) {
        if self.held.len() == 0 {
            return;
        }
        while let Some((received, judged)) = match patience {
            Patience::Kept => self.held.release_overdue(view.now_ms),
            Patience::Over => self.held.release_any(),
        } {
            let Task::LaterFragment(key) = judged.task else { continue };
            let verdict = fragment::by_addresses(view, &key);
            self.leaving.push(Leaving { received, verdict, l3_offset: judged.l3_offset });
        }
        self.count_held();
    }

    fn count_held(&self) {
        let held = &self.spec.counters.held;
        held.add((self.held.len() as u64).wrapping_sub(held.value()));
    }
}

/// Whether held fragments may go on waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Kept,
    Over,
}
