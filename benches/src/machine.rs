//! A box in memory: the flow table, the snapshot and as many workers on memory ports as asked for.

use crate::OWN;
use crate::rig::Rig;
use evenkeel_dataplane::{
    FlowTable, Mailbox, Published, Sweep, TableSeeds, TableSpec, WorkerCounters, WorkerSpec, mailbox,
};
use evenkeel_nexthop::{
    AdminState, Desired, GroupSpec, Liveness, NexthopSpec, PortId, Protocol, ServiceSpec, Timeouts,
};
use evenkeel_packet::Mac;
use std::sync::Arc;

/// A box and its workers.
pub struct Machine {
    /// One per worker, by its number.
    pub rigs: Vec<Rig>,
    /// Where each worker is asked what its shard holds.
    pub mailboxes: Vec<Mailbox>,
    /// What the workers see.
    pub published: Arc<Published>,
    /// Which nexthops are up.
    pub liveness: Arc<Liveness>,
    /// What the snapshots are built from.
    pub desired: Desired,
}

/// What a box is made of. It balances TCP and UDP on 192.0.2.10 and `2001:db8::10` over 100 nexthops.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// How many workers.
    pub workers: usize,
    /// Flows of all of them together.
    pub flow_capacity: usize,
    /// Buckets of its one group.
    pub buckets: u32,
    /// Idle times; the default are such that no bench reaches them.
    pub timeouts: Timeouts,
}

impl Default for Spec {
    fn default() -> Self {
        Self { workers: 1, flow_capacity: 1_000_000, buckets: 65536, timeouts: LONG }
    }
}

impl Machine {
    /// A box and its workers.
    ///
    /// # Panics
    /// If the configuration is wrong, which it is not, or if there is no memory.
    #[must_use]
    pub fn new(spec: Spec) -> Self {
        let Spec { workers, flow_capacity, .. } = spec;
        let liveness = Arc::new(Liveness::new());
        let mut desired = desired(spec);
        let published = Arc::new(Published::new(desired.snapshot(&liveness)));
        let table = TableSpec { workers, ..table(flow_capacity) };
        let table = Arc::new(FlowTable::new(&table).expect("there is memory for it"));
        let (mailboxes, questions): (_, Vec<_>) = (0..workers).map(|_| mailbox()).unzip();
        let rigs = questions.into_iter().enumerate().map(|(index, questions)| {
            let counters = Arc::new(WorkerCounters::default());
            counters.reserve(desired.members().count());
            Rig::of(WorkerSpec {
                index,
                burst: 64,
                table: Arc::clone(&table),
                published: Arc::clone(&published),
                liveness: Arc::clone(&liveness),
                counters,
                questions,
            })
        });
        Self { rigs: rigs.collect(), mailboxes, published, liveness, desired }
    }
}

/// Idle times that no bench reaches.
pub(crate) const LONG: Timeouts = Timeouts {
    tcp_syn_ms: 3_600_000,
    tcp_established_ms: 3_600_000,
    tcp_closing_ms: 3_600_000,
    udp_ms: 3_600_000,
};

/// A table of one shard whose hash is always the same.
#[must_use]
pub const fn table(capacity: usize) -> TableSpec {
    let (seeds, sweep) = (TableSeeds::Fixed, Sweep::Paced);
    TableSpec { capacity, reserved: capacity, workers: 1, seeds, sweep }
}

fn desired(Spec { buckets, timeouts, .. }: Spec) -> Desired {
    let nexthops = (1..=100u8).map(|n| NexthopSpec {
        name: format!("s{n}"),
        address: [198, 51, 100, n].into(),
        weight: 1,
        state: AdminState::Active,
        port: Some(PortId(0)),
        mac: Some(Mac([2, 0, 0, 0, 2, n])),
    });
    let group = GroupSpec { name: "web".into(), buckets, nexthops: nexthops.collect() };
    let services = ["192.0.2.10/32", "2001:db8::10/128"].into_iter().flat_map(|vip| {
        [(Protocol::Tcp, 80), (Protocol::Udp, 53)].map(|(protocol, port)| ServiceSpec {
            name: format!("{vip} {port}"),
            vip: vip.parse().expect("a prefix"),
            protocol,
            ports: vec![port],
            group: "web".into(),
            timeouts,
        })
    });
    Desired::new(0, vec![OWN], services.collect(), vec![group]).expect("a good configuration")
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("rigs", &self.rigs).finish_non_exhaustive()
    }
}
