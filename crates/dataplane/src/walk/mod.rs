//! The walk of one packet, stage by stage, a file each:
//!
//! [`parse`] → [`classify`] (service) → [`flow`] (known?) → [`select`] (bucket) → [`egress`] (rewrite, transmit).
//!
//! ICMP errors and later fragments take [`icmp`] and [`fragment`] in place of [`flow`]. A stage runs over the whole
//! burst before the next begins, so that what a packet needs from memory is on its way while others are worked on.

pub(crate) mod classify;
pub(crate) mod egress;
pub(crate) mod flow;
pub(crate) mod fragment;
pub(crate) mod icmp;
pub(crate) mod parse;
pub(crate) mod select;

use crate::counters::WorkerCounters;
use crate::flow_table::Shard;
use crate::verdict::Verdict;
use evenkeel_nexthop::{Liveness, ServiceId, Snapshot};
use evenkeel_packet::{FlowKey, FragmentKey, TcpSignal};

/// What a worker sees during one burst.
pub(crate) struct View<'s> {
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) liveness: &'s Liveness,
    /// The worker's clock, in milliseconds.
    pub(crate) now_ms: u64,
}

/// A packet after parsing and classifying.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged {
    pub(crate) task: Task,
    /// Set if this is the first fragment of a datagram: the later ones share its fate.
    pub(crate) first_of: Option<FragmentKey>,
    /// Offset of the IP header in bytes.
    pub(crate) l3_offset: u8,
}

/// What is left to do for a packet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Task {
    /// Nothing: it doesn't depend on flows.
    Settled(Verdict),
    /// A packet of a service.
    Flow(Lookup, Signal),
    /// An ICMP error about a packet of a service.
    IcmpError(Lookup),
    /// A later fragment of a datagram for a VIP.
    LaterFragment(FragmentKey),
}

/// What is needed to look a flow up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    pub(crate) key: FlowKey,
    /// Of the key, in the flow table.
    pub(crate) hash: u64,
    pub(crate) service: ServiceId,
}

/// What a packet means to its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Tcp(TcpSignal),
    /// UDP or a protocol without ports.
    Datagram,
}

/// What the flow table says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Settled(Verdict),
    /// A later fragment waits for its first.
    Hold(FragmentKey),
    /// Not known at home: another worker's shard may know the flow.
    SearchElsewhere,
}

/// The flow-table stage of one burst: the home shard, locked, and what decisions need beside it.
pub(crate) struct Table<'a, 't> {
    pub(crate) view: &'a View<'a>,
    pub(crate) shard: &'a mut Shard<'t>,
    pub(crate) counters: &'a WorkerCounters,
    /// True while other shards have not been searched.
    pub(crate) elsewhere: bool,
}

impl Table<'_, '_> {
    /// Decides on one packet. The order of rows is that of `docs/packet-walk.md`.
    #[inline]
    pub(crate) fn decide(
        &mut self,
        judged: &Judged,
        wire_len: u32,
        fates: &crate::fragments::Fates,
    ) -> Decision {
        match &judged.task {
            Task::Settled(verdict) => Decision::Settled(*verdict),
            Task::IcmpError(lookup) => self.icmp_error(lookup),
            Task::LaterFragment(key) => fragment::later(self.view, fates, key),
            Task::Flow(lookup, signal) => self.flow(lookup, *signal, wire_len),
        }
    }
}
