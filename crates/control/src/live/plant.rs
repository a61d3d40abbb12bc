//! The box's side of the control thread: what owns interfaces, sockets, steering and workers.
//!
//! Control knows it by one trait, so that it runs in tests without any of them.

use crate::config::Config;
use evenkeel_nexthop::PortId;
use evenkeel_packet::Mac;

/// One interface of the configuration, as the box has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivePort {
    /// Its number for snapshots and workers. It stays while the interface is in use, whatever comes and goes beside it.
    pub port: PortId,
    /// Its name in Linux.
    pub name: String,
    /// The kernel's number of it.
    pub ifindex: u32,
    /// Its MAC.
    pub mac: Mac,
}

/// What has to change on the box when a configuration changes. Called on the control thread alone.
///
/// A change is prepared and then committed or aborted. Control publishes the snapshot in between: it serves what comes
/// and no longer names what goes, so that a commit may open the way to the one and close it to the other.
pub trait Plant: Send {
    /// Says what the interfaces of a configuration would be, in its order, and refuses what the box is seen not to do.
    /// Nothing is touched. Interfaces that come get numbers that nothing on the box uses and `is_named` denies.
    ///
    /// # Errors
    /// Why it can't be taken up.
    fn check(&self, next: &Config, is_named: &dyn Fn(PortId) -> bool) -> Result<Vec<LivePort>, PlantError>;

    /// Makes ready for a configuration that was [checked](Self::check) with the same outcome: opens what it needs.
    /// Traffic sees nothing of it.
    ///
    /// # Errors
    /// All is as before.
    fn prepare(
        &mut self,
        next: &Config,
        is_named: &dyn Fn(PortId) -> bool,
    ) -> Result<Vec<LivePort>, PlantError>;

    /// Brings into effect what was prepared.
    ///
    /// # Errors
    /// All is as before; what was prepared is given up.
    fn commit(&mut self) -> Result<(), PlantError>;

    /// Gives up what was prepared.
    fn abort(&mut self);

    /// Follows an interface whose own MAC has changed. The snapshot that says so is published.
    fn set_own_mac(&mut self, port: PortId, mac: Mac);

    /// The interfaces in use.
    fn interfaces(&self) -> Vec<InterfaceStatus>;

    /// The workers, by number.
    fn workers(&self) -> Vec<WorkerStatus>;

    /// Time in the box, over all workers.
    fn latency(&self) -> Latency;
}

/// Why the box can't take up a configuration, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlantError(pub String);

/// An interface at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceStatus {
    /// What control knows of it too.
    pub port: LivePort,
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// Receive queues, each with a worker.
    pub queues: u32,
    /// How the XDP program is attached: `native` or `generic`; none before it is.
    pub attachment: Option<String>,
    /// How its sockets get at frames, as `zero-copy` or `copy`, if it is known.
    pub access: Option<String>,
    /// Frames that the XDP program left to the kernel.
    pub passed: u64,
    /// Frames that it sent to workers.
    pub redirected: u64,
    /// What the kernel counted at the socket of each queue, by its number; empty if that can't be read.
    pub sockets: Vec<SocketCounts>,
}

/// What the kernel counts at one AF_XDP socket (`struct xdp_statistics` in `linux/if_xdp.h`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SocketCounts {
    /// Frames dropped because the rx ring was full.
    pub rx_ring_full: u64,
    /// Times that the kernel found the fill ring empty.
    pub rx_fill_ring_empty: u64,
    /// Frames dropped for other reasons.
    pub rx_dropped: u64,
    /// Frames given to the fill ring that are none.
    pub rx_invalid_descriptors: u64,
    /// Frames given to the tx ring that are none.
    pub tx_invalid_descriptors: u64,
}

/// A worker at work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkerStatus {
    /// The core that it is pinned to.
    pub core: usize,
    /// The queue that it owns on every interface.
    pub queue: usize,
    /// Time in the box of what it received.
    pub latency: Latency,
    /// How long its polls took.
    pub polls: PollTimes,
}

/// How long a worker's polls took, in microseconds, also those that received nothing; all 0 without polls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PollTimes {
    /// Polls that were measured.
    pub polls: u64,
    /// Median.
    pub p50_us: f64,
    /// 99 of 100 polls took no longer.
    pub p99_us: f64,
    /// 999 of 1000 polls took no longer.
    pub p999_us: f64,
    /// The longest: the worst stall of the worker.
    pub worst_us: f64,
}

/// Time in the box from receive to transmit, in microseconds; all 0 without packets.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Latency {
    /// Packets that were measured.
    pub packets: u64,
    /// Median.
    pub p50_us: f64,
    /// 99 of 100 packets took no longer.
    pub p99_us: f64,
    /// 999 of 1000 packets took no longer.
    pub p999_us: f64,
    /// The longest.
    pub max_us: f64,
}
