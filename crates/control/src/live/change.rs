//! Changes that operators ask for: batches, whole or not at all, and the same again changes nothing.

use super::apply::{Circumstances, Done, apply};
use super::control::Control;
use super::event::LiveEvent;
use super::refusal::Refusal;
use evenkeel_nexthop::{AdminState, Desired, MemberInfo};
use evenkeel_packet::Mac;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Most changes of a batch.
pub const BATCH_MAX: usize = 10_000;
/// Longest deadline of a removal in milliseconds, as in the configuration: 576 hours.
pub const DEADLINE_MAX_MS: u64 = crate::config::dataplane::MAX_TIMEOUT_MS;

/// A change of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Name of the group.
    pub group: String,
    /// Name of the nexthop.
    pub nexthop: String,
    /// What to do.
    pub verb: Verb,
}

/// What an operator can do to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// No new flows; its own stay. Lifts the deadline of a member that is being removed.
    Drain,
    /// New flows again. Undoes `Drain` and, before the deadline, `Remove`.
    Activate,
    /// Drain with a deadline, at which it is gone.
    Remove {
        /// Milliseconds from now; 0: at once; none: as configured, and as it is for a member that is being removed.
        deadline_ms: Option<u64>,
    },
    /// A new member, active.
    Add {
        /// Address of the server.
        address: IpAddr,
        /// 0 to 1000.
        weight: u16,
        /// Name of the interface behind which it is; none: as the kernel's route says.
        interface: Option<String>,
        /// Its MAC; none: as the kernel's neighbour table says.
        mac: Option<Mac>,
    },
    /// A new weight, 0 to 1000.
    Weight(u16),
}

impl Verb {
    /// True if a member may come or go by it.
    pub(super) const fn is_about_membership(&self) -> bool {
        matches!(self, Self::Add { .. } | Self::Remove { .. })
    }

    /// The deadline that a removal names.
    pub(super) const fn asked_deadline_ms(&self) -> Option<u64> {
        match self {
            Self::Remove { deadline_ms } => *deadline_ms,
            Self::Drain | Self::Activate | Self::Add { .. } | Self::Weight(_) => None,
        }
    }
}

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The snapshot in which it is in effect.
    pub generation: u64,
    /// Of each change, in their order, the member after the whole batch.
    pub nexthops: Vec<ChangedNexthop>,
}

/// A member after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedNexthop {
    /// Name of its group.
    pub group: String,
    /// Its name.
    pub nexthop: String,
    /// False if all was so before.
    pub changed: bool,
    /// Where it is in its life.
    pub state: NexthopState,
    /// 0 to 1000.
    pub weight: u16,
    /// True if packets can reach it: resolved, and alive.
    pub is_up: bool,
    /// Flows that it serves now.
    pub flows_live: u64,
    /// Milliseconds until it is gone, if it is being removed.
    pub removed_in_ms: Option<u64>,
}

/// Where a member is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NexthopState {
    /// Takes new flows, if it has a weight.
    Active,
    /// Takes no new flows; its own stay.
    Draining,
    /// Draining until its deadline.
    Removing,
    /// Removed, and the deadline is over.
    Removed,
}

impl NexthopState {
    /// The state of a member.
    #[must_use]
    pub fn of(member: &MemberInfo<'_>) -> Self {
        match (member.gone, member.removed_at_ms, member.state) {
            (true, ..) => Self::Removed,
            (false, Some(_), _) => Self::Removing,
            (false, None, AdminState::Draining) => Self::Draining,
            (false, None, AdminState::Active) => Self::Active,
        }
    }

    /// Its word for operators.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Removing => "removing",
            Self::Removed => "removed",
        }
    }
}

/// The answer to a batch that is in the desired state, and owed until a snapshot shows it.
pub(super) struct Applied {
    changes: Vec<Change>,
    done: Vec<Done>,
}

impl Applied {
    /// Group and nexthop of each change.
    pub(super) fn members(&self) -> impl Iterator<Item = (String, String)> {
        self.changes.iter().map(|change| (change.group.clone(), change.nexthop.clone()))
    }
}

impl Control {
    /// Does a batch on a copy of the desired state, and takes the copy if all of it was done. What it did is in effect
    /// after the next [`flush`](Self::flush), and [`changed`](Self::changed) then says it.
    pub(super) fn apply_batch(&mut self, changes: Vec<Change>) -> Result<Applied, Refusal> {
        if changes.len() > BATCH_MAX {
            return Err(Refusal::TooManyChanges { count: changes.len() });
        }
        // answers that are owed speak of their members: a snapshot of their own makes them true
        if changes.iter().any(|change| self.is_owed(change)) {
            self.flush();
        }
        let mut desired = self.desired.clone();
        let done = self.apply_all(&mut desired, &changes)?;
        if done.contains(&Done::Something) {
            let before = std::mem::replace(&mut self.desired, desired);
            let news = self.news_of_batch(&before, &changes);
            self.note_changes(&changes, &done, news);
        }
        Ok(Applied { changes, done })
    }

    fn apply_all(&self, desired: &mut Desired, changes: &[Change]) -> Result<Vec<Done>, Refusal> {
        let circumstances = Circumstances {
            ports: &self.ports,
            liveness: &self.liveness,
            now_ms: self.now_ms(),
            asked_deadline_ms: &|member| self.asked_deadline_ms(member),
        };
        let one = |(index, change)| {
            apply(desired, change, &circumstances).map_err(|reason| Refusal::Change { index, reason })
        };
        changes.iter().enumerate().map(one).collect()
    }

    /// What a batch did to the members that it names, each once.
    fn news_of_batch(&self, before: &Desired, changes: &[Change]) -> Vec<LiveEvent> {
        let named = |change: &Change| self.desired.named(&change.group, &change.nexthop).ok();
        let members: BTreeMap<_, _> =
            changes.iter().filter_map(named).map(|member| (member.id, member)).collect();
        let of = |member: &MemberInfo<'_>| self.news_of(before.member(member.id).as_ref(), member);
        members.values().flat_map(of).collect()
    }

    /// What a batch did, once it is in effect.
    pub(super) fn changed(&self, applied: &Applied) -> Changed {
        let nexthops = applied.changes.iter().zip(&applied.done);
        let nexthops = nexthops.filter_map(|(change, done)| self.changed_nexthop(change, *done));
        Changed { generation: self.published.generation, nexthops: nexthops.collect() }
    }

    fn changed_nexthop(&self, change: &Change, done: Done) -> Option<ChangedNexthop> {
        let member = self.desired.named(&change.group, &change.nexthop).ok()?;
        Some(ChangedNexthop {
            group: change.group.clone(),
            nexthop: change.nexthop.clone(),
            changed: done == Done::Something,
            state: NexthopState::of(&member),
            weight: member.weight,
            is_up: self.published.is_usable(member.id, &self.liveness),
            flows_live: self.totals_of(member.id).flows_live,
            removed_in_ms: member.removed_at_ms.map(|at_ms| at_ms.saturating_sub(self.now_ms())),
        })
    }
}
