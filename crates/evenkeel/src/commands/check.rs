//! `evenkeel check`: what a configuration says, or all its mistakes.

use super::offline;
use crate::print::{print, print_json};
use evenkeel_control::{Config, Mistakes};
use evenkeel_nexthop::{AdminState, GroupSpec, Prefix, Protocol, ServiceSpec};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Read and resolve a configuration as `run` would, and change nothing.
///
/// All mistakes are said at once on stderr, each with file, line and column, what is wrong and what is allowed; the exit
/// status is 2 then.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evenkeel check --config /etc/evenkeel/evenkeel.toml")]
pub(crate) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print one line of JSON, also for mistakes.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let read = Config::read(&args.config);
    if args.json {
        print_json(&Outcome::of(&args.config, &read))?;
    }
    let config = read?;
    offline::desired(&config)?;
    if !args.json {
        print(&summary(&args.config, &config))?;
    }
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome {
    file: String,
    ok: bool,
    mistakes: Vec<PlacedMistake>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct PlacedMistake {
    line: Option<usize>,
    column: Option<usize>,
    text: String,
}

impl Outcome {
    fn of(file: &Path, read: &Result<Config, Mistakes>) -> Self {
        let mistakes = read.as_ref().err().map(Mistakes::list).unwrap_or_default();
        let placed = |mistake: &evenkeel_control::config::Mistake| PlacedMistake {
            line: mistake.place.map(|place| place.line),
            column: mistake.place.map(|place| place.column),
            text: mistake.text.clone(),
        };
        Self {
            file: file.display().to_string(),
            ok: read.is_ok(),
            mistakes: mistakes.iter().map(placed).collect(),
            warnings: read.as_ref().map(|config| config.warnings.clone()).unwrap_or_default(),
        }
    }
}

/// `FILE: ok` and a line for each interface, service and group; then the warnings.
fn summary(file: &Path, config: &Config) -> String {
    let mut text = format!("{}: ok\n", file.display());
    for interface in &config.interfaces {
        text.push_str(&format!("  interface {}\n", interface.name));
    }
    for service in &config.services {
        text.push_str(&format!("  service {}\n", describe_service(service)));
    }
    for group in &config.groups {
        text.push_str(&format!("  group {}\n", describe_group(group)));
    }
    for warning in &config.warnings {
        text.push_str(&format!("{warning}\n"));
    }
    text
}

fn describe_service(service: &ServiceSpec) -> String {
    let protocol = match service.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Any => "any protocol",
    };
    let ports = match service.ports.as_slice() {
        [] => "any port".to_owned(),
        [port] => format!("port {port}"),
        ports => format!("ports {}", ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")),
    };
    let Prefix { address, len } = service.vip;
    let is_address = len == if address.is_ipv4() { 32 } else { 128 };
    let vip = if is_address { address.to_string() } else { service.vip.to_string() };
    format!("{}: {vip} {protocol}, {ports}, to group {}", service.name, service.group)
}

fn describe_group(group: &GroupSpec) -> String {
    let count = group.nexthops.len();
    let draining = group.nexthops.iter().filter(|nexthop| nexthop.state == AdminState::Draining).count();
    let nexthops = if count == 1 { "nexthop" } else { "nexthops" };
    let draining = if draining > 0 { format!(" ({draining} draining)") } else { String::new() };
    format!("{}: {} buckets, {count} {nexthops}{draining}", group.name, group.buckets)
}
