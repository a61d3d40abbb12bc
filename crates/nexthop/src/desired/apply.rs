//! The verbs.

use super::Desired;
use super::change::{Change, ChangeError, Verb};
use super::member::{MemberInfo, MemberState, Phase};
use crate::id::{GroupId, MemberId, PortId};
use crate::liveness::Liveness;
use crate::spec::{AdminState, MAX_WEIGHT, NexthopSpec};
use evenkeel_packet::Mac;
use std::net::IpAddr;

impl Desired {
    /// Does what a change asks for, wholly or not at all. The next snapshot shows it; `Up` and `Down` act at once, on
    /// `liveness`.
    ///
    /// # Errors
    /// The change makes no sense in this state; nothing was done.
    pub fn apply(&mut self, change: &Change, now_ms: u64, liveness: &Liveness) -> Result<(), ChangeError> {
        let group = self
            .configured_group(&change.group)
            .ok_or_else(|| ChangeError::UnknownGroup { group: change.group.clone() })?;
        match change.verb {
            Verb::Add { address, weight, port, mac } => {
                let (name, state) = (change.nexthop.clone(), AdminState::Active);
                self.add(group, &NexthopSpec { name, address, weight, state, port, mac }, liveness)
            }
            Verb::Drain => self.set_phase(group, change, Phase::Draining),
            Verb::Activate => self.set_phase(group, change, Phase::Active),
            Verb::Remove { deadline_ms } => {
                let deadline_ms = deadline_ms.unwrap_or(self.remove_deadline_ms);
                self.set_phase(group, change, Phase::removing(now_ms, deadline_ms))
            }
            Verb::Weight(weight) => self.set_weight(group, change, weight),
            Verb::Down => self.set_up(group, change, false, liveness),
            Verb::Up => self.set_up(group, change, true, liveness),
        }
    }

    /// The member that a change speaks of, gone ones too: of several with its name, the one that stays, else the newest.
    ///
    /// # Errors
    /// [`ChangeError::UnknownGroup`] and [`ChangeError::UnknownNexthop`].
    pub fn named(&self, group: &str, nexthop: &str) -> Result<MemberInfo<'_>, ChangeError> {
        let unknown_group = || ChangeError::UnknownGroup { group: group.to_owned() };
        let id = self.configured_group(group).ok_or_else(unknown_group)?;
        let unknown = || ChangeError::UnknownNexthop { group: group.to_owned(), nexthop: nexthop.to_owned() };
        let (id, _) = self.member_named(id, nexthop).ok_or_else(unknown)?;
        self.member(id).ok_or_else(unknown)
    }

    /// The group of this name, unless the configuration no longer has it.
    pub(super) fn configured_group(&self, name: &str) -> Option<GroupId> {
        let is_configured = self.configured.iter().any(|group| group.name == name);
        self.group_named(name).filter(|_| is_configured)
    }

    fn set_phase(&mut self, group: GroupId, change: &Change, phase: Phase) -> Result<(), ChangeError> {
        let id = self.present(group, change)?;
        self.change_member(id, |member| member.phase = phase);
        Ok(())
    }

    fn set_weight(&mut self, group: GroupId, change: &Change, weight: u16) -> Result<(), ChangeError> {
        let id = self.present(group, change)?;
        check_weight(weight)?;
        let had_none = self.members.get(id.index()).is_some_and(|member| member.weight == 0);
        if had_none && weight > 0 {
            self.check_bucket(group)?;
        }
        self.change_member(id, |member| member.weight = weight);
        Ok(())
    }

    fn set_up(
        &mut self,
        group: GroupId,
        change: &Change,
        is_up: bool,
        liveness: &Liveness,
    ) -> Result<(), ChangeError> {
        let id = self.present(group, change)?;
        if let Some(member) = self.members.get(id.index()) {
            let nexthop = member.nexthop;
            self.begun.retain(|begun| *begun != nexthop);
            liveness.set(nexthop, is_up);
        }
        Ok(())
    }

    /// A nexthop that nobody has used meanwhile begins anew: that it was down before its removal says nothing now.
    fn add(&mut self, group: GroupId, spec: &NexthopSpec, liveness: &Liveness) -> Result<(), ChangeError> {
        check_weight(spec.weight)?;
        if let Some(port) = spec.port.filter(|port| !self.nexthops.ports().is_open(*port)) {
            return Err(ChangeError::UnknownPort { port });
        }
        self.check_absent(group, spec)?;
        let mac = self.shared_mac(spec.address, spec.port, spec.mac)?;
        if spec.weight > 0 {
            self.check_bucket(group)?;
        }
        if self.nexthops.find(spec.address, spec.port).is_none() && !self.nexthops.has_room_for(1) {
            return Err(ChangeError::TooManyNexthops);
        }
        let nexthop = |desired: &Self| desired.nexthops.find(spec.address, spec.port);
        let is_used = nexthop(self).is_some_and(|id| self.is_used(id));
        self.enter(group, &NexthopSpec { mac, ..spec.clone() });
        if let Some(id) = nexthop(self).filter(|_| !is_used) {
            liveness.set(id, true);
        }
        Ok(())
    }

    /// The present member that a change speaks of.
    fn present(&self, group: GroupId, change: &Change) -> Result<MemberId, ChangeError> {
        let (group_name, nexthop) = (change.group.clone(), change.nexthop.clone());
        let (id, member) = self
            .member_named(group, &change.nexthop)
            .ok_or(ChangeError::UnknownNexthop { group: group_name.clone(), nexthop: nexthop.clone() })?;
        if member.phase == Phase::Gone {
            return Err(ChangeError::Gone { group: group_name, nexthop });
        }
        Ok(id)
    }

    /// Of several with this name, the one that stays, else the newest.
    pub(super) fn member_named(&self, group: GroupId, name: &str) -> Option<(MemberId, &MemberState)> {
        let named = self.members_of(group).filter(|(_, member)| *member.name == *name);
        named.max_by_key(|(id, member)| (member.stays(), member.phase != Phase::Gone, *id))
    }

    pub(super) fn members_of(&self, group: GroupId) -> impl Iterator<Item = (MemberId, &MemberState)> {
        let ids = self.groups.get(group.index()).map(|group| group.members.as_slice()).unwrap_or_default();
        ids.iter().filter_map(|id| Some((*id, self.members.get(id.index())?)))
    }

    fn check_absent(&self, group: GroupId, spec: &NexthopSpec) -> Result<(), ChangeError> {
        let group_name =
            || self.groups.get(group.index()).map(|group| group.name.to_string()).unwrap_or_default();
        for (_, member) in self.members_of(group).filter(|(_, member)| member.phase != Phase::Gone) {
            let nexthop = member.name.to_string();
            if *member.name == *spec.name {
                return Err(ChangeError::NamePresent { group: group_name(), nexthop });
            }
            if member.address == spec.address {
                let address = spec.address;
                return Err(ChangeError::AddressPresent { group: group_name(), address, nexthop });
            }
        }
        Ok(())
    }

    /// The MAC of a nexthop that some group uses already, else the one that is given now.
    fn shared_mac(
        &self,
        address: IpAddr,
        port: Option<PortId>,
        mac: Option<Mac>,
    ) -> Result<Option<Mac>, ChangeError> {
        let Some(id) = self.nexthops.find(address, port).filter(|id| self.is_used(*id)) else {
            return Ok(mac);
        };
        let known = self.nexthops.nexthop(id).and_then(|nexthop| nexthop.mac);
        match (known, mac) {
            (Some(known), Some(mac)) if known != mac => Err(ChangeError::OtherMac { address, mac: known }),
            (known, mac) => Ok(known.or(mac)),
        }
    }

    /// Another member with a weight must not be one more than there are buckets.
    fn check_bucket(&self, group: GroupId) -> Result<(), ChangeError> {
        let Some(state) = self.groups.get(group.index()) else { return Ok(()) };
        let weighted = |member: &MemberState| member.weight > 0 && member.phase != Phase::Gone;
        if self.members_of(group).filter(|(_, member)| weighted(member)).count() < state.buckets() as usize {
            Ok(())
        } else {
            Err(ChangeError::NoBucket { group: state.name.to_string() })
        }
    }
}

impl Phase {
    /// Being removed with a deadline from now; without one it is gone at once.
    pub(super) fn removing(now_ms: u64, deadline_ms: u64) -> Self {
        match deadline_ms {
            0 => Self::Gone,
            _ => Self::Removing { at_ms: now_ms.saturating_add(deadline_ms) },
        }
    }
}

fn check_weight(weight: u16) -> Result<(), ChangeError> {
    if weight <= MAX_WEIGHT { Ok(()) } else { Err(ChangeError::Weight { weight }) }
}
