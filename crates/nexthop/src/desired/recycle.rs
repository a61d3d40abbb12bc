//! Ids that come back: a member that is gone for long and has no flows gives its id to whoever comes next, so that
//! endless changes need no endless memory.

use super::Desired;
use super::member::{MemberState, Phase};
use crate::id::{MemberId, NexthopId};
use std::collections::HashSet;
use std::sync::Arc;

/// Gone members that stay known at least, the latest ones.
pub const GONE_KNOWN: usize = 1024;
/// How long a gone member stays known at least, in milliseconds: longer than workers remember the fate of a first
/// fragment (30 s) or work on an old snapshot.
const GRACE_MS: u64 = 40_000;

impl Desired {
    /// Forgets members that are gone for long, the earliest first, as long as more than [`GONE_KNOWN`] are; not those for
    /// which `flows_live` says that they have flows. Their ids, and those of nexthops that nobody names any more, are used
    /// again by the changes that follow. To be called after changes and now and then; what was counted for the returned
    /// members must be put aside before the next change.
    #[must_use]
    pub fn recycle(&mut self, now_ms: u64, flows_live: impl Fn(MemberId) -> u64) -> Vec<MemberId> {
        let mut gone = self.note_gone(now_ms);
        let excess = gone.len().saturating_sub(GONE_KNOWN);
        if excess == 0 {
            return Vec::new();
        }
        gone.sort_unstable();
        let pinned = self.pins.members();
        let is_over = |&(since_ms, id): &(u64, MemberId)| {
            since_ms.saturating_add(GRACE_MS) <= now_ms && !pinned.contains(&id) && flows_live(id) == 0
        };
        let forgotten: Vec<_> = gone.into_iter().filter(is_over).take(excess).map(|(_, id)| id).collect();
        self.forget(&forgotten);
        forgotten
    }

    /// All members that are gone, with the time since when that is known here.
    fn note_gone(&mut self, now_ms: u64) -> Vec<(u64, MemberId)> {
        let gone = (0..).map(MemberId).zip(&mut self.members);
        let gone = gone.filter(|(_, member)| member.phase == Phase::Gone && !member.is_free);
        gone.map(|(id, member)| (*member.gone_ms.get_or_insert(now_ms), id)).collect()
    }

    fn forget(&mut self, members: &[MemberId]) {
        let mut groups = HashSet::new();
        for id in members {
            let Some(member) = self.members.get_mut(id.index()) else { continue };
            member.is_free = true;
            groups.insert(member.group);
        }
        let all = &self.members;
        for group in groups {
            let Some(group) = self.groups.get_mut(group.index()).map(Arc::make_mut) else { continue };
            group.members.retain(|id| all.get(id.index()).is_some_and(|member| !member.is_free));
        }
        self.free_members.extend(members);
        let named: HashSet<NexthopId> =
            self.members.iter().filter(|member| !member.is_free).map(|member| member.nexthop).collect();
        self.nexthops.keep(&named);
    }

    /// Puts a new member in, under an id of a forgotten one if there is one.
    pub(super) fn admit(&mut self, member: MemberState) -> MemberId {
        let free = self.free_members.pop();
        if let Some((id, slot)) = free.and_then(|id| Some((id, self.members.get_mut(id.index())?))) {
            *slot = member;
            return id;
        }
        self.members.push(member);
        MemberId((self.members.len() - 1) as u32)
    }
}
