//! The configuration file: TOML read into a tree with places, resolved to typed values or to all mistakes.
//!
//! Knows what may be written, not what the kernel or a capture has to say to it.

pub(crate) mod address;
mod api;
mod check;
pub(crate) mod dataplane;
mod draft;
pub(crate) mod duration;
pub(crate) mod fields;
pub(crate) mod group;
mod interface;
mod mistake;
pub(crate) mod name;
mod replay;
pub(crate) mod report;
mod service;
pub(crate) mod source;
mod suggest;

pub use mistake::{Mistake, Mistakes, Place};

use draft::Draft;
use evenkeel_nexthop::{Desired, DesiredError, GroupSpec, PortId, ServiceSpec, Timeouts};
use evenkeel_packet::Mac;
use report::Report;
use source::{Source, read_text};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeTable;

/// Deadline of a removed nexthop unless the file says otherwise, in milliseconds.
const DEFAULT_REMOVE_MS: u64 = 300_000;

/// A configuration without mistakes.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `[dataplane]`.
    pub dataplane: DataplaneConfig,
    /// `[timeouts]`: idle times of flows.
    pub timeouts: Timeouts,
    /// `[timeouts] remove`: deadline of a removed nexthop in milliseconds, 0 to 2^31; 0 is at once.
    pub remove_ms: u64,
    /// `[api]`, if it listens on TCP.
    pub api: Option<ApiConfig>,
    /// `[[interface]]`, at least one; the index is its [`PortId`].
    pub interfaces: Vec<InterfaceConfig>,
    /// `[[service]]`, in the order of the file.
    pub services: Vec<ServiceSpec>,
    /// `[[group]]`, in the order of the file.
    pub groups: Vec<GroupSpec>,
    /// What is allowed but probably not meant: `FILE:LINE:COLUMN: warning: text` each.
    pub warnings: Vec<String>,
}

/// `[dataplane]`: the workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataplaneConfig {
    /// One worker each, all different; `None`: one per queue, highest core first, core 0 last.
    pub cores: Option<Vec<usize>>,
    /// Flows, whole box, at least 1.
    pub flow_capacity: usize,
    /// Packets that a worker takes at once, 1 to 256.
    pub burst: usize,
    /// Interfaces for which workers reserve memory at the start, 1 to 128: so many there can be after a reload. Counts as
    /// the number of interfaces at the start if those are more.
    pub max_interfaces: usize,
    /// What a worker does without packets.
    pub idle: Idle,
    /// Seed of the portable hash; equal in a fleet.
    pub hash_seed: u64,
}

impl Default for DataplaneConfig {
    fn default() -> Self {
        Self {
            cores: None,
            flow_capacity: 1_000_000,
            burst: 64,
            max_interfaces: 8,
            idle: Idle::Sleep,
            hash_seed: 0,
        }
    }
}

/// `[api]`: where the API listens beside its unix socket, and who may ask there.
///
/// Without a token file `listen` is a loopback address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Holds the token of those who may read.
    pub read_token_file: Option<PathBuf>,
    /// Holds the token of those who may read and write.
    pub write_token_file: Option<PathBuf>,
}

impl fmt::Display for ApiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on {}", self.listen)?;
        for (who, file) in [("readers", &self.read_token_file), ("writers", &self.write_token_file)] {
            if let Some(file) = file {
                write!(f, ", {who} by {}", file.display())?;
            }
        }
        Ok(())
    }
}

/// What a worker does when it has nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// After 64 empty polls it waits in poll(2), at most 10 ms.
    Sleep,
    /// It polls on.
    Spin,
    /// It polls on, and with each empty poll has the kernel poll the network cards' queues on its core.
    BusyPoll,
}

/// `[[interface]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceConfig {
    /// Its name in Linux.
    pub name: String,
    /// Its own MAC, for replay only.
    pub mac: Option<Mac>,
    /// How AF_XDP is bound to it.
    pub mode: Mode,
}

/// How AF_XDP is bound to an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Zero-copy if the driver has it, else copy.
    #[default]
    Auto,
    /// Zero-copy or not at all.
    ZeroCopy,
    /// Copy, with the XDP program in the driver.
    Copy,
    /// Copy, with the XDP program in the kernel's stack.
    Generic,
}

impl Mode {
    /// Its word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::ZeroCopy => "zero-copy",
            Self::Copy => "copy",
            Self::Generic => "generic",
        }
    }
}

/// What a configuration is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The kernel knows MACs and routes.
    Run,
    /// The file has to say them.
    Replay,
}

impl Config {
    /// Reads a file as `run` does: MACs and egress interfaces may be left to the kernel.
    ///
    /// # Errors
    /// All mistakes of the file; the only one if it can't be read or isn't TOML.
    pub fn read(file: &Path) -> Result<Self, Mistakes> {
        resolve(file, &read_text(file)?, Purpose::Run)
    }

    /// Reads a file as `replay` does, where no kernel knows MACs and routes: nexthops of services need a `mac`, the
    /// interface where they leave needs one too, and is the only one if the nexthop names none.
    ///
    /// # Errors
    /// As [`read`](Self::read), and a mistake for each thing that a capture needs and the file doesn't say.
    pub fn read_for_replay(file: &Path) -> Result<Self, Mistakes> {
        resolve(file, &read_text(file)?, Purpose::Replay)
    }

    /// Resolves text as [`read`](Self::read) does; `file` is what messages call it.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(file: &Path, text: &str) -> Result<Self, Mistakes> {
        resolve(file, text, Purpose::Run)
    }

    /// The desired state that the file describes; `ports` are the MACs of [`interfaces`](Self::interfaces).
    ///
    /// # Errors
    /// What [`Desired::new`] refuses beyond the checks of the file.
    pub fn desired(&self, ports: Vec<Mac>) -> Result<Desired, DesiredError> {
        let mut desired =
            Desired::new(self.dataplane.hash_seed, ports, self.services.clone(), self.groups.clone())?;
        desired.set_remove_deadline_ms(self.remove_ms);
        Ok(desired)
    }

    /// The interface of that name.
    #[must_use]
    pub fn port(&self, name: &str) -> Option<PortId> {
        port_named(self.interfaces.iter().map(|interface| interface.name.as_str()), name)
    }
}

fn port_named<'a>(mut names: impl Iterator<Item = &'a str>, name: &str) -> Option<PortId> {
    names.position(|known| known == name).and_then(|index| u16::try_from(index).ok()).map(PortId)
}

fn resolve(file: &Path, text: &str, purpose: Purpose) -> Result<Config, Mistakes> {
    let tree = parse_toml(file, text)?;
    let mut report = Report::new(file, text);
    let mut draft = Draft::read(&tree, &mut report);
    if purpose == Purpose::Replay {
        draft.use_only_interface();
    }
    draft.check(&mut report);
    if purpose == Purpose::Replay {
        draft.check_for_replay(&mut report);
    }
    let warnings = report.finish()?;
    // whatever is missing from the draft is a mistake in the report
    draft.config(warnings).ok_or_else(|| Mistakes::new(file, Vec::new()))
}

/// Reads a duration as the configuration writes it: `"300ms"`, `"1.5s"`, `"5m"`, `"2h"`.
///
/// # Errors
/// What is wrong with the text, and what is allowed.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    duration::parse_ns(text)
        .map(Duration::from_nanos)
        .map_err(|problem| format!("{problem}; allowed is {}", duration::ALLOWED))
}

/// The tree of a text, or the one mistake that makes it no TOML.
pub(crate) fn parse_toml<'t>(file: &Path, text: &'t str) -> Result<DeTable<'t>, Mistakes> {
    let error = match DeTable::parse(text) {
        Ok(tree) => return Ok(tree.into_inner()),
        Err(error) => error,
    };
    let source = Source::new(text);
    let offset = error.span().map_or(text.len(), |span| span.start);
    let line = source.quote_line(offset);
    let text = format!(
        "`{line}` is not TOML: {}; allowed: TOML 1.1, strings in quotes, each key once",
        error.message()
    );
    Err(Mistakes::new(file, vec![Mistake { place: Some(source.place(offset)), text }]))
}

#[cfg(test)]
mod tests;
