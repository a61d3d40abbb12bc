//! Who forwards in a run of the demonstration, and how it is told to drain a server.

use std::fmt;

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::lab::daemon::Daemon;
use crate::lab::{Lab, config, kernel};

/// The two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The kernel's multipath route, with the ports in its hash.
    Kernel,
    /// `evenkeel run`.
    Evenkeel,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Kernel => "kernel multipath",
            Kind::Evenkeel => "evenkeel",
        })
    }
}

/// One of them at work.
pub(super) enum Forwarder {
    Kernel,
    Evenkeel(Box<Daemon>),
}

impl Forwarder {
    pub(super) fn start(kind: Kind, lab: &Lab) -> Result<Self> {
        match kind {
            Kind::Kernel => {
                kernel::route(lab, &remaining(lab, &[]))?;
                Ok(Self::Kernel)
            }
            Kind::Evenkeel => Ok(Self::Evenkeel(Box::new(Daemon::start(lab, &config::web(lab, &[]))?))),
        }
    }

    /// From now on these servers (by index) take no new flows, all others do.
    ///
    /// A multipath route knows only members; leaving it is the nearest thing to a drain that it has.
    pub(super) fn drain(&mut self, lab: &Lab, drained: &[usize]) -> Result<()> {
        match self {
            Self::Kernel => kernel::route(lab, &remaining(lab, drained)),
            Self::Evenkeel(daemon) => {
                let said = daemon.reload(&config::web(lab, drained))?;
                ensure!(said.starts_with("configuration reloaded"), "the drain was refused: {said}");
                Ok(())
            }
        }
    }

    /// Ends it; the report of the daemon.
    pub(super) fn stop(self) -> Result<Option<Value>> {
        match self {
            Self::Kernel => Ok(None),
            Self::Evenkeel(daemon) => Ok(Some(daemon.stop()?.json().clone())),
        }
    }
}

fn remaining(lab: &Lab, drained: &[usize]) -> Vec<usize> {
    (0..lab.servers().len()).filter(|index| !drained.contains(index)).collect()
}
