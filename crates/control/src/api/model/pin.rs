//! Static pins: flows that an operator sends to one nexthop.

use super::Protocol;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// All static pins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pins {
    /// The pins.
    pub pins: Vec<Pin>,
}

/// New flows of a 5-tuple (`source` and `destination` with ports, and `protocol`) or of a source prefix (`source` alone) go to
/// one nexthop. Known flows stay where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Name of the group.
    pub group: String,
    /// Name of the nexthop.
    pub nexthop: String,
    /// `ADDR:PORT` or `[ADDR]:PORT` of a client, or a prefix of clients.
    pub source: String,
    /// `ADDR:PORT` or `[ADDR]:PORT` of the service, for a 5-tuple.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// `tcp` or `udp`, for a 5-tuple.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// The pin ends when no packet was of it for so long, as in the configuration (`"300s"`); never if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<String>,
    /// The pin ends after this time; never if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_timeout: Option<String>,
    /// Packets of flows that it decided. Ignored in requests.
    #[serde(default)]
    pub packets: u64,
    /// Their bytes, without FCS. Ignored in requests.
    #[serde(default)]
    pub bytes: u64,
    /// Milliseconds since the last of them, or since the pin was made. Ignored in requests.
    #[serde(default)]
    pub idle_ms: u64,
    /// Milliseconds since it was made. Ignored in requests.
    #[serde(default)]
    pub age_ms: u64,
}

/// Which static pin is meant: written as in the pin itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PinQuery {
    /// Name of the group.
    pub group: String,
    /// `ADDR:PORT` or `[ADDR]:PORT` of a client, or a prefix of clients.
    pub source: String,
    /// `ADDR:PORT` or `[ADDR]:PORT` of the service, for a 5-tuple.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// `tcp` or `udp`, for a 5-tuple.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
}

/// What became of a pin that was to be made or to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PinChanged {
    /// False if it was so already.
    pub changed: bool,
}
