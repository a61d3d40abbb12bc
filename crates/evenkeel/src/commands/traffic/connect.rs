//! `evenkeel traffic connect`: many connections, counted by the server that answers.

use super::arguments::{From, on_end, time};
use super::refused;
use crate::commands::arguments::endpoint;
use crate::print::{print, print_json};
use anyhow::bail;
use clap::ValueEnum;
use evenkeel_traffic::connect::{self, ConnectSpec};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::oneshot;

/// Connect many times and count which server answers.
///
/// A failed connection is one that could not be opened, a failed read one on which no name came; with any of them the exit
/// status is 1. The time is a thousandth of a second for each connection and two seconds more; an hour with --keep.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel traffic connect --address 192.0.2.10:5001 --nconn 100 --srccidr 198.18.0.0/16 --seed 1
  evenkeel traffic connect --address [2001:db8::10]:5001 --nconn 1000 --udp --output json")]
pub(crate) struct Args {
    /// The server.
    #[arg(long, value_name = "ADDR:PORT", value_parser = endpoint, default_value = "[::1]:5001")]
    address: SocketAddr,
    /// Connections.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    nconn: u32,
    #[command(flatten)]
    from: From,
    /// Hold TCP connections until the time is over or SIGINT; those that are lost meanwhile are failed reads.
    #[arg(long)]
    keep: bool,
    /// Connections that are being made at once, at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    maxconcurrent: u32,
    /// All is over after this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Txt)]
    output: Output,
    /// The same as --output json.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Output {
    Txt,
    Json,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let default_timeout = ConnectSpec::default_timeout(args.nconn, args.keep);
    let spec = ConnectSpec {
        transport: args.from.transport(),
        sources: args.from.sources()?,
        seed: args.from.seed(),
        max_concurrent: args.maxconcurrent,
        keep: args.keep,
        timeout: args.timeout.unwrap_or(default_timeout),
        ..ConnectSpec::new(args.address, args.nconn)
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let mut stop = Some(stop);
    on_end(move || drop(stop.take()))?;
    let report = connect::run(&spec, async { drop(stopped.await) }).map_err(refused)?;
    if args.json || args.output == Output::Json {
        print_json(&report)?;
    } else {
        print(&report.to_string())?;
    }
    if !report.is_whole() {
        bail!("{} of {} connections failed", report.failed_connects + report.failed_reads, report.connects);
    }
    Ok(())
}
