//! The counts that are kept in the repository, per release: `benches/instructions.toml`.

use super::CASES;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a count may be above the kept one.
const SLACK: f64 = 0.03;

const HEAD: &str = "\
# Instructions per packet, counted by callgrind, by release. `scripts/bench.sh instructions` fails when a count is more
# than 3 % above that of the last release here; `scripts/bench.sh instructions --keep` writes the counts of this version.
# Another compiler may count otherwise: then keep its counts in a commit of their own.

";

/// The counts of all releases, oldest first.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// One per release.
    pub release: Vec<Release>,
}

/// The counts of one release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Version of the workspace.
    pub version: String,
    /// What compiled it, as `rustc --version` says.
    pub compiler: String,
    /// Instructions per packet, by case.
    pub instructions: BTreeMap<String, f64>,
}

/// What a count is beside the kept one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is kept for this case.
    New,
    /// Within the slack.
    Same,
    /// Less by more than the slack: worth keeping.
    Less,
    /// More by more than the slack: a regression, or a price that has to be kept deliberately.
    More,
}

/// Why the kept counts can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The file can't be read or written.
    #[error("{0}")]
    File(PathBuf, #[source] std::io::Error),
    /// The file is not what [`Kept::write`] writes.
    #[error("{0}")]
    Toml(PathBuf, #[source] toml::de::Error),
}

impl Kept {
    /// Reads the file; a file that isn't there keeps nothing.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn read(file: &Path) -> Result<Self, KeptError> {
        match std::fs::read_to_string(file) {
            Ok(text) => toml::from_str(&text).map_err(|source| KeptError::Toml(file.to_owned(), source)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(KeptError::File(file.to_owned(), source)),
        }
    }

    /// What the count of a case is held against: the last release's.
    #[must_use]
    pub fn of(&self, case: &str) -> Option<f64> {
        self.release.last()?.instructions.get(case).copied()
    }

    /// Judges a count.
    #[must_use]
    pub fn judge(&self, case: &str, count: f64) -> Verdict {
        match self.of(case) {
            None => Verdict::New,
            Some(kept) if count > kept * (1.0 + SLACK) => Verdict::More,
            Some(kept) if count < kept * (1.0 - SLACK) => Verdict::Less,
            Some(_) => Verdict::Same,
        }
    }

    /// Takes counts in, in place of those that the version had for these cases; cases that are no more leave.
    pub fn keep(&mut self, fresh: Release) {
        let mut instructions = match self.release.pop_if(|last| last.version == fresh.version) {
            Some(before) => before.instructions,
            None => BTreeMap::new(),
        };
        instructions.retain(|case, _| CASES.iter().any(|known| known.name == case));
        instructions.extend(fresh.instructions);
        self.release.push(Release { instructions, ..fresh });
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`KeptError::File`].
    ///
    /// # Panics
    /// Never: all of it can be written as TOML.
    pub fn write(&self, file: &Path) -> Result<(), KeptError> {
        let toml = toml::to_string(self).expect("strings and numbers");
        std::fs::write(file, format!("{HEAD}{toml}"))
            .map_err(|source| KeptError::File(file.to_owned(), source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str, count: f64) -> Release {
        let instructions = BTreeMap::from([(CASES[0].name.to_owned(), count)]);
        Release { version: version.into(), compiler: "rustc".into(), instructions }
    }

    #[test]
    fn a_count_is_judged_by_the_last_release() {
        let mut kept = Kept::default();
        assert_eq!(kept.judge(CASES[0].name, 100.0), Verdict::New);
        kept.keep(release("1", 1000.0));
        kept.keep(release("2", 100.0));
        for (count, verdict) in
            [(96.0, Verdict::Less), (98.0, Verdict::Same), (103.0, Verdict::Same), (103.1, Verdict::More)]
        {
            assert_eq!(kept.judge(CASES[0].name, count), verdict, "{count}");
        }
    }

    #[test]
    fn a_version_is_kept_once_and_earlier_ones_stay() {
        let mut kept = Kept::default();
        kept.keep(release("1", 3.0));
        kept.keep(release("2", 2.0));
        kept.keep(release("2", 1.0));
        assert_eq!(kept.release, [release("1", 3.0), release("2", 1.0)]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut kept = Kept::default();
        kept.keep(release("1", 3.5));
        let file = std::env::temp_dir().join(format!("evenkeel-kept-{}.toml", std::process::id()));
        kept.write(&file).unwrap();
        let read = Kept::read(&file);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(read.unwrap(), kept);
    }
}
