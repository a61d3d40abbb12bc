//! Static pins as operators ask for them: added, taken away, and ended by time or with their nexthop.

use super::Desired;
use super::member::MemberState;
use crate::id::{GroupId, MemberId};
use crate::pins::{PINS_CAPACITY, Pin, PinId, PinMatch, PinSpec, PinTable};
use std::collections::HashSet;
use std::sync::Arc;

/// The static pins. A copy shares them until one of both changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Pins {
    list: Arc<Vec<PinState>>,
    /// The table of the last snapshot, made anew when the pins have changed.
    table: Option<Arc<PinTable>>,
    serial: u64,
}

#[derive(Debug, Clone, Copy)]
struct PinState {
    matches: PinMatch,
    group: GroupId,
    member: MemberId,
    id: PinId,
    idle_ms: Option<u64>,
    hard_ms: Option<u64>,
    since_ms: u64,
    /// When a packet went by it last, as far as is known here; at first when it was added.
    used_ms: u64,
}

/// What is known of a static pin, for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinInfo {
    /// Names it for its counters.
    pub id: PinId,
    /// What was asked for, with the names of today.
    pub spec: PinSpec,
    /// To whom it leads.
    pub member: MemberId,
    /// When it was added, in milliseconds of the clock that [`Desired::pin`] was given.
    pub since_ms: u64,
}

/// Why a static pin has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinEnd {
    /// No packet went by it for its idle timeout.
    Idle,
    /// It was as old as its hard timeout.
    Hard,
    /// Its nexthop is being removed, or is gone.
    Removed,
}

/// Why a static pin is refused. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// No group of the configuration has this name.
    #[error("there is no group \"{group}\"")]
    UnknownGroup {
        /// The name.
        group: String,
    },
    /// No member of the group has this name.
    #[error("group \"{group}\" has no nexthop \"{nexthop}\"")]
    UnknownNexthop {
        /// The group.
        group: String,
        /// The name.
        nexthop: String,
    },
    /// The member was removed, or is being removed.
    #[error("nexthop \"{nexthop}\" of group \"{group}\" is removed")]
    Removed {
        /// The group.
        group: String,
        /// The name.
        nexthop: String,
    },
    /// An idle or hard timeout of zero.
    #[error("a timeout of zero would end the pin at once")]
    ZeroTimeout,
    /// There are as many pins as there may be.
    #[error("no more than {PINS_CAPACITY} pins")]
    Full,
}

impl Desired {
    /// Adds a static pin; one of the same group for the same is replaced. The next snapshot shows it. False if it was
    /// there just so.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn pin(&mut self, spec: &PinSpec, now_ms: u64) -> Result<bool, PinError> {
        if spec.idle_ms == Some(0) || spec.hard_ms == Some(0) {
            return Err(PinError::ZeroTimeout);
        }
        let (group, member) = self.pinned_member(&spec.group, &spec.nexthop)?;
        let PinSpec { matches, idle_ms, hard_ms, .. } = *spec;
        let same = self.pins.list.iter().position(|pin| pin.group == group && pin.matches == matches);
        let is_so = |pin: &PinState| (pin.member, pin.idle_ms, pin.hard_ms) == (member, idle_ms, hard_ms);
        if same.and_then(|at| self.pins.list.get(at)).is_some_and(is_so) {
            return Ok(false);
        }
        if let Some(at) = same {
            self.pins.change().swap_remove(at);
        }
        let slot = self.pins.free_slot().ok_or(PinError::Full)?;
        self.pins.serial += 1;
        let id = PinId { slot, serial: self.pins.serial };
        let (since_ms, used_ms) = (now_ms, now_ms);
        self.pins.change().push(PinState { matches, group, member, id, idle_ms, hard_ms, since_ms, used_ms });
        Ok(true)
    }

    /// Takes a static pin away; false if there was none. Flows that it decided stay where they are.
    pub fn unpin(&mut self, group: &str, matches: &PinMatch) -> bool {
        let Some(group) = self.group_named(group) else { return false };
        let is_it = |pin: &PinState| pin.group == group && pin.matches == *matches;
        let Some(at) = self.pins.list.iter().position(is_it) else { return false };
        self.pins.change().swap_remove(at);
        true
    }

    /// All static pins, the oldest first.
    #[must_use]
    pub fn pins(&self) -> Vec<PinInfo> {
        let mut pins: Vec<_> = self.pins.list.iter().filter_map(|pin| self.pin_info(pin)).collect();
        pins.sort_by_key(|pin| pin.id.serial);
        pins
    }

    /// True if there are static pins.
    #[must_use]
    pub fn has_pins(&self) -> bool {
        !self.pins.list.is_empty()
    }

    /// When the next static pin may end by time, in milliseconds: [`expire_pins`](Self::expire_pins) is due then.
    #[must_use]
    pub fn next_pin_end_ms(&self) -> Option<u64> {
        self.pins.list.iter().filter_map(PinState::end_ms).min()
    }

    /// Ends the static pins whose time is over, or whose nexthop is no longer meant to stay; each with its reason.
    /// `used_ms` says when a packet went by a pin last, `None` if none ever did. To be called also after changes.
    pub fn expire_pins(
        &mut self,
        now_ms: u64,
        used_ms: impl Fn(PinId) -> Option<u64>,
    ) -> Vec<(PinInfo, PinEnd)> {
        let mut list = self.pins.list.as_ref().clone();
        for pin in &mut list {
            pin.used_ms = pin.used_ms.max(used_ms(pin.id).unwrap_or(0));
        }
        let ended = |pin: &PinState| Some((self.pin_info(pin)?, self.pin_end(pin, now_ms)?));
        let ended: Vec<_> = list.iter().filter_map(ended).collect();
        if ended.is_empty() {
            // nothing that a snapshot would show
            self.pins.list = Arc::new(list);
        } else {
            list.retain(|pin| !ended.iter().any(|(ended, _)| ended.id == pin.id));
            *self.pins.change() = list;
        }
        ended
    }

    fn pinned_member(&self, group_name: &str, nexthop: &str) -> Result<(GroupId, MemberId), PinError> {
        let (group, nexthop) = (group_name.to_owned(), nexthop.to_owned());
        let Some(id) = self.configured_group(group_name) else {
            return Err(PinError::UnknownGroup { group });
        };
        match self.member_named(id, &nexthop) {
            Some((member, state)) if state.stays() => Ok((id, member)),
            Some(_) => Err(PinError::Removed { group, nexthop }),
            None => Err(PinError::UnknownNexthop { group, nexthop }),
        }
    }

    fn pin_info(&self, pin: &PinState) -> Option<PinInfo> {
        let member = self.member(pin.member)?;
        let spec = PinSpec {
            matches: pin.matches,
            group: member.group.to_string(),
            nexthop: member.name.to_string(),
            idle_ms: pin.idle_ms,
            hard_ms: pin.hard_ms,
        };
        Some(PinInfo { id: pin.id, spec, member: pin.member, since_ms: pin.since_ms })
    }

    fn pin_end(&self, pin: &PinState, now_ms: u64) -> Option<PinEnd> {
        let is_over = |end: Option<u64>| end.is_some_and(|end_ms| end_ms <= now_ms);
        if !self.members.get(pin.member.index()).is_some_and(MemberState::stays) {
            Some(PinEnd::Removed)
        } else if is_over(pin.hard_end_ms()) {
            Some(PinEnd::Hard)
        } else if is_over(pin.idle_end_ms()) {
            Some(PinEnd::Idle)
        } else {
            None
        }
    }
}

impl Pins {
    /// The pins of a snapshot, those left out whose nexthop isn't meant to stay.
    pub(super) fn table(&mut self, members: &[MemberState]) -> Arc<PinTable> {
        let stays = |pin: &&PinState| members.get(pin.member.index()).is_some_and(MemberState::stays);
        let all_stay = self.list.iter().all(|pin| stays(&pin));
        if let Some(table) = self.table.as_ref().filter(|_| all_stay) {
            return Arc::clone(table);
        }
        let pin = |pin: &PinState| (pin.matches, pin.group, Pin { id: pin.id, member: pin.member });
        let table = Arc::new(PinTable::new(self.list.iter().filter(stays).map(pin)));
        self.table = all_stay.then(|| Arc::clone(&table));
        table
    }

    /// To whom they lead.
    pub(super) fn members(&self) -> HashSet<MemberId> {
        self.list.iter().map(|pin| pin.member).collect()
    }

    fn change(&mut self) -> &mut Vec<PinState> {
        self.table = None;
        Arc::make_mut(&mut self.list)
    }

    fn free_slot(&self) -> Option<u16> {
        let mut is_taken = vec![false; PINS_CAPACITY];
        for pin in self.list.iter() {
            if let Some(taken) = is_taken.get_mut(usize::from(pin.id.slot)) {
                *taken = true;
            }
        }
        (0..).zip(is_taken).find(|(_, is_taken)| !is_taken).map(|(slot, _)| slot)
    }
}

impl PinState {
    fn hard_end_ms(&self) -> Option<u64> {
        self.hard_ms.map(|hard_ms| self.since_ms.saturating_add(hard_ms))
    }

    fn idle_end_ms(&self) -> Option<u64> {
        self.idle_ms.map(|idle_ms| self.used_ms.saturating_add(idle_ms))
    }

    fn end_ms(&self) -> Option<u64> {
        self.hard_end_ms().into_iter().chain(self.idle_end_ms()).min()
    }
}
