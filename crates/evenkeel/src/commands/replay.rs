//! `evenkeel replay`: the same dataplane over captures, without root, on virtual time.

use super::arguments::{Input, ports};
use super::{Refused, offline};
use crate::print::print;
use evenkeel_capture::{Port, Replay, ReplayError, Report};
use evenkeel_control::{Config, events};
use std::path::{Path, PathBuf};

/// Run the dataplane over captures, without root, on virtual time.
///
/// Takes pcap and pcapng of Ethernet. Writes into the output directory IFACE.pcap for each interface of the
/// configuration, punt.pcap, drop.pcap and report.json. Time is that of the packets; the same input gives the same
/// output, byte for byte.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel replay --config evenkeel.toml --in eth1=clients.pcap --out-dir out
  evenkeel replay --config evenkeel.toml --in eth1=a.pcapng --in eth2=b.pcap --out-dir out --events events.toml --json")]
pub(crate) struct Args {
    /// The configuration; interfaces and nexthops need their MACs.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A capture, and the interface of the configuration on which its packets came in.
    #[arg(long = "in", value_name = "IFACE=FILE", required = true)]
    inputs: Vec<Input>,
    /// Where the output is written; made if there is none.
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
    /// Changes and their times from the first packet.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let config = Config::read_for_replay(&args.config)?;
    let changes = match &args.events {
        Some(file) => events::read(file, &config)?,
        None => Vec::new(),
    };
    let inputs = ports(&args.inputs, &config, &args.config)?;
    for warning in &config.warnings {
        eprintln!("{warning}");
    }
    let ports = config.interfaces.iter();
    let replay = Replay {
        desired: offline::desired(&config)?,
        ports: ports.map(|interface| Port { name: interface.name.clone(), mac: interface.mac }).collect(),
        inputs,
        changes: changes.into_iter().map(|event| (event.at_ns, event.change)).collect(),
        flow_capacity: config.dataplane.flow_capacity,
        burst: config.dataplane.burst,
    };
    let replayed = evenkeel_capture::replay(replay, &args.out_dir);
    let report = replayed.map_err(|error| refused_or_failed(&args.config, error))?;
    Ok(print(&if args.json { report.to_json() } else { summary(&report, &args.out_dir, &config) })?)
}

/// What was given is refused (exit status 2), what the system did not let be done has failed.
pub(super) fn refused_or_failed(config: &Path, error: ReplayError) -> anyhow::Error {
    match error {
        ReplayError::MissingMac(_) => Refused(format!("{}: {error}", config.display())).into(),
        error if error.is_bad_input() => Refused(format!("{:#}", anyhow::Error::from(error))).into(),
        error => error.into(),
    }
}

fn summary(report: &Report, out_dir: &Path, config: &Config) -> String {
    let names = config.interfaces.iter().map(|interface| interface.name.as_str()).chain(["punt", "drop"]);
    let files: Vec<_> = names.map(|name| format!("{name}.pcap")).collect();
    format!("{report}written  {}, report.json in {}\n", files.join(", "), out_dir.display())
}
