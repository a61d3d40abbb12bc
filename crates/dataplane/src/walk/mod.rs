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
pub(crate) mod lookup;
pub(crate) mod parse;
pub(crate) mod select;

pub(crate) use lookup::{Lookup, Signal};

use crate::counters::WorkerCounters;
use crate::flow_table::Shard;
use crate::fragments::Fates;
use crate::verdict::Verdict;
use evenkeel_nexthop::{Liveness, Snapshot};
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6, FragmentKey};

/// What a worker sees during one burst.
pub(crate) struct View<'s> {
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) liveness: &'s Liveness,
    /// The worker's clock, in milliseconds.
    pub(crate) now_ms: u64,
}

/// What is left to do for a packet after parsing and classifying.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Task {
    /// Nothing: it doesn't depend on flows.
    Settled(Verdict),
    /// A packet of an IPv4 service that came the straight way.
    Flow4(Lookup<FlowKey4>),
    /// The same of IPv6.
    Flow6(Lookup<FlowKey6>),
    /// One of the few: its place among those of the burst.
    Winding(u16),
}

/// The tasks of a burst, in the order of its packets.
#[derive(Debug)]
pub(crate) struct Tasks {
    pub(crate) all: Vec<Task>,
    /// Of packets that have not come the straight way.
    pub(crate) few: Vec<Judged>,
    /// Of packets that have: the hashes of their keys.
    pub(crate) hashes: Vec<u64>,
}

impl Tasks {
    /// For at most `len` packets at once.
    pub(crate) fn new(len: usize) -> Self {
        let (all, few) = (Vec::with_capacity(len), Vec::with_capacity(len));
        Self { all, few, hashes: Vec::with_capacity(len) }
    }

    pub(crate) fn clear(&mut self) {
        self.all.clear();
        self.few.clear();
        self.hashes.clear();
    }

    #[inline(always)]
    fn settle(&mut self, verdict: Verdict) {
        self.all.push(Task::Settled(verdict));
    }

    #[inline(always)]
    fn look_up4(&mut self, lookup: Lookup<FlowKey4>) {
        self.hashes.push(lookup.hash);
        self.all.push(Task::Flow4(lookup));
    }

    #[inline(always)]
    fn look_up6(&mut self, lookup: Lookup<FlowKey6>) {
        self.hashes.push(lookup.hash);
        self.all.push(Task::Flow6(lookup));
    }

    fn wind(&mut self, judged: Judged) {
        self.all.push(Task::Winding(self.few.len() as u16));
        self.few.push(judged);
    }
}

/// A packet that has not come the straight way, after parsing and classifying.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged {
    pub(crate) matter: Matter,
    /// Set if this is the first fragment of a datagram: the later ones share its fate.
    pub(crate) first_of: Option<FragmentKey>,
    /// Offset of the IP header in bytes.
    pub(crate) l3_offset: u8,
}

/// What is left to do for it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Matter {
    /// Nothing.
    Settled(Verdict),
    /// A packet of a service.
    Flow(Lookup<FlowKey>),
    /// An ICMP error about a packet of a service.
    IcmpError(Lookup<FlowKey>),
    /// A later fragment of a datagram for a VIP.
    LaterFragment(FragmentKey),
}

impl Matter {
    /// The flow in question.
    pub(crate) const fn lookup(&self) -> Option<&Lookup<FlowKey>> {
        match self {
            Self::Flow(lookup) | Self::IcmpError(lookup) => Some(lookup),
            Self::Settled(_) | Self::LaterFragment(_) => None,
        }
    }
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
    /// Decides on one of the few. The order of rows is that of `docs/packet-walk.md`.
    pub(crate) fn decide(&mut self, judged: &Judged, wire_len: u32, fates: &Fates) -> Decision {
        match &judged.matter {
            Matter::Settled(verdict) => Decision::Settled(*verdict),
            Matter::IcmpError(lookup) => self.icmp_error(lookup),
            Matter::LaterFragment(key) => fragment::later(self.view, fates, key),
            Matter::Flow(lookup) => {
                let link = self.shard.find(&lookup.key, lookup.hash);
                self.flow(lookup, link, wire_len).map_or(Decision::SearchElsewhere, Decision::Settled)
            }
        }
    }
}
