//! Fourth stage: which nexthop for a flow that has none.

use super::{Lookup, View};
use evenkeel_nexthop::{GroupId, MemberId, PinId};
use evenkeel_packet::FlowKey;

/// Who takes a flow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) member: MemberId,
    /// The static pin that decided; `None`: the bucket did.
    pub(crate) pin: Option<PinId>,
}

/// The nexthop for a packet of a service. `None`: nobody can serve.
pub(crate) fn by_flow(view: &View<'_>, lookup: &Lookup) -> Option<Choice> {
    by_key(view, view.snapshot.group_of(lookup.service)?, &lookup.key)
}

/// The nexthop of a static pin, if there is one that can be used; else the owner of the bucket, or the next usable
/// nexthop by score while the owner is down.
pub(crate) fn by_key(view: &View<'_>, group: GroupId, key: &FlowKey) -> Option<Choice> {
    let pin = view.snapshot.pins.of(group, key);
    if let Some(pin) = pin.filter(|pin| view.snapshot.is_usable(pin.member, view.liveness)) {
        return Some(Choice { member: pin.member, pin: Some(pin.id) });
    }
    let member = view.snapshot.select(group, view.snapshot.flow_hash(key), view.liveness)?;
    Some(Choice { member, pin: None })
}

/// The static pin by which a flow went to its member; `None` if it is gone.
#[cold]
pub(crate) fn pin_of(view: &View<'_>, lookup: &Lookup, member: MemberId) -> Option<PinId> {
    let pin = view.snapshot.pins.of(view.snapshot.group_of(lookup.service)?, &lookup.key)?;
    (pin.member == member).then_some(pin.id)
}
