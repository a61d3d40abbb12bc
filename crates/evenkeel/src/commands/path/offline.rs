//! Which nexthop a new flow takes under a configuration, every nexthop counting as up.

use evenkeel_control::path::Path;
use serde::Serialize;
use std::net::IpAddr;

/// What `--json` prints; null is what there isn't.
#[derive(Serialize)]
pub(super) struct Answer {
    /// As in the report of replay.
    verdict: &'static str,
    service: Option<String>,
    group: Option<String>,
    bucket: Option<u32>,
    nexthop: Option<String>,
    address: Option<IpAddr>,
    why: String,
}

impl From<Path> for Answer {
    fn from(path: Path) -> Self {
        let Path { fate, service, group, bucket, nexthop, address, why } = path;
        Self { verdict: fate.word(), service, group, bucket, nexthop, address, why }
    }
}

impl Answer {
    /// One line: what becomes of the flow, and why.
    pub(super) fn text(&self) -> String {
        let Self { service, nexthop, address, why, .. } = self;
        match (service, nexthop, address) {
            (Some(service), Some(nexthop), Some(address)) => {
                format!("{nexthop} ({address}): {why}, which serves {service}\n")
            }
            (Some(service), ..) => format!("{why}, of which {service} is served\n"),
            (None, ..) => format!("{why}\n"),
        }
    }
}
