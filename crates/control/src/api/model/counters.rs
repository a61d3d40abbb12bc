//! Counters and interfaces. The first four parts are those of replay's report.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use utoipa::ToSchema;

/// All counters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Counters {
    /// Frames.
    pub packets: Packets,
    /// Dropped frames by reason.
    pub drops: BTreeMap<String, u64>,
    /// Flows.
    pub flows: Flows,
    /// By nexthop, in the order of the configuration, then of adding.
    pub nexthops: Vec<Nexthop>,
    /// By worker.
    pub workers: Vec<Worker>,
    /// Frames and sockets, as the kernel counts them.
    pub interfaces: Vec<Interface>,
    /// Time in the box.
    pub latency: Latency,
    /// When these were read: milliseconds since the forwarder is ready.
    pub uptime_ms: u64,
}

/// Frames: received = forwarded + punted + dropped + held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Packets {
    /// Taken from the interfaces.
    pub received: u64,
    /// Left toward a nexthop.
    pub forwarded: u64,
    /// Left to the kernel.
    pub punted: u64,
    /// Dropped for any reason.
    pub dropped: u64,
    /// Fragments that wait for their first.
    #[serde(default)]
    pub held: u64,
}

/// Flows: created + adopted = expired + closed + evicted + live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Flows {
    /// Pinned at a SYN or at the first packet of another protocol.
    pub created: u64,
    /// Pinned in mid-connection.
    pub adopted: u64,
    /// Ended by being idle.
    pub expired: u64,
    /// Ended through closing, or by a SYN on closing.
    pub closed: u64,
    /// Unconfirmed flows that made room.
    pub evicted: u64,
    /// Moves to another nexthop: broken connections.
    pub moved: u64,
    /// Packets forwarded by bucket because the table was full.
    pub untracked_packets: u64,
    /// Packets forwarded by bucket though another worker's shard may know their flow: too many of a burst missed.
    #[serde(default)]
    pub unsearched_packets: u64,
    /// In the table now.
    pub live: u64,
    /// Of these, half-open flows and flows of one packet: they make room for others.
    #[serde(default)]
    pub unconfirmed: u64,
    /// Most flows that the table holds.
    #[serde(default)]
    pub capacity: u64,
}

/// What one nexthop got in one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Nexthop {
    /// Name of the group.
    pub group: String,
    /// Its name in the group.
    pub name: String,
    /// Its address.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// Frames forwarded to it.
    pub packets: u64,
    /// Their bytes, without FCS.
    pub bytes: u64,
    /// Flows pinned to it, adopted ones included.
    pub flows_created: u64,
    /// Flows pinned to it now.
    pub flows_live: u64,
}

/// One worker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Worker {
    /// The core to which it is pinned.
    pub core: usize,
    /// The queue that it owns on every interface.
    pub queue: usize,
    /// Frames taken from its rings.
    pub received: u64,
    /// Frames that left toward a nexthop.
    pub forwarded: u64,
    /// Flows in its shard.
    #[serde(default)]
    pub flows_live: u64,
    /// Time in the box of what it received.
    #[serde(default)]
    pub latency: Latency,
    /// How long its polls took.
    #[serde(default)]
    pub polls: Polls,
}

/// How long a worker's polls took, in microseconds, also those that received nothing; 0 without polls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Polls {
    /// Polls that the figures stand for.
    pub polls: u64,
    /// Median.
    pub p50_us: f64,
    /// 99 of 100 are not above.
    pub p99_us: f64,
    /// 999 of 1000 are not above.
    pub p999_us: f64,
    /// The longest: the worst stall of the worker.
    pub worst_us: f64,
}

/// From the receipt of a burst to its transmission, in microseconds; 0 without packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Latency {
    /// Packets that the figures stand for.
    pub packets: u64,
    /// Median.
    pub p50_us: f64,
    /// 99 of 100 are not above.
    pub p99_us: f64,
    /// 999 of 1000 are not above.
    pub p999_us: f64,
    /// The largest.
    pub max_us: f64,
}

/// All interfaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Interfaces {
    /// The interfaces, in the order of the configuration.
    pub interfaces: Vec<Interface>,
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its number in the kernel.
    pub ifindex: u32,
    /// Its MAC.
    pub mac: String,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// True if it can carry frames.
    pub up: bool,
    /// Where the XDP program is: `native` or `generic`.
    pub xdp: String,
    /// How frames reach user space: `zero-copy` or `copy`.
    pub access: String,
    /// Frames that the XDP program left to the kernel.
    pub xdp_passed: u64,
    /// Frames that it sent to a worker.
    pub xdp_redirected: u64,
    /// By queue, what the kernel counts of the socket.
    pub queues: Vec<InterfaceQueue>,
}

/// The kernel's statistics of one socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InterfaceQueue {
    /// Number of the queue.
    pub queue: u32,
    /// Frames that found the receive ring full.
    pub rx_ring_full: u64,
    /// Frames that found the fill ring empty.
    pub rx_fill_ring_empty: u64,
    /// Frames dropped for another reason.
    pub rx_dropped: u64,
    /// Wrong descriptors received.
    pub rx_invalid_descriptors: u64,
    /// Wrong descriptors to be sent.
    pub tx_invalid_descriptors: u64,
}
