//! `targets`: servers leave a group one by one and come back, under connections that nobody ends.
//!
//! As in xcluster's ecmp test, where Linux lost 57, 105, 162, 203, 246 and 286 of 100 connections in sum on the way
//! from ten targets down to four. The last member leaves first. On Evenkeel the servers leave by turns in each way that it has.

use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Chart, Length, Line, Outcome, Table, head};
use crate::forwarder::{Forwarder, Kind, Way};
use crate::lab::plan::{WEB4, WEB6};
use crate::lab::{Lab, LabSpec, Wiring};
use crate::load::{Load, LoadSpec, StepTally};

/// Servers at the start.
pub const SERVERS: u8 = 10;
/// Connections held over each family.
pub const CONNECTIONS: usize = 100;

/// What one forwarder did.
#[derive(Debug)]
pub struct Run {
    /// Who forwarded.
    pub kind: Kind,
    /// The steps, with what was lost in each.
    pub steps: Vec<StepTally>,
}

impl Run {
    /// Connections lost over the family of `vip` in all steps.
    pub fn lost(&self, vip: IpAddr) -> usize {
        self.steps.iter().map(|step| lost(step, vip)).sum()
    }
}

/// Lays the lab, takes the steps.
///
/// # Errors
/// When the lab can't be laid or the forwarder fails; lost connections are no error.
pub fn run(kind: Kind, length: Length) -> Result<Run> {
    let pause = length.pick(Duration::from_millis(1500), Duration::from_secs(4));
    let fewest = length.pick(8, 4);
    let lab = Lab::lay(LabSpec { servers: SERVERS, wiring: Wiring::Switched, queues: 1 })?;
    let mut forwarder = Forwarder::start(kind, &lab, SERVERS.into())?;
    let spec = LoadSpec { held_per_vip: CONNECTIONS, short_interval: None, ..LoadSpec::default() };
    let load = Load::start(lab.client(), spec, "opening")?;
    load.wait_until_held(Duration::from_secs(15)).context("the load")?;

    let step = |name: String, change: &mut dyn FnMut() -> Result<()>| -> Result<()> {
        eprintln!("  {name}");
        load.step(&name);
        change().with_context(|| name.clone())?;
        thread::sleep(pause);
        Ok(())
    };
    let down: Vec<usize> = (fewest..usize::from(SERVERS)).rev().collect();
    step(format!("{SERVERS} servers"), &mut || Ok(()))?;
    for &server in &down {
        step(format!("{server} servers"), &mut || forwarder.leave(&lab, server, way(server)))?;
    }
    for &server in down.iter().rev() {
        step(format!("{} servers again", server + 1), &mut || forwarder.join(&lab, server))?;
    }
    let steps = load.finish()?;
    forwarder.stop()?;
    Ok(Run { kind, steps })
}

fn way(server: usize) -> Way {
    if server.is_multiple_of(2) { Way::Remove } else { Way::Drain }
}

/// All runs as a table and a chart.
pub fn outcome(runs: &[Run]) -> Outcome {
    let families = [("IPv4", IpAddr::from(WEB4)), ("IPv6", IpAddr::from(WEB6))];
    let columns = |run: &Run| families.map(|(family, _)| format!("{}\n{family}", head(run.kind)));
    let mut table =
        Table::new(["connections lost".to_owned()].into_iter().chain(runs.iter().flat_map(columns)));
    let steps = runs.first().map_or(0, |run| run.steps.len());
    for number in 0..steps {
        let cells = runs.iter().flat_map(|run| families.map(|(_, vip)| lost(&run.steps[number], vip)));
        table.push(&runs[0].steps[number].step, cells);
    }
    table.push("together", runs.iter().flat_map(|run| families.map(|(_, vip)| run.lost(vip))));
    let kept = |run: &Run| match families.map(|(_, vip)| run.lost(vip)) {
        [0, 0] => None,
        [lost4, lost6] => {
            Some(format!("{} lost {lost4} connections over IPv4 and {lost6} over IPv6", run.kind))
        }
    };
    Outcome {
        title: format!(
            "{CONNECTIONS} connections over IPv4 and {CONNECTIONS} over IPv6 while servers leave and return"
        ),
        table,
        chart: Chart {
            title: "connections lost while servers leave and return".into(),
            lines: runs.iter().map(|run| Line::of_lost(run.kind, &run.steps)).collect(),
        },
        faults: runs.iter().filter(|run| run.kind == Kind::Evenkeel).filter_map(kept).collect(),
    }
}

fn lost(step: &StepTally, vip: IpAddr) -> usize {
    step.lost.iter().filter(|lost| lost.vip == vip).count()
}
