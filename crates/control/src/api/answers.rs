//! What the control thread says, as answers hold it.

mod flow;
mod pin;

pub(super) use flow::{flow_page, path};
pub(super) use pin::pin;

use super::model::{
    Action, Buckets, ChangeResult, Changed, Counters, Flows, Group, Groups, Interface, InterfaceQueue,
    Latency, Liveness, Nexthop, NexthopCounters, Packets, Polls, Protocol, Reloaded, Service, Services,
    Share, State, Status, Timeouts, Worker,
};
use crate::live::{
    self, CountersView, GroupView, InterfaceView, NexthopState, NexthopView, ServiceView, StatusView,
};
use evenkeel_dataplane::DropReason;
use std::collections::HashMap;

pub(super) fn status(status: StatusView) -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_ms: status.uptime_ms,
        generation: status.generation,
        config: status.config_file.map(|file| file.display().to_string()).unwrap_or_default(),
        state_file: status.state_file.map(|file| file.display().to_string()),
        state_fault: status.state_fault,
        hash_seed: status.hash_seed,
        workers: status.workers,
        flow_capacity: status.flow_capacity,
        flows_live: status.flows_live,
    }
}

pub(super) fn services(services: Vec<ServiceView>) -> Services {
    Services { services: services.into_iter().map(service).collect() }
}

fn service(service: ServiceView) -> Service {
    let ServiceView { spec, usable_nexthops } = service;
    let timeouts = spec.timeouts;
    Service {
        name: spec.name,
        vip: spec.vip.to_string(),
        protocol: match spec.protocol {
            evenkeel_nexthop::Protocol::Tcp => Protocol::Tcp,
            evenkeel_nexthop::Protocol::Udp => Protocol::Udp,
            evenkeel_nexthop::Protocol::Any => Protocol::Any,
        },
        ports: spec.ports,
        group: spec.group,
        nexthops_usable: usable_nexthops as usize,
        timeouts: Timeouts {
            tcp_syn_ms: timeouts.tcp_syn_ms,
            tcp_established_ms: timeouts.tcp_established_ms,
            tcp_closing_ms: timeouts.tcp_closing_ms,
            udp_ms: timeouts.udp_ms,
        },
    }
}

pub(super) fn groups(groups: Vec<GroupView>, nexthops: Vec<NexthopView>) -> Groups {
    let mut by_group: HashMap<String, Vec<NexthopView>> = HashMap::new();
    for nexthop in nexthops {
        by_group.entry(nexthop.group.clone()).or_default().push(nexthop);
    }
    let of = |view: GroupView| {
        let nexthops = by_group.remove(&view.name).unwrap_or_default();
        group(view, nexthops)
    };
    Groups { groups: groups.into_iter().map(of).collect() }
}

/// A group with those of the nexthops that are its own and not removed.
pub(super) fn group(group: GroupView, nexthops: Vec<NexthopView>) -> Group {
    let is_there =
        |nexthop: &NexthopView| nexthop.group == group.name && nexthop.state != NexthopState::Removed;
    Group {
        nexthops: nexthops.into_iter().filter(is_there).map(nexthop).collect(),
        name: group.name,
        buckets: group.buckets,
        buckets_unserved: group.unserved_buckets,
        table_hash: format!("{:016x}", group.table.map_or(0, |table| table.owners_hash())),
        services: group.services,
    }
}

pub(super) fn nexthop(nexthop: NexthopView) -> Nexthop {
    Nexthop {
        group: nexthop.group,
        name: nexthop.name,
        address: nexthop.address,
        interface: nexthop.interface,
        mac: nexthop.mac.map(|mac| mac.to_string()),
        weight: nexthop.weight,
        state: state(nexthop.state),
        removed_in_ms: nexthop.removed_in_ms,
        liveness: liveness(nexthop.is_up),
        reason: nexthop.why,
        buckets: nexthop.buckets,
        want: nexthop.want,
        packets: nexthop.totals.packets,
        bytes: nexthop.totals.bytes,
        flows_created: nexthop.totals.flows_created,
        flows_live: nexthop.totals.flows_live,
        packets_per_second: nexthop.rates.packets,
        bytes_per_second: nexthop.rates.bytes,
        flows_per_second: nexthop.rates.flows,
    }
}

const fn state(state: NexthopState) -> State {
    match state {
        NexthopState::Active => State::Active,
        NexthopState::Draining => State::Draining,
        NexthopState::Removing => State::Removing,
        NexthopState::Removed => State::Removed,
    }
}

const fn liveness(is_up: bool) -> Liveness {
    if is_up { Liveness::Up } else { Liveness::Down }
}

pub(super) fn buckets(buckets: live::Buckets) -> Buckets {
    let share =
        |share: live::ShareView| Share { nexthop: share.nexthop, buckets: share.buckets, want: share.want };
    Buckets {
        name: buckets.group,
        buckets: buckets.buckets.iter().map(|owner| owner.as_deref().map(str::to_owned)).collect(),
        shares: buckets.shares.into_iter().map(share).collect(),
    }
}

pub(super) fn interface(interface: InterfaceView) -> Interface {
    let status = interface.status;
    let queue = |(queue, counts): (u32, &live::SocketCounts)| InterfaceQueue {
        queue,
        rx_ring_full: counts.rx_ring_full,
        rx_fill_ring_empty: counts.rx_fill_ring_empty,
        rx_dropped: counts.rx_dropped,
        rx_invalid_descriptors: counts.rx_invalid_descriptors,
        tx_invalid_descriptors: counts.tx_invalid_descriptors,
    };
    Interface {
        name: status.port.name,
        ifindex: status.port.ifindex,
        mac: status.port.mac.to_string(),
        mtu: status.mtu,
        up: interface.is_up.unwrap_or(false),
        xdp: status.attachment.unwrap_or_default(),
        access: status.access.unwrap_or_default(),
        xdp_passed: status.passed,
        xdp_redirected: status.redirected,
        queues: (0..).zip(&status.sockets).map(queue).collect(),
    }
}

pub(super) fn counters(
    counters: &CountersView,
    nexthops: Vec<NexthopView>,
    interfaces: Vec<InterfaceView>,
) -> Counters {
    let (packets, flows) = (counters.packets, counters.flows);
    let drops =
        DropReason::ALL.iter().zip(counters.drops).map(|(reason, count)| (reason.name().to_owned(), count));
    Counters {
        packets: Packets {
            received: packets.received,
            forwarded: packets.forwarded,
            punted: packets.punted,
            dropped: packets.dropped,
            held: packets.held,
        },
        drops: drops.collect(),
        flows: Flows {
            created: flows.created,
            adopted: flows.adopted,
            expired: flows.expired,
            closed: flows.closed,
            evicted: flows.evicted,
            moved: flows.moved,
            untracked_packets: flows.untracked_packets,
            live: flows.live,
            unsearched_packets: flows.unsearched_packets,
            unconfirmed: flows.unconfirmed,
            capacity: flows.capacity,
        },
        nexthops: nexthops.into_iter().map(nexthop_counters).collect(),
        workers: counters.workers.iter().map(worker).collect(),
        interfaces: interfaces.into_iter().map(interface).collect(),
        latency: latency(counters.latency),
        uptime_ms: (counters.uptime_seconds * 1000.0) as u64,
    }
}

fn nexthop_counters(nexthop: NexthopView) -> NexthopCounters {
    NexthopCounters {
        group: nexthop.group,
        name: nexthop.name,
        address: nexthop.address,
        packets: nexthop.totals.packets,
        bytes: nexthop.totals.bytes,
        flows_created: nexthop.totals.flows_created,
        flows_live: nexthop.totals.flows_live,
    }
}

fn worker(worker: &live::WorkerView) -> Worker {
    Worker {
        core: worker.status.core,
        queue: worker.status.queue,
        received: worker.packets.received,
        forwarded: worker.packets.forwarded,
        flows_live: worker.flows.in_shards,
        latency: latency(worker.status.latency),
        polls: polls(worker.status.polls),
    }
}

const fn polls(polls: live::PollTimes) -> Polls {
    let live::PollTimes { polls, p50_us, p99_us, p999_us, worst_us } = polls;
    Polls { polls, p50_us, p99_us, p999_us, worst_us }
}

const fn latency(latency: live::Latency) -> Latency {
    let live::Latency { packets, p50_us, p99_us, p999_us, max_us } = latency;
    Latency { packets, p50_us, p99_us, p999_us, max_us }
}

/// What a batch did; `actions` are those that it asked for.
pub(super) fn changed(changed: live::Changed, actions: &[Action]) -> Changed {
    let result = |(nexthop, action): (live::ChangedNexthop, &Action)| ChangeResult {
        group: nexthop.group,
        nexthop: nexthop.nexthop,
        action: *action,
        changed: nexthop.changed,
        state: state(nexthop.state),
        weight: nexthop.weight,
        liveness: liveness(nexthop.is_up),
        flows_live: nexthop.flows_live,
        removed_in_ms: nexthop.removed_in_ms,
    };
    let results = changed.nexthops.into_iter().zip(actions).map(result).collect();
    Changed { generation: changed.generation, results }
}

pub(super) fn reloaded(reloaded: live::Reloaded) -> Reloaded {
    let live::Reloaded { generation, applied, differences, warnings } = reloaded;
    let applied = applied && !differences.is_empty();
    Reloaded { generation, applied, differences: differences.into_iter().map(Into::into).collect(), warnings }
}
