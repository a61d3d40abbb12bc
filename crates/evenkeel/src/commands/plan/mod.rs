//! `evenkeel plan`: what a change would do, before it is made.

mod text;

use super::arguments::{Input, ports};
use super::daemon::Connect;
use super::{Refused, replay};
use crate::print;
use anyhow::Result;
use evenkeel_capture::{Port, Replay};
use evenkeel_control::api::model::{Plan, PlanRequest};
use evenkeel_control::{Config, plan as control};
use evenkeel_dataplane::FlowRecord;
use evenkeel_nexthop::Desired;
use std::fs;
use std::path::{Path, PathBuf};

/// Say which buckets and flows a change would move, and change nothing.
///
/// With one file: what the running daemon would do if it took it up; of the flows that are live now it says which would move. With
/// two files: what the step from the first to the second does, on any machine; --in says of the flows that are live at the end of a capture
/// which would move. Every nexthop counts as up then.
#[derive(clap::Args)]
#[command(
    override_usage = "evenkeel plan [OPTIONS] <NEW.toml>\n       evenkeel plan [OPTIONS] <OLD.toml> <NEW.toml>",
    after_help = "\
Examples:
  evenkeel plan next.toml
  evenkeel plan evenkeel.toml next.toml
  evenkeel plan evenkeel.toml next.toml --in eth1=clients.pcap --json"
)]
pub(crate) struct Args {
    /// The configuration that would come, and before it the one that is there unless that is the running daemon's.
    #[arg(value_name = "FILE", required = true, num_args = 1..=2)]
    files: Vec<PathBuf>,
    /// With two files: a capture, and the interface of OLD.toml on which its packets came in.
    #[arg(long = "in", value_name = "IFACE=FILE")]
    inputs: Vec<Input>,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let plan = match args.files.as_slice() {
        [old, new] => of_files(args, old, new)?,
        [new] if args.inputs.is_empty() => of_daemon(args, new)?,
        _ => {
            let refused = "--in needs two files: the running daemon's flows are those that are live now";
            return Err(Refused(refused.to_owned()).into());
        }
    };
    if args.json { print::print_json(&plan) } else { Ok(print::print(&text::text(&plan))?) }
}

fn of_daemon(args: &Args, new: &Path) -> Result<Plan> {
    let file = new.display().to_string();
    let config =
        fs::read_to_string(new).map_err(|error| Refused(format!("{file}: cannot be read: {error}")))?;
    Ok(args.connect.client()?.plan(&PlanRequest { config, file: Some(file) })?)
}

fn of_files(args: &Args, old_file: &Path, new_file: &Path) -> Result<Plan> {
    let (old, new) = (Config::read(old_file)?, Config::read(new_file)?);
    for warning in &new.warnings {
        eprintln!("{warning}");
    }
    control::of_files(&old, &new, |desired| {
        if args.inputs.is_empty() { Ok(None) } else { flows(args, old_file, &old, desired).map(Some) }
    })
}

/// The flows that are live at the end of the captures.
fn flows(args: &Args, file: &Path, config: &Config, desired: &Desired) -> Result<Vec<FlowRecord>> {
    let interfaces = config.interfaces.iter();
    let replay = Replay {
        desired: desired.clone(),
        ports: interfaces.map(|port| Port { name: port.name.clone(), mac: port.mac }).collect(),
        inputs: ports(&args.inputs, config, file)?,
        changes: Vec::new(),
        flow_capacity: config.dataplane.flow_capacity,
        burst: config.dataplane.burst,
    };
    evenkeel_capture::live_flows(replay).map_err(|error| replay::refused_or_failed(file, error))
}
