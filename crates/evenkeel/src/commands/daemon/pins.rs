//! `evenkeel pins`, `pin` and `unpin`: flows that an operator sends to one nexthop.

use super::Show;
use crate::commands::arguments::{duration_text, protocol};
use crate::print::{Columns, duration, word};
use anyhow::Result;
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::{Pin, PinChanged, PinQuery, Pins, Protocol};

/// List the static pins, with the packets of the flows that they decided.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evenkeel pins --json")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    show: Show,
}

/// Send new flows of a client to one nexthop, also to one that drains.
///
/// A 5-tuple needs --source and --destination with ports, and --protocol; a prefix of clients needs --source alone and holds for
/// all services of the group. Known flows stay where they are. The exact pin comes before the prefix, the longer prefix before
/// the shorter. A nexthop that is down is passed over.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel pin web s1 --source 203.0.113.7/32 --hard-timeout 1h
  evenkeel pin web s1 --source 203.0.113.7:40000 --destination 192.0.2.10:80 --protocol tcp --idle-timeout 300s")]
pub(crate) struct PinArgs {
    /// The group.
    group: String,
    /// The nexthop in it.
    nexthop: String,
    #[command(flatten)]
    flows: PinnedFlows,
    /// End the pin when none of its packets came for so long.
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    idle_timeout: Option<String>,
    /// End the pin after this time.
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    hard_timeout: Option<String>,
    #[command(flatten)]
    show: Show,
}

/// End a static pin. Flows that it decided stay where they are.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evenkeel unpin web --source 203.0.113.7/32")]
pub(crate) struct UnpinArgs {
    /// The group.
    group: String,
    #[command(flatten)]
    flows: PinnedFlows,
    #[command(flatten)]
    show: Show,
}

/// Whose flows.
#[derive(clap::Args)]
struct PinnedFlows {
    /// A prefix of clients, or the client of one flow with its port.
    #[arg(long, value_name = "PREFIX|ADDR:PORT")]
    source: String,
    /// The service of one flow, with its port.
    #[arg(long, value_name = "ADDR:PORT", requires = "protocol")]
    destination: Option<String>,
    /// The protocol of one flow.
    #[arg(long, value_parser = protocol(), requires = "destination")]
    protocol: Option<Protocol>,
}

pub(crate) fn list(args: &ListArgs) -> Result<()> {
    args.show.answer(Client::pins, text)
}

pub(crate) fn pin(args: &PinArgs) -> Result<()> {
    let pin = Pin {
        group: args.group.clone(),
        nexthop: args.nexthop.clone(),
        source: args.flows.source.clone(),
        destination: args.flows.destination.clone(),
        protocol: args.flows.protocol,
        idle_timeout: args.idle_timeout.clone(),
        hard_timeout: args.hard_timeout.clone(),
        packets: 0,
        bytes: 0,
        idle_ms: 0,
        age_ms: 0,
    };
    let done = |changed: &PinChanged| {
        let was = if changed.changed { "" } else { " already" };
        format!("{} is{was} pinned to {}/{}\n", pin.source, pin.group, pin.nexthop)
    };
    args.show.answer(|daemon| daemon.pin(&pin), done)
}

pub(crate) fn unpin(args: &UnpinArgs) -> Result<()> {
    let query = PinQuery {
        group: args.group.clone(),
        source: args.flows.source.clone(),
        destination: args.flows.destination.clone(),
        protocol: args.flows.protocol,
    };
    let done = |changed: &PinChanged| {
        let was = if changed.changed { "is no longer" } else { "was not" };
        format!("{} {was} pinned in {}\n", query.source, query.group)
    };
    args.show.answer(|daemon| daemon.unpin(&query), done)
}

fn text(pins: &Pins) -> String {
    let headings =
        ["nexthop", "source", "destination", "protocol", ">packets", ">bytes", ">idle", "of", ">age", "of"];
    let mut columns = Columns::new(&headings);
    for pin in &pins.pins {
        let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        columns.line([
            format!("{}/{}", pin.group, pin.nexthop),
            pin.source.clone(),
            or_dash(&pin.destination),
            or_dash(&pin.protocol.map(word)),
            pin.packets.to_string(),
            pin.bytes.to_string(),
            duration(pin.idle_ms),
            or_dash(&pin.idle_timeout.as_deref().map(limit)),
            duration(pin.age_ms),
            or_dash(&pin.hard_timeout.as_deref().map(limit)),
        ]);
    }
    columns.to_string()
}

/// A timeout in the same form as the time of which it is the limit.
fn limit(text: &str) -> String {
    let parsed = evenkeel_control::config::parse_duration(text);
    parsed.map_or_else(
        |_| text.to_owned(),
        |limit| duration(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_say_whose_flows_and_for_how_long() {
        let exact = Pin {
            group: "web".into(),
            nexthop: "s1".into(),
            source: "203.0.113.7:40000".into(),
            destination: Some("192.0.2.10:80".into()),
            protocol: Some(Protocol::Tcp),
            idle_timeout: Some("300s".into()),
            hard_timeout: None,
            packets: 12,
            bytes: 1640,
            idle_ms: 1500,
            age_ms: 90_000,
        };
        let prefix = Pin {
            source: "203.0.113.0/24".into(),
            destination: None,
            protocol: None,
            idle_timeout: None,
            hard_timeout: Some("1h".into()),
            ..exact.clone()
        };
        let want = "\
nexthop  source             destination    protocol  packets  bytes  idle  of       age  of
web/s1   203.0.113.7:40000  192.0.2.10:80  tcp            12   1640  1.5s  5m00s  1m30s  -
web/s1   203.0.113.0/24     -              -              12   1640  1.5s  -      1m30s  1h00m
";
        assert_eq!(text(&Pins { pins: vec![exact, prefix] }), want);
    }
}
