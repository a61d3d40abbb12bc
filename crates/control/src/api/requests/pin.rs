//! Static pins as requests write them.

use super::super::model::{Pin, PinQuery, Protocol};
use super::super::problem::{Failed, Kind};
use super::flow::{flow_key, prefix};
use crate::config::dataplane::MAX_TIMEOUT_MS;
use crate::config::duration;
use evenkeel_nexthop::{PinMatch, PinSpec};

pub(in super::super) fn pin(asked: Pin) -> Result<PinSpec, Failed> {
    let at = |field: &str| format!("/{field}");
    Ok(PinSpec {
        matches: matches(&asked.source, asked.destination.as_deref(), asked.protocol, at)?,
        group: asked.group,
        nexthop: asked.nexthop,
        idle_ms: asked.idle_timeout.map(|text| timeout_ms("/idle_timeout", &text)).transpose()?,
        hard_ms: asked.hard_timeout.map(|text| timeout_ms("/hard_timeout", &text)).transpose()?,
    })
}

/// Group and flows of the pin that is to end.
pub(in super::super) fn unpin(asked: PinQuery) -> Result<(String, PinMatch), Failed> {
    let PinQuery { group, source, destination, protocol } = asked;
    Ok((group, matches(&source, destination.as_deref(), protocol, str::to_owned)?))
}

/// A 5-tuple if there is a destination, else a prefix of sources; `at` makes the place of a field of its name.
fn matches(
    source: &str,
    destination: Option<&str>,
    protocol: Option<Protocol>,
    at: impl Fn(&str) -> String,
) -> Result<PinMatch, Failed> {
    let required = |field: &str| {
        Kind::Invalid.at(
            at(field),
            "is missing; required for a 5-tuple: `source` and `destination` with ports, and `protocol`",
        )
    };
    match (destination, protocol) {
        (None, None) => prefix(&at("source"), source).map(PinMatch::Source),
        (None, Some(_)) => Err(required("destination")),
        (Some(_), None) => Err(required("protocol")),
        (Some(destination), Some(protocol)) => {
            flow_key(source, destination, protocol, at).map(PinMatch::Flow)
        }
    }
}

fn timeout_ms(field: &str, text: &str) -> Result<u64, Failed> {
    let wrong = |problem: &str| {
        let allowed = format!("from 1ms to 576h (24 days), {}", duration::ALLOWED);
        Kind::Invalid.at(field, format!("{text:?} {problem}; allowed: {allowed}"))
    };
    match duration::parse_ms(text).map_err(|problem| wrong(&problem))? {
        0 => Err(wrong("is zero")),
        ms if ms > MAX_TIMEOUT_MS => Err(wrong("is too long")),
        ms => Ok(ms),
    }
}
