//! Which flows are asked for, and the 5-tuple of one.

use super::super::model::{FlowQuery, FlowState, PathQuery, Protocol};
use super::super::problem::{Failed, Kind};
use crate::live::{self, PAGE_MAX};
use evenkeel_nexthop::{Prefix, PrefixError};
use evenkeel_packet::FlowKey;
use std::net::SocketAddr;

/// Flows of a page unless the request says otherwise.
const PAGE: usize = 1000;

/// What messages say is allowed as the end of a flow.
const END: &str = "ADDR:PORT or [ADDR]:PORT, as 203.0.113.5:40000 or [2001:db8::5]:40000";
/// What messages say is allowed as a prefix.
const PREFIX: &str = "an address or a prefix without host bits, as 203.0.113.5 or 203.0.113.0/24";

pub(in super::super) fn flows(asked: FlowQuery) -> Result<live::FlowQuery, Failed> {
    let limit = match asked.limit {
        None => PAGE,
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=PAGE_MAX).contains(limit))
            .ok_or_else(|| Kind::Invalid.at("limit", format!("is {limit}; allowed: 1 to {PAGE_MAX}")))?,
    };
    let cursor = asked.cursor.map(|text| {
        text.parse::<live::FlowCursor>()
            .map_err(|error| Kind::Invalid.at("cursor", format!("{text:?} {error}")))
    });
    Ok(live::FlowQuery {
        group: asked.group,
        nexthop: asked.nexthop,
        service: asked.service,
        source: asked.source.map(|text| prefix("source", &text)).transpose()?,
        destination: asked.destination.map(|text| prefix("destination", &text)).transpose()?,
        state: asked.state.map(state),
        protocol: asked.protocol.and_then(number),
        limit,
        cursor: cursor.transpose()?,
        count_only: asked.count.unwrap_or(false),
    })
}

/// Reads a prefix; what is wrong with it is the field's.
pub(super) fn prefix(field: &str, text: &str) -> Result<Prefix, Failed> {
    text.parse().map_err(|error| {
        let problem = match error {
            PrefixError::Address => "is not an IP address or prefix".to_owned(),
            PrefixError::Len { max } => format!("has a prefix length that is not a number from 0 to {max}"),
            PrefixError::HostBits => "has host bits set".to_owned(),
        };
        Kind::Invalid.at(field, format!("{text:?} {problem}; allowed: {PREFIX}"))
    })
}

const fn state(state: FlowState) -> evenkeel_dataplane::FlowState {
    match state {
        FlowState::HalfOpen => evenkeel_dataplane::FlowState::HalfOpen,
        FlowState::Established => evenkeel_dataplane::FlowState::Established,
        FlowState::Closing => evenkeel_dataplane::FlowState::Closing,
        FlowState::Datagram => evenkeel_dataplane::FlowState::Datagram,
    }
}

/// The IP protocol's number; none for all of them.
const fn number(protocol: Protocol) -> Option<u8> {
    match protocol {
        Protocol::Tcp => Some(6),
        Protocol::Udp => Some(17),
        Protocol::Any => None,
    }
}

/// The flow of a query for its way.
pub(in super::super) fn path(asked: &PathQuery) -> Result<FlowKey, Failed> {
    let at = |field: &str| field.to_owned();
    flow_key(&asked.source, &asked.destination, asked.protocol, at)
}

/// A 5-tuple as requests write it; `at` makes the place of a field of its name.
pub(super) fn flow_key(
    source: &str,
    destination: &str,
    protocol: Protocol,
    at: impl Fn(&str) -> String,
) -> Result<FlowKey, Failed> {
    let end = |field: &str, text: &str| {
        let parsed = text.parse::<SocketAddr>();
        parsed
            .map_err(|_| Kind::Invalid.at(at(field), format!("{text:?} is no end of a flow; allowed: {END}")))
    };
    let (from, to) = (end("source", source)?, end("destination", destination)?);
    let number = number(protocol)
        .ok_or_else(|| Kind::Invalid.at(at("protocol"), "a flow has one protocol; allowed: tcp, udp"))?;
    FlowKey::new(from.ip(), to.ip(), from.port(), to.port(), number).ok_or_else(|| {
        Kind::Invalid.at(at("destination"), format!("{destination} is not of the family of {source}"))
    })
}
