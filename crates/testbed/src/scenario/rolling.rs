//! `rolling`: every server is replaced by another one, one after the other, under load.
//!
//! A replacement is: the successor comes into the group, the old server leaves it, its sessions get time to end, its power is
//! cut. The client's sessions are HTTP connections of some requests each, and single requests beside them.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Chart, Length, Line, Outcome, Table, head};
use crate::forwarder::{Forwarder, Kind, Way};
use crate::lab::{Lab, LabSpec, Wiring};
use crate::load::{Load, LoadSpec, StepTally};

/// Sessions held over each family.
pub const CONNECTIONS: usize = 60;
const REQUEST_INTERVAL: Duration = Duration::from_millis(100);

/// What one forwarder did.
#[derive(Debug)]
pub struct Run {
    /// Who forwarded.
    pub kind: Kind,
    /// The steps, with what was lost in each.
    pub steps: Vec<StepTally>,
}

impl Run {
    /// Connections lost in all steps.
    pub fn lost(&self) -> usize {
        self.steps.iter().map(|step| step.lost.len()).sum()
    }
}

/// Lays the lab, replaces all servers.
///
/// # Errors
/// When the lab can't be laid or the forwarder fails; lost connections are no error.
pub fn run(kind: Kind, length: Length) -> Result<Run> {
    let servers: u8 = length.pick(2, 4);
    let session_answers = length.pick((10, 15), (20, 40));
    // The longest session, and as much again as a busy machine may need for its end.
    let patience = REQUEST_INTERVAL * session_answers.1 + Duration::from_secs(1);
    let mut lab = Lab::lay(LabSpec { servers: servers * 2, wiring: Wiring::Switched, queues: 1 })?;
    let mut forwarder = Forwarder::start(kind, &lab, servers.into())?;
    let spec = LoadSpec {
        held_per_vip: CONNECTIONS,
        request_interval: REQUEST_INTERVAL,
        session_answers: Some(session_answers),
        ..LoadSpec::default()
    };
    let load = Load::start(lab.client(), spec, "opening")?;
    load.wait_until_held(Duration::from_secs(15)).context("the load")?;
    load.step("nothing changes");
    thread::sleep(patience / 2);
    for old in 0..usize::from(servers) {
        let new = old + usize::from(servers);
        let name = format!("{} replaces {}", lab.servers()[new].name(), lab.servers()[old].name());
        eprintln!("  {name}");
        load.step(&name);
        forwarder.come(&lab, new)?;
        forwarder.leave(&lab, old, Way::Remove)?;
        thread::sleep(patience);
        lab.server_mut(old).cut_power()?;
    }
    load.step("afterwards");
    thread::sleep(patience / 2);
    let steps = load.finish()?;
    forwarder.stop()?;
    Ok(Run { kind, steps })
}

/// All runs as a table and a chart.
pub fn outcome(runs: &[Run]) -> Outcome {
    let names = runs.iter().map(|run| head(run.kind));
    let mut table = Table::new(["connections lost".to_owned()].into_iter().chain(names));
    for number in 0..runs.first().map_or(0, |run| run.steps.len()) {
        table.push(&runs[0].steps[number].step, runs.iter().map(|run| run.steps[number].lost.len()));
    }
    table.push("together", runs.iter().map(Run::lost));
    let sum =
        |count: fn(&StepTally) -> u64| runs.iter().map(move |run| run.steps.iter().map(count).sum::<u64>());
    table.push("(connections that were served)", sum(|step| step.opened.values().sum()));
    table.push("(requests that were answered)", sum(|step| step.responses.values().sum()));
    let kept = |run: &Run| (run.lost() > 0).then(|| format!("{} lost {} connections", run.kind, run.lost()));
    Outcome {
        title: "every server is replaced, one after the other, under HTTP over IPv4 and IPv6".into(),
        table,
        charts: vec![Chart::Lost {
            title: "connections lost while every server is replaced".into(),
            lines: runs.iter().map(|run| Line::of_lost(run.kind, &run.steps)).collect(),
        }],
        faults: runs.iter().filter(|run| run.kind == Kind::Evenkeel).filter_map(kept).collect(),
    }
}
