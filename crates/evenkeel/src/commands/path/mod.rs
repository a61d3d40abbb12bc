//! `evenkeel path`: which nexthop a flow takes, and why.

mod offline;

use super::arguments::{endpoint, protocol};
use super::daemon::Connect;
use super::{Refused, offline as configured};
use crate::print::{self, count, duration, word};
use anyhow::Result;
use evenkeel_control::Config;
use evenkeel_control::api::model::{Flow, Path, PathQuery, Protocol, Without};
use evenkeel_control::path::Path as NewFlow;
use evenkeel_nexthop::Liveness;
use evenkeel_packet::FlowKey;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Say which nexthop a flow takes and why.
///
/// The running daemon answers from its flow table: who serves the flow and who decided that, or else the bucket and whose it is; of a
/// known flow also what would happen without the entry. With --config the answer is that for a new flow under this
/// configuration, every nexthop counting as up.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel path --src 203.0.113.5:1000 --dst 192.0.2.10:80 --protocol tcp
  evenkeel path --src 203.0.113.5:1000 --dst 192.0.2.10:80 --protocol tcp --config lb.toml
  evenkeel path --src [2001:db8:1::5]:9 --dst [2001:db8::10]:53 --protocol udp --json")]
pub(crate) struct Args {
    #[arg(long, value_name = "ADDR:PORT", value_parser = endpoint, help = "The client; IPv6 as [ADDR]:PORT")]
    src: SocketAddr,
    #[arg(long, value_name = "ADDR:PORT", value_parser = endpoint, help = "The service; IPv6 as [ADDR]:PORT")]
    dst: SocketAddr,
    /// The protocol.
    #[arg(long, value_parser = protocol())]
    protocol: Protocol,
    /// A configuration that decides, in place of the running daemon.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["socket", "url"])]
    config: Option<PathBuf>,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let key = flow_key(args)?;
    let Some(file) = &args.config else {
        return ask(args);
    };
    let config = Config::read(file)?;
    let (snapshot, desired) = configured::snapshot(&config)?;
    let path = NewFlow::by_choice(&key, &snapshot, &desired, &Liveness::new());
    let answer = offline::Answer::from(path);
    if args.json { print::print_json(&answer) } else { Ok(print::print(&answer.text())?) }
}

fn ask(args: &Args) -> Result<()> {
    let query = PathQuery {
        source: args.src.to_string(),
        destination: args.dst.to_string(),
        protocol: args.protocol,
    };
    let path = args.connect.client()?.path(&query)?;
    if args.json { print::print_json(&path) } else { Ok(print::print(&text(&path))?) }
}

fn flow_key(args: &Args) -> Result<FlowKey, Refused> {
    let Args { src, dst, protocol, .. } = args;
    let number = if *protocol == Protocol::Tcp { 6 } else { 17 };
    FlowKey::new(src.ip(), dst.ip(), src.port(), dst.port(), number).ok_or_else(|| {
        Refused(format!(
            "--src {src} and --dst {dst} are of different families; allowed: two of IPv4 or two of IPv6"
        ))
    })
}

/// What becomes of the flow and why; then its entry, and what would happen without.
fn text(path: &Path) -> String {
    let nexthop = path.nexthop.as_deref().zip(path.address);
    let mut text = match nexthop {
        Some((nexthop, address)) => format!("{nexthop} ({address}): {}\n", path.why),
        None => format!("{}\n", path.why),
    };
    let served = path.service.as_ref().zip(path.group.as_ref()).zip(path.bucket);
    if let Some(((service, group), bucket)) = served {
        text += &format!("  service {service}, group {group}, bucket {bucket}\n");
    }
    if let Some(flow) = &path.flow {
        text += &entry(flow);
    }
    if let Some(Without { nexthop, address, why }) = &path.without_entry {
        text += &match nexthop.as_ref().zip(*address) {
            Some((nexthop, address)) => format!("  without the entry: {nexthop} ({address}): {why}\n"),
            None => format!("  without the entry: {why}\n"),
        };
    }
    text
}

/// The flow table's entry in a line.
fn entry(flow: &Flow) -> String {
    format!(
        "  entry: {}, {}, {}, idle for {}, over in {}, with worker {}\n",
        word(flow.state),
        count(flow.packets, "packet"),
        count(flow.bytes, "byte"),
        duration(flow.idle_ms),
        duration(flow.over_in_ms),
        flow.worker
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_control::api::model::FlowState;

    fn known() -> Path {
        let flow = Flow {
            source: "203.0.113.5:1000".into(),
            destination: "192.0.2.10:80".into(),
            protocol: "tcp".into(),
            service: Some("web".into()),
            group: "web".into(),
            nexthop: "s1".into(),
            address: [198, 51, 100, 1].into(),
            state: FlowState::Established,
            by_pin: false,
            packets: 12,
            bytes: 1640,
            idle_ms: 1234,
            over_in_ms: 298_766,
            worker: 0,
        };
        Path {
            verdict: "forward".into(),
            service: Some("web".into()),
            group: Some("web".into()),
            bucket: Some(17),
            nexthop: Some("s1".into()),
            address: Some([198, 51, 100, 1].into()),
            why: "the flow table has it".into(),
            flow: Some(flow),
            without_entry: Some(Without {
                nexthop: Some("s2".into()),
                address: Some([198, 51, 100, 2].into()),
                why: "bucket 17 of group web belongs to s2".into(),
            }),
        }
    }

    #[test]
    fn a_known_flow_shows_its_entry_and_what_would_happen_without() {
        let want = "\
s1 (198.51.100.1): the flow table has it
  service web, group web, bucket 17
  entry: established, 12 packets, 1640 bytes, idle for 1.2s, over in 4m59s, with worker 0
  without the entry: s2 (198.51.100.2): bucket 17 of group web belongs to s2
";
        assert_eq!(text(&known()), want);
    }

    #[test]
    fn what_is_punted_has_a_reason_alone() {
        let why = "punt: 192.0.2.99 is no VIP, so it is left to the kernel";
        let punted = Path {
            verdict: "punt".into(),
            service: None,
            group: None,
            bucket: None,
            nexthop: None,
            address: None,
            why: why.into(),
            flow: None,
            without_entry: None,
        };
        assert_eq!(text(&punted), format!("{why}\n"));
    }
}
