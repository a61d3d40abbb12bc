//! ICMP errors: to the nexthop that serves the flow of which they speak. They neither create nor refresh flows.

use super::{Decision, Lookup, Table, select};
use crate::verdict::{DropReason, Verdict};
use evenkeel_packet::FlowKey;

impl Table<'_, '_> {
    /// An ICMP error: by the flow of the quoted packet, else by its bucket.
    pub(crate) fn icmp_error(&mut self, lookup: &Lookup<FlowKey>) -> Decision {
        let (now_ms, timeouts) = (self.view.now_ms as u32, self.shard.timeouts());
        let link = self.shard.find(&lookup.key, lookup.hash);
        if link.is_none() && self.elsewhere {
            return Decision::SearchElsewhere;
        }
        let entry = link.and_then(|link| self.shard.entry(link));
        let pinned = entry.filter(|entry| !entry.is_over(now_ms, timeouts)).map(|entry| entry.member);
        Decision::Settled(self.icmp_error_of(lookup, pinned))
    }

    /// The same, once the member that serves the quoted flow is known, or known to be nobody.
    pub(crate) fn icmp_error_of(
        &self,
        lookup: &Lookup<FlowKey>,
        pinned: Option<evenkeel_nexthop::MemberId>,
    ) -> Verdict {
        pinned
            .filter(|&member| self.view.snapshot.is_usable(member, self.view.liveness))
            .or_else(|| select::by_flow(self.view, lookup).map(|choice| choice.member))
            .map_or(Verdict::Drop(DropReason::NoNexthop), Verdict::Forward)
    }
}
