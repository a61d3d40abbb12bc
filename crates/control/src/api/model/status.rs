//! The daemon itself, and what an error looks like.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Version of the program.
    pub version: String,
    /// Milliseconds since the forwarder is ready.
    pub uptime_ms: u64,
    /// Number of the snapshot that workers see.
    pub generation: u64,
    /// The configuration file.
    pub config: String,
    /// Where operators' changes are remembered; none with `--no-state`.
    pub state_file: Option<String>,
    /// Why that file could not be written when it was last tried: changes since then would be forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_fault: Option<String>,
    /// Seed of the portable hash.
    pub hash_seed: u64,
    /// Number of workers.
    pub workers: usize,
    /// Flows that the table holds at the most.
    pub flow_capacity: u64,
    /// Flows in the table.
    pub flows_live: u64,
}

/// An error, as RFC 9457 says (`application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What kind of problem: a URI reference, the same for all of a kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
    /// Each mistake by itself; empty if there is nothing to say beyond `detail`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemItem>,
}

/// The detail, then each mistake in a line of its own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        self.errors.iter().try_for_each(|item| write!(f, "\n{}: {}", item.field, item.reason))
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemItem {
    /// Where: a JSON pointer into the body (`/changes/0/weight`), the name of a parameter, or `FILE:LINE:COLUMN`.
    pub field: String,
    /// Why, and what is allowed.
    pub reason: String,
}
