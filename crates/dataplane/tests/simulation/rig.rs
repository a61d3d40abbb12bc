//! The box itself: the desired state, its snapshots and workers, on ports in memory.

use crate::flows::Fate;
use crate::frames;
use crate::world::{self, PORTS};
use evenkeel_dataplane::memory::{Exit, MemoryPort};
use evenkeel_dataplane::{
    DropReason, FlowTable, PinTotals, Published, Questions, Sweep, TableSeeds, TableSpec, Totals, Worker,
    WorkerCounters, WorkerSpec,
};
use evenkeel_nexthop::{Adjacency, Desired, Liveness, MemberId, MemberInfo, PinInfo, PortId, Snapshot};
use std::net::IpAddr;
use std::sync::Arc;

/// Frames that wait for a worker before it has to take them.
const WAITING: usize = 1024;

pub(crate) struct Rig {
    pub(crate) desired: Desired,
    pub(crate) liveness: Arc<Liveness>,
    published: Arc<Published>,
    table: Arc<FlowTable>,
    counters: Vec<Arc<WorkerCounters>>,
    workers: Vec<(Worker<MemoryPort>, MemoryPort)>,
}

impl Rig {
    /// A box without services.
    pub(crate) fn new(seed: u64, workers: u8, flows: usize) -> Self {
        let mut desired =
            Desired::new(seed, PORTS.to_vec(), Vec::new(), Vec::new()).expect("nothing is wrong");
        let liveness = Arc::new(Liveness::new());
        let published = Arc::new(Published::new(desired.snapshot(&liveness)));
        // never full, not even of unconfirmed flows that all come to one worker: what a full table does is not the
        // question here
        let capacity = usize::from(workers) * (5 * flows / 2 + 10_000);
        let (workers, seeds, sweep) = (usize::from(workers), TableSeeds::Fixed, Sweep::Paced);
        let spec = TableSpec { capacity, reserved: capacity, workers, seeds, sweep };
        let table = Arc::new(FlowTable::new(&spec).expect("there is memory"));
        let counters: Vec<_> = (0..workers).map(|_| Arc::new(WorkerCounters::default())).collect();
        let worker = |(index, counters): (usize, &Arc<WorkerCounters>)| {
            let spec = WorkerSpec {
                index,
                burst: 64,
                table: Arc::clone(&table),
                published: Arc::clone(&published),
                liveness: Arc::clone(&liveness),
                counters: Arc::clone(counters),
                questions: Questions::default(),
            };
            (Worker::new(spec), MemoryPort::keeping(WAITING))
        };
        let workers = counters.iter().enumerate().map(worker).collect();
        Self { desired, liveness, published, table, counters, workers }
    }

    /// Shows the workers the desired state as it is now.
    pub(crate) fn publish(&mut self) {
        let snapshot = self.desired.snapshot(&self.liveness);
        self.counters.iter().for_each(|counters| counters.reserve(snapshot.member_count()));
        self.published.publish(snapshot);
    }

    /// Sets where the neighbour table says that a server is.
    pub(crate) fn set_neighbour(&mut self, server: u8, port: Option<PortId>) {
        let adjacency =
            port.map(|port| Adjacency { port, source: PORTS[port.index()], destination: world::mac(server) });
        let address = world::address(server);
        let at = |member: MemberInfo<'_>| (member.address == address).then_some(member.nexthop);
        let nexthops: Vec<_> = self.desired.members().filter_map(at).collect();
        for nexthop in nexthops {
            self.desired.set_adjacency(nexthop, adjacency);
        }
    }

    /// Hands a frame to a worker; false if that has to take those that wait first.
    pub(crate) fn put(&mut self, worker: u8, frame: &[u8]) -> bool {
        self.workers[usize::from(worker)].1.put(PortId(0), frame)
    }

    /// Lets all workers take what waits for them, and hands on each frame's number and what became of it.
    pub(crate) fn drain(&mut self, now_ms: u64, mut each: impl FnMut(u32, Fate)) {
        for (worker, port) in &mut self.workers {
            while worker.poll(now_ms, port) > 0 {}
            assert_eq!(port.outstanding(), 0, "a worker holds frames");
            for (exit, frame) in port.take_kept() {
                each(frames::number(&frame), fate(&exit, &frame));
            }
        }
    }

    /// Frees every flow that is over, and sums what was counted.
    pub(crate) fn totals(&self, now_ms: u64) -> Totals {
        let mut flows = 0;
        let timeouts = self.published.timeouts();
        for (worker, counters) in self.counters.iter().enumerate() {
            let mut shard = self.table.lock(worker, counters, &timeouts).expect("a shard for each worker");
            shard.sweep_whole(now_ms as u32);
            flows += shard.len() as u64;
        }
        let totals = Totals::of(&self.counters);
        assert_eq!(totals.flows.live, flows, "flows counted and flows in the table");
        let members =
            self.desired.members().map(|member| Totals::of_member(&self.counters, member.id).flows_live);
        assert_eq!(totals.flows.live, members.sum(), "flows of the box and of its members");
        totals
    }

    /// Ends the static pins that are over; how many.
    pub(crate) fn expire_pins(&mut self, now_ms: u64) -> usize {
        let counters = &self.counters;
        let used_ms = |pin| Totals::of_pin(counters, pin).used_ms;
        self.desired.expire_pins(now_ms, used_ms).len()
    }

    /// The static pins, the oldest first, and what went by them.
    pub(crate) fn pins(&self) -> Vec<(PinInfo, PinTotals)> {
        let pins = self.desired.pins().into_iter();
        pins.map(|pin| (Totals::of_pin(&self.counters, pin.id), pin))
            .map(|(totals, pin)| (pin, totals))
            .collect()
    }

    /// Packets forwarded to a member.
    pub(crate) fn packets(&self, member: MemberId) -> u64 {
        Totals::of_member(&self.counters, member).packets
    }

    /// By bucket of a group in the published snapshot, the addresses of its owner and of who takes its new flows now.
    pub(crate) fn buckets(&self, group: &str) -> (Vec<Option<IpAddr>>, Vec<Option<IpAddr>>) {
        let guard = crossbeam::epoch::pin();
        let snapshot = self.published.load(&guard);
        let owners = owners(snapshot, &self.desired, group);
        let (id, _) = snapshot.groups().find(|(_, table)| &*table.name == group).expect("the group is there");
        // the low bits of a flow's hash are its bucket
        let takers = (0..owners.len() as u64).map(|bucket| snapshot.select(id, bucket, &self.liveness));
        let takers = takers.map(|taker| taker.map(|member| address(&self.desired, member))).collect();
        (owners, takers)
    }
}

/// The address of each bucket's owner.
pub(crate) fn owners(snapshot: &Snapshot, desired: &Desired, group: &str) -> Vec<Option<IpAddr>> {
    let (_, table) = snapshot.groups().find(|(_, table)| &*table.name == group).expect("the group is there");
    table.owners().map(|owner| owner.map(|member| address(desired, member))).collect()
}

fn address(desired: &Desired, member: MemberId) -> IpAddr {
    desired.member(member).expect("the member is there").address
}

/// What became of a frame, with addresses checked against each other.
fn fate(exit: &Exit, frame: &[u8]) -> Fate {
    match exit {
        Exit::Sent(egress) => {
            let (destination, source) = (&frame[..6], &frame[6..12]);
            let server = destination[5];
            assert_eq!(destination, world::mac(server).0, "nobody's MAC");
            assert_eq!(source, PORTS[egress.index()].0, "another port's MAC");
            Fate::Forwarded { server, egress: *egress }
        }
        Exit::Punted => Fate::Punted,
        Exit::Dropped(DropReason::NoNexthop) => Fate::NoNexthop,
        Exit::Dropped(reason) => panic!("dropped as {}", reason.name()),
    }
}
