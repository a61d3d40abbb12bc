//! Reading statistics that a traffic client wrote.

use crate::commands::Refused;
use evenkeel_traffic::stats::Stats;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Statistics from a file, or from stdin for `-`.
///
/// # Errors
/// What can't be read, or isn't such statistics, is refused with its place.
pub(super) fn read(file: &Path) -> anyhow::Result<Stats> {
    let is_stdin = file == Path::new("-");
    let input: Box<dyn Read> = if is_stdin {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).map_err(|error| refused(file, &error))?)
    };
    let file = if is_stdin { Path::new("stdin") } else { file };
    Stats::read(input).map_err(|error| {
        let place = format!("{}:{}:{}", file.display(), error.line(), error.column());
        let text = error.to_string();
        // The place stands before it already.
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        Refused(format!("{place}: not the statistics of traffic client: {what}")).into()
    })
}

/// What is wrong with the file.
pub(super) fn refused(file: &Path, what: &dyn Display) -> anyhow::Error {
    Refused(format!("{}: {what}", file.display())).into()
}
