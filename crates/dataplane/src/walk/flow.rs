//! Third stage: is the flow known, and by whom is it served?

use super::{Decision, Lookup, Signal, Table, select};
use crate::flow_table::{FlowEntry, FlowState, Link};
use crate::verdict::{DropReason, Verdict};
use evenkeel_nexthop::{Choice, MemberId, PinId};
use evenkeel_packet::TcpSignal;

impl Table<'_, '_> {
    /// A packet of a service: forward it to whom its flow is pinned, or pin it.
    #[inline]
    pub(crate) fn flow(&mut self, lookup: &Lookup, signal: Signal, wire_len: u32) -> Decision {
        let now_ms = self.view.now_ms as u32;
        let Some(link) = self.shard.find(&lookup.key, lookup.hash) else {
            return if self.elsewhere && signal.may_be_known() {
                Decision::SearchElsewhere
            } else {
                Decision::Settled(self.unknown(lookup, signal, wire_len))
            };
        };
        let (sets, timeouts) = (self.shard.timeouts(), self.view.snapshot.timeouts_of(lookup.service));
        let Some(entry) = self.shard.entry(link) else {
            return Decision::Settled(self.unknown(lookup, signal, wire_len));
        };
        let (state, member) = (entry.state(), entry.member);
        let taken_anew = state == FlowState::Closing && signal == Signal::Tcp(TcpSignal::Open);
        if taken_anew || entry.is_over(now_ms, sets) {
            self.shard.end(link);
            return Decision::Settled(self.unknown(lookup, signal, wire_len));
        }
        entry.refresh(now_ms, u64::from(wire_len));
        let (is_new, is_by_pin) = (!entry.is_confirmed(), entry.is_by_pin());
        if entry.timeouts() != timeouts {
            self.shard.set_timeouts(link, timeouts, now_ms);
        }
        if is_new || signal == Signal::Tcp(TcpSignal::Close) {
            self.progress(link, state, signal, now_ms);
        }
        let verdict = self.known(lookup, link, member, wire_len);
        if is_by_pin && verdict == Verdict::Forward(member) {
            self.count_pin(select::pin_of(self.view, lookup, member), wire_len);
        }
        Decision::Settled(verdict)
    }

    /// To the flow's own nexthop; picked again only if that is down or gone.
    #[inline]
    fn known(&mut self, lookup: &Lookup, link: Link, member: MemberId, wire_len: u32) -> Verdict {
        if self.view.snapshot.is_usable(member, self.view.liveness) {
            return Verdict::Forward(member);
        }
        let Some(Choice { member: other, pin }) = select::by_flow(self.view, lookup) else {
            return Verdict::Drop(DropReason::NoNexthop);
        };
        self.shard.move_to(link, other, pin.is_some());
        if !self.is_same_server(member, other) {
            self.counters.flows.moved.add(1);
        }
        self.count_pin(pin, wire_len);
        Verdict::Forward(other)
    }

    /// True if two memberships are of one server: its connections go on.
    fn is_same_server(&self, one: MemberId, other: MemberId) -> bool {
        let nexthop = |id| self.view.snapshot.member(id).map(|member| member.nexthop);
        nexthop(one) == nexthop(other)
    }

    /// A new flow, an adopted one, or a packet that ends what nobody knows.
    fn unknown(&mut self, lookup: &Lookup, signal: Signal, wire_len: u32) -> Verdict {
        let Some(choice) = select::by_flow(self.view, lookup) else {
            return Verdict::Drop(DropReason::NoNexthop);
        };
        if signal != Signal::Tcp(TcpSignal::Close) {
            self.pin(lookup, signal, &choice, wire_len);
        }
        self.count_pin(choice.pin, wire_len);
        Verdict::Forward(choice.member)
    }

    fn count_pin(&self, pin: Option<PinId>, wire_len: u32) {
        if let Some(pin) = pin {
            self.counters.went_by(pin, self.view.now_ms, u64::from(wire_len));
        }
    }

    fn pin(&mut self, lookup: &Lookup, signal: Signal, choice: &Choice, wire_len: u32) {
        let now_ms = self.view.now_ms as u32;
        let (member, timeouts) = (choice.member, self.view.snapshot.timeouts_of(lookup.service));
        let entry = FlowEntry::new(member, signal.first_state(), timeouts, now_ms, u64::from(wire_len));
        let entry = entry.by_pin(choice.pin.is_some());
        let flows = &self.counters.flows;
        if self.shard.insert(&lookup.key, lookup.hash, entry, now_ms).is_none() {
            flows.untracked_packets.add(1);
            return;
        }
        if signal.opens() {
            flows.created.add(1);
        } else {
            flows.adopted.add(1);
        }
        if let Some(counters) = self.counters.member(member) {
            counters.flows_created.add(1);
        }
    }

    /// What the client has shown with a further packet of a known flow.
    fn progress(&mut self, link: Link, state: FlowState, signal: Signal, now_ms: u32) {
        match (state, signal) {
            (FlowState::HalfOpen, Signal::Tcp(TcpSignal::Acknowledge)) => {
                self.shard.set_state(link, FlowState::Established, now_ms);
                self.shard.confirm(link);
            }
            (FlowState::HalfOpen | FlowState::Established, Signal::Tcp(TcpSignal::Close)) => {
                self.shard.set_state(link, FlowState::Closing, now_ms);
                self.shard.confirm(link);
            }
            (FlowState::Established | FlowState::Datagram, _) => self.shard.confirm(link),
            (FlowState::HalfOpen | FlowState::Closing, _) => {}
        }
    }
}

impl Signal {
    /// True for the packets with which a flow begins.
    const fn opens(self) -> bool {
        matches!(self, Self::Tcp(TcpSignal::Open) | Self::Datagram)
    }

    /// False for packets that are a flow's first by themselves. The first packet of a datagram flow looks like any
    /// other of it.
    const fn may_be_known(self) -> bool {
        !matches!(self, Self::Tcp(TcpSignal::Open))
    }

    const fn first_state(self) -> FlowState {
        match self {
            Self::Tcp(TcpSignal::Open) => FlowState::HalfOpen,
            Self::Tcp(_) => FlowState::Established,
            Self::Datagram => FlowState::Datagram,
        }
    }
}
