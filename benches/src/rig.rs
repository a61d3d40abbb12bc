//! A worker on ports in memory, with a table of established flows.

use crate::OWN;
use crate::frames::{Kind, permutation};
use evenkeel_dataplane::memory::MemoryPort;
use evenkeel_dataplane::{
    FlowTable, Published, Questions, Sweep, TableSeeds, TableSpec, Totals, Worker, WorkerCounters, WorkerSpec,
};
use evenkeel_nexthop::{
    AdminState, Desired, GroupSpec, Liveness, NexthopSpec, PortId, Protocol, ServiceSpec, Timeouts,
};
use evenkeel_packet::Mac;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Frames written into the area at a time, as a NIC would, before the worker takes them.
pub const AREA: usize = 4096;

/// Fragments that the worker may hold meanwhile.
const HELD: usize = 1024;

/// One worker and its ports.
pub struct Rig {
    worker: Worker<MemoryPort>,
    port: MemoryPort,
    counters: Arc<WorkerCounters>,
    /// The worker's clock.
    pub now_ms: u64,
}

impl Rig {
    /// A worker of a box that balances TCP and UDP on 192.0.2.10 and `2001:db8::10` over 100 nexthops.
    ///
    /// # Panics
    /// If the configuration is wrong, which it is not.
    #[must_use]
    pub fn new(flow_capacity: usize) -> Self {
        let liveness = Arc::new(Liveness::new());
        let mut desired = desired();
        let published = Arc::new(Published::new(desired.snapshot(&liveness)));
        let table = FlowTable::new(&table(flow_capacity)).expect("there is memory for it");
        let counters = Arc::new(WorkerCounters::default());
        counters.reserve(desired.members().count());
        let spec = WorkerSpec {
            index: 0,
            burst: 64,
            table: Arc::new(table),
            published,
            liveness,
            counters: Arc::clone(&counters),
            questions: Questions::default(),
        };
        Self { worker: Worker::new(spec), port: MemoryPort::new(AREA + HELD), counters, now_ms: 1 }
    }

    /// Opens and establishes flows `0..count`.
    ///
    /// # Panics
    /// If the area has too few frames.
    pub fn establish(&mut self, kind: Kind, count: u32) {
        const SYN: u8 = 0x02;
        const ACK: u8 = 0x10;
        let order = permutation(count, 1);
        for flows in order.chunks(AREA / 2) {
            for flags in [SYN, ACK] {
                let mut frame = kind.template(flags);
                for &flow in flows {
                    kind.set_flow(&mut frame, flow);
                    assert!(self.port.put(PortId(0), &frame), "the area is as large as a batch");
                }
                self.drain();
            }
        }
    }

    /// Writes a batch of frames, then lets the worker take all of them; the time that the worker took.
    ///
    /// # Panics
    /// If the batch is larger than the area.
    pub fn batch<'f>(&mut self, frames: impl Iterator<Item = &'f [u8]>) -> Duration {
        for frame in frames {
            assert!(self.port.put(PortId(0), frame), "the area is as large as a batch");
        }
        let begin = Instant::now();
        self.drain();
        begin.elapsed()
    }

    /// A batch of one frame each of `flows`; the time that the worker took.
    ///
    /// # Panics
    /// If the batch is larger than the area.
    pub fn batch_of_flows(&mut self, kind: Kind, frame: &mut [u8], flows: &[u32]) -> Duration {
        self.write(kind, frame, flows);
        let begin = Instant::now();
        self.drain();
        begin.elapsed()
    }

    /// Writes one frame each of `flows` into the area, as a NIC would.
    ///
    /// # Panics
    /// If there are more than free frames.
    pub fn write(&mut self, kind: Kind, frame: &mut [u8], flows: &[u32]) {
        for &flow in flows {
            kind.set_flow(frame, flow);
            assert!(self.port.put(PortId(0), frame), "the area is as large as a batch");
        }
    }

    /// Lets the worker take all that is written.
    pub fn drain(&mut self) {
        while self.worker.poll(self.now_ms, &mut self.port) > 0 {}
    }

    /// Ends the worker's work: what it holds leaves.
    pub fn finish(&mut self) {
        self.worker.finish(self.now_ms, &mut self.port);
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

/// A table of one shard whose hash is always the same.
#[must_use]
pub const fn table(capacity: usize) -> TableSpec {
    let (seeds, sweep) = (TableSeeds::Fixed, Sweep::Paced);
    TableSpec { capacity, reserved: capacity, workers: 1, seeds, sweep }
}

fn desired() -> Desired {
    let nexthops = (1..=100u8).map(|n| NexthopSpec {
        name: format!("s{n}"),
        address: [198, 51, 100, n].into(),
        weight: 1,
        state: AdminState::Active,
        port: Some(PortId(0)),
        mac: Some(Mac([2, 0, 0, 0, 2, n])),
    });
    let group = GroupSpec { name: "web".into(), buckets: 65536, nexthops: nexthops.collect() };
    let services = ["192.0.2.10/32", "2001:db8::10/128"].into_iter().flat_map(|vip| {
        [(Protocol::Tcp, 80), (Protocol::Udp, 53)].map(|(protocol, port)| ServiceSpec {
            name: format!("{vip} {port}"),
            vip: vip.parse().expect("a prefix"),
            protocol,
            ports: vec![port],
            group: "web".into(),
            timeouts: Timeouts { tcp_syn_ms: 3_600_000, tcp_established_ms: 3_600_000, ..Timeouts::DEFAULT },
        })
    });
    Desired::new(0, vec![OWN], services.collect(), vec![group]).expect("a good configuration")
}
