//! Flows as the workers know them: asked of their mailboxes, page by page, beside the control thread's own work.
//!
//! No shard is ever locked for it, and a million flows cost the memory of one page.

mod ask;
mod query;
mod room;

pub(super) use ask::page;
pub use query::{FlowCursor, FlowCursorError, FlowQuery, PAGE_MAX};

use super::client::ControlClient;
use super::control::Control;
use super::refusal::Refusal;
use crate::path::Path;
use evenkeel_dataplane::{FlowRecord, FlowState, Mailbox};
use evenkeel_nexthop::{Desired, Liveness, Snapshot};
use evenkeel_packet::FlowKey;
use query::Filter;
use room::Room;
use std::net::IpAddr;
use std::sync::Arc;

/// One flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowView {
    /// As its worker has it.
    pub record: FlowRecord,
    /// The service that takes its packets; none if the configuration no longer has one.
    pub service: Option<Arc<str>>,
    /// Group of the nexthop that serves it.
    pub group: String,
    /// Name of that nexthop.
    pub nexthop: String,
    /// Address of that nexthop.
    pub address: IpAddr,
    /// The worker that has it.
    pub worker: usize,
}

/// A part of the flows that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowPageView {
    /// The flows, in no order; none if they were only to be counted.
    pub flows: Vec<FlowView>,
    /// How many were found.
    pub found: u64,
    /// Packets of these.
    pub packets: u64,
    /// Bytes of these, without FCS.
    pub bytes: u64,
    /// Where the next page begins; none after the last.
    pub cursor: Option<FlowCursor>,
}

/// The way of a flow's next packet, from the live flow table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivePath {
    /// What becomes of the packet.
    pub path: Path,
    /// The flow table's entry, if the flow is known.
    pub flow: Option<FlowView>,
    /// What would become of it without that entry.
    pub without_entry: Option<Path>,
}

/// What is needed to say what a flow's ids mean: the state at one generation.
pub(super) struct Meaning {
    pub(super) snapshot: Snapshot,
    pub(super) desired: Desired,
    pub(super) liveness: Arc<Liveness>,
}

impl Control {
    /// The meaning of ids now, copied once per generation.
    pub(super) fn meaning(&mut self) -> Arc<Meaning> {
        let generation = self.published.generation;
        match &self.meaning {
            Some(meaning) if meaning.snapshot.generation == generation => Arc::clone(meaning),
            _ => {
                let (snapshot, desired) = (self.published.clone(), self.desired.clone());
                let meaning = Arc::new(Meaning { snapshot, desired, liveness: Arc::clone(&self.liveness) });
                self.meaning = Some(Arc::clone(&meaning));
                meaning
            }
        }
    }
}

impl Meaning {
    fn view(&self, record: FlowRecord, worker: usize) -> FlowView {
        let service = self.snapshot.classify(&record.key);
        let service = service.and_then(|service| self.snapshot.services.get(service.index()));
        let member = self.desired.member(record.member);
        FlowView {
            service: service.map(|service| Arc::clone(&service.name)),
            group: member.map_or_else(String::new, |member| member.group.to_owned()),
            nexthop: member.map_or_else(String::new, |member| member.name.to_owned()),
            address: member.map_or(record.key.destination(), |member| member.address),
            record,
            worker,
        }
    }

    /// As the walk does: without a service the flow is nobody's, else its nexthop keeps it while that is usable.
    fn path(&self, key: &FlowKey, flow: Option<FlowView>) -> LivePath {
        let by_choice = Path::by_choice(key, &self.snapshot, &self.desired, &self.liveness);
        let Some(flow) = flow else { return LivePath { path: by_choice, flow: None, without_entry: None } };
        let path = if by_choice.service.is_none() {
            by_choice.clone()
        } else if self.snapshot.is_usable(flow.record.member, &self.liveness) {
            Path::by_entry(&by_choice, &flow)
        } else {
            Path {
                why: format!("its nexthop {} can't be used: {}", flow.nexthop, by_choice.why),
                ..by_choice.clone()
            }
        };
        LivePath { path, flow: Some(flow), without_entry: Some(by_choice) }
    }
}

impl Path {
    /// The path of a flow that the flow table keeps on its nexthop.
    fn by_entry(by_choice: &Self, flow: &FlowView) -> Self {
        let FlowRecord { state, idle_ms, packets, by_pin, .. } = flow.record;
        let state = match state {
            FlowState::HalfOpen => "half-open",
            FlowState::Established => "established",
            FlowState::Closing => "closing",
            FlowState::Datagram => "datagram",
        };
        let why = format!(
            "the flow table keeps it on {}{}: {state}, {packets} packets, idle for {idle_ms}ms",
            flow.nexthop,
            if by_pin { ", where a static pin sent it" } else { "" }
        );
        Self {
            fate: crate::path::Fate::Forward,
            group: Some(flow.group.clone()),
            nexthop: Some(flow.nexthop.clone()),
            address: Some(flow.address),
            why,
            ..by_choice.clone()
        }
    }
}

impl ControlClient {
    /// A page of the flows to which everything in the query applies. A flow that lives while all pages are read is in
    /// one of them exactly once.
    ///
    /// # Errors
    /// A name that isn't there, or a worker that doesn't answer.
    pub async fn flows(&self, query: FlowQuery) -> Result<FlowPageView, Refusal> {
        let meaning = self.ask(Control::meaning).await?;
        let filter = Filter::new(&query, &meaning)?;
        let mut page = FlowPageView::default();
        let mut at = query.cursor.unwrap_or_default();
        let limit = if query.count_only { usize::MAX } else { query.limit.clamp(1, PAGE_MAX) };
        let mut room = Room::of(limit);
        while let Some(mailbox) = self.mailboxes.get(at.worker) {
            let read = ask::page(at.worker, mailbox, at.cursor, room.count()).await?;
            let taken: Vec<_> = read.records.iter().filter(|record| filter.takes(record)).collect();
            room = match room.after(read.records.len(), taken.len(), limit - page.flows.len()) {
                Ok(next) => next,
                Err(fewer) => {
                    room = fewer;
                    continue;
                }
            };
            page.add(&taken, |record| (!query.count_only).then(|| meaning.view(*record, at.worker)));
            at = if read.is_last {
                FlowCursor::of_worker(at.worker + 1)
            } else {
                FlowCursor { cursor: read.cursor, ..at }
            };
            if page.flows.len() >= limit {
                break;
            }
        }
        page.cursor = self.mailboxes.get(at.worker).map(|_| at);
        Ok(page)
    }

    /// What becomes of the next packet of a flow, and why: by its entry in the flow table if it is known.
    ///
    /// # Errors
    /// A worker that doesn't answer.
    pub async fn path(&self, key: FlowKey) -> Result<LivePath, Refusal> {
        let mut found = None;
        for (worker, mailbox) in self.mailboxes.iter().enumerate() {
            if let Some(record) = ask::flow(worker, mailbox, key).await? {
                found = Some((record, worker));
                break;
            }
        }
        let meaning = self.ask(Control::meaning).await?;
        Ok(meaning.path(&key, found.map(|(record, worker)| meaning.view(record, worker))))
    }
}

impl FlowPageView {
    fn add(&mut self, records: &[&FlowRecord], view: impl Fn(&FlowRecord) -> Option<FlowView>) {
        for record in records {
            self.found += 1;
            self.packets += record.packets;
            self.bytes += record.bytes;
            self.flows.extend(view(record));
        }
    }
}

/// The mailboxes of the workers, by number.
pub(super) type Mailboxes = Arc<[Mailbox]>;
