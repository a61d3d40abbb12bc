//! A worker on ports in memory: what golden captures can't show (full rings, several workers, frames that get lost).

mod gauges;
mod pins;
mod questions;
mod recycle;
mod timeouts;

use super::{Worker, WorkerSpec};
use crate::counters::WorkerCounters;
use crate::flow_table::{FlowTable, Sweep, TableSeeds, TableSpec};
use crate::mailbox::{Mailbox, mailbox};
use crate::memory::{Exit, MemoryPort};
use crate::published::Published;
use crate::totals::Totals;
use crate::verdict::DropReason;
use etherparse::PacketBuilder;
use evenkeel_nexthop::{
    AdminState, Desired, GroupSpec, Liveness, NexthopSpec, PortId, Prefix, Protocol, ServiceSpec, Timeouts,
};
use evenkeel_packet::Mac;
use proptest::prelude::*;
use std::sync::Arc;

const OWN: Mac = Mac([2, 0, 0, 0, 1, 1]);
const CLIENT: [u8; 6] = [2, 0, 0, 0, 1, 99];

/// A box with one service on two nexthops, and as many workers as asked for.
struct Lab {
    workers: Vec<Worker<MemoryPort>>,
    ports: Vec<MemoryPort>,
    counters: Vec<Arc<WorkerCounters>>,
    mailboxes: Vec<Mailbox>,
    liveness: Arc<Liveness>,
    published: Arc<Published>,
    desired: Desired,
}

impl Lab {
    fn new(workers: usize, capacity: usize) -> Self {
        Self::with_burst(workers, capacity, 64)
    }

    fn with_burst(workers: usize, capacity: usize, burst: usize) -> Self {
        let liveness = Arc::new(Liveness::new());
        let nexthop = |n: u8| NexthopSpec {
            name: format!("s{n}"),
            address: [198, 51, 100, n].into(),
            weight: 1,
            state: AdminState::Active,
            port: Some(PortId(0)),
            mac: Some(Mac([2, 0, 0, 0, 2, n])),
        };
        let group = GroupSpec { name: "web".into(), buckets: 64, nexthops: vec![nexthop(1), nexthop(2)] };
        let service = |name: &str, vip: &str, protocol, ports| ServiceSpec {
            name: name.into(),
            vip: vip.parse::<Prefix>().unwrap(),
            protocol,
            ports,
            group: "web".into(),
            timeouts: Timeouts::DEFAULT,
        };
        let services = vec![
            service("web", "192.0.2.10/32", Protocol::Tcp, vec![80]),
            service("dns", "192.0.2.10/32", Protocol::Udp, vec![53]),
        ];
        let mut desired = Desired::new(0, vec![OWN], services, vec![group]).unwrap();
        let published = Arc::new(Published::new(desired.snapshot(&liveness)));
        let table = TableSpec {
            capacity,
            reserved: capacity,
            workers,
            seeds: TableSeeds::Fixed,
            sweep: Sweep::Whole,
        };
        let table = Arc::new(FlowTable::new(&table).unwrap());
        let counters: Vec<_> = (0..workers).map(|_| Arc::new(WorkerCounters::default())).collect();
        counters.iter().for_each(|c| c.reserve(16));
        let (mailboxes, questions): (_, Vec<_>) = counters.iter().map(|_| mailbox()).unzip();
        let workers = counters.iter().zip(questions).enumerate().map(|(index, (counters, questions))| {
            Worker::new(WorkerSpec {
                index,
                burst,
                table: Arc::clone(&table),
                published: Arc::clone(&published),
                liveness: Arc::clone(&liveness),
                counters: Arc::clone(counters),
                questions,
            })
        });
        let workers: Vec<_> = workers.collect();
        let ports = workers.iter().map(|_| MemoryPort::keeping(4096)).collect();
        Self { workers, ports, counters, mailboxes, liveness, published, desired }
    }

    fn poll(&mut self, worker: usize, now_ms: u64, frames: &[Vec<u8>]) -> Vec<(Exit, Vec<u8>)> {
        for frame in frames {
            assert!(self.ports[worker].put(PortId(0), frame), "no room for a frame");
        }
        while self.workers[worker].poll(now_ms, &mut self.ports[worker]) > 0 {}
        self.ports[worker].take_kept()
    }

    fn publish(&mut self) {
        self.published.publish(self.desired.snapshot(&self.liveness));
    }

    fn totals(&self) -> Totals {
        Totals::of(&self.counters)
    }

    fn assert_adds_up(&self) {
        let Totals { packets, flows, .. } = self.totals();
        assert_eq!(packets.received, packets.forwarded + packets.punted + packets.dropped + packets.held);
        assert_eq!(flows.created + flows.adopted, flows.expired + flows.closed + flows.evicted + flows.live);
        let held: usize = self.ports.iter().map(MemoryPort::outstanding).sum();
        assert_eq!(held as u64, packets.held);
    }
}

fn tcp(source_port: u16, flags: &str) -> Vec<u8> {
    let mut builder = PacketBuilder::ethernet2(CLIENT, OWN.0)
        .ipv4([203, 0, 113, 5], [192, 0, 2, 10], 64)
        .tcp(source_port, 80, 1, 1024);
    for flag in flags.chars() {
        builder = match flag {
            'S' => builder.syn(),
            'A' => builder.ack(1),
            'F' => builder.fin(),
            'R' => builder.rst(),
            other => panic!("no flag {other}"),
        };
    }
    let mut frame = Vec::new();
    builder.write(&mut frame, b"payload").unwrap();
    frame
}

fn udp(source_port: u16) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(CLIENT, OWN.0)
        .ipv4([203, 0, 113, 5], [192, 0, 2, 10], 64)
        .udp(source_port, 53);
    let mut frame = Vec::new();
    builder.write(&mut frame, &[7; 40]).unwrap();
    frame
}

/// `frame` as fragment of datagram `id`, its payload at `offset` (units of 8 bytes).
fn fragment(mut frame: Vec<u8>, id: u16, offset: u16, more: bool) -> Vec<u8> {
    frame[18..20].copy_from_slice(&id.to_be_bytes());
    frame[20..22].copy_from_slice(&(u16::from(more) << 13 | offset).to_be_bytes());
    frame
}

/// ICMP "fragmentation needed" about a packet that the service sent to the client.
fn frag_needed(client_port: u16) -> Vec<u8> {
    let mut quote = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 10], [203, 0, 113, 5], 60)
        .tcp(80, client_port, 1, 1)
        .write(&mut quote, &[])
        .unwrap();
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(CLIENT, OWN.0)
        .ipv4([203, 0, 113, 77], [192, 0, 2, 10], 64)
        .icmpv4_raw(3, 4, [0, 0, 5, 0])
        .write(&mut frame, &quote)
        .unwrap();
    frame
}

fn nexthop_of(frame: &[u8]) -> [u8; 6] {
    frame[..6].try_into().unwrap()
}

#[test]
fn a_full_transmit_ring_is_counted_and_loses_no_frame() {
    let mut lab = Lab::new(1, 100);
    lab.ports[0].tx_room = 3;
    let frames: Vec<_> = (1000..1010).map(|port| tcp(port, "S")).collect();
    let exits = lab.poll(0, 0, &frames);
    assert_eq!(exits.iter().filter(|(exit, _)| *exit == Exit::Dropped(DropReason::TxRingFull)).count(), 7);
    assert_eq!(lab.totals().drops[DropReason::TxRingFull.index()], 7);
    lab.assert_adds_up();
}

#[test]
fn a_port_that_has_gone_is_counted_and_loses_no_frame() {
    let mut lab = Lab::new(1, 100);
    lab.ports[0].ports = 1..2;
    let exits = lab.poll(0, 0, &[tcp(1000, "S"), tcp(1001, "S")]);
    assert!(exits.iter().all(|(exit, _)| *exit == Exit::Dropped(DropReason::PortGone)), "{exits:?}");
    assert_eq!(lab.totals().drops[DropReason::PortGone.index()], 2);
    lab.assert_adds_up();
}

#[test]
fn the_boxs_own_mac_is_that_of_the_snapshot() {
    let mut lab = Lab::new(1, 100);
    let moved = Mac([2, 0, 0, 0, 9, 9]);
    assert!(lab.desired.open_port(PortId(0), moved));
    let moved_to = lab.desired.snapshot(&lab.liveness);
    lab.workers[0].spec.published.publish(moved_to);
    assert_eq!(lab.poll(0, 0, &[tcp(1000, "S")])[0].0, Exit::Punted, "to somebody else now");
    let mut frame = tcp(1000, "S");
    frame[..6].copy_from_slice(&moved.0);
    let exits = lab.poll(0, 0, &[frame]);
    assert_eq!(exits[0].0, Exit::Sent(PortId(0)));
    assert_eq!(exits[0].1[6..12], moved.0);
    lab.assert_adds_up();
}

#[test]
fn a_punt_that_the_kernel_refuses_is_a_drop() {
    let mut lab = Lab::new(1, 100);
    lab.ports[0].takes_punts = false;
    lab.poll(0, 0, &[vec![0xff; 60]]);
    assert_eq!(lab.totals().drops[DropReason::PuntFailed.index()], 1);
    lab.assert_adds_up();
}

#[test]
fn a_flow_that_rss_moves_to_another_worker_keeps_its_nexthop() {
    let mut lab = Lab::new(2, 1000);
    let ports = 1000..1200;
    let opened: Vec<_> = ports.clone().map(|port| tcp(port, "S")).collect();
    // pinned while only one nexthop was up: half of the buckets then say the other, and only the table can know
    let second = lab.desired.members().nth(1).unwrap().nexthop;
    lab.liveness.set(second, false);
    let first = lab.poll(0, 0, &opened);
    lab.liveness.set(second, true);
    let further: Vec<_> = ports.map(|port| tcp(port, "A")).collect();
    let then = lab.poll(1, 1, &further);
    let by_port = |exits: &[(Exit, Vec<u8>)]| {
        let mut all: Vec<_> = exits.iter().map(|(_, f)| (f[34..36].to_vec(), nexthop_of(f))).collect();
        all.sort();
        all
    };
    assert_eq!(by_port(&first), by_port(&then));
    let totals = lab.totals();
    assert_eq!((totals.flows.created, totals.flows.adopted, totals.flows.live), (200, 0, 200));
    lab.assert_adds_up();
}

#[test]
fn an_icmp_error_on_another_worker_finds_the_flow_and_leaves_it_there() {
    let mut lab = Lab::new(2, 1000);
    let second = lab.desired.members().nth(1).unwrap().nexthop;
    for port in 1000..1020 {
        // pinned while only one nexthop was up, so that half of the buckets now say the other
        lab.liveness.set(second, false);
        let opened = lab.poll(0, 0, &[tcp(port, "S")]);
        lab.liveness.set(second, true);
        let error = lab.poll(1, 0, &[frag_needed(port)]);
        assert_eq!(nexthop_of(&error[0].1), nexthop_of(&opened[0].1), "port {port}");
    }
    let totals = lab.totals();
    assert_eq!((totals.flows.created, totals.flows.adopted, totals.flows.moved), (20, 0, 0));
    lab.assert_adds_up();
}

#[test]
fn fragments_wait_for_their_first_and_leave_before_it() {
    let mut lab = Lab::new(1, 100);
    let later = |offset| fragment(udp(5000), 7, offset, false);
    assert!(lab.poll(0, 0, &[later(6), later(12)]).is_empty());
    assert_eq!(lab.totals().packets.held, 2);
    lab.assert_adds_up();
    let exits = lab.poll(0, 999, &[fragment(udp(5000), 7, 0, true), later(18)]);
    let offsets: Vec<_> = exits.iter().map(|(_, f)| u16::from_be_bytes([f[20], f[21]]) & 0x1fff).collect();
    assert_eq!(offsets, [6, 12, 0, 18]);
    assert!(
        exits
            .iter()
            .all(|(exit, f)| *exit == Exit::Sent(PortId(0)) && nexthop_of(f) == nexthop_of(&exits[0].1))
    );
    lab.assert_adds_up();
}

#[test]
fn fragments_without_a_first_leave_when_their_time_is_over_or_at_the_end() {
    let mut lab = Lab::new(1, 100);
    lab.poll(0, 0, &[fragment(udp(5000), 7, 6, false)]);
    lab.workers[0].advance(999, &mut lab.ports[0]);
    assert!(lab.ports[0].take_kept().is_empty());
    lab.workers[0].advance(1000, &mut lab.ports[0]);
    // the service lists its port, and still the address tells where to
    assert_eq!(lab.ports[0].take_kept().len(), 1);
    lab.poll(0, 1000, &[fragment(udp(5000), 8, 6, false)]);
    lab.workers[0].finish(1001, &mut lab.ports[0]);
    assert_eq!(lab.ports[0].take_kept().len(), 1);
    assert_eq!(lab.totals().packets.held, 0);
    lab.assert_adds_up();
}

#[test]
fn a_flow_of_a_nexthop_that_is_down_moves_once_and_stays_where_it_went() {
    let mut lab = Lab::new(1, 100);
    let first = nexthop_of(&lab.poll(0, 0, &[tcp(1000, "S")])[0].1);
    let member =
        lab.desired.members().find(|m| Mac(first).0[5] == if m.name == "s1" { 1 } else { 2 }).unwrap();
    let nexthop = member.nexthop;
    lab.liveness.set(nexthop, false);
    let moved = nexthop_of(&lab.poll(0, 1, &[tcp(1000, "A")])[0].1);
    assert_ne!(first, moved);
    lab.liveness.set(nexthop, true);
    assert_eq!(nexthop_of(&lab.poll(0, 2, &[tcp(1000, "A")])[0].1), moved);
    assert_eq!(lab.totals().flows.moved, 1);
}

/// A frame that is about right, with bytes changed and cut.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let base = prop_oneof![
        (0u16..8).prop_map(|port| tcp(port, "S")),
        (0u16..8).prop_map(|port| tcp(port, "A")),
        (0u16..8).prop_map(|port| tcp(port, "F")),
        (0u16..8).prop_map(udp),
        (0u16..8).prop_map(frag_needed),
        (0u16..8, 0u16..4, 0u16..3, any::<bool>()).prop_map(|(port, id, at, more)| fragment(
            udp(port),
            id,
            at,
            more
        )),
        prop::collection::vec(any::<u8>(), 0..120),
    ];
    let changes = prop::collection::vec((12usize..80, any::<u8>()), 0..3);
    (base, changes, 0usize..200).prop_map(|(mut frame, changes, keep)| {
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        if keep < 100 {
            frame.truncate(keep.max(14));
        }
        frame
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_frames_end_in_one_counter_each_and_none_is_lost(
        bursts in prop::collection::vec((prop::collection::vec(hostile(), 0..40), 0u64..3000, any::<bool>(), any::<bool>()), 1..30),
        capacity in 1usize..20,
    ) {
        let mut lab = Lab::new(2, capacity);
        let nexthops: Vec<_> = lab.desired.members().map(|m| m.nexthop).collect();
        let mut now_ms = 0;
        for (n, (frames, pass_ms, up, second)) in bursts.into_iter().enumerate() {
            now_ms += pass_ms;
            lab.liveness.set(nexthops[n % 2], up);
            lab.poll(usize::from(second), now_ms, &frames);
            lab.assert_adds_up();
        }
        for worker in 0..2 {
            lab.workers[worker].finish(now_ms, &mut lab.ports[worker]);
        }
        lab.assert_adds_up();
        prop_assert_eq!(lab.totals().packets.held, 0);
    }
}
