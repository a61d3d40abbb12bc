//! Values that several commands take as arguments.

use super::Refused;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use evenkeel_control::Config;
use evenkeel_control::api::model::{FlowState, Protocol};
use evenkeel_nexthop::PortId;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `ADDR:PORT`, IPv6 as `[ADDR]:PORT`.
pub(crate) fn endpoint(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "allowed: ADDR:PORT, as 203.0.113.5:1000 or [2001:db8::5]:1000".to_owned())
}

/// A duration as in the configuration.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    evenkeel_control::config::parse_duration(text)
}

/// A duration as in the configuration, kept as it was written.
pub(crate) fn duration_text(text: &str) -> Result<String, String> {
    duration(text).map(|_| text.to_owned())
}

/// A protocol that has ports.
pub(crate) fn protocol() -> impl TypedValueParser<Value = Protocol> {
    one_of(&["tcp", "udp"])
}

/// The state of a flow.
pub(crate) fn flow_state() -> impl TypedValueParser<Value = FlowState> {
    one_of(&["half_open", "established", "closing", "datagram"])
}

/// One of some words, which are the value's in JSON too.
fn one_of<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    words: &'static [&'static str],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words).try_map(|word| serde_json::from_value(Value::String(word)))
}

/// A capture and the interface of the configuration on which its packets came in: `IFACE=FILE`.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) interface: String,
    pub(crate) file: PathBuf,
}

impl std::str::FromStr for Input {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once('=') {
            Some((interface, file)) if !interface.is_empty() && !file.is_empty() => {
                Ok(Self { interface: interface.to_owned(), file: file.into() })
            }
            _ => Err("allowed: an interface of the configuration, `=` and a file, as eth1=clients.pcap"),
        }
    }
}

/// The inputs by port; all interfaces that the configuration doesn't have are named at once.
pub(crate) fn ports(
    inputs: &[Input],
    config: &Config,
    file: &Path,
) -> Result<Vec<(PortId, PathBuf)>, Refused> {
    let unknown = inputs.iter().map(|input| input.interface.as_str());
    let unknown: Vec<_> = unknown.filter(|name| config.port(name).is_none()).collect();
    if unknown.is_empty() {
        let by_port = |input: &Input| Some((config.port(&input.interface)?, input.file.clone()));
        return Ok(inputs.iter().filter_map(by_port).collect());
    }
    let known: Vec<_> = config.interfaces.iter().map(|interface| interface.name.as_str()).collect();
    let (unknown, known, file) = (unknown.join(", "), known.join(", "), file.display());
    Err(Refused(format!("--in names {unknown}, no [[interface]] of {file}; allowed: {known}")))
}
