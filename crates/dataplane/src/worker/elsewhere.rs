//! Flows that the NIC has moved to another queue: their entry is in another worker's shard.
//!
//! Packets that aren't a flow's first and miss at home are put aside. Once the home shard is unlocked each other shard
//! is locked once and searched for all of them; what is found is taken out there and put in at home. An ICMP error
//! only asks. Nobody ever holds two shards.

use super::WorkerSpec;
use super::burst::Burst;
use crate::DropReason;
use crate::flow_table::{FlowEntry, Shard};
use crate::port::Received;
use crate::verdict::Verdict;
use crate::walk::{Judged, Lookup, Matter, Table, View, select};
use evenkeel_nexthop::MemberId;
use evenkeel_packet::FlowKey;

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

impl<F> Burst<F> {
    pub(super) fn put_aside(&mut self, stage: &mut Table<'_, '_>, received: Received<F>, judged: Judged) {
        if self.aside.len() < MOST_ASIDE {
            self.aside.push(Aside { received, judged, found: Found::Nothing });
        } else if let Some(lookup) = judged.matter.lookup() {
            stage.counters.flows.unsearched_packets.add(1);
            let verdict = by_bucket(stage.view, lookup);
            self.settle(stage.view, received, &judged, verdict);
        }
    }

    pub(super) fn search_elsewhere(&mut self, view: &View<'_>, spec: &WorkerSpec) {
        if self.aside.is_empty() {
            return;
        }
        let (table, counters, timeouts) = (&spec.table, &*spec.counters, &*view.snapshot.timeouts);
        let mut room = table.lock(spec.index, counters, timeouts).map_or(0, |home| home.room());
        for worker in (0..table.workers()).filter(|&worker| worker != spec.index) {
            let Some(mut shard) = table.lock(worker, counters, timeouts) else { continue };
            for aside in self.aside.iter_mut().filter(|aside| matches!(aside.found, Found::Nothing)) {
                aside.found = ask(&mut shard, &aside.judged.matter, view, &mut room);
            }
        }
        let Some(mut shard) = table.lock(spec.index, counters, timeouts) else { return };
        let mut stage = Table { view, shard: &mut shard, counters, elsewhere: false };
        let mut asides = std::mem::take(&mut self.aside);
        for aside in asides.drain(..) {
            self.decide_aside(&mut stage, aside);
        }
        shard.gauge();
        self.aside = asides;
    }

    fn decide_aside(&mut self, stage: &mut Table<'_, '_>, aside: Aside<F>) {
        let Aside { received, judged, found } = aside;
        match (judged.matter.lookup(), found) {
            (Some(lookup), Found::Entry(entry)) => {
                stage.shard.insert(&lookup.key, lookup.hash, entry, stage.view.now_ms as u32);
            }
            (Some(lookup), Found::Member(member)) => {
                let verdict = stage.icmp_error_of(lookup, Some(member));
                return self.settle(stage.view, received, &judged, verdict);
            }
            _ => {}
        }
        self.wind(stage, received, judged);
    }
}

/// What another worker's shard knows of a packet's flow.
fn ask(shard: &mut Shard<'_>, matter: &Matter, view: &View<'_>, room: &mut usize) -> Found {
    let Some(lookup) = matter.lookup() else { return Found::Nothing };
    let Some(link) = shard.find(&lookup.key, lookup.hash) else { return Found::Nothing };
    let timeouts = shard.timeouts();
    let member = match shard.entry(link) {
        Some(entry) if !entry.is_over(view.now_ms as u32, timeouts) => entry.member,
        _ => return Found::Nothing,
    };
    if matches!(matter, Matter::IcmpError(_)) || *room == 0 {
        return Found::Member(member);
    }
    *room -= 1;
    shard.take_out(link).map_or(Found::Nothing, Found::Entry)
}

fn by_bucket(view: &View<'_>, lookup: &Lookup<FlowKey>) -> Verdict {
    select::by_flow(view, lookup)
        .map_or(Verdict::Drop(DropReason::NoNexthop), |choice| Verdict::Forward(choice.member))
}
