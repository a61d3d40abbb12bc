//! Fragments: later ones share the fate of their first, wait for it, or go by addresses.

use super::{Decision, Judged, Task, View, select};
use crate::fragments::{Fate, Fates};
use crate::verdict::{DropReason, Verdict};
use evenkeel_packet::FragmentKey;

/// A later fragment: as its first, which may not have come yet.
pub(crate) fn later(view: &View<'_>, fates: &Fates, key: &FragmentKey) -> Decision {
    fates.of(key, view.now_ms).map_or(Decision::Hold(*key), |fate| Decision::Settled(share(view, fate)))
}

/// What became of a first fragment, for those that follow.
pub(crate) fn fate(view: &View<'_>, judged: &Judged, verdict: Verdict) -> Fate {
    let choice = match &judged.task {
        Task::Flow(lookup, _) | Task::IcmpError(lookup) => select::choice(view, lookup),
        Task::Settled(_) | Task::LaterFragment(_) => None,
    };
    Fate { verdict, choice }
}

/// The same as the first fragment; if its nexthop went down meanwhile, where its flow goes now.
pub(crate) fn share(view: &View<'_>, fate: Fate) -> Verdict {
    match (fate.verdict, fate.choice) {
        (Verdict::Forward(member), Some((group, flow_hash)))
            if !view.snapshot.is_usable(member, view.liveness) =>
        {
            select::by_choice(view, group, flow_hash)
                .map_or(Verdict::Drop(DropReason::NoNexthop), Verdict::Forward)
        }
        (verdict, _) => verdict,
    }
}

/// A later fragment without its first: by the bucket of (source, destination, protocol, ports 0). Not pinned.
pub(crate) fn by_addresses(view: &View<'_>, key: &FragmentKey) -> Verdict {
    let Some(service) = view.snapshot.classify_addresses(&key.addresses) else { return Verdict::Punt };
    let Some(group) = view.snapshot.group_of(service) else { return Verdict::Punt };
    select::by_choice(view, group, view.snapshot.flow_hash(&key.addresses))
        .map_or(Verdict::Drop(DropReason::NoNexthop), Verdict::Forward)
}
