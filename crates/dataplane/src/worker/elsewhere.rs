//! Flows that the NIC has moved to another queue: their entry is in another worker's shard.
//!
//! Packets that aren't a flow's first and miss at home are put aside. Once the home shard is unlocked each other shard
//! is locked once and searched for all of them; what is found is taken out there and put in at home. An ICMP error
//! only asks. Nobody ever holds two shards.

use super::Worker;
use crate::DropReason;
use crate::flow_table::FlowEntry;
use crate::port::{PortIo, Received};
use crate::verdict::Verdict;
use crate::walk::egress::Leaving;
use crate::walk::{Judged, Lookup, Table, Task, View, select};
use evenkeel_nexthop::MemberId;
use std::sync::Arc;

/// Packets put aside per burst at the most; further ones go by bucket.
pub(super) const MOST_ASIDE: usize = 64;

/// A packet put aside, and what the other shards know of its flow.
pub(super) struct Aside<F> {
    received: Received<F>,
    judged: Judged,
    found: Found,
}

enum Found {
    Nothing,
    /// Taken out of the other shard.
    Entry(FlowEntry),
    /// Looked at, for an ICMP error or because there is no room at home.
    Member(MemberId),
}

impl<P: PortIo> Worker<P> {
    pub(super) fn put_aside(
        &mut self,
        stage: &mut Table<'_, '_>,
        received: Received<P::Frame>,
        judged: Judged,
    ) {
        if self.aside.len() < MOST_ASIDE {
            self.aside.push(Aside { received, judged, found: Found::Nothing });
        } else if let Task::Flow(lookup, _) | Task::IcmpError(lookup) = &judged.task {
            stage.counters.flows.unsearched_packets.add(1);
            let verdict = by_bucket(stage.view, lookup);
            if judged.first_of.is_some() {
                self.settle_first(stage.view, &judged, verdict);
            }
            self.leaving.push(Leaving { received, verdict, l3_offset: judged.l3_offset });
        }
    }

    pub(super) fn search_elsewhere(&mut self, view: &View<'_>) {
        if self.aside.is_empty() {
            return;
        }
        let table = Arc::clone(&self.spec.table);
        let counters = Arc::clone(&self.spec.counters);
        let mut room =
            table.lock(self.spec.index, &counters, &view.snapshot.timeouts).map_or(0, |home| home.room());
        for worker in (0..table.workers()).filter(|&worker| worker != self.spec.index) {
            let Some(mut shard) = table.lock(worker, &counters, &view.snapshot.timeouts) else { continue };
            for aside in self.aside.iter_mut().filter(|aside| matches!(aside.found, Found::Nothing)) {
                aside.found = ask(&mut shard, &aside.judged.task, view, &mut room);
            }
        }
        let Some(mut shard) = table.lock(self.spec.index, &counters, &view.snapshot.timeouts) else { return };
        let mut stage = Table { view, shard: &mut shard, counters: &counters, elsewhere: false };
        let mut asides = std::mem::take(&mut self.aside);
        for aside in asides.drain(..) {
            self.decide_aside(&mut stage, aside);
        }
        shard.gauge();
        self.aside = asides;
    }

    fn decide_aside(&mut self, stage: &mut Table<'_, '_>, aside: Aside<P::Frame>) {
        let Aside { received, judged, found } = aside;
        match (&judged.task, found) {
            (Task::Flow(lookup, _), Found::Entry(entry)) => {
                stage.shard.insert(&lookup.key, lookup.hash, entry, stage.view.now_ms as u32);
            }
            (Task::Flow(lookup, _) | Task::IcmpError(lookup), Found::Member(member)) => {
                let verdict = stage.icmp_error_of(lookup, Some(member));
                if judged.first_of.is_some() {
                    self.settle_first(stage.view, &judged, verdict);
                }
                self.leaving.push(Leaving { received, verdict, l3_offset: judged.l3_offset });
                return;
            }
            _ => {}
        }
        self.decide(stage, received, judged);
    }
}

/// What another worker's shard knows of a packet's flow.
fn ask(shard: &mut crate::flow_table::Shard<'_>, task: &Task, view: &View<'_>, room: &mut usize) -> Found {
    let (Task::Flow(lookup, _) | Task::IcmpError(lookup)) = task else { return Found::Nothing };
    let Some(link) = shard.find(&lookup.key, lookup.hash) else { return Found::Nothing };
    let timeouts = shard.timeouts();
    let member = match shard.entry(link) {
        Some(entry) if !entry.is_over(view.now_ms as u32, timeouts) => entry.member,
        _ => return Found::Nothing,
    };
    if matches!(task, Task::IcmpError(_)) || *room == 0 {
        return Found::Member(member);
    }
    *room -= 1;
    shard.take_out(link).map_or(Found::Nothing, Found::Entry)
}

fn by_bucket(view: &View<'_>, lookup: &Lookup) -> Verdict {
    select::by_flow(view, lookup)
        .map_or(Verdict::Drop(DropReason::NoNexthop), |choice| Verdict::Forward(choice.member))
}
