//! Third stage: is the flow known, and by whom is it served?

use super::{Lookup, Signal, Table, select};
use crate::flow_table::{FlowEntry, FlowState, Link};
use crate::verdict::{DropReason, Verdict};
use evenkeel_nexthop::{Choice, MemberId, PinId};
use evenkeel_packet::{FlowKey, TcpSignal};

impl Table<'_, '_> {
    /// A packet of a service: forward it to whom its flow is pinned, or pin it. `link` is where the flow is, if it is
    /// known. Returns `None` if it isn't and another shard may know it.
    #[inline]
    pub(crate) fn flow<K: Copy + Into<FlowKey>>(
        &mut self,
        lookup: &Lookup<K>,
        link: Option<Link>,
        wire_len: u32,
    ) -> Option<Verdict> {
        let now_ms = self.view.now_ms as u32;
        let sets = self.shard.timeouts();
        let Some((link, entry)) = link.and_then(|link| Some((link, self.shard.entry(link)?))) else {
            let may_be_elsewhere = self.elsewhere && lookup.signal.may_be_known();
            return (!may_be_elsewhere).then(|| self.unknown(&lookup.widened(), wire_len));
        };
        if entry.is_over(now_ms, sets) || lookup.signal.takes_anew(entry.state()) {
            self.shard.end(link);
            return Some(self.unknown(&lookup.widened(), wire_len));
        }
        entry.refresh(now_ms, u64::from(wire_len));
        let (member, is_settled) =
            (entry.member, entry.is_settled(self.view.snapshot.timeouts_of(lookup.service)));
        if is_settled && !lookup.signal.closes() && self.view.snapshot.is_usable(member, self.view.liveness) {
            return Some(Verdict::Forward(member));
        }
        Some(self.known(&lookup.widened(), link, wire_len))
    }

    /// A packet of a known flow with which something changes, or may.
    fn known(&mut self, lookup: &Lookup<FlowKey>, link: Link, wire_len: u32) -> Verdict {
        let now_ms = self.view.now_ms as u32;
        let timeouts = self.view.snapshot.timeouts_of(lookup.service);
        let Some(&mut entry) = self.shard.entry(link) else { return self.unknown(lookup, wire_len) };
        if entry.timeouts() != timeouts {
            self.shard.set_timeouts(link, timeouts, now_ms);
        }
        if !entry.is_confirmed() || lookup.signal.closes() {
            self.progress(link, entry.state(), lookup.signal, now_ms);
        }
        let verdict = self.forward_to(lookup, link, entry.member, wire_len);
        if entry.is_by_pin() && verdict == Verdict::Forward(entry.member) {
            self.count_pin(select::pin_of(self.view, lookup, entry.member), wire_len);
        }
        verdict
    }

    /// To the flow's own nexthop; picked again only if that is down or gone.
    fn forward_to(
        &mut self,
        lookup: &Lookup<FlowKey>,
        link: Link,
        member: MemberId,
        wire_len: u32,
    ) -> Verdict {
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
    #[inline(never)]
    fn unknown(&mut self, lookup: &Lookup<FlowKey>, wire_len: u32) -> Verdict {
        let Some(choice) = select::by_flow(self.view, lookup) else {
            return Verdict::Drop(DropReason::NoNexthop);
        };
        if !lookup.signal.closes() {
            self.pin(lookup, &choice, wire_len);
        }
        self.count_pin(choice.pin, wire_len);
        Verdict::Forward(choice.member)
    }

    fn count_pin(&self, pin: Option<PinId>, wire_len: u32) {
        if let Some(pin) = pin {
            self.counters.went_by(pin, self.view.now_ms, u64::from(wire_len));
        }
    }

    fn pin(&mut self, lookup: &Lookup<FlowKey>, choice: &Choice, wire_len: u32) {
        let now_ms = self.view.now_ms as u32;
        let (member, timeouts) = (choice.member, self.view.snapshot.timeouts_of(lookup.service));
        let entry =
            FlowEntry::new(member, lookup.signal.first_state(), timeouts, now_ms, u64::from(wire_len));
        let entry = entry.by_pin(choice.pin.is_some());
        let flows = &self.counters.flows;
        if self.shard.insert(&lookup.key, lookup.hash, entry, now_ms).is_none() {
            flows.untracked_packets.add(1);
            return;
        }
        if lookup.signal.opens() {
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

    /// True for the packet that ends a connection.
    #[inline]
    const fn closes(self) -> bool {
        matches!(self, Self::Tcp(TcpSignal::Close))
    }

    /// True if a flow in this state makes way for a new one of the same 5-tuple.
    #[inline]
    const fn takes_anew(self, state: FlowState) -> bool {
        matches!((self, state), (Self::Tcp(TcpSignal::Open), FlowState::Closing))
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
