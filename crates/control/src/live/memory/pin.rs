//! Static pins in the state file.

use super::writer::Picture;
use evenkeel_nexthop::{PinInfo, PinMatch, PinSpec};
use evenkeel_packet::FlowKey;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// One static pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RememberedPin {
    pub(super) group: String,
    pub(super) nexthop: String,
    /// A prefix, or an end of a flow.
    source: String,
    /// The other end.
    destination: Option<SocketAddr>,
    /// Number of the IP protocol, of a flow.
    protocol: Option<u8>,
    idle_ms: Option<u64>,
    /// When its time is over, in milliseconds since 1970.
    ends_at_unix_ms: Option<u64>,
}

impl RememberedPin {
    pub(super) fn of(info: PinInfo, picture: &Picture) -> Self {
        let PinSpec { matches, group, nexthop, idle_ms, hard_ms } = info.spec;
        let (source, destination, protocol) = match matches {
            PinMatch::Source(prefix) => (prefix.to_string(), None, None),
            PinMatch::Flow(key) => {
                let source = SocketAddr::new(key.source(), key.source_port());
                let destination = SocketAddr::new(key.destination(), key.destination_port());
                (source.to_string(), Some(destination), Some(key.protocol()))
            }
        };
        let ends_in_ms =
            hard_ms.map(|hard_ms| info.since_ms.saturating_add(hard_ms).saturating_sub(picture.now_ms));
        let ends_at_unix_ms = ends_in_ms.map(|in_ms| picture.unix_ms.saturating_add(in_ms));
        Self { group, nexthop, source, destination, protocol, idle_ms, ends_at_unix_ms }
    }

    /// The pin as it is to be asked for again; `Ok(None)` if its time is over.
    ///
    /// # Errors
    /// It is none that this program writes.
    pub(super) fn spec(&self, unix_ms: u64) -> Result<Option<PinSpec>, String> {
        let hard_ms = self.ends_at_unix_ms.map(|at_ms| at_ms.saturating_sub(unix_ms));
        if hard_ms == Some(0) {
            return Ok(None);
        }
        let matches = match (self.destination, self.protocol) {
            (Some(destination), Some(protocol)) => self.flow(destination, protocol).map(PinMatch::Flow),
            _ => self.source.parse().ok().map(PinMatch::Source),
        };
        let matches = matches.ok_or_else(|| format!("{:?} is no source", self.source))?;
        let (group, nexthop) = (self.group.clone(), self.nexthop.clone());
        Ok(Some(PinSpec { matches, group, nexthop, idle_ms: self.idle_ms, hard_ms }))
    }

    fn flow(&self, to: SocketAddr, protocol: u8) -> Option<FlowKey> {
        let from: SocketAddr = self.source.parse().ok()?;
        FlowKey::new(from.ip(), to.ip(), from.port(), to.port(), protocol)
    }
}
