//! What a change does to buckets and flows, said before it is made: a pure function of the two desired states and the flows.
//!
//! [`Planner`] builds the snapshot that workers would see after the change, and judges each flow by the rules of the walk: a
//! known flow stays with its member while that is usable. Knows neither workers nor files; [`of_files`] is its use without a daemon.

mod buckets;
mod offline;

pub use offline::of_files;

use crate::api::model::{Difference, FlowFate, FlowMove, Plan};
use buckets::group_plans;
use evenkeel_dataplane::FlowRecord;
use evenkeel_nexthop::{Adjacency, Desired, Liveness, MemberId, PortId, Snapshot};
use evenkeel_packet::{FlowKey, Mac};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

/// Most flows that a plan lists by themselves.
pub const MOVES_MAX: usize = 1000;

/// How a nexthop counts as reachable: a plan asks who takes a flow, not how it gets there.
const SOMEHOW: Adjacency = Adjacency { port: PortId(0), source: Mac([0; 6]), destination: Mac([0; 6]) };

/// A change that is not made yet.
#[derive(Debug)]
pub struct Planner {
    before: Desired,
    snapshot_before: Snapshot,
    after: Desired,
    snapshot_after: Snapshot,
    liveness: Arc<Liveness>,
    flows: Option<FlowFate>,
}

impl Planner {
    /// The change from one desired state to another, which began as its copy, so that both have the same ids. Removals of
    /// which the deadline is over at `now_ms` count as done. Nexthops that come count as reachable, all others are as they are.
    #[must_use]
    pub fn new(mut before: Desired, mut after: Desired, liveness: Arc<Liveness>, now_ms: u64) -> Self {
        let known: HashSet<_> = before.members().map(|member| member.nexthop).collect();
        let new: Vec<_> =
            after.members().map(|member| member.nexthop).filter(|id| !known.contains(id)).collect();
        for nexthop in new {
            after.set_adjacency(nexthop, Some(SOMEHOW));
        }
        after.expire_removals(now_ms);
        let snapshot_before = before.snapshot(&liveness);
        let snapshot_after = after.snapshot(&liveness);
        Self { before, snapshot_before, after, snapshot_after, liveness, flows: None }
    }

    /// Judges flows that are live at the change, all of them or a page.
    pub fn judge<'f>(&mut self, flows: impl IntoIterator<Item = &'f FlowRecord>) {
        let mut fate = self.flows.take().unwrap_or_default();
        for flow in flows {
            fate.live += 1;
            self.judge_one(flow, &mut fate);
        }
        self.flows = Some(fate);
    }

    /// The plan. Without flows that were judged it says nothing of flows.
    #[must_use]
    pub fn plan(self, differences: Vec<Difference>) -> Plan {
        let groups = group_plans((&self.before, &self.snapshot_before), (&self.after, &self.snapshot_after));
        Plan { differences, groups, flows: self.flows }
    }

    fn judge_one(&self, flow: &FlowRecord, fate: &mut FlowFate) {
        let member = flow.member;
        let Some(service) = self.snapshot_after.classify(&flow.key) else {
            fate.unserved += 1;
            return self.list(flow, None, "now", fate);
        };
        let usable = self.snapshot_after.is_usable(member, &self.liveness);
        let leaves = self.after.member(member).is_some_and(|member| member.removed_at_ms.is_some());
        if usable && !leaves {
            fate.stay += 1;
            return;
        }
        let group = self.snapshot_after.group_of(service);
        let other = group.and_then(|group| self.snapshot_after.choose(group, &flow.key, &self.liveness));
        let other = other.map(|choice| choice.member);
        let when = if usable { "at_deadline" } else { "now" };
        match other {
            Some(other) if self.is_same_server(member, other) => {
                fate.stay += 1;
                return;
            }
            None if !usable => fate.dropped += 1,
            _ if usable => fate.move_at_deadline += 1,
            _ => fate.move_now += 1,
        }
        self.list(flow, other, when, fate);
    }

    /// True if two memberships are of one server, whose connections then go on.
    fn is_same_server(&self, one: MemberId, other: MemberId) -> bool {
        let nexthop = |id| self.snapshot_after.member(id).map(|member| member.nexthop);
        nexthop(one) == nexthop(other)
    }

    fn list(&self, flow: &FlowRecord, to: Option<MemberId>, when: &str, fate: &mut FlowFate) {
        if fate.moves.len() >= MOVES_MAX {
            return;
        }
        let name = |id| self.after.member(id).map(|member| format!("{}/{}", member.group, member.name));
        let (source, destination, protocol) = endpoints(&flow.key);
        fate.moves.push(FlowMove {
            source,
            destination,
            protocol,
            from: name(flow.member).unwrap_or_default(),
            to: to.and_then(name),
            when: when.to_owned(),
        });
    }
}

/// Client, service and protocol, as the API writes them.
fn endpoints(key: &FlowKey) -> (String, String, String) {
    let protocol = match key.protocol() {
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        number => number.to_string(),
    };
    let source = SocketAddr::new(key.source(), key.source_port());
    let destination = SocketAddr::new(key.destination(), key.destination_port());
    (source.to_string(), destination.to_string(), protocol)
}

#[cfg(test)]
mod tests;
