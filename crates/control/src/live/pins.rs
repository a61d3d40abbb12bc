//! Static pins: added and taken away by operators, ended by time or with their nexthop.

use super::control::Control;
use super::event::LiveEvent;
use super::refusal::Refusal;
use evenkeel_dataplane::{PinTotals, Totals};
use evenkeel_nexthop::{PinEnd, PinInfo, PinMatch, PinSpec};
use std::net::SocketAddr;

/// A static pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinView {
    /// What was asked for.
    pub info: PinInfo,
    /// What went by it.
    pub totals: PinTotals,
    /// Milliseconds since a packet went by it last, or since it was added.
    pub idle_ms: u64,
    /// Milliseconds since it was added.
    pub age_ms: u64,
}

impl Control {
    /// Adds a static pin; false if it was there just so. When this returns, the snapshot that has it is published.
    pub(super) fn pin(&mut self, spec: &PinSpec) -> Result<bool, Refusal> {
        let pinned = self.check_served(spec).and_then(|()| Ok(self.desired.pin(spec, self.now_ms())?));
        match &pinned {
            Ok(true) => {
                self.note_news(LiveEvent::Pinned { pin: PinName::of(spec) });
                self.flush();
            }
            Ok(false) => {}
            Err(refusal) => self.tell(&LiveEvent::refused("pin", refusal)),
        }
        pinned
    }

    /// A pin outlives services that come and go, but one is asked for only where it can lead.
    fn check_served(&self, spec: &PinSpec) -> Result<(), Refusal> {
        let PinMatch::Flow(key) = &spec.matches else { return Ok(()) };
        let group = self.published.classify(key).and_then(|service| self.published.group_of(service));
        let serves = group.and_then(|group| self.published.group(group));
        let is_configured = self.desired.configured_groups().iter().any(|group| group.name == spec.group);
        if !is_configured || serves.is_some_and(|table| *table.name == *spec.group) {
            return Ok(());
        }
        Err(Refusal::NotServed { group: spec.group.clone(), flow: PinName::of(spec).flows })
    }

    /// Takes a static pin away; false if there was none.
    pub(super) fn unpin(&mut self, group: &str, matches: &PinMatch) -> Result<bool, Refusal> {
        if !self.desired.configured_groups().iter().any(|one| one.name == group) {
            return Err(Refusal::UnknownGroup { group: group.to_owned() });
        }
        let is_it = |info: &PinInfo| info.spec.group == group && info.spec.matches == *matches;
        let Some(info) = self.desired.pins().into_iter().find(is_it) else { return Ok(false) };
        self.desired.unpin(group, matches);
        self.note_news(LiveEvent::Unpinned { pin: PinName::of(&info.spec), why: "taken away" });
        self.flush();
        Ok(true)
    }

    pub(super) fn pins(&self) -> Vec<PinView> {
        let now_ms = self.now_ms();
        let view = |info: PinInfo| {
            let totals = Totals::of_pin(&self.workers, info.id);
            let used_ms = totals.used_ms.unwrap_or(0).max(info.since_ms);
            let (idle_ms, age_ms) = (now_ms.saturating_sub(used_ms), now_ms.saturating_sub(info.since_ms));
            PinView { info, totals, idle_ms, age_ms }
        };
        self.desired.pins().into_iter().map(view).collect()
    }

    /// Ends the pins whose time is over; after a change also those whose nexthop goes.
    pub(super) fn expire_pins(&mut self) {
        let now_ms = self.now_ms();
        let is_due = self.desired.next_pin_end_ms().is_some_and(|end_ms| end_ms <= now_ms);
        let is_changed = self.pins_seen != self.published.generation;
        if !self.desired.has_pins() || !(is_due || is_changed) {
            return;
        }
        let workers = &self.workers;
        let ended = self.desired.expire_pins(now_ms, |id| Totals::of_pin(workers, id).used_ms);
        for (info, end) in ended {
            let why = match end {
                PinEnd::Idle => "idle for too long",
                PinEnd::Hard => "its time is over",
                PinEnd::Removed => "its nexthop is removed",
            };
            self.note_news(LiveEvent::Unpinned { pin: PinName::of(&info.spec), why });
        }
        self.flush();
        self.pins_seen = self.published.generation;
    }
}

/// A static pin, as the operator knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PinName {
    /// `group/name`.
    pub(super) member: String,
    /// Of which flows.
    pub(super) flows: String,
}

impl PinName {
    fn of(spec: &PinSpec) -> Self {
        let flows = match spec.matches {
            PinMatch::Source(prefix) => format!("from {prefix}"),
            PinMatch::Flow(key) => {
                let source = SocketAddr::new(key.source(), key.source_port());
                let destination = SocketAddr::new(key.destination(), key.destination_port());
                let protocol = if key.protocol() == 6 { "tcp" } else { "udp" };
                format!("{protocol} {source} to {destination}")
            }
        };
        Self { member: format!("{}/{}", spec.group, spec.nexthop), flows }
    }
}
