//! What is asked for: services, groups and nexthops, as a configuration or an operator gives them.

use crate::id::PortId;
use crate::prefix::Prefix;
use crate::timeouts::Timeouts;
use evenkeel_packet::Mac;
use std::net::IpAddr;

/// Most buckets of a group, 2^20.
pub(crate) const MAX_BUCKETS: u32 = 1 << 20;
/// Fewest buckets of a group.
pub(crate) const MIN_BUCKETS: u32 = 64;
/// Largest weight.
pub(crate) const MAX_WEIGHT: u16 = 1000;

/// Which protocols a service takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP alone.
    Tcp,
    /// UDP alone.
    Udp,
    /// Every IP protocol.
    Any,
}

/// Whether a member takes new flows, as the operator wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdminState {
    /// Takes new flows, if it has a weight.
    Active,
    /// Takes no new flows; its own stay.
    Draining,
}

/// What is balanced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Name for operators.
    pub name: String,
    /// Addresses that are served.
    pub vip: Prefix,
    /// Protocols that are served.
    pub protocol: Protocol,
    /// Ports that are served; empty: any, and protocols without ports too.
    pub ports: Vec<u16>,
    /// Name of the group that serves.
    pub group: String,
    /// How long its flows may be idle.
    pub timeouts: Timeouts,
}

/// The nexthops that serve one or more services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSpec {
    /// Name for operators, and what services refer to.
    pub name: String,
    /// Number of buckets: a power of two from 64 to 2^20.
    pub buckets: u32,
    /// The members, each with a name and an address of its own in the group.
    pub nexthops: Vec<NexthopSpec>,
}

/// One server as a member of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NexthopSpec {
    /// Name for operators, unique in its group.
    pub name: String,
    /// Address of the server.
    pub address: IpAddr,
    /// Share of the buckets, 0 to 1000; 0 takes no new flows.
    pub weight: u16,
    /// Whether it takes new flows.
    pub state: AdminState,
    /// Interface behind which the server is; `None`: as the kernel's route says.
    pub port: Option<PortId>,
    /// The server's MAC; `None`: as the kernel's neighbour table says.
    pub mac: Option<Mac>,
}
