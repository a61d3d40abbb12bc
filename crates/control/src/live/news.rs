//! Telling what happened: from two states of a member to events, and from events to the log.

use super::change::NexthopState;
use super::control::Control;
use super::event::LiveEvent;
use crate::api::model::Event;
use evenkeel_nexthop::{Desired, MemberId, MemberInfo};
use std::collections::HashSet;
use std::time::SystemTime;

/// Members of which it was told that they have no flow left.
pub(super) type Drained = HashSet<MemberId>;

impl Control {
    /// Writes an event into the log.
    pub(super) fn tell(&mut self, event: &LiveEvent) {
        self.log.write(Event {
            id: 0,
            time: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            generation: self.published.generation,
            kind: event.kind(),
            subject: event.subject(),
            text: event.to_string(),
        });
    }

    /// What happened to a member between two states of it.
    pub(super) fn news_of(&self, before: Option<&MemberInfo<'_>>, after: &MemberInfo<'_>) -> Vec<LiveEvent> {
        let member = || format!("{}/{}", after.group, after.name);
        let Some(before) = before.filter(|before| !before.gone) else {
            if after.gone {
                return Vec::new();
            }
            let MemberInfo { address, weight, .. } = *after;
            let added = LiveEvent::Added { member: member(), address, weight };
            return std::iter::once(added)
                .chain(self.state_news(NexthopState::Active, after, member()))
                .collect();
        };
        let mut news: Vec<_> =
            self.state_news(NexthopState::of(before), after, member()).into_iter().collect();
        if before.weight != after.weight {
            let (before, weight) = (before.weight, after.weight);
            news.push(LiveEvent::Weight { member: member(), before, weight });
        }
        news
    }

    fn state_news(&self, before: NexthopState, after: &MemberInfo<'_>, member: String) -> Option<LiveEvent> {
        let flows_live = self.totals_of(after.id).flows_live;
        match NexthopState::of(after) {
            NexthopState::Removing => {
                let in_ms = after.removed_at_ms.unwrap_or_default().saturating_sub(self.now_ms());
                Some(LiveEvent::Removing { member, in_ms, flows_live })
            }
            state if state == before => None,
            NexthopState::Active => Some(LiveEvent::Activated { member }),
            NexthopState::Draining => Some(LiveEvent::Draining { member, flows_live }),
            NexthopState::Removed => Some(LiveEvent::Removed { member }),
        }
    }

    /// What happened to all members between two states.
    pub(super) fn news_between(&self, before: &Desired, after: &Desired) -> Vec<LiveEvent> {
        let members = after.members();
        let of = |member: MemberInfo<'_>| match before.member(member.id) {
            Some(was)
                if NexthopState::of(&was) == NexthopState::of(&member) && was.weight == member.weight =>
            {
                Vec::new()
            }
            was => self.news_of(was.as_ref(), &member),
        };
        members.flat_map(of).collect()
    }

    /// Tells of each member that takes no new flows, once, when it has none left.
    pub(super) fn tell_drained(&mut self) {
        let drains = |member: &MemberInfo<'_>| {
            matches!(NexthopState::of(member), NexthopState::Draining | NexthopState::Removing)
        };
        let (mut drained, mut news) = (Drained::new(), Vec::new());
        for member in self.desired.members().filter(drains) {
            if self.totals_of(member.id).flows_live > 0 {
                continue;
            }
            drained.insert(member.id);
            if !self.drained.contains(&member.id) {
                news.push(LiveEvent::Drained { member: format!("{}/{}", member.group, member.name) });
            }
        }
        self.drained = drained;
        news.iter().for_each(|event| self.tell(event));
    }
}
