//! Fourth stage: which nexthop for a flow that has none.

use super::{Lookup, View};
use evenkeel_nexthop::{GroupId, MemberId};

/// The nexthop of the flow's bucket. `None`: nobody can serve.
pub(crate) fn by_flow(view: &View<'_>, lookup: &Lookup) -> Option<MemberId> {
    by_choice(view, view.snapshot.group_of(lookup.service)?, view.snapshot.flow_hash(&lookup.key))
}

/// The owner of the bucket, or the next usable nexthop by score while the owner is down.
pub(crate) fn by_choice(view: &View<'_>, group: GroupId, flow_hash: u64) -> Option<MemberId> {
    view.snapshot.select(group, flow_hash, view.liveness)
}
