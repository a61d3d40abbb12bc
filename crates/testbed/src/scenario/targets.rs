//! `targets`: servers leave a group one by one and come back, under connections that nobody ends.
//!
//! As in xcluster's ecmp test, where Linux lost 57, 105, 162, 203, 246 and 286 of 100 connections in sum on the way
//! from ten targets down to four. The last member leaves first. On Evenkeel the servers leave by turns in each way that it has.

use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use evenkeel_traffic::stats::Stats;

use super::{Chart, Length, Outcome, Table, head};
use crate::forwarder::{Forwarder, Kind, Way};
use crate::lab::plan::{WEB4, WEB6};
use crate::lab::{Lab, LabSpec, Wiring};
use crate::load::echo::EchoLoad;

/// Servers at the start.
pub const SERVERS: u8 = 10;
/// Connections held over each family.
pub const CONNECTIONS: u32 = 100;
/// Until all are open.
const OPENING: Duration = Duration::from_secs(2);

/// What one forwarder did.
#[derive(Debug)]
pub struct Run {
    /// Who forwarded.
    pub kind: Kind,
    /// What the client measured, by VIP.
    pub stats: Vec<(IpAddr, Stats)>,
}

impl Run {
    /// Connections lost over the family of `vip`, by step.
    pub fn lost(&self, vip: IpAddr) -> Vec<usize> {
        let Some((_, stats)) = self.stats.iter().find(|family| family.0 == vip) else { return Vec::new() };
        let mut lost = vec![0; stats.steps.len()];
        for loss in stats.losses() {
            let began = stats.steps.iter().rposition(|step| step.time_ns <= loss.time_ns);
            // What is lost before the first step counts for it.
            if let Some(step) = lost.get_mut(began.unwrap_or(0)) {
                *step += 1;
            }
        }
        lost
    }

    /// Connections lost over the family of `vip` in all steps.
    pub fn lost_together(&self, vip: IpAddr) -> usize {
        self.lost(vip).iter().sum()
    }

    /// Names of the steps.
    fn steps(&self) -> Vec<String> {
        let first = self.stats.first();
        first.iter().flat_map(|(_, stats)| &stats.steps).map(|step| step.name.clone()).collect()
    }
}

/// Lays the lab, takes the steps.
///
/// # Errors
/// When the lab can't be laid or the forwarder fails; lost connections are no error.
pub fn run(kind: Kind, length: Length) -> Result<Run> {
    let pause = length.pick(Duration::from_millis(1500), Duration::from_secs(4));
    let fewest = length.pick(8, 4);
    let mut lab = Lab::lay(LabSpec { servers: SERVERS, wiring: Wiring::Switched, queues: 1 })?;
    let mut forwarder = Forwarder::start(kind, &lab, SERVERS.into())?;
    let load = EchoLoad::start(&mut lab, CONNECTIONS)?;
    thread::sleep(OPENING);

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
        step(format!("{} servers again", server + 1), &mut || {
            forwarder.come_back(&lab, server, way(server))
        })?;
    }
    let stats = load.finish()?;
    forwarder.stop()?;
    Ok(Run { kind, stats })
}

/// Evenkeel has three ways; the kernel knows one.
fn way(server: usize) -> Way {
    [Way::Weight, Way::Drain, Way::Remove][server % 3]
}

/// All runs as a table and a chart.
pub fn outcome(runs: &[Run]) -> Outcome {
    let families = [("IPv4", IpAddr::from(WEB4)), ("IPv6", IpAddr::from(WEB6))];
    let columns = |run: &Run| families.map(|(family, _)| format!("{}\n{family}", head(run.kind)));
    let mut table =
        Table::new(["connections lost".to_owned()].into_iter().chain(runs.iter().flat_map(columns)));
    let lost: Vec<_> = runs.iter().flat_map(|run| families.map(|(_, vip)| run.lost(vip))).collect();
    for (number, name) in runs.first().map(Run::steps).unwrap_or_default().into_iter().enumerate() {
        table.push(name, lost.iter().map(|lost| lost.get(number).copied().unwrap_or(0)));
    }
    table.push("together", lost.iter().map(|lost| lost.iter().sum::<usize>()));
    Outcome {
        title: format!(
            "{CONNECTIONS} connections over IPv4 and {CONNECTIONS} over IPv6 while servers leave and return"
        ),
        table,
        charts: families.into_iter().map(|(family, vip)| chart(runs, family, vip)).collect(),
        faults: runs.iter().filter(|run| run.kind == Kind::Evenkeel).flat_map(faults).collect(),
    }
}

/// The runs over one family, one beside the other.
fn chart(runs: &[Run], family: &str, vip: IpAddr) -> Chart {
    let of =
        |run: &Run| Some((run.kind.to_string(), run.stats.iter().find(|stats| stats.0 == vip)?.1.clone()));
    Chart::Traffic {
        name: format!("-{}", family.to_lowercase()),
        title: format!("{CONNECTIONS} connections over {family} while servers leave and return"),
        runs: runs.iter().filter_map(of).collect(),
    }
}

fn faults(run: &Run) -> Vec<String> {
    let mut faults = Vec::new();
    for (vip, stats) in &run.stats {
        let held =
            stats.conn_stats.iter().filter(|connection| connection.connect_ns > 0 && !connection.is_lost());
        let (held, lost) = (held.count(), stats.losses().count());
        if lost > 0 || held != CONNECTIONS as usize {
            faults.push(format!("{}: {lost} connections to {vip} lost, {held} open at the end", run.kind));
        }
        if stats.failed_connects > 0 {
            faults
                .push(format!("{}: {} attempts to connect to {vip} failed", run.kind, stats.failed_connects));
        }
    }
    faults
}
