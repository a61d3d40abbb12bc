//! Clients and their flows: what becomes of each packet, and what is counted.

use crate::model::Model;
use crate::world::{self, SCTP, TARGETS};
use evenkeel_nexthop::{PortId, Timeouts};

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
    /// As its service said at the last packet.
    timeout_ms: u64,
    /// A static pin decided where it goes.
    by_pin: bool,
}

/// A packet that comes to a worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) signal: Signal,
    pub(crate) worker: u8,
    pub(crate) now_ms: u64,
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
    /// Packets that went by a static pin.
    pub(crate) by_pin: u64,
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
        if self.entry.is_some_and(|entry| now_ms - entry.last_ms >= entry.timeout_ms) {
            self.end(counts);
        }
    }

    fn end(&mut self, counts: &mut Counts) {
        if let Some(entry) = self.entry.take() {
            *(if entry.state == State::Closing { &mut counts.closed } else { &mut counts.expired }) += 1;
            counts.live -= 1;
        }
    }

    /// What must become of a packet of this client.
    pub(crate) fn send(&mut self, arrival: Arrival, model: &mut Model, counts: &mut Counts) -> Fate {
        let Arrival { signal, now_ms, .. } = arrival;
        self.expire(now_ms, counts);
        let Some((group, timeouts)) = model.serving(self.target) else {
            counts.punted += 1;
            return Fate::Punted;
        };
        let member = if signal == Signal::IcmpError {
            self.icmp_error(group, model)
        } else {
            if signal == Signal::Syn && self.entry.is_some_and(|entry| entry.state == State::Closing) {
                self.end(counts);
            }
            let member = match self.entry {
                Some(entry) => self.known(entry, group, arrival, model, counts),
                None => self.unknown(group, arrival, model, counts),
            };
            if let Some(entry) = &mut self.entry {
                entry.timeout_ms = entry.state.timeout_ms(&timeouts);
            }
            member
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
        own.or_else(|| Some(model.select(group, &world::key(self.target, self.number))?.0))
    }

    /// A flow stays where it is as long as that can serve it.
    fn known(
        &mut self,
        mut entry: Entry,
        group: usize,
        arrival: Arrival,
        model: &mut Model,
        counts: &mut Counts,
    ) -> Option<usize> {
        let Arrival { signal, worker, now_ms } = arrival;
        entry.state = entry.state.after(signal);
        (entry.last_ms, entry.worker) = (now_ms, worker);
        let (own, key) = (usize::from(entry.member), world::key(self.target, self.number));
        let (mut member, mut pin) = (Some(own), None);
        if !model.is_usable(own) {
            let selected = model.select(group, &key);
            member = selected.map(|(other, _)| other);
            if let Some((other, by)) = selected {
                counts.moved += u64::from(!model.members[own].is_same_server(&model.members[other]));
                (entry.member, entry.by_pin, pin) = (other as u16, by.is_some(), by);
            }
        } else if entry.by_pin {
            pin = model.pins.of(group, &key).filter(|&number| model.pins.list[number].member == own);
        }
        if let Some(pin) = pin {
            model.pins.went_by(pin, now_ms);
            counts.by_pin += 1;
        }
        self.entry = Some(entry);
        member
    }

    fn unknown(
        &mut self,
        group: usize,
        arrival: Arrival,
        model: &mut Model,
        counts: &mut Counts,
    ) -> Option<usize> {
        let Arrival { signal, worker, now_ms } = arrival;
        let (member, pin) = model.select(group, &world::key(self.target, self.number))?;
        if let Some(pin) = pin {
            model.pins.went_by(pin, now_ms);
            counts.by_pin += 1;
        }
        let state = match signal {
            Signal::Syn => State::HalfOpen,
            Signal::Ack => State::Established,
            Signal::Datagram => State::Datagram,
            Signal::Fin | Signal::Rst | Signal::IcmpError => return Some(member),
        };
        *(if signal == Signal::Ack { &mut counts.adopted } else { &mut counts.created }) += 1;
        counts.live += 1;
        let (member_number, by_pin) = (member as u16, pin.is_some());
        self.entry =
            Some(Entry { member: member_number, state, worker, last_ms: now_ms, timeout_ms: 0, by_pin });
        Some(member)
    }
}

impl State {
    fn timeout_ms(self, timeouts: &Timeouts) -> u64 {
        u64::from(match self {
            Self::HalfOpen => timeouts.tcp_syn_ms,
            Self::Established => timeouts.tcp_established_ms,
            Self::Closing => timeouts.tcp_closing_ms,
            Self::Datagram => timeouts.udp_ms,
        })
    }

    fn after(self, signal: Signal) -> Self {
        match (self, signal) {
            (Self::HalfOpen, Signal::Ack) => Self::Established,
            (Self::HalfOpen | Self::Established, Signal::Fin | Signal::Rst) => Self::Closing,
            _ => self,
        }
    }
}
