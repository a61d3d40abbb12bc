//! The subcommands, one file each: `Args` as clap reads them, and `run`.

mod arguments;
pub(crate) mod buckets;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod daemon;
pub(crate) mod doctor;
pub(crate) mod man;
mod offline;
pub(crate) mod path;
pub(crate) mod plan;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod traffic;

use std::fmt;

/// Arguments that clap takes and the configuration doesn't: exit status 2.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}
