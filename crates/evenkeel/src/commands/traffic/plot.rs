//! `evenkeel traffic plot`: a figure of runs.

use super::statistics;
use crate::commands::Refused;
use crate::print::print;
use anyhow::Context;
use evenkeel_traffic::plot::{self, PlotError};
use std::fs;
use std::path::{Path, PathBuf};

/// Draw what `traffic client --stats all` wrote as SVG: connections lost, connections, throughput, over time.
///
/// Several runs stand beside each other on the same scales; their losses are curves of one chart. Steps are numbered.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel traffic plot run.json --out run.svg
  evenkeel traffic plot multipath=kernel.json evenkeel=ours.json --title \"10 to 4 nexthops\" --out targets.svg")]
pub(crate) struct Args {
    /// Up to four runs, each with what it is called: default the file's name.
    #[arg(value_name = "[NAME=]FILE", required = true, value_parser = named_file)]
    runs: Vec<NamedFile>,
    /// Where to write; default stdout.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What stands above the figure.
    #[arg(long, value_name = "TEXT", default_value = "")]
    title: String,
}

#[derive(Clone)]
struct NamedFile {
    name: String,
    file: PathBuf,
}

fn named_file(text: &str) -> Result<NamedFile, String> {
    let (name, file) = text.split_once('=').unwrap_or_else(|| (stem(text), text));
    if file.is_empty() {
        return Err("allowed: FILE or NAME=FILE".to_owned());
    }
    Ok(NamedFile { name: name.to_owned(), file: file.into() })
}

fn stem(file: &str) -> &str {
    Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or(file)
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let read = |run: &NamedFile| statistics::read(&run.file).map(|stats| (run.name.clone(), stats));
    let read: Vec<_> = args.runs.iter().map(read).collect::<Result<_, _>>()?;
    let runs: Vec<_> = read.iter().map(|(title, stats)| plot::Run { title: title.clone(), stats }).collect();
    let svg = plot::svg(&args.title, &runs).map_err(|error| match error {
        PlotError::Runs(_) | PlotError::Analysis { .. } => Refused(error.to_string()).into(),
        PlotError::Draw(_) => anyhow::Error::from(error),
    })?;
    match &args.out {
        Some(file) => fs::write(file, svg).with_context(|| format!("can't write {}", file.display())),
        None => Ok(print(&svg)?),
    }
}
