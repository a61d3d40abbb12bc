//! Static pins: flows and sources that an operator sends to a nexthop of his choice.
//!
//! A static pin decides where a bucket would have: for flows that nobody serves yet or whose nexthop can't serve them
//! any more. A flow that is served stays where it is.

use crate::id::{GroupId, MemberId};
use crate::prefix::{Prefix, truncated};
use evenkeel_packet::FlowKey;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// Most static pins of a box.
pub const PINS_CAPACITY: usize = 4096;

/// What a static pin is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinMatch {
    /// One flow.
    Flow(FlowKey),
    /// All flows that come from these addresses.
    Source(Prefix),
}

/// A static pin, as an operator asks for it. It holds for the services of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinSpec {
    /// What it is for. A group has at most one pin for the same.
    pub matches: PinMatch,
    /// Name of the group.
    pub group: String,
    /// Name of the nexthop in the group.
    pub nexthop: String,
    /// It ends when no packet went by it for so long, in milliseconds; `None`: never for that.
    pub idle_ms: Option<u64>,
    /// It ends when it is that old, in milliseconds; `None`: never for that.
    pub hard_ms: Option<u64>,
}

/// Names a static pin for its counters: the slot is used again, the serial isn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PinId {
    /// Below [`PINS_CAPACITY`].
    pub slot: u16,
    /// Counts all pins that there ever were, from 1.
    pub serial: u64,
}

/// What workers need to know of a static pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// Which one.
    pub id: PinId,
    /// Whose it is, to be asked whether it can be used.
    pub member: MemberId,
}

/// The static pins of a snapshot.
#[derive(Debug, Clone, Default)]
pub struct PinTable {
    flows: HashMap<(GroupId, FlowKey), Pin>,
    sources4: Sources,
    sources6: Sources,
}

/// The pins of one family's prefixes: by length, longest first.
type Sources = Vec<(u8, HashMap<(GroupId, IpAddr), Pin>)>;

impl PinTable {
    /// The table of these pins.
    pub(crate) fn new(pins: impl Iterator<Item = (PinMatch, GroupId, Pin)>) -> Self {
        let mut flows = HashMap::new();
        let (mut sources4, mut sources6) = (BTreeMap::new(), BTreeMap::new());
        for (matches, group, pin) in pins {
            match matches {
                PinMatch::Flow(key) => {
                    flows.insert((group, key), pin);
                }
                PinMatch::Source(Prefix { address, len }) => {
                    let sources = if address.is_ipv4() { &mut sources4 } else { &mut sources6 };
                    sources.entry(len).or_insert_with(HashMap::new).insert((group, address), pin);
                }
            }
        }
        let longest_first = |sources: BTreeMap<_, _>| sources.into_iter().rev().collect();
        Self { flows, sources4: longest_first(sources4), sources6: longest_first(sources6) }
    }

    /// The pin of a flow of a group's services: its own, else that of the longest prefix of its source.
    #[must_use]
    pub fn of(&self, group: GroupId, key: &FlowKey) -> Option<&Pin> {
        if self.is_empty() {
            return None;
        }
        self.flows.get(&(group, *key)).or_else(|| {
            let source = key.source();
            let sources = if source.is_ipv4() { &self.sources4 } else { &self.sources6 };
            sources.iter().find_map(|(len, pins)| pins.get(&(group, truncated(source, *len))))
        })
    }

    /// True without any pin.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty() && self.sources4.is_empty() && self.sources6.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(source: &str, port: u16) -> FlowKey {
        let source: IpAddr = source.parse().unwrap();
        let vip = if source.is_ipv4() { "192.0.2.10" } else { "2001:db8::10" };
        FlowKey::new(source, vip.parse().unwrap(), port, 80, 6).unwrap()
    }

    fn pin(member: u32) -> Pin {
        Pin { id: PinId { slot: member as u16, serial: 1 }, member: MemberId(member) }
    }

    #[test]
    fn the_flow_itself_then_the_longest_prefix_of_its_source() {
        let source = |prefix: &str| PinMatch::Source(prefix.parse().unwrap());
        let web = GroupId(1);
        let pins = [
            (source("203.0.113.0/24"), web, pin(1)),
            (source("0.0.0.0/0"), web, pin(2)),
            (PinMatch::Flow(key("203.0.113.5", 1000)), web, pin(3)),
            (source("203.0.113.5"), web, pin(4)),
            (source("2001:db8:5::/48"), web, pin(5)),
            (source("203.0.113.0/24"), GroupId(2), pin(6)),
        ];
        let table = PinTable::new(pins.into_iter());
        let member = |group, key: FlowKey| table.of(group, &key).map(|pin| pin.member.0);
        assert_eq!(member(web, key("203.0.113.5", 1000)), Some(3));
        assert_eq!(member(web, key("203.0.113.5", 1001)), Some(4));
        assert_eq!(member(web, key("203.0.113.6", 1000)), Some(1));
        assert_eq!(member(web, key("198.51.100.6", 1000)), Some(2));
        assert_eq!(member(web, key("2001:db8:5::1", 1000)), Some(5));
        assert_eq!(member(web, key("2001:db8:6::1", 1000)), None);
        assert_eq!(member(GroupId(2), key("203.0.113.5", 1000)), Some(6));
        assert_eq!(member(GroupId(3), key("203.0.113.5", 1000)), None);
        assert!(PinTable::default().is_empty() && !table.is_empty());
    }
}
