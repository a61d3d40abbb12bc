//! What can be seen of the running state. Plain data, taken at one moment on the control thread.

use super::change::NexthopState;
use super::plant::{InterfaceStatus, Latency, WorkerStatus};
use evenkeel_dataplane::{DropReason, FlowTotals, MemberTotals, PacketTotals};
use evenkeel_nexthop::{GroupTable, ServiceSpec};
use evenkeel_packet::Mac;
use std::net::IpAddr;
use std::path::PathBuf;

/// The daemon itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusView {
    /// Milliseconds since the start.
    pub uptime_ms: u64,
    /// The snapshot that workers see.
    pub generation: u64,
    /// The configuration file.
    pub config_file: Option<PathBuf>,
    /// Where operators' changes are remembered; none: nowhere.
    pub state_file: Option<PathBuf>,
    /// Why that file could not be written when it was last tried; none if it could.
    pub state_fault: Option<String>,
    /// Seed of the portable hash.
    pub hash_seed: u64,
    /// Number of workers.
    pub workers: usize,
    /// Flows that the table holds at the most.
    pub flow_capacity: u64,
    /// Flows in the table.
    pub flows_live: u64,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceView {
    /// As configured.
    pub spec: ServiceSpec,
    /// Nexthops that a new flow could go to now.
    pub usable_nexthops: u32,
}

/// A group.
#[derive(Debug, Clone)]
pub struct GroupView {
    /// Its name.
    pub name: String,
    /// Number of its buckets.
    pub buckets: u32,
    /// Buckets that nobody can serve now.
    pub unserved_buckets: u32,
    /// Its buckets at that moment, to be looked at beside the control thread.
    pub table: Option<GroupTable>,
    /// Names of the services that it serves.
    pub services: Vec<String>,
    /// Members by state: active, draining, removing. Removed ones are not counted.
    pub active: u32,
    /// See [`active`](Self::active).
    pub draining: u32,
    /// See [`active`](Self::active).
    pub removing: u32,
    /// Members that new flows could go to now.
    pub usable: u32,
    /// Sums over the members, removed ones too.
    pub totals: MemberTotals,
    /// Over the last second.
    pub rates: MemberRates,
}

/// A nexthop in one group.
#[derive(Debug, Clone, PartialEq)]
pub struct NexthopView {
    /// Name of its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Address of the server.
    pub address: IpAddr,
    /// Interface over which it is reached, else the configured one.
    pub interface: Option<String>,
    /// Its MAC, if it is known.
    pub mac: Option<Mac>,
    /// Where it is in its life.
    pub state: NexthopState,
    /// 0 to 1000.
    pub weight: u16,
    /// Milliseconds until it is gone, if it is being removed.
    pub removed_in_ms: Option<u64>,
    /// True if packets can reach it: resolved, and alive.
    pub is_up: bool,
    /// Why it is not up.
    pub why: Option<String>,
    /// Buckets that it serves now.
    pub buckets: u32,
    /// Buckets that its weight asks for.
    pub want: f64,
    /// What it got since the start.
    pub totals: MemberTotals,
    /// Over the last second.
    pub rates: MemberRates,
}

/// How fast a member's counters grow, per second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MemberRates {
    /// Packets.
    pub packets: f64,
    /// Bytes, without FCS.
    pub bytes: f64,
    /// Flows pinned.
    pub flows: f64,
}

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceView {
    /// As the box has it.
    pub status: InterfaceStatus,
    /// True if it can carry frames; none before the kernel was asked.
    pub is_up: Option<bool>,
}

/// All counters.
#[derive(Debug, Clone, PartialEq)]
pub struct CountersView {
    /// Seconds since the start.
    pub uptime_seconds: f64,
    /// The snapshot that workers see.
    pub generation: u64,
    /// Frames.
    pub packets: PacketTotals,
    /// Dropped frames by reason, indexed by [`DropReason::index`].
    pub drops: [u64; DropReason::COUNT],
    /// Flows.
    pub flows: FlowTotals,
    /// Over the last second.
    pub rates: Rates,
    /// By worker.
    pub workers: Vec<WorkerView>,
    /// Time in the box.
    pub latency: Latency,
}

/// How fast counters grow, per second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Frames taken from the ports.
    pub received: f64,
    /// Frames that left toward a nexthop.
    pub forwarded: f64,
    /// Frames left to the kernel.
    pub punted: f64,
    /// Frames dropped.
    pub dropped: f64,
    /// Flows pinned.
    pub flows: f64,
}

/// A worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkerView {
    /// Where it runs.
    pub status: WorkerStatus,
    /// Its frames.
    pub packets: PacketTotals,
    /// Its flows.
    pub flows: FlowTotals,
}

/// The bucket table of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets {
    /// Name of the group.
    pub group: String,
    /// By bucket, the name of the nexthop that serves it; none: nobody can.
    pub buckets: Vec<Option<std::sync::Arc<str>>>,
    /// Members that are not removed, in the order of the configuration.
    pub shares: Vec<ShareView>,
}

/// How much of a group one member serves.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareView {
    /// Its name.
    pub nexthop: String,
    /// Address of the server.
    pub address: IpAddr,
    /// Buckets that it serves now.
    pub buckets: u32,
    /// Buckets that its weight asks for.
    pub want: f64,
}
