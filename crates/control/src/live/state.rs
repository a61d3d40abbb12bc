//! The running state as views: read from the desired state, the published snapshot and the counters.

use super::change::NexthopState;
use super::control::Control;
use super::memory::Writer;
use super::refusal::Refusal;
use super::view::{
    Buckets, CountersView, GroupView, InterfaceView, MemberRates, NexthopView, ServiceView, ShareView,
    StatusView, WorkerView,
};
use evenkeel_dataplane::{MemberTotals, Totals};
use evenkeel_nexthop::{GroupTable, MemberId, MemberInfo, Share};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

impl Control {
    pub(super) fn status(&self, config_file: Option<PathBuf>) -> StatusView {
        StatusView {
            uptime_ms: self.now_ms(),
            generation: self.published.generation,
            config_file,
            state_file: self.writer.as_ref().map(|writer| writer.file().to_owned()),
            state_fault: self.writer.as_ref().and_then(Writer::fault),
            hash_seed: self.config.dataplane.hash_seed,
            workers: self.workers.len(),
            flow_capacity: self.config.dataplane.flow_capacity as u64,
            flows_live: Totals::of(&self.workers).flows.live,
        }
    }

    pub(super) fn services(&self) -> Vec<ServiceView> {
        let groups = self.desired.configured_groups().iter();
        let usable: HashMap<_, _> = groups.map(|group| (&*group.name, self.usable_of(&group.name))).collect();
        let services = self.desired.services().iter();
        let usable_of = |group: &str| usable.get(group).copied().unwrap_or(0);
        services
            .map(|spec| ServiceView { usable_nexthops: usable_of(&spec.group), spec: spec.clone() })
            .collect()
    }

    /// Members of a group to which new flows could go now.
    fn usable_of(&self, group: &str) -> u32 {
        let members = self.desired.members().filter(|member| member.group == group);
        members.filter(|member| self.takes_flows(member)).count() as u32
    }

    fn takes_flows(&self, member: &MemberInfo<'_>) -> bool {
        NexthopState::of(member) == NexthopState::Active
            && member.weight > 0
            && self.published.is_usable(member.id, &self.liveness)
    }

    pub(super) fn groups(&self) -> Vec<GroupView> {
        let mut by_group: HashMap<&str, Vec<MemberInfo<'_>>> = HashMap::new();
        for member in self.desired.members() {
            by_group.entry(member.group).or_default().push(member);
        }
        let groups = self.desired.configured_groups().iter();
        let of = |name: &str| by_group.get(name).map_or(&[][..], Vec::as_slice);
        groups.map(|group| self.group(&group.name, of(&group.name))).collect()
    }

    fn group(&self, name: &str, members: &[MemberInfo<'_>]) -> GroupView {
        let in_state =
            |state| members.iter().filter(|member| NexthopState::of(member) == state).count() as u32;
        let (mut totals, mut rates) = (MemberTotals::default(), MemberRates::default());
        for member in members {
            let (of, at) = (self.totals_of(member.id), self.sampler.of_member(member.id));
            totals.packets += of.packets;
            totals.bytes += of.bytes;
            totals.flows_created += of.flows_created;
            totals.flows_live += of.flows_live;
            rates.packets += at.packets;
            rates.bytes += at.bytes;
            rates.flows += at.flows;
        }
        let services = self.desired.services().iter().filter(|service| service.group == name);
        let table = self.table(name);
        GroupView {
            name: name.to_owned(),
            buckets: table.map_or(0, |table| table.buckets().len() as u32),
            unserved_buckets: table.map_or(0, |table| table.buckets().filter(Option::is_none).count() as u32),
            table: table.cloned(),
            services: services.map(|service| service.name.clone()).collect(),
            active: in_state(NexthopState::Active),
            draining: in_state(NexthopState::Draining),
            removing: in_state(NexthopState::Removing),
            usable: members.iter().filter(|member| self.takes_flows(member)).count() as u32,
            totals,
            rates,
        }
    }

    pub(super) fn nexthops(&self) -> Vec<NexthopView> {
        let tables = self.published.groups();
        let shares = tables.flat_map(|(_, table)| table.shares());
        let shares: HashMap<MemberId, Share> = shares.map(|share| (share.member, share)).collect();
        self.desired.members().map(|member| self.nexthop(&member, shares.get(&member.id))).collect()
    }

    fn nexthop(&self, member: &MemberInfo<'_>, share: Option<&Share>) -> NexthopView {
        let is_up = self.published.is_usable(member.id, &self.liveness);
        let port = member.adjacency.map(|adjacency| adjacency.port).or(member.port);
        NexthopView {
            group: member.group.to_owned(),
            name: member.name.to_owned(),
            address: member.address,
            interface: port.and_then(|port| self.ports.at(port)).map(|live| live.name.clone()),
            mac: member.adjacency.map(|adjacency| adjacency.destination).or(member.mac),
            state: NexthopState::of(member),
            weight: member.weight,
            removed_in_ms: member.removed_at_ms.map(|at_ms| at_ms.saturating_sub(self.now_ms())),
            is_up,
            why: if is_up { None } else { self.why_down(member) },
            buckets: share.map_or(0, |share| share.buckets),
            want: share.map_or(0.0, |share| share.want),
            totals: self.totals_of(member.id),
            rates: self.sampler.of_member(member.id),
        }
    }

    fn why_down(&self, member: &MemberInfo<'_>) -> Option<String> {
        if member.gone {
            return None;
        }
        let unresolved = self.nexthops.why_unresolved(member.nexthop);
        Some(unresolved.map_or_else(|| "not resolved yet".to_owned(), ToString::to_string))
    }

    pub(super) fn interfaces(&self) -> Vec<InterfaceView> {
        let is_up = |ifindex| self.routing.link(ifindex).map(evenkeel_routing::Link::is_up);
        let interfaces = self.plant.interfaces().into_iter();
        interfaces.map(|status| InterfaceView { is_up: is_up(status.port.ifindex), status }).collect()
    }

    pub(super) fn counters(&self) -> CountersView {
        let Totals { packets, drops, flows } = Totals::of(&self.workers);
        let workers = self.plant.workers().into_iter().zip(&self.workers);
        let workers = workers.map(|(status, counters)| {
            let Totals { packets, flows, .. } = Totals::of(std::slice::from_ref(counters));
            WorkerView { status, packets, flows }
        });
        CountersView {
            uptime_seconds: Instant::now().duration_since(self.epoch).as_secs_f64(),
            generation: self.published.generation,
            packets,
            drops,
            flows,
            rates: self.sampler.rates(),
            workers: workers.collect(),
            latency: self.plant.latency(),
        }
    }

    pub(super) fn buckets(&self, group: &str) -> Result<Buckets, Refusal> {
        let is_configured = self.desired.configured_groups().iter().any(|one| one.name == group);
        let table = self.table(group).filter(|_| is_configured);
        let table = table.ok_or_else(|| Refusal::UnknownGroup { group: group.to_owned() })?;
        let members: HashMap<_, _> = self.desired.members().map(|member| (member.id, member)).collect();
        let names: HashMap<MemberId, Arc<str>> =
            members.iter().map(|(id, member)| (*id, member.name.into())).collect();
        let share = |share: Share| {
            let member = members.get(&share.member)?;
            let (nexthop, address) = (member.name.to_owned(), member.address);
            Some(ShareView { nexthop, address, buckets: share.buckets, want: share.want })
        };
        Ok(Buckets {
            group: group.to_owned(),
            buckets: table.buckets().map(|owner| names.get(&owner?).cloned()).collect(),
            shares: table.shares().into_iter().filter_map(share).collect(),
        })
    }

    fn table(&self, group: &str) -> Option<&GroupTable> {
        self.published.groups().map(|(_, table)| table).find(|table| *table.name == *group)
    }

    pub(super) fn totals_of(&self, member: MemberId) -> MemberTotals {
        Totals::of_member(&self.workers, member)
    }
}
