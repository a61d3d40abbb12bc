//! Evenkeel beside its peers on veth: who forwards how many small frames per second on one core, and how long a frame
//! is in the box at which load.
//!
//! Every run has fresh namespaces (`rig`). The generator and the kernel's work on its frames have core 0, the
//! forwarder and the kernel's work on what it sends have core 1. Contenders take turns, round by round.

mod account;
pub mod contender;
pub mod idle;
mod load;
mod measure;
mod report;
mod rig;
mod throughput;
mod wire;

pub use report::Outcome;
pub use rig::Rig;

use std::time::Duration;

use anyhow::{Result, ensure};

use contender::Contender;

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Turns of each contender.
    pub rounds: usize,
    /// Samples in a turn.
    pub samples: usize,
    /// Length of a sample.
    pub sample: Duration,
    /// Before the first sample of a turn.
    pub warm_up: Duration,
    /// Frames per second that are offered where the most is asked for; `None`: as many as go.
    pub rate: Option<u64>,
    /// Loads at which time in the box is measured, in percent of the highest rate.
    pub loads: Vec<u32>,
    /// Turns of each load.
    pub load_rounds: usize,
}

/// Runs these contenders, and then Evenkeel at several loads if it is among them.
///
/// # Errors
/// Without root or a second core, or when Evenkeel or the bare loop doesn't work. Of the others the outcome says why.
pub fn run(spec: &Spec, contenders: &[Contender]) -> Result<Outcome> {
    need_cores()?;
    let mut outcome = Outcome::default();
    let mut there = Vec::new();
    for &contender in contenders {
        match contender.lacks() {
            None => there.push(contender),
            Some(lack) => outcome.missing.push((contender, lack)),
        }
    }
    for round in 1..=spec.rounds {
        for contender in there.clone() {
            eprintln!("round {round} of {}: {contender}", spec.rounds);
            match throughput::turn(spec, contender) {
                Ok(turn) => outcome.turns.push(turn),
                Err(error) if contender.is_ours() => return Err(error),
                Err(error) => {
                    there.retain(|other| *other != contender);
                    outcome.missing.push((contender, format!("{error:#}")));
                }
            }
        }
        // Nobody is always behind the same one.
        there.reverse();
    }
    if let Some(most) = outcome.most(Contender::EvenkeelFew) {
        for round in 1..=spec.load_rounds {
            for &percent in &spec.loads {
                eprintln!(
                    "round {round} of {}: evenkeel at {percent} % of its highest rate",
                    spec.load_rounds
                );
                outcome.loads.push(load::turn(spec, most, percent)?);
            }
        }
    }
    Ok(outcome)
}

fn need_cores() -> Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores > rig::FORWARDER_CORE, "the generator and the forwarder need a core each");
    Ok(())
}
