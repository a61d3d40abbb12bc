//! Flows, and the way of one of them.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::{IntoParams, ToSchema};

/// A protocol, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Every IP protocol.
    Any,
}

/// Which flows are asked for: those to which everything given applies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FlowQuery {
    /// Name of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Name of the nexthop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nexthop: Option<String>,
    /// Name of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Prefix of the client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Prefix of the VIP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// State.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<FlowState>,
    /// `tcp` or `udp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Most flows of the page, 1 to 10,000; 1000 if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the last page ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Count only: no flows in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<bool>,
}

/// A page of flows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowPage {
    /// The flows, in no order.
    pub flows: Vec<Flow>,
    /// Flows that were found: those of the page, or all with `count`.
    pub found: u64,
    /// Packets of these flows.
    pub packets: u64,
    /// Bytes of these flows.
    pub bytes: u64,
    /// For the next page; none after the last.
    pub cursor: Option<String>,
}

/// One flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Flow {
    /// The client: `ADDR:PORT`, `[ADDR]:PORT`.
    pub source: String,
    /// The service's address: `ADDR:PORT`, `[ADDR]:PORT`.
    pub destination: String,
    /// `tcp`, `udp`, or the number of another protocol.
    pub protocol: String,
    /// The service; none if the configuration no longer has it.
    pub service: Option<String>,
    /// Group of the nexthop.
    pub group: String,
    /// Name of the nexthop.
    pub nexthop: String,
    /// Address of the nexthop.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// What the client has shown.
    pub state: FlowState,
    /// True if a static pin decided.
    pub by_pin: bool,
    /// Packets seen.
    pub packets: u64,
    /// Their bytes, without FCS.
    pub bytes: u64,
    /// Milliseconds since the last packet.
    pub idle_ms: u64,
    /// Milliseconds until it is over, without a further packet.
    pub over_in_ms: u64,
    /// The worker that has it.
    pub worker: usize,
}

/// What the client has shown of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlowState {
    /// TCP of which only SYNs were seen.
    HalfOpen,
    /// TCP with a packet that has ACK and no SYN, or adopted.
    Established,
    /// TCP after RST or FIN.
    Closing,
    /// UDP and other protocols.
    Datagram,
}

/// Which flow's way is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PathQuery {
    /// The client: `ADDR:PORT`, `[ADDR]:PORT`.
    pub source: String,
    /// The service's address: `ADDR:PORT`, `[ADDR]:PORT`.
    pub destination: String,
    /// `tcp` or `udp`.
    pub protocol: Protocol,
}

/// The way of a flow's next packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Path {
    /// `forward`, `punt` or `drop`.
    pub verdict: String,
    /// The service; none: punt.
    pub service: Option<String>,
    /// Its group.
    pub group: Option<String>,
    /// The flow's bucket in that group.
    pub bucket: Option<u32>,
    /// Name of the nexthop.
    pub nexthop: Option<String>,
    /// Its address.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// Why: flow table, static pin, or bucket.
    pub why: String,
    /// The flow table's entry, if the flow is known.
    pub flow: Option<Flow>,
    /// What would happen without the entry; none if there is no entry.
    pub without_entry: Option<Without>,
}

/// What would happen to a flow's packet if the flow were not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Without {
    /// Name of the nexthop; none: nobody can serve.
    pub nexthop: Option<String>,
    /// Its address.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// Why.
    pub why: String,
}
