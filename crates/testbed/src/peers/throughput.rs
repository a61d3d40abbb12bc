//! One turn of a contender at the highest rate.

use anyhow::Result;

use super::Spec;
use super::account::Account;
use super::contender::{Contender, Running};
use super::measure::{self, Sample, median};
use super::rig::Rig;
use super::wire::{Generator, Sink, Stream};

/// What one turn gave.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// Who forwarded.
    pub(super) contender: Contender,
    /// The samples.
    pub(super) samples: Vec<Sample>,
    /// Of Evenkeel, frames that nobody accounts for.
    pub(super) unaccounted: Option<i64>,
}

impl Turn {
    /// Frames per second that arrived, the median of the samples.
    pub(super) fn median(&self) -> f64 {
        median(self.samples.iter().map(|sample| sample.seen))
    }

    /// True if others ran on the forwarder's core.
    pub(super) fn is_disturbed(&self) -> bool {
        self.samples.iter().any(Sample::is_disturbed)
    }

    /// True if the forwarder was the bottleneck all the time.
    pub(super) fn is_saturated(&self) -> bool {
        self.samples.iter().all(Sample::is_saturated)
    }
}

/// Lays the rig, starts the contender, offers more than it takes.
pub(super) fn turn(spec: &Spec, contender: Contender) -> Result<Turn> {
    let rig = Rig::lay()?;
    let sink = Sink::open(&rig)?;
    let running = contender.start(&rig, &sink)?;
    let evenkeel = if let Running::Evenkeel(evenkeel) = &running { Some(evenkeel) } else { None };
    let before = evenkeel.map(|evenkeel| Account::read(&rig, &sink, evenkeel)).transpose()?;
    let stream = Stream {
        flows: contender.flows(),
        rate: spec.rate,
        rounds: None,
        is_first: false,
        is_stamped: false,
    };
    let generator = Generator::start(&rig, stream)?;
    let samples =
        measure::samples((&generator, &sink), running.pid(), spec.warm_up, spec.samples, spec.sample)?;
    let sent = generator.stop()?;
    let unaccounted = match (evenkeel, before) {
        (Some(evenkeel), Some(before)) => Some(before.unaccounted(&rig, &sink, evenkeel, sent)?),
        _ => None,
    };
    running.end()?;
    Ok(Turn { contender, samples, unaccounted })
}
