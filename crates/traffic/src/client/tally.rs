//! What has happened so far: the statistics of a run as it goes on, shared by its lanes on one thread.

use super::ClientSpec;
use super::exchange::Lost;
use crate::connection::Connection;
use crate::source::Sources;
use crate::stats::{ConnStats, Sample, Stats, Step};
use jiff::Timestamp;
use std::cell::{Cell, RefCell};
use std::io;
use tokio::sync::watch;
use tokio::time::Instant;

/// A connection by the order in which they were opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectionId(usize);

/// The statistics of a run that goes on.
#[derive(Debug)]
pub(super) struct Tally {
    spec: ClientSpec,
    sources: RefCell<Sources>,
    started: Instant,
    is_over: watch::Sender<bool>,
    stats: RefCell<Stats>,
    connections: RefCell<Vec<ConnStats>>,
    active: Cell<u64>,
    connecting: Cell<u64>,
}

impl Tally {
    /// A run that starts now.
    pub(super) fn new(spec: &ClientSpec, sources: Sources) -> Self {
        let stats = Stats {
            started: Timestamp::now(),
            duration_ns: 0,
            rate_kb_per_s: spec.rate_kb_per_s,
            connections: spec.connections.into(),
            packet_size_bytes: spec.packet_size_bytes as u64,
            failed_connections: 0,
            sent: 0,
            received: 0,
            dropped: 0,
            retransmits: 0,
            failed_connects: 0,
            unopened: 0,
            seed: spec.seed,
            address: spec.address.to_string(),
            transport: spec.transport.to_string(),
            steps: Vec::new(),
            conn_stats: Vec::new(),
            samples: Vec::new(),
        };
        Self {
            spec: spec.clone(),
            sources: RefCell::new(sources),
            started: Instant::now(),
            is_over: watch::Sender::new(false),
            stats: RefCell::new(stats),
            connections: RefCell::new(Vec::new()),
            active: Cell::new(0),
            connecting: Cell::new(0),
        }
    }

    pub(super) fn spec(&self) -> &ClientSpec {
        &self.spec
    }

    pub(super) fn sources(&self) -> &RefCell<Sources> {
        &self.sources
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    pub(super) fn deadline(&self) -> Instant {
        self.started + self.spec.duration
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The run is over: no packet is sent any more.
    pub(super) fn end(&self) {
        self.is_over.send_replace(true);
    }

    /// Returns when the run is over.
    pub(super) async fn ended(&self) {
        // The sender lives as long as this.
        let _ = self.is_over.subscribe().wait_for(|is_over| *is_over).await;
    }

    /// A connection is tried from now on; `None` when as many have been opened as are allowed.
    pub(super) fn open(&self) -> Option<ConnectionId> {
        let mut connections = self.connections.borrow_mut();
        let most = self.spec.connections as usize * self.spec.retries as usize;
        if connections.len() >= most {
            self.stats.borrow_mut().unopened += 1;
            return None;
        }
        let started_ns = self.now_ns();
        let remote = self.spec.address.to_string();
        connections.push(ConnStats { started_ns, remote, ..ConnStats::default() });
        self.connecting.update(|count| count + 1);
        Some(ConnectionId(connections.len() - 1))
    }

    pub(super) fn connected(&self, id: ConnectionId, connection: &Connection) {
        let now_ns = self.now_ns();
        self.count(id, |_, of| {
            of.connect_ns = now_ns.max(1);
            of.local = connection.local().map(|local| local.to_string()).unwrap_or_default();
        });
        self.connecting.update(|count| count - 1);
        self.active.update(|count| count + 1);
    }

    pub(super) fn fail_to_connect(&self, id: ConnectionId, error: &io::Error) {
        self.count(id, |all, of| {
            all.failed_connects += 1;
            of.failed_connects += 1;
            of.connect_err = error.to_string();
        });
    }

    pub(super) fn send(&self, id: ConnectionId) {
        self.count(id, |all, of| {
            all.sent += 1;
            of.sent += 1;
        });
    }

    pub(super) fn receive(&self, id: ConnectionId) {
        self.count(id, |all, of| {
            all.received += 1;
            of.received += 1;
        });
    }

    pub(super) fn drop_packets(&self, id: ConnectionId, packets: u64) {
        self.count(id, |all, of| {
            all.dropped += packets;
            of.dropped += packets;
        });
    }

    pub(super) fn served_by(&self, id: ConnectionId, name: &str) {
        self.count(id, |_, of| name.clone_into(&mut of.host));
    }

    pub(super) fn retransmitted(&self, id: ConnectionId, segments: u64) {
        self.count(id, |all, of| {
            all.retransmits += segments;
            of.retransmits = segments;
        });
    }

    pub(super) fn lose(&self, id: ConnectionId, lost: Lost) {
        let now_ns = self.now_ns();
        self.count(id, |all, of| {
            all.failed_connections += 1;
            of.ended_ns = now_ns;
            of.reason = Some(lost.reason);
            of.err = lost.text;
        });
        self.active.update(|count| count - 1);
    }

    fn count(&self, id: ConnectionId, count: impl FnOnce(&mut Stats, &mut ConnStats)) {
        if let Some(connection) = self.connections.borrow_mut().get_mut(id.0) {
            count(&mut self.stats.borrow_mut(), connection);
        }
    }

    /// A step begins now.
    pub(super) fn step(&self, name: String) {
        let time_ns = self.now_ns();
        self.stats.borrow_mut().steps.push(Step { time_ns, name });
    }

    /// Keeps the counts of now.
    pub(super) fn sample(&self) {
        let time_ns = self.now_ns();
        let mut stats = self.stats.borrow_mut();
        let Stats { sent, received, dropped, .. } = *stats;
        stats.samples.push(Sample { time_ns, sent, received, dropped });
    }

    /// The monitor line, as ctraffic writes it.
    pub(super) fn line(&self) -> String {
        let stats = self.stats.borrow();
        format!(
            "Conn act/fail/connecting: {}/{}/{}, Packets send/rec/dropped: {}/{}/{}",
            self.active.get(),
            stats.failed_connections,
            self.connecting.get(),
            stats.sent,
            stats.received,
            stats.dropped
        )
    }

    /// The statistics of the run, which is over.
    pub(super) fn finish(&self) -> Stats {
        let mut stats = self.stats.borrow().clone();
        stats.duration_ns = self.now_ns();
        if self.spec.in_detail {
            stats.conn_stats = self.connections.take();
        } else {
            stats.samples.clear();
        }
        for connection in stats.conn_stats.iter_mut().filter(|connection| !connection.is_lost()) {
            connection.ended_ns = stats.duration_ns;
        }
        stats
    }
}
