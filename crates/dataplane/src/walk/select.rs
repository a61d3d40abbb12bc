//! Fourth stage: which nexthop for a flow that has none.

use super::{Lookup, View};
use evenkeel_nexthop::{Choice, GroupId, MemberId, PinId};
use evenkeel_packet::FlowKey;

/// The nexthop for a packet of a service. `None`: nobody can serve.
pub(crate) fn by_flow(view: &View<'_>, lookup: &Lookup<FlowKey>) -> Option<Choice> {
    by_key(view, view.snapshot.group_of(lookup.service)?, &lookup.key)
}

/// The nexthop of a static pin, if there is one that can be used; else the owner of the bucket, or the next usable
/// nexthop by score while the owner is down.
pub(crate) fn by_key(view: &View<'_>, group: GroupId, key: &FlowKey) -> Option<Choice> {
    view.snapshot.choose(group, key, view.liveness)
}

/// The static pin by which a flow went to its member; `None` if it is gone.
#[cold]
pub(crate) fn pin_of(view: &View<'_>, lookup: &Lookup<FlowKey>, member: MemberId) -> Option<PinId> {
    let pin = view.snapshot.pins.of(view.snapshot.group_of(lookup.service)?, &lookup.key)?;
    (pin.member == member).then_some(pin.id)
}
