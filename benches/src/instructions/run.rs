//! One case under valgrind.

use super::{Case, MEASURED};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a case could not be counted.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// valgrind is missing: `scripts/setup.sh` installs it
    #[error("can't run valgrind, which scripts/setup.sh installs")]
    NoValgrind(#[source] std::io::Error),
    /// The case ended with an error.
    #[error("{case} failed under valgrind:\n{said}")]
    Failed {
        /// Name of the case.
        case: &'static str,
        /// What it wrote to its standard error.
        said: String,
    },
    /// No count, or none of packets.
    #[error("{0} left no count in {1}")]
    NoCount(&'static str, PathBuf),
}

/// Instructions per packet of a case: runs `program --case NAME` under callgrind, whose profile stays in `dir` for
/// `callgrind_annotate`.
///
/// # Errors
/// [`RunError`].
pub fn count(program: &Path, case: &Case, dir: &Path) -> Result<f64, RunError> {
    let profile = dir.join(format!("callgrind.out.{}", case.name.replace('/', ".")));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={MEASURED}"))
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args(["--case", case.name])
        // the length of the environment moves the stack, and what is aligned by it
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .map_err(RunError::NoValgrind)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(RunError::Failed { case: case.name, said });
    }
    let packets: Option<u64> = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
    let instructions = std::fs::read_to_string(&profile).ok().and_then(|text| total(&text));
    match (instructions, packets) {
        (Some(instructions), Some(packets)) if packets > 0 && instructions > 0 => {
            Ok(instructions as f64 / packets as f64)
        }
        _ => Err(RunError::NoCount(case.name, profile)),
    }
}

/// All instructions that a profile counts: its line `totals: N`.
fn total(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}
