//! `flood`: established connections beside a flood of SYNs, on Evenkeel alone: the kernel's ECMP remembers nobody.
//!
//! The flow table is small against the flood: what the flood enters must make room for itself again and again.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use evenkeel_traffic::descriptors;

use super::{Chart, Length, Line, Outcome, Table};
use crate::forwarder::Kind;
use crate::frames::flood::{Flood, Sent};
use crate::lab::daemon::{Daemon, Report};
use crate::lab::plan::{WEB4, WEB6};
use crate::lab::{Lab, LabSpec, Wiring, config};
use crate::load::{Load, LoadSpec, StepTally};

/// Connections that are held, over both families.
pub const CONNECTIONS: usize = 10_000;
/// Half of these may be half-open.
const FLOW_CAPACITY: usize = 4 * CONNECTIONS;
const SERVERS: u8 = 10;
const FLOOD: &str = "SYN flood";

/// What Evenkeel did.
#[derive(Debug)]
pub struct Run {
    /// The steps, with what was lost in each.
    pub steps: Vec<StepTally>,
    /// What the flood sent.
    pub sent: Sent,
    /// The daemon's report.
    pub report: Report,
    /// Connections that were held when the flood began.
    pub held: usize,
}

/// Lays the lab, opens the connections, floods.
///
/// # Errors
/// When the lab can't be laid or `evenkeel run` fails; lost connections are no error.
pub fn run(length: Length) -> Result<Run> {
    let seconds = length.pick(6, 30);
    let interval = Duration::from_secs(length.pick(6, 10));
    descriptors::provide(CONNECTIONS + 1000)?;
    let lab = Lab::lay(LabSpec { servers: SERVERS, wiring: Wiring::Switched, queues: 1 })?;
    let config = format!("[dataplane]\nflow_capacity = {FLOW_CAPACITY}\n\n{}", config::web(&lab, &[]));
    let daemon = Daemon::start(&lab, &config)?;
    let spec = LoadSpec {
        held_per_vip: CONNECTIONS / 2,
        request_interval: interval,
        // What finds a full ring is sent again by TCP, and again.
        timeout: Duration::from_secs(15),
        ..LoadSpec::default()
    };
    let load = Load::start(lab.client(), spec, "opening")?;
    load.wait_until_held(interval * 3).context("the load")?;
    let held = load.held();

    eprintln!("  {FLOOD}");
    let flood =
        Flood::start(&lab, &[(WEB4, 80).into(), (WEB6, 80).into()], Duration::from_secs(seconds + 10))?;
    load.step(FLOOD);
    thread::sleep(Duration::from_secs(seconds));
    let sent = flood.finish()?;
    load.step("afterwards");
    // Every held connection says something once more.
    thread::sleep(interval);
    let steps = load.finish()?;
    Ok(Run { steps, sent, report: daemon.stop()?, held })
}

/// The run as a table and a chart.
///
/// # Errors
/// When the report lacks a counter.
pub fn outcome(run: &Run) -> Result<Outcome> {
    let lost: usize = run.steps.iter().map(|step| step.lost.len()).sum();
    let flood = run.steps.iter().find(|step| step.step == FLOOD).context("no flood")?;
    let opened: u64 = flood.opened.values().sum();
    let mut table = Table::new(["", "evenkeel"]);
    table.push("connections held", [run.held]);
    table.push("connections lost", [lost]);
    table.push("new connections served in the flood", [opened]);
    table.push("SYNs sent", [run.sent.frames]);
    table.push("SYNs per second", [format!("{:.0}", run.sent.frames as f64 / run.sent.seconds)]);
    for counter in ["packets/received", "packets/dropped", "flows/created", "flows/evicted", "flows/moved"] {
        table.push(counter, [run.report.number(&format!("/{counter}"))?]);
    }
    let untracked = run.report.number("/flows/untracked_packets")?;
    table.push("flows/untracked_packets", [untracked]);
    let mut faults = Vec::new();
    let mut judge = |good: bool, fault: String| {
        if !good {
            faults.push(fault);
        }
    };
    judge(lost == 0, format!("{lost} connections lost"));
    judge(run.held >= CONNECTIONS, format!("{} connections held", run.held));
    judge(opened > 0, "no new connection was served in the flood".into());
    judge(run.report.number("/flows/evicted")? > 0, "the flood evicted nobody: it was too small".into());
    judge(run.report.number("/flows/moved")? == 0, "flows moved".into());
    Ok(Outcome {
        title: format!(
            "{CONNECTIONS} connections beside a flood of SYNs; {FLOW_CAPACITY} flows fit the table"
        ),
        table,
        charts: vec![Chart::Lost {
            title: "connections lost beside a flood of SYNs".into(),
            lines: vec![Line::of_lost(Kind::Evenkeel, &run.steps)],
        }],
        faults,
    })
}
