//! `evenkeel traffic analyze`: what the statistics of a run say.

use super::statistics;
use crate::print::{print, print_json};
use clap::ValueEnum;
use evenkeel_traffic::analyze::{AnalysisError, Connections, Hosts, Steps, Throughput};
use serde::Serialize;
use std::fmt::Display;
use std::path::PathBuf;

/// Read what `traffic client --stats all` wrote, or ctraffic.
///
/// throughput: KB per second that came back, between samples. connections: how many there were at the end of each second, and
/// how many were begun and lost in it. hosts: on which servers connections were lost, and on which they lasted. steps: how
/// many connections each step cost, and why.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel traffic analyze connections run.json
  evenkeel traffic client --address 192.0.2.10:5003 --stats all | evenkeel traffic analyze hosts -")]
pub(crate) struct Args {
    /// What to read from it.
    #[arg(value_enum)]
    analysis: Analysis,
    /// The statistics; - is stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Analysis {
    Throughput,
    Connections,
    Hosts,
    Steps,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let stats = statistics::read(&args.file)?;
    match args.analysis {
        Analysis::Throughput => show(args, Throughput::of(&stats)),
        Analysis::Connections => show(args, Connections::of(&stats)),
        Analysis::Hosts => show(args, Hosts::of(&stats)),
        Analysis::Steps => show(args, Steps::of(&stats)),
    }
}

fn show(args: &Args, analysed: Result<impl Display + Serialize, AnalysisError>) -> anyhow::Result<()> {
    let analysed = analysed.map_err(|error| statistics::refused(&args.file, &error))?;
    if args.json {
        return print_json(&analysed);
    }
    Ok(print(&analysed.to_string())?)
}
