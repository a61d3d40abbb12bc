//! What is needed to look a flow up, and what its packet means to it.

use super::{Judged, Matter};
use crate::flow_table::{Link, Shard};
use evenkeel_nexthop::ServiceId;
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6, TcpSignal};

/// A packet of a service, as the flow table takes it. `K` is the key of its family, or of either.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup<K> {
    pub(crate) key: K,
    /// Of the key, in the flow table.
    pub(crate) hash: u64,
    pub(crate) service: ServiceId,
    pub(crate) signal: Signal,
    /// Offset of the IP header in bytes.
    pub(crate) l3_offset: u8,
}

/// What a packet means to its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Tcp(TcpSignal),
    /// UDP or a protocol without ports.
    Datagram,
}

/// A flow key of one family.
pub(crate) trait Key: Copy + Into<FlowKey> {
    /// Where the flow is, which may be at the link that was guessed from the hash alone.
    fn look_up(&self, shard: &Shard<'_>, guess: Link, hash: u64) -> Option<Link>;
}

impl Key for FlowKey4 {
    #[inline]
    fn look_up(&self, shard: &Shard<'_>, guess: Link, hash: u64) -> Option<Link> {
        shard.look_up4(guess, self, hash)
    }
}

impl Key for FlowKey6 {
    #[inline]
    fn look_up(&self, shard: &Shard<'_>, guess: Link, hash: u64) -> Option<Link> {
        shard.look_up6(guess, self, hash)
    }
}

impl<K: Copy + Into<FlowKey>> Lookup<K> {
    /// The same with a key of either family.
    pub(crate) fn widened(&self) -> Lookup<FlowKey> {
        let Self { key, hash, service, signal, l3_offset } = *self;
        Lookup { key: key.into(), hash, service, signal, l3_offset }
    }

    /// The packet as one of the few.
    pub(crate) fn judged(&self) -> Judged {
        Judged { matter: Matter::Flow(self.widened()), first_of: None, l3_offset: self.l3_offset }
    }
}

impl From<Option<TcpSignal>> for Signal {
    #[inline]
    fn from(tcp: Option<TcpSignal>) -> Self {
        tcp.map_or(Self::Datagram, Self::Tcp)
    }
}
