//! Flows and the way of one of them, as answers hold them.

use super::super::model::{Flow, FlowPage, FlowState, Path, Without};
use crate::live::{FlowPageView, FlowView, LivePath};
use crate::path;
use evenkeel_dataplane::FlowRecord;
use std::net::{IpAddr, SocketAddr};

pub(in super::super) fn flow_page(page: FlowPageView) -> FlowPage {
    FlowPage {
        flows: page.flows.into_iter().map(flow).collect(),
        found: page.found,
        packets: page.packets,
        bytes: page.bytes,
        cursor: page.cursor.map(|cursor| cursor.to_string()),
    }
}

fn flow(flow: FlowView) -> Flow {
    let FlowRecord { key, state, packets, bytes, idle_ms, timeout_ms, by_pin, .. } = flow.record;
    Flow {
        source: end(key.source(), key.source_port()),
        destination: end(key.destination(), key.destination_port()),
        protocol: protocol(key.protocol()),
        service: flow.service.map(|name| name.to_string()),
        group: flow.group,
        nexthop: flow.nexthop,
        address: flow.address,
        state: match state {
            evenkeel_dataplane::FlowState::HalfOpen => FlowState::HalfOpen,
            evenkeel_dataplane::FlowState::Established => FlowState::Established,
            evenkeel_dataplane::FlowState::Closing => FlowState::Closing,
            evenkeel_dataplane::FlowState::Datagram => FlowState::Datagram,
        },
        by_pin,
        packets,
        bytes,
        idle_ms: idle_ms.into(),
        over_in_ms: timeout_ms.saturating_sub(idle_ms).into(),
        worker: flow.worker,
    }
}

/// `ADDR:PORT`, `[ADDR]:PORT`.
pub(super) fn end(address: IpAddr, port: u16) -> String {
    SocketAddr::new(address, port).to_string()
}

fn protocol(number: u8) -> String {
    match number {
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        number => number.to_string(),
    }
}

pub(in super::super) fn path(found: LivePath) -> Path {
    let LivePath { path, flow: entry, without_entry } = found;
    Path {
        verdict: path.fate.word().to_owned(),
        service: path.service,
        group: path.group,
        bucket: path.bucket,
        nexthop: path.nexthop,
        address: path.address,
        why: path.why,
        flow: entry.map(flow),
        without_entry: without_entry.map(without),
    }
}

fn without(path: path::Path) -> Without {
    Without { nexthop: path.nexthop, address: path.address, why: path.why }
}
