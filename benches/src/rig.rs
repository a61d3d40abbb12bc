//! A worker on ports in memory: frames are written into an area, as a NIC would, and then the worker takes them.

use crate::frames::Kind;
use crate::machine::{Machine, Spec};
use crate::traffic::Taker;
use evenkeel_dataplane::memory::MemoryPort;
use evenkeel_dataplane::{FlowTable, Published, Totals, Worker, WorkerCounters, WorkerSpec};
use evenkeel_nexthop::PortId;
use std::sync::Arc;
use std::time::Duration;

/// Frames written into the area at a time before the worker takes them.
pub const AREA: usize = 4096;

/// Fragments that the worker may hold meanwhile.
const HELD: usize = 1024;

/// One worker and its ports; beside those of another worker they share no cache line, as on a thread of their own.
#[repr(align(128))]
pub struct Rig {
    worker: Worker<MemoryPort>,
    port: MemoryPort,
    index: usize,
    table: Arc<FlowTable>,
    published: Arc<Published>,
    counters: Arc<WorkerCounters>,
    /// The worker's clock.
    pub now_ms: u64,
    passed: Duration,
}

impl Rig {
    /// The one worker of a box.
    ///
    /// # Panics
    /// As [`Machine::new`].
    #[must_use]
    pub fn new(flow_capacity: usize) -> Self {
        Machine::new(Spec { flow_capacity, ..Spec::default() }).rigs.remove(0)
    }

    /// The same with frames as close as a UMEM has them in aligned chunks: their headers share a 32nd of a cache's sets.
    #[must_use]
    pub fn in_aligned_chunks(self) -> Self {
        Self { port: MemoryPort::aligned(AREA + HELD), ..self }
    }

    pub(crate) fn of(spec: WorkerSpec) -> Self {
        Self {
            index: spec.index,
            table: Arc::clone(&spec.table),
            published: Arc::clone(&spec.published),
            counters: Arc::clone(&spec.counters),
            worker: Worker::new(spec),
            port: MemoryPort::new(AREA + HELD),
            now_ms: 1,
            passed: Duration::ZERO,
        }
    }

    /// One poll of the worker; how many frames it took.
    #[inline]
    pub fn poll(&mut self) -> usize {
        self.worker.poll(self.now_ms, &mut self.port)
    }

    /// True while there is work that doesn't wait for packets.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.worker.is_behind()
    }

    /// Lets the worker's clock go on.
    pub fn pass(&mut self, time: Duration) {
        self.passed += time;
        self.now_ms = 1 + self.passed.as_millis() as u64;
    }

    /// Ends the worker's work: what it holds leaves.
    pub fn finish(&mut self) {
        self.worker.finish(self.now_ms, &mut self.port);
    }

    /// The worker's counters.
    #[must_use]
    pub fn counters(&self) -> Arc<WorkerCounters> {
        Arc::clone(&self.counters)
    }

    /// What the worker has counted.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals::of(&[Arc::clone(&self.counters)])
    }

    /// Frames that are neither free nor waiting.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.port.outstanding()
    }
}

impl Taker for Rig {
    #[inline]
    fn write_frame(&mut self, frame: &[u8]) {
        assert!(self.port.put(PortId(0), frame), "the area is as large as a batch");
    }

    fn drain(&mut self) {
        while self.poll() > 0 {}
    }

    fn end(&mut self, kind: Kind, flows: &[u32]) {
        let timeouts = self.published.timeouts();
        let shard = self.table.lock(self.index, &self.counters, &timeouts);
        let mut shard = shard.expect("every worker has a shard");
        for &flow in flows {
            let key = kind.key(flow);
            let link = shard.find(&key, self.table.hash(&key)).expect("the flow is there");
            shard.end(link);
        }
    }
}

impl std::fmt::Debug for Rig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rig")
            .field("index", &self.index)
            .field("now_ms", &self.now_ms)
            .finish_non_exhaustive()
    }
}
