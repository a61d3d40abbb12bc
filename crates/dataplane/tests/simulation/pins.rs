//! Static pins as they should be: what operators asked for, and until when it holds.

use evenkeel_nexthop::PinMatch;
use evenkeel_packet::FlowKey;

/// A static pin.
#[derive(Debug, Clone)]
pub(crate) struct StaticPin {
    pub(crate) group: usize,
    pub(crate) matches: PinMatch,
    pub(crate) member: usize,
    pub(crate) idle_ms: Option<u64>,
    pub(crate) hard_ms: Option<u64>,
    pub(crate) since_ms: u64,
    /// When a packet went by it last, or it was added.
    pub(crate) used_ms: u64,
    /// Packets that went by it.
    pub(crate) packets: u64,
}

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct StaticPins {
    pub(crate) list: Vec<StaticPin>,
}

impl StaticPins {
    /// Adds one, in place of another of the group for the same; false if it was there just so.
    pub(crate) fn add(&mut self, pin: StaticPin) -> bool {
        let lead = |pin: &StaticPin| (pin.group, pin.matches, pin.member, pin.idle_ms, pin.hard_ms);
        if self.list.iter().any(|other| lead(other) == lead(&pin)) {
            return false;
        }
        self.remove(pin.group, &pin.matches);
        self.list.push(pin);
        true
    }

    /// Takes one away; false if there was none.
    pub(crate) fn remove(&mut self, group: usize, matches: &PinMatch) -> bool {
        let before = self.list.len();
        self.list.retain(|pin| (pin.group, &pin.matches) != (group, matches));
        self.list.len() < before
    }

    /// The flow's own one, else that of the longest prefix of its source.
    pub(crate) fn of(&self, group: usize, key: &FlowKey) -> Option<usize> {
        let closeness = |matches: &PinMatch| match matches {
            PinMatch::Flow(flow) => (flow == key).then_some(u8::MAX),
            PinMatch::Source(prefix) => prefix.contains(key.source()).then_some(prefix.len),
        };
        let own = self.list.iter().enumerate().filter(|(_, pin)| pin.group == group);
        let matching = own.filter_map(|(number, pin)| Some((closeness(&pin.matches)?, number)));
        matching.max().map(|(_, number)| number)
    }

    /// A packet went by one.
    pub(crate) fn went_by(&mut self, number: usize, now_ms: u64) {
        let pin = &mut self.list[number];
        pin.used_ms = now_ms;
        pin.packets += 1;
    }

    /// Ends those whose time is over and those whose member isn't meant to stay; how many.
    pub(crate) fn expire(&mut self, now_ms: u64, stays: impl Fn(usize) -> bool) -> usize {
        let before = self.list.len();
        let holds =
            |from_ms: u64, time_ms: Option<u64>| time_ms.is_none_or(|time_ms| from_ms + time_ms > now_ms);
        self.list.retain(|pin| {
            stays(pin.member) && holds(pin.since_ms, pin.hard_ms) && holds(pin.used_ms, pin.idle_ms)
        });
        before - self.list.len()
    }
}
