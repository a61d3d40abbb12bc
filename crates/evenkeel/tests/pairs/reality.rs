//! What really happens: a worker in memory takes the capture, the second configuration takes the place of the first, and
//! every flow sends again.

use evenkeel_control::Config;
use evenkeel_dataplane::memory::{Exit, MemoryPort};
use evenkeel_dataplane::{
    FlowTable, Published, Questions, Sweep, TableSeeds, TableSpec, Totals, Worker, WorkerCounters, WorkerSpec,
};
use evenkeel_nexthop::{Adjacency, Desired, Liveness, PortId};
use evenkeel_packet::Mac;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

const OWN: Mac = Mac([2, 0, 0, 0, 1, 1]);

/// The box.
pub(crate) struct Reality {
    desired: Desired,
    liveness: Arc<Liveness>,
    published: Arc<Published>,
    counters: Arc<WorkerCounters>,
    worker: Worker<MemoryPort>,
    port: MemoryPort,
}

/// Where a packet went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Went {
    /// To the server with this last byte of its MAC and address.
    To(u8),
    /// To the kernel.
    Punted,
    Dropped,
}

impl Reality {
    pub(crate) fn new(config: &Config) -> Self {
        let mut desired = config.desired(vec![OWN]).unwrap();
        reach_all(&mut desired);
        let liveness = Arc::new(Liveness::new());
        let published = Arc::new(Published::new(desired.snapshot(&liveness)));
        let (capacity, seeds, sweep) = (10_000, TableSeeds::Fixed, Sweep::Whole);
        let table = TableSpec { capacity, reserved: capacity, workers: 1, seeds, sweep };
        let counters = Arc::new(WorkerCounters::default());
        counters.reserve(desired.members().len());
        let worker = Worker::new(WorkerSpec {
            index: 0,
            burst: 64,
            table: Arc::new(FlowTable::new(&table).unwrap()),
            published: Arc::clone(&published),
            liveness: Arc::clone(&liveness),
            counters: Arc::clone(&counters),
            questions: Questions::default(),
        });
        Self { desired, liveness, published, counters, worker, port: MemoryPort::keeping(64) }
    }

    /// Takes up another configuration.
    pub(crate) fn reload(&mut self, config: &Config, now_ms: u64) {
        let (services, groups) = (config.services.clone(), config.groups.clone());
        self.desired.reconcile(services, groups, now_ms, config.remove_ms).unwrap();
        reach_all(&mut self.desired);
        self.publish();
    }

    /// Ends the removals that are over.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        self.desired.expire_removals(now_ms);
        self.publish();
    }

    fn publish(&mut self) {
        self.counters.reserve(self.desired.members().len());
        self.published.publish(self.desired.snapshot(&self.liveness));
    }

    pub(crate) fn send(&mut self, now_ms: u64, frame: &[u8]) -> Went {
        assert!(self.port.put(PortId(0), frame));
        while self.worker.poll(now_ms, &mut self.port) > 0 {}
        let (exit, frame) = self.port.take_kept().pop().expect("it leaves");
        match exit {
            Exit::Sent(_) => Went::To(frame[5]),
            Exit::Punted => Went::Punted,
            Exit::Dropped(_) => Went::Dropped,
        }
    }

    pub(crate) fn moved(&self) -> u64 {
        Totals::of(&[Arc::clone(&self.counters)]).flows.moved
    }

    /// By group, the server of each bucket.
    pub(crate) fn buckets(&self) -> BTreeMap<String, Vec<Option<u8>>> {
        let snapshot = self.published.load(&crossbeam::epoch::pin()).clone();
        let server = |member| self.desired.member(member).map(|member| last_byte(member.address));
        let table = snapshot.groups().map(|(_, table)| {
            (table.name.to_string(), table.buckets().map(|member| server(member?)).collect())
        });
        table.collect()
    }
}

/// Every nexthop is where its address says.
fn reach_all(desired: &mut Desired) {
    let members: Vec<_> = desired.members().map(|member| (member.nexthop, member.address)).collect();
    for (nexthop, address) in members {
        let destination = Mac([2, 0, 0, 0, 2, last_byte(address)]);
        desired.set_adjacency(nexthop, Some(Adjacency { port: PortId(0), source: OWN, destination }));
    }
}

fn last_byte(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    }
}
