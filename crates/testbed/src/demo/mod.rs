//! The demonstration: the same load and the same steps, once on the kernel's multipath route and once on Evenkeel.
//!
//! Headline: what a drain and the return of a server cost. The death of a server is a step of its own, for the
//! connections to it are lost whoever forwards; what counts there are everybody else's.

mod page;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::forwarder::{Forwarder, Kind, Way};
use crate::lab::{Lab, LabSpec, Wiring};
use crate::load::{Load, LoadSpec, StepTally};

pub use page::print;

/// The server that is drained and comes back, by index: the first of the route, where RFC 2992 expects the kernel
/// to move half of all flows.
const DRAINED: usize = 0;
/// The server that dies then.
const KILLED: usize = 2;
/// Until all connections are held.
const OPENING: &str = "opening";

/// What one forwarder did with the load.
#[derive(Debug, Serialize)]
pub struct Run {
    /// Who forwarded.
    pub forwarder: Kind,
    /// Keep-alive connections that were held.
    pub held: usize,
    /// The servers' names.
    pub servers: Vec<String>,
    /// The counts, step by step.
    pub steps: Vec<StepTally>,
    /// The daemon's own report.
    pub report: Option<serde_json::Value>,
    /// From laying the lab to its removal.
    pub seconds: f64,
}

/// The steps' names, in order.
pub mod steps {
    /// Nothing changes.
    pub const STEADY: &str = "nothing changes";
    /// A server is drained.
    pub const DRAIN: &str = "s1 is drained";
    /// The drained server takes new flows again.
    pub const RETURN: &str = "s1 returns";
    /// Another server's power is cut.
    pub const KILL: &str = "s3 dies";
}

impl Run {
    /// The step of this name.
    ///
    /// # Panics
    /// When the run hasn't got it.
    pub fn step(&self, name: &str) -> &StepTally {
        self.steps.iter().find(|step| step.step == name).expect("every run has all steps")
    }

    /// Connections lost before anybody died: by the drain, by the return, or by nothing at all.
    pub fn lost_by_changes(&self) -> usize {
        [steps::STEADY, steps::DRAIN, steps::RETURN].iter().map(|name| self.step(name).lost.len()).sum()
    }

    /// Connections lost when a server died, though another one served them.
    pub fn lost_beside_the_dead(&self) -> usize {
        self.step(steps::KILL).lost_beside(self.killed())
    }

    /// The name of the server that died.
    pub fn killed(&self) -> &str {
        &self.servers[KILLED]
    }
}

/// Lays a lab, runs the steps on it, removes it.
///
/// # Errors
/// When the lab can't be laid or the forwarder fails; lost connections are no error.
pub fn run(kind: Kind) -> Result<Run> {
    let began = Instant::now();
    let mut lab = Lab::lay(LabSpec { servers: 3, wiring: Wiring::Direct, queues: 1 })?;
    let mut forwarder = Forwarder::start(kind, &lab, lab.servers().len())?;
    let load = Load::start(lab.client(), LoadSpec::default(), OPENING)?;
    load.wait_until_held(Duration::from_secs(15)).context("the load")?;
    let held = load.held();

    take_step(&load, steps::STEADY, 4, || Ok(()))?;
    take_step(&load, steps::DRAIN, 8, || forwarder.leave(&lab, DRAINED, Way::Drain))?;
    take_step(&load, steps::RETURN, 6, || forwarder.come_back(&lab, DRAINED, Way::Drain))?;
    take_step(&load, steps::KILL, 8, || lab.server_mut(KILLED).cut_power())?;

    let steps = load.finish()?;
    let report = forwarder.stop()?.map(|report| report.json().clone());
    let servers = lab.servers().iter().map(|server| server.name().to_owned()).collect();
    drop(lab);
    Ok(Run { forwarder: kind, held, servers, steps, report, seconds: began.elapsed().as_secs_f64() })
}

fn take_step(load: &Load, name: &str, seconds: u64, change: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("  {name}, {seconds} s");
    load.step(name);
    change().with_context(|| name.to_owned())?;
    thread::sleep(Duration::from_secs(seconds));
    Ok(())
}
