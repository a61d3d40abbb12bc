//! The events of a replay: a TOML file of changes with their times, checked as a whole before the first packet.

mod draft;
mod order;
#[cfg(test)]
mod tests;

use crate::config::fields::Fields;
use crate::config::report::Report;
use crate::config::source::read_text;
use crate::config::{Config, Mistakes, parse_toml};
use draft::EventDraft;
use evenkeel_nexthop::Change;
use std::path::Path;

/// A change and when it acts.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedChange {
    /// Nanoseconds from the first packet, at most a year.
    pub at_ns: u64,
    /// What changes.
    pub change: Change,
}

/// Reads the events for a replay of `config`, in order of their times, those of one time in the order of the file.
///
/// They were applied to the desired state in that order: each of them works when its turn comes.
///
/// # Errors
/// All mistakes of the file; the only one if it can't be read or isn't TOML. Whether an event can be applied is
/// looked at when nothing else is wrong.
pub fn read(file: &Path, config: &Config) -> Result<Vec<TimedChange>, Mistakes> {
    parse(file, &read_text(file)?, config)
}

/// Resolves text as [`read`] does; `file` is what messages call it.
///
/// # Errors
/// As [`read`].
pub fn parse(file: &Path, text: &str, config: &Config) -> Result<Vec<TimedChange>, Mistakes> {
    let tree = parse_toml(file, text)?;
    let mut report = Report::new(file, text);
    let mut root = Fields::root("the file", &tree);
    let tables = root.tables("event", "[[event]]", &mut report);
    root.finish(&mut report);
    let mut drafts = Vec::new();
    for fields in tables.list {
        drafts.extend(EventDraft::read(fields, config, &mut report));
    }
    drafts.sort_by_key(|draft| draft.at_ns);
    let changes = if report.has_mistakes() { Vec::new() } else { order::apply(&drafts, config, &mut report) };
    report.finish().map(|_| changes)
}
