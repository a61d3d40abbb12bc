//! Fragments: later ones share the fate of their first, wait for it, or go by addresses.

use super::{Decision, View, select};
use crate::fragments::Fates;
use crate::verdict::{DropReason, Verdict};
use evenkeel_packet::FragmentKey;

/// A later fragment: as its first, which may not have come yet. If the nexthop of its first is down, by addresses.
pub(crate) fn later(view: &View<'_>, fates: &Fates, key: &FragmentKey) -> Decision {
    match fates.of(key, view.now_ms) {
        None => Decision::Hold(*key),
        Some(Verdict::Forward(member)) if !view.snapshot.is_usable(member, view.liveness) => {
            Decision::Settled(by_addresses(view, key))
        }
        Some(verdict) => Decision::Settled(verdict),
    }
}

/// A later fragment without its first: by the bucket of (source, destination, protocol, ports 0). Not pinned.
pub(crate) fn by_addresses(view: &View<'_>, key: &FragmentKey) -> Verdict {
    let Some(service) = view.snapshot.classify_addresses(&key.addresses) else { return Verdict::Punt };
    let Some(group) = view.snapshot.group_of(service) else { return Verdict::Punt };
    select::by_choice(view, group, view.snapshot.flow_hash(&key.addresses))
        .map_or(Verdict::Drop(DropReason::NoNexthop), Verdict::Forward)
}
