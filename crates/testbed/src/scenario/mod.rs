//! Scenarios: the same servers, the same client and the same steps on the kernel's ECMP and on Evenkeel.
//!
//! Each lays a lab of its own for each forwarder, takes its steps, and hands back what was seen: a table and a
//! chart with all forwarders side by side, and what Evenkeel should have done and didn't. They don't know who calls
//! them, the program `lab` or a test.

mod chart;
pub mod flood;
pub mod listing;
pub mod pinning;
pub mod rolling;
mod table;
pub mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::forwarder::Kind;
use crate::lab::kernel;
pub use chart::{Chart, Line};
pub use table::Table;

/// The scenarios by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Name {
    /// 10 servers down to 4 one by one and back, 100 connections over IPv4 and 100 over IPv6
    Targets,
    /// Open sessions while their server is drained and comes back, and their headers change
    Pinning,
    /// Every server is replaced, one after the other, under load
    Rolling,
    /// 10,000 connections beside a flood of SYNs; on evenkeel alone
    Flood,
    /// A million flows are listed while traffic runs; on evenkeel alone
    Listing,
}

/// How long a scenario may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// As a test: some seconds for each forwarder.
    Short,
    /// Every step, as the measurements in `docs/` are taken.
    Long,
}

impl Length {
    /// One or the other.
    pub fn pick<T>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

/// What a scenario saw.
#[derive(Debug)]
pub struct Outcome {
    /// What was done, in a line.
    pub title: String,
    /// All forwarders, one beside the other.
    pub table: Table,
    /// The same over time.
    pub charts: Vec<Chart>,
    /// What Evenkeel should have done and didn't; empty when all is well.
    pub faults: Vec<String>,
}

impl Name {
    /// Runs the scenario on these forwarders, one after the other.
    ///
    /// # Errors
    /// When a lab can't be laid or a forwarder fails; lost connections are no error.
    pub fn run(self, kinds: &[Kind], length: Length) -> Result<Outcome> {
        match self {
            Self::Targets => Ok(targets::outcome(&each(kinds, length, targets::run)?)),
            Self::Pinning => Ok(pinning::outcome(&each(kinds, length, pinning::run)?)),
            Self::Rolling => Ok(rolling::outcome(&each(kinds, length, rolling::run)?)),
            Self::Flood => flood::outcome(&flood::run(length)?),
            Self::Listing => Ok(listing::outcome(&listing::run(length)?)),
        }
    }

    /// As on the command line.
    pub fn text(self) -> String {
        clap::ValueEnum::to_possible_value(&self)
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Runs a scenario on these forwarders, one after the other. Leaves the resilient group out, and says so, where the kernel
/// has none.
///
/// # Errors
/// Those of the first run that fails; with its forwarder.
pub fn each<R>(kinds: &[Kind], length: Length, run: impl Fn(Kind, Length) -> Result<R>) -> Result<Vec<R>> {
    let mut runs = Vec::new();
    for &kind in kinds {
        let lacks = if kind == Kind::Resilient { kernel::lacks_resilient()? } else { None };
        if let Some(why) = lacks {
            eprintln!("{kind}: LEFT OUT, this kernel has no resilient nexthop groups: {why}");
            continue;
        }
        eprintln!("{kind}:");
        runs.push(run(kind, length).with_context(|| kind.to_string())?);
    }
    Ok(runs)
}

/// A forwarder's name as the head of a column.
fn head(kind: Kind) -> String {
    kind.to_string().replace(' ', "\n")
}

impl Outcome {
    /// Writes the charts, `NAME.svg`, to a directory, which is made when it isn't there; their paths.
    ///
    /// # Errors
    /// When one can't be drawn or written.
    pub fn write_charts(&self, name: Name, directory: &Path) -> Result<Vec<PathBuf>> {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        let write = |chart: &Chart| {
            let path = directory.join(format!("{}{}.svg", name.text(), chart.name()));
            fs::write(&path, chart.svg()?).with_context(|| path.display().to_string())?;
            Ok(path)
        };
        self.charts.iter().map(write).collect()
    }
}
