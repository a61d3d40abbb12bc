//! Fragments: later ones share the fate of their first, wait for it, or go by addresses.

use super::classify::is_icmp;
use super::{Decision, View, select};
use crate::fragments::Fates;
use crate::verdict::{DropReason, Verdict};
use evenkeel_packet::{FlowKey, FragmentKey};

/// IPv6 extension headers that may stand in a fragment header in place of the protocol.
const EXTENSION_HEADERS: [u8; 4] = [0, 43, 44, 60];

/// A later fragment: as its first, which may not have come yet. If the nexthop of its first is down, by addresses.
pub(crate) fn later(view: &View<'_>, fates: &Fates, key: &FragmentKey) -> Decision {
    match fates.of(key, view.now_ms) {
        None if may_be_served(view, key) => Decision::Hold(*key),
        None => Decision::Settled(Verdict::Punt),
        Some(Verdict::Forward(member)) if !view.snapshot.is_usable(member, view.liveness) => {
            Decision::Settled(by_addresses(view, key))
        }
        Some(verdict) => Decision::Settled(verdict),
    }
}

/// False if no first fragment could make this one a service's.
fn may_be_served(view: &View<'_>, key: &FragmentKey) -> bool {
    let addresses = &key.addresses;
    is_icmp(addresses)
        || matches!(addresses, FlowKey::V6(_)) && EXTENSION_HEADERS.contains(&addresses.protocol())
        || view.snapshot.has_protocol(addresses.destination(), addresses.protocol())
}

/// A later fragment without its first: by the bucket of (source, destination, protocol, ports 0). Not pinned.
pub(crate) fn by_addresses(view: &View<'_>, key: &FragmentKey) -> Verdict {
    if is_icmp(&key.addresses) {
        // only its first could have said that it is an error
        return Verdict::Punt;
    }
    let Some(service) = view.snapshot.classify_addresses(&key.addresses) else { return Verdict::Punt };
    let Some(group) = view.snapshot.group_of(service) else { return Verdict::Punt };
    select::by_key(view, group, &key.addresses)
        .map_or(Verdict::Drop(DropReason::NoNexthop), |choice| Verdict::Forward(choice.member))
}
