//! `listing`: all flows are listed, page by page, while traffic runs; on Evenkeel alone, the kernel's ECMP has no flows.
//!
//! The table is filled with datagrams of clients that nobody is; an HTTP load and a session that asks all the time run beside.

use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::{FlowQuery, Latency};

use super::{Chart, Length, Line, Outcome, Table};
use crate::forwarder::Kind;
use crate::frames::FrameSender;
use crate::frames::build::{Link, client};
use crate::lab::config::{self, Draining, ServiceText};
use crate::lab::daemon::Daemon;
use crate::lab::plan::{WEB4, WEB6};
use crate::lab::{Lab, LabSpec};
use crate::load::probe::{Delays, Probe};
use crate::load::{Load, LoadSpec, StepTally};

const SERVERS: usize = 3;
/// Port of the datagrams.
const PORT: u16 = 9;
/// Flows of a page: the most that the API gives at once.
const PAGE: u32 = 10_000;
/// Frames that are sent at once: what fits the ring of the far end.
const PIECE: u32 = 256;
/// How long the worker has for them, before its ring is filled again.
const BREATH: Duration = Duration::from_millis(1);
/// How long the probe looks at a box that isn't asked anything.
const QUIET: Duration = Duration::from_secs(3);

/// What Evenkeel did.
#[derive(Debug)]
pub struct Run {
    /// Datagram flows that were made.
    pub made: u64,
    /// Flows that were listed.
    pub listed: u64,
    /// Pages in which they came.
    pub pages: u32,
    /// How long that took.
    pub took: Duration,
    /// How long the probe's answers took before, and meanwhile.
    pub delays: [Delays; 2],
    /// The daemon's own time in the box, before and after.
    pub latency: [Latency; 2],
    /// The steps, with what was lost in each.
    pub steps: Vec<StepTally>,
}

/// Lays the lab, fills the table, lists it.
///
/// # Errors
/// When the lab can't be laid, the table can't be filled or `evenkeel run` fails.
pub fn run(length: Length) -> Result<Run> {
    let made = length.pick(200_000, 1_000_000);
    let lab = Lab::lay(LabSpec { servers: SERVERS as u8, ..LabSpec::default() })?;
    let daemon = Daemon::start(&lab, &config(&lab, made))?;
    let api = daemon.api()?;
    eprintln!("  filling the table");
    fill(&lab, &api, made)?;
    let load = Load::start(lab.client(), LoadSpec::default(), "opening")?;
    load.wait_until_held(Duration::from_secs(15)).context("the load")?;

    eprintln!("  nobody asks");
    load.step("nobody asks");
    let before = api.counters()?.latency;
    let probe = Probe::start(&lab, WEB4.into(), 0)?;
    thread::sleep(QUIET);
    let quiet = probe.finish()?;

    eprintln!("  all flows are listed");
    load.step("all flows are listed");
    let probe = Probe::start(&lab, WEB4.into(), 1)?;
    let began = Instant::now();
    let (listed, pages) = list(&api)?;
    let took = began.elapsed();
    let busy = probe.finish()?;
    let after = api.counters()?.latency;
    let steps = load.finish()?;
    daemon.stop()?;
    Ok(Run { made: made.into(), listed, pages, took, delays: [quiet, busy], latency: [before, after], steps })
}

fn config(lab: &Lab, flows: u32) -> String {
    let members: Vec<_> = (0..SERVERS).map(|server| (server, Draining::No)).collect();
    let many = services().map(|(name, vip)| ServiceText {
        name,
        vip,
        protocol: "udp",
        ports: &[PORT],
        members: members.clone(),
        idle: None,
    });
    // A datagram's flow has no second packet, and such flows have half of the table.
    let capacity = u64::from(flows) * 5 / 2;
    let services = config::text(lab, &[config::web_services(&members), many].concat());
    format!("[dataplane]\nflow_capacity = {capacity}\n\n[timeouts]\nudp = \"1h\"\n\n{services}")
}

/// Sends a datagram of each of so many flows, and again, until all are in the table.
fn fill(lab: &Lab, api: &Client, flows: u32) -> Result<()> {
    let link = Link::to_balancer(lab)?;
    let sender = lab.client().within(|| FrameSender::open("eth0"))??;
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        for first in (0..flows).step_by(PIECE as usize) {
            let numbers = first..flows.min(first + PIECE);
            let datagram = |number: u32| {
                let (_, vip) = services()[number as usize % 2];
                link.udp(client(vip, number), SocketAddr::new(vip, PORT))
            };
            let frames: Vec<_> = numbers.map(datagram).collect::<Result<_>>()?;
            let mut left = frames.as_slice();
            while !left.is_empty() {
                let sent = sender.send(left.iter().map(Vec::as_slice))?;
                left = left.get(sent..).unwrap_or_default();
                thread::sleep(BREATH);
            }
        }
        let live = api.counters()?.flows.live;
        if live >= u64::from(flows) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{live} of {flows} flows in the table");
    }
}

/// Lists all flows; how many, in how many pages.
fn list(api: &Client) -> Result<(u64, u32)> {
    let mut query = FlowQuery { limit: Some(PAGE), ..FlowQuery::default() };
    let (mut flows, mut pages) = (0, 0);
    loop {
        let page = api.flows(&query)?;
        flows += page.flows.len() as u64;
        pages += 1;
        match page.cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return Ok((flows, pages)),
        }
    }
}

fn services() -> [(&'static str, IpAddr); 2] {
    [("many4", WEB4.into()), ("many6", WEB6.into())]
}

/// The run as a table and a chart.
pub fn outcome(run: &Run) -> Outcome {
    let lost: usize = run.steps.iter().map(|step| step.lost.len()).sum();
    let [quiet, busy] = run.delays;
    let mut table = Table::new(["", "nobody asks", "listing"]);
    let mut row = |name: &str, before: u128, after: u128| table.push(name, [before, after]);
    row("flows listed", 0, run.listed.into());
    row("pages", 0, run.pages.into());
    row("listing took, ms", 0, run.took.as_millis());
    row("answers to the probe", quiet.answers as u128, busy.answers as u128);
    row("answer after, p50 us", quiet.p50_us, busy.p50_us);
    row("answer after, p99 us", quiet.p99_us, busy.p99_us);
    row("answer after, max us", quiet.max_us, busy.max_us);
    for (name, of) in TIMES_IN_THE_BOX {
        row(name, of(&run.latency[0]) as u128, of(&run.latency[1]) as u128);
    }
    row("connections lost", 0, lost as u128);
    let mut faults = Vec::new();
    for step in run.steps.iter().filter(|step| !step.lost.is_empty()) {
        faults.push(format!("{} connections lost while {}: {:?}", step.lost.len(), step.step, step.causes()));
    }
    if run.listed < run.made {
        faults.push(format!("{} of {} flows listed", run.listed, run.made));
    }
    Outcome {
        title: format!("{} flows listed while traffic runs", run.made),
        table,
        charts: vec![Chart::Lost {
            title: "connections lost while all flows are listed".into(),
            lines: vec![Line::of_lost(Kind::Evenkeel, &run.steps)],
        }],
        faults,
    }
}

type TimeInTheBox = (&'static str, fn(&Latency) -> f64);
/// Since the start of the daemon, so that the second column is never below the first.
const TIMES_IN_THE_BOX: [TimeInTheBox; 3] = [
    ("in the box since the start, p50 us", |latency| latency.p50_us),
    ("in the box since the start, p99 us", |latency| latency.p99_us),
    ("in the box since the start, max us", |latency| latency.max_us),
];
