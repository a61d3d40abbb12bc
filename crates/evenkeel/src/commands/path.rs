//! `evenkeel path`: which nexthop a flow takes, and why.

use super::{Refused, offline, print, print_json};
use anyhow::bail;
use clap::ValueEnum;
use evenkeel_control::Config;
use evenkeel_nexthop::{Desired, Liveness, ServiceId, Snapshot};
use evenkeel_packet::FlowKey;
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Say which nexthop a flow takes and why.
///
/// With --config the answer is that for a new flow under this configuration, every nexthop counting as up.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel path --src 203.0.113.5:1000 --dst 192.0.2.10:80 --protocol tcp --config lb.toml
  evenkeel path --src [2001:db8:1::5]:9 --dst [2001:db8::10]:53 --protocol udp --config lb.toml")]
pub(crate) struct Args {
    #[arg(long, value_name = "ADDR:PORT", value_parser = endpoint, help = "The client; IPv6 as [ADDR]:PORT")]
    src: SocketAddr,
    #[arg(long, value_name = "ADDR:PORT", value_parser = endpoint, help = "The service; IPv6 as [ADDR]:PORT")]
    dst: SocketAddr,
    /// The protocol.
    #[arg(long, value_enum)]
    protocol: Protocol,
    /// The configuration that decides.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

fn endpoint(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "allowed: ADDR:PORT, as 203.0.113.5:1000 or [2001:db8::5]:1000".to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    /// Its number in IP headers.
    const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let key = flow_key(args)?;
    let Some(file) = &args.config else {
        bail!("a running evenkeel cannot be asked yet; --config FILE says which nexthop a new flow takes");
    };
    let config = Config::read(file)?;
    let (snapshot, desired) = offline::snapshot(&config)?;
    let answer = Answer::of(&key, args.protocol, &snapshot, &desired);
    if args.json {
        return print_json(&answer);
    }
    Ok(print(&answer.text())?)
}

fn flow_key(args: &Args) -> Result<FlowKey, Refused> {
    let Args { src, dst, protocol, .. } = args;
    FlowKey::new(src.ip(), dst.ip(), src.port(), dst.port(), protocol.number()).ok_or_else(|| {
        Refused(format!(
            "--src {src} and --dst {dst} are of different families; allowed: two of IPv4 or two of IPv6"
        ))
    })
}

/// What `--json` prints; null is what there isn't.
#[derive(Serialize)]
struct Answer<'a> {
    /// As in the report of replay.
    verdict: &'static str,
    service: Option<&'a str>,
    group: Option<&'a str>,
    bucket: Option<u32>,
    nexthop: Option<&'a str>,
    address: Option<IpAddr>,
    why: String,
}

impl<'a> Answer<'a> {
    fn of(key: &FlowKey, protocol: Protocol, snapshot: &'a Snapshot, desired: &'a Desired) -> Self {
        match snapshot.classify(key) {
            Some(service) => Self::of_service(key, service, snapshot, desired),
            None => Self::punt(key, protocol, snapshot),
        }
    }

    fn punt(key: &FlowKey, protocol: Protocol, snapshot: &Snapshot) -> Self {
        let (address, protocol, port) = (key.destination(), protocol.name(), key.destination_port());
        let why = if snapshot.is_vip(address) {
            format!("punt: no service of {address} takes {protocol} port {port}, so it is left to the kernel")
        } else {
            format!("punt: {address} is no VIP, so it is left to the kernel")
        };
        Self { verdict: "punt", service: None, group: None, bucket: None, nexthop: None, address: None, why }
    }

    fn of_service(key: &FlowKey, service: ServiceId, snapshot: &'a Snapshot, desired: &'a Desired) -> Self {
        let hash = snapshot.flow_hash(key);
        let group_id = snapshot.group_of(service);
        let group = group_id.and_then(|group| snapshot.group(group)).map(|group| &*group.name);
        let bucket = group_id.map(|group| snapshot.bucket_of(group, hash));
        let taker = group_id.and_then(|group| snapshot.select(group, hash, &Liveness::new()));
        let taker = taker.and_then(|taker| desired.members().find(|member| member.id == taker));
        let (named, number) = (group.unwrap_or_default(), bucket.unwrap_or_default());
        let (verdict, why) = match &taker {
            Some(taker) => ("forward", format!("bucket {number} of group {named} belongs to {}", taker.name)),
            None => ("drop", format!("no_nexthop: nobody in group {named} takes new flows")),
        };
        Self {
            verdict,
            service: snapshot.services.get(service.index()).map(|service| &*service.name),
            group,
            bucket,
            nexthop: taker.as_ref().map(|taker| taker.name),
            address: taker.as_ref().map(|taker| taker.address),
            why,
        }
    }

    /// One line: what becomes of the flow, and why.
    fn text(&self) -> String {
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
