//! `evenkeel doctor`: what is wrong with the machine for this work.
//!
//! [`look`] gathers facts and judges nothing, [`checks`] judges facts and looks at nothing, [`report`] tells.

mod checks;
mod facts;
mod finding;
mod look;
mod report;

use crate::print::{print, print_json};
use anyhow::{Result, bail};
use evenkeel_control::api::client::DEFAULT_SOCKET;
use evenkeel_control::config::Mode;
use evenkeel_control::{Config, Mistakes};
use facts::{Daemon, Intent};
use finding::Severity;
use report::Report;
use std::path::{Path, PathBuf};

/// Look at the machine, and say what is wrong with it for this work.
///
/// Looks at permissions, kernel, cores, memory and interfaces, and at the running daemon if there is one, and changes nothing.
/// What can't be looked at is told as unknown. The exit status is 1 if there is a problem; warnings alone are 0.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel doctor
  evenkeel doctor --config /etc/evenkeel/evenkeel.toml --all
  evenkeel doctor --interface eth1 --interface eth2 --json")]
pub(crate) struct Args {
    /// The configuration whose interfaces, cores and sizes count; by default the running daemon's, then
    /// /etc/evenkeel/evenkeel.toml if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Look at this interface, without a configuration.
    #[arg(long = "interface", value_name = "NAME", conflicts_with = "config")]
    interfaces: Vec<String>,
    /// Show what was seen also where all is well.
    #[arg(long)]
    all: bool,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
    /// The unix socket of the daemon.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    socket: PathBuf,
}

/// Where a configuration is by custom.
const USUAL_CONFIG: &str = "/etc/evenkeel/evenkeel.toml";

pub(crate) fn run(args: &Args) -> Result<()> {
    let daemon = look::daemon(&args.socket);
    let (intent, interfaces) = meant(args, &daemon)?;
    let facts = look::facts(intent, interfaces, daemon);
    let report = Report::of(checks::CHECKS, &facts);
    if args.json {
        print_json(&report.outcome())?;
    } else {
        print(&report.text(args.all))?;
    }
    match report.count(Severity::Problem) {
        0 => Ok(()),
        _ => bail!("{}", report.summary()),
    }
}

/// What the box is meant to do, and its interfaces.
fn meant(args: &Args, daemon: &Daemon) -> Result<(Intent, Vec<(String, Mode)>), Mistakes> {
    if !args.interfaces.is_empty() {
        let named = args.interfaces.iter().map(|name| (name.clone(), Mode::Auto)).collect();
        return Ok((Intent::default(), named));
    }
    if let Some(file) = &args.config {
        return Config::read(file).map(|config| of_config(&config));
    }
    match daemon {
        // its file may have been changed since, or be closed to this user
        Daemon::Running(running) => Ok(Config::read(Path::new(&running.status.config))
            .map_or_else(|_| of_daemon(running), |config| of_config(&config))),
        _ if Path::new(USUAL_CONFIG).exists() => {
            Config::read(Path::new(USUAL_CONFIG)).map(|config| of_config(&config))
        }
        _ => Ok((Intent::default(), Vec::new())),
    }
}

fn of_config(config: &Config) -> (Intent, Vec<(String, Mode)>) {
    // the kernel need not find out the others
    let nexthops = config.groups.iter().flat_map(|group| &group.nexthops);
    let nexthops = nexthops.filter(|nexthop| nexthop.mac.is_none());
    let intent = Intent {
        dataplane: config.dataplane.clone(),
        vips: config.services.iter().map(|service| service.vip).collect(),
        nexthops: nexthops.map(|nexthop| nexthop.address).collect(),
    };
    let named = config.interfaces.iter().map(|interface| (interface.name.clone(), interface.mode));
    (intent, named.collect())
}

/// What can be told of a daemon whose configuration can't be read.
fn of_daemon(running: &facts::Running) -> (Intent, Vec<(String, Mode)>) {
    let mut intent = Intent::default();
    intent.dataplane.flow_capacity = running.status.flow_capacity as usize;
    intent.nexthops = running.counters.nexthops.iter().map(|nexthop| nexthop.address).collect();
    let named = running.counters.interfaces.iter().map(|told| (told.name.clone(), Mode::Auto));
    (intent, named.collect())
}
