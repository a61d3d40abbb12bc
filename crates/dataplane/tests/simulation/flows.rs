//! Clients and their flows: what becomes of each packet, and what is counted.

use crate::model::{Model, Phase};
use crate::world::{self, SCTP, TARGETS};
use evenkeel_nexthop::PortId;

/// Idle times of the simulated box in milliseconds: short, so that flows end.
pub(crate) const HALF_OPEN_MS: u64 = 8_000;
pub(crate) const ESTABLISHED_MS: u64 = 60_000;
pub(crate) const CLOSING_MS: u64 = 9_000;
pub(crate) const DATAGRAM_MS: u64 = 30_000;

/// What a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Signal {
    Syn,
    Ack,
    Fin,
    Rst,
    Datagram,
    /// Somebody on the way says that a packet to the client was too large.
    IcmpError,
}

/// What must become of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Forwarded { server: u8, egress: PortId },
    Punted,
    NoNexthop,
}

/// A client with one flow.
#[derive(Debug)]
pub(crate) struct Client {
    /// Never used twice.
    pub(crate) number: u32,
    pub(crate) target: u8,
    /// Changes since it sent.
    pub(crate) quiet: u8,
    pub(crate) entry: Option<Entry>,
    /// What must become of the packet that is on its way.
    pub(crate) expected: Option<(Signal, Fate)>,
}

/// What the box should know of a flow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    member: u16,
    pub(crate) state: State,
    /// Worker that took its last packet.
    pub(crate) worker: u8,
    last_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    HalfOpen,
    Established,
    Closing,
    Datagram,
}

/// What the box should have counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) forwarded: u64,
    pub(crate) punted: u64,
    pub(crate) no_nexthop: u64,
    pub(crate) created: u64,
    pub(crate) adopted: u64,
    pub(crate) expired: u64,
    pub(crate) closed: u64,
    pub(crate) moved: u64,
    pub(crate) live: u64,
}

impl Signal {
    pub(crate) const ALL: [Self; 6] =
        [Self::Syn, Self::Ack, Self::Fin, Self::Rst, Self::Datagram, Self::IcmpError];

    /// False if no client of the target sends it.
    pub(crate) fn is_possible(self, target: u8) -> bool {
        match (self, TARGETS[usize::from(target)].1) {
            (Self::Datagram, protocol) => protocol != 6,
            (Self::IcmpError, protocol) => protocol != SCTP,
            (_, protocol) => protocol == 6,
        }
    }
}

impl Client {
    pub(crate) fn new(number: u32, target: u8) -> Self {
        Self { number, target, quiet: 0, entry: None, expected: None }
    }

    pub(crate) fn is_tcp(&self) -> bool {
        TARGETS[usize::from(self.target)].1 == 6
    }

    /// Ends the flow if it was idle for too long.
    pub(crate) fn expire(&mut self, now_ms: u64, counts: &mut Counts) {
        if self.entry.is_some_and(|entry| now_ms - entry.last_ms >= entry.state.timeout_ms()) {
            self.end(counts);
        }
    }

    fn end(&mut self, counts: &mut Counts) {
        if let Some(entry) = self.entry.take() {
            *(if entry.state == State::Closing { &mut counts.closed } else { &mut counts.expired }) += 1;
            counts.live -= 1;
        }
    }

    /// What must become of a packet that comes to `worker` now.
    pub(crate) fn send(
        &mut self,
        signal: Signal,
        worker: u8,
        now_ms: u64,
        model: &mut Model,
        counts: &mut Counts,
    ) -> Fate {
        self.expire(now_ms, counts);
        let Some(group) = model.serving(self.target) else {
            counts.punted += 1;
            return Fate::Punted;
        };
        let member = if signal == Signal::IcmpError {
            self.icmp_error(group, model)
        } else {
            if signal == Signal::Syn && self.entry.is_some_and(|entry| entry.state == State::Closing) {
                self.end(counts);
            }
            match self.entry {
                Some(entry) => self.known(entry, group, signal, worker, now_ms, model, counts),
                None => self.unknown(group, signal, worker, now_ms, model, counts),
            }
        };
        match member {
            Some(member) => {
                counts.forwarded += 1;
                model.members[member].packets += 1;
                let egress = model.egress(member).expect("it is usable");
                Fate::Forwarded { server: world::server(model.members[member].address), egress }
            }
            None => {
                counts.no_nexthop += 1;
                Fate::NoNexthop
            }
        }
    }

    /// Neither creates nor refreshes nor moves.
    fn icmp_error(&self, group: usize, model: &mut Model) -> Option<usize> {
        let own = self.entry.map(|entry| usize::from(entry.member)).filter(|&member| model.is_usable(member));
        own.or_else(|| model.select(group, &world::key(self.target, self.number)))
    }

    #[expect(clippy::too_many_arguments, reason = "a row of the table in the product's description")]
    fn known(
        &mut self,
        mut entry: Entry,
        group: usize,
        signal: Signal,
        worker: u8,
        now_ms: u64,
        model: &mut Model,
        counts: &mut Counts,
    ) -> Option<usize> {
        entry.state = entry.state.after(signal);
        (entry.last_ms, entry.worker) = (now_ms, worker);
        let mut member = Some(usize::from(entry.member));
        if !model.is_usable(usize::from(entry.member)) {
            member = model.select(group, &world::key(self.target, self.number));
            if let Some(other) = member {
                let [from, to] = [usize::from(entry.member), other].map(|number| &model.members[number]);
                counts.moved += u64::from(!from.is_same_server(to));
                entry.member = other as u16;
            }
        }
        self.entry = Some(entry);
        member
    }

    fn unknown(
        &mut self,
        group: usize,
        signal: Signal,
        worker: u8,
        now_ms: u64,
        model: &mut Model,
        counts: &mut Counts,
    ) -> Option<usize> {
        let member = model.select(group, &world::key(self.target, self.number))?;
        debug_assert!(model.members[member].phase == Phase::Active);
        let state = match signal {
            Signal::Syn => State::HalfOpen,
            Signal::Ack => State::Established,
            Signal::Datagram => State::Datagram,
            Signal::Fin | Signal::Rst | Signal::IcmpError => return Some(member),
        };
        *(if signal == Signal::Ack { &mut counts.adopted } else { &mut counts.created }) += 1;
        counts.live += 1;
        self.entry = Some(Entry { member: member as u16, state, worker, last_ms: now_ms });
        Some(member)
    }
}

impl State {
    fn timeout_ms(self) -> u64 {
        match self {
            Self::HalfOpen => HALF_OPEN_MS,
            Self::Established => ESTABLISHED_MS,
            Self::Closing => CLOSING_MS,
            Self::Datagram => DATAGRAM_MS,
        }
    }

    fn after(self, signal: Signal) -> Self {
        match (self, signal) {
            (Self::HalfOpen, Signal::Ack) => Self::Established,
            (Self::HalfOpen | Self::Established, Signal::Fin | Signal::Rst) => Self::Closing,
            _ => self,
        }
    }
}
