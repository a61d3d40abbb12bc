//! What benches measure, as rows of the one table: a bench writes those of its own into the directory that
//! `EVENKEEL_FIGURES` names, and `bench-table` puts them beside what criterion has written.

mod bars;

pub use bars::{Bar, bar};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;

/// What a case of ten million flows needs with its plain counterpart, in KiB.
const TEN_MILLION_KIB: u64 = 8 << 20;

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was measured.
    pub case: String,
    /// Median time per packet in nanoseconds; 0 until criterion's is known, or if the row is no time.
    pub ns_per_packet: f64,
    /// Allocations per packet.
    pub allocations_per_packet: f64,
    /// The same done in the plain way, in the same run; 0 if there is none.
    pub baseline_ns: f64,
    /// What the figures are of.
    pub note: String,
    /// The baseline by the time, or what else the case compares; median of rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// What the case has beside it.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Row {
    /// A row without figures.
    #[must_use]
    pub fn of(case: &str, note: &str) -> Self {
        Self {
            case: case.to_owned(),
            ns_per_packet: 0.0,
            allocations_per_packet: 0.0,
            baseline_ns: 0.0,
            note: note.to_owned(),
            ratio: None,
            more: Map::new(),
        }
    }

    /// With a time of its own, in nanoseconds per packet.
    #[must_use]
    pub fn taking(self, ns_per_packet: f64) -> Self {
        Self { ns_per_packet, ..self }
    }

    /// With what it is held against.
    #[must_use]
    pub fn beside(self, baseline_ns: f64, ratio: f64) -> Self {
        Self { baseline_ns, ratio: Some(ratio), ..self }
    }

    /// With one more figure.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}

/// Writes a bench's rows, if `EVENKEEL_FIGURES` names a directory.
///
/// # Panics
/// If the file can't be written.
pub fn write(bench: &str, rows: &[Row]) {
    if let Some(dir) = std::env::var_os("EVENKEEL_FIGURES") {
        let json = serde_json::to_string(rows).expect("numbers and strings");
        let file = Path::new(&dir).join(format!("{bench}.json"));
        std::fs::write(file, json).expect("EVENKEEL_FIGURES names a directory that can be written");
    }
}

/// True if the bench shall only show that it works, not how fast: small sizes do.
#[must_use]
pub fn is_short() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// False, and says why, if a case of ten million flows can't or shall not be measured here.
#[must_use]
pub fn has_room_for_10m(case: &str) -> bool {
    if std::env::var_os("EVENKEEL_WITHOUT_10M").is_some() {
        return false;
    }
    let available = available_kib().unwrap_or(0);
    if available < TEN_MILLION_KIB {
        eprintln!(
            "bench: {case} is skipped: {} MiB are available, it needs {}",
            available >> 10,
            TEN_MILLION_KIB >> 10
        );
    }
    available >= TEN_MILLION_KIB
}

/// Memory that new programs can have (`MemAvailable`, `proc_meminfo(5)`), in KiB.
fn available_kib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
