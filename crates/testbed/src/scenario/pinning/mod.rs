//! `pinning`: sessions that are open while their server is drained and comes back, as in networkop's demonstration of
//! resilient ECMP with pinned flows.
//!
//! The sessions' sources and ports are fixed, and so is Evenkeel's hash: it spreads them in the same way in every run. The
//! client's headers change in mid-connection, as ssh changed its DSCP in xcluster's test.

mod entry;
mod headers;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::{Chart, Length, Line, Outcome, Table, head};
use crate::forwarder::{Forwarder, Kind, Way};
use crate::lab::config::{self, Draining};
use crate::lab::plan::{self, WEB4, WEB6};
use crate::lab::{Lab, LabSpec, Wiring};
use crate::load::session::Session;
use headers::Headers;

const SERVERS: u8 = 10;
/// Sessions over each family.
const SESSIONS: usize = 100;
/// Below the ports that the kernel gives out itself.
const FIRST_PORT: u16 = 20_000;
/// New sessions over each family while a server is drained.
const NEWCOMERS: usize = 50;
/// Of 100 connections over 10 servers each gets so many, as in xcluster's test.
const FAIR: std::ops::RangeInclusive<usize> = 3..=19;
const EXPEDITED: u8 = 46;

/// What one forwarder did.
#[derive(Debug)]
pub struct Run {
    /// Who forwarded.
    pub kind: Kind,
    /// What was seen, in order.
    pub facts: Vec<Fact>,
    line: Line,
}

/// One thing that was seen.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What was looked at.
    pub what: String,
    /// What was seen.
    pub seen: String,
    /// Whether it is as it should be.
    pub good: bool,
}

/// Lays the lab, takes the steps.
///
/// # Errors
/// When the lab can't be laid or the forwarder fails; lost sessions are no error.
pub fn run(kind: Kind, length: Length) -> Result<Run> {
    let lab = Lab::lay(LabSpec { servers: SERVERS, wiring: Wiring::Switched, queues: 1 })?;
    Headers::settle(&lab)?;
    let members: Vec<_> = (0..SERVERS.into()).map(|server| (server, Draining::No)).collect();
    let services = [config::web_services(&members), entry::services(&members)].concat();
    let forwarder = Forwarder::start_with(kind, &lab, SERVERS.into(), || config::text(&lab, &services))?;
    let began = Instant::now();
    let line = Line { kind, lost_s: Vec::new(), steps_s: Vec::new(), end_s: 0.0 };
    let headers = Headers::watch(&lab)?;
    let mut stage = Stage { lab, forwarder, began, sessions: Vec::new(), facts: Vec::new(), line };
    let expected = stage.ask_for_paths(length.pick(20, SESSIONS))?;
    stage.open_sessions(&expected)?;
    stage.change_headers(headers)?;
    stage.drain_and_return()?;
    if let Some(daemon) = stage.forwarder.daemon() {
        let facts = entry::look(&stage.lab, daemon)?;
        stage.facts.extend(facts);
    }
    stage.line.end_s = stage.began.elapsed().as_secs_f64();
    stage.forwarder.stop()?;
    Ok(Run { kind, facts: stage.facts, line: stage.line })
}

/// The lab with what is open in it.
struct Stage {
    lab: Lab,
    forwarder: Forwarder,
    began: Instant,
    sessions: Vec<Session>,
    facts: Vec<Fact>,
    line: Line,
}

type Ends = (SocketAddr, SocketAddr);

impl Stage {
    /// Where the first sessions of each family would land, by who forwards.
    fn ask_for_paths(&mut self, count: usize) -> Result<BTreeMap<SocketAddr, String>> {
        let asked = families().into_iter().flat_map(|vip| ends(vip, FIRST_PORT, count));
        asked.map(|ends| Ok((ends.0, self.forwarder.path(&self.lab, ends)?))).collect()
    }

    /// Opens the sessions: spread as they should be, and each where the path query said.
    fn open_sessions(&mut self, expected: &BTreeMap<SocketAddr, String>) -> Result<()> {
        self.begin_step("sessions are opened");
        for vip in families() {
            let opened = self.open(&ends(vip, FIRST_PORT, SESSIONS));
            ensure!(
                opened.len() == SESSIONS,
                "{} of {SESSIONS} sessions to {vip} could be opened",
                opened.len()
            );
            let mut counts = BTreeMap::<_, usize>::new();
            opened.iter().for_each(|session| *counts.entry(session.server.clone()).or_default() += 1);
            let (fewest, most) = (counts.values().min().copied(), counts.values().max().copied());
            let fewest = if counts.len() == usize::from(SERVERS) { fewest.unwrap_or(0) } else { 0 };
            let (most, family) = (most.unwrap_or(0), family(vip));
            self.note(
                format!("{SESSIONS} sessions over {family}, fewest to most of a server (3 to 19)"),
                format!("{fewest} to {most}"),
                FAIR.contains(&fewest) && FAIR.contains(&most),
            );
            self.sessions.extend(opened);
        }
        let landed = |session: &&Session| expected.get(&session.source) == Some(&session.server);
        let right = self.sessions.iter().filter(landed).count();
        self.note(
            "sessions that landed where the path query said",
            of(right, expected.len()),
            right == expected.len(),
        );
        Ok(())
    }

    /// DSCP, ECN and flow label become others in mid-connection.
    fn change_headers(&mut self, mut headers: Headers) -> Result<()> {
        self.begin_step("headers change");
        let before = self.sessions.len();
        self.ask_all();
        for session in &self.sessions {
            session.set_dscp(EXPEDITED)?;
        }
        self.ask_all();
        headers.drop_flow_labels(&self.lab)?;
        self.ask_all();
        headers.look()?;
        let kept = self.sessions.iter().filter(|session| headers.changed(session.source)).count();
        self.note(
            "sessions that stayed while DSCP, ECN and flow label changed",
            of(kept, before),
            kept == before,
        );
        Ok(())
    }

    /// The first session's server is drained and comes back.
    fn drain_and_return(&mut self) -> Result<()> {
        let drained = self.sessions.first().context("no session")?.server.clone();
        let index = self.lab.servers().iter().position(|server| server.name() == drained);
        let index = index.with_context(|| format!("no server {drained}"))?;
        let own = |session: &Session| session.server == drained;

        self.begin_step("its server is drained");
        self.forwarder.leave(&self.lab, index, Way::Drain)?;
        let (owned, others) = self.count(own);
        self.ask_all();
        let (owned_kept, others_kept) = self.count(own);
        self.note("sessions of a server that survive its drain", of(owned_kept, owned), owned_kept == owned);
        self.note(
            "sessions of the other servers that survive it",
            of(others_kept, others),
            others_kept == others,
        );

        self.begin_step("new sessions meanwhile");
        let newcomers: Vec<Ends> = families()
            .into_iter()
            .flat_map(|vip| ends(vip, FIRST_PORT + SESSIONS as u16, NEWCOMERS))
            .collect();
        let opened = self.open(&newcomers);
        let astray = opened.iter().filter(|session| own(session)).count() + newcomers.len() - opened.len();
        self.note("new sessions that the drained server got", of(astray, newcomers.len()), astray == 0);
        self.sessions.extend(opened);

        self.begin_step("it takes new sessions again");
        self.forwarder.come_back(&self.lab, index, Way::Drain)?;
        let before = self.sessions.len();
        self.ask_all();
        let kept = self.sessions.len();
        self.note("open sessions that survive its return", of(kept, before), kept == before);
        Ok(())
    }

    fn begin_step(&mut self, name: &str) {
        eprintln!("  {name}");
        self.line.steps_s.push(self.began.elapsed().as_secs_f64());
    }

    fn note(&mut self, what: impl Into<String>, seen: String, good: bool) {
        self.facts.push(Fact { what: what.into(), seen, good });
    }

    /// The sessions that could be opened.
    fn open(&self, ends: &[Ends]) -> Vec<Session> {
        let open = || ends.iter().filter_map(|&(source, to)| Session::open(source, to).ok()).collect();
        self.lab.client().within(open).unwrap_or_default()
    }

    /// Asks on all sessions; those that another server answers, or nobody, are lost.
    fn ask_all(&mut self) {
        let mut lost_s = Vec::new();
        self.sessions.retain_mut(|session| {
            let answer: io::Result<String> = session.ask();
            let kept = answer.is_ok_and(|server| server == session.server);
            if !kept {
                lost_s.push(self.began.elapsed().as_secs_f64());
            }
            kept
        });
        self.line.lost_s.extend(lost_s);
    }

    /// Sessions of which this is true, and the others.
    fn count(&self, what: impl Fn(&Session) -> bool) -> (usize, usize) {
        let count = self.sessions.iter().filter(|session| what(session)).count();
        (count, self.sessions.len() - count)
    }
}

fn families() -> [IpAddr; 2] {
    [WEB4.into(), WEB6.into()]
}

fn family(vip: IpAddr) -> &'static str {
    if vip.is_ipv4() { "IPv4" } else { "IPv6" }
}

/// Both ends of so many sessions, each from another address and port.
fn ends(vip: IpAddr, first_port: u16, count: usize) -> Vec<Ends> {
    let source = |number: usize| SocketAddr::new(plan::source(vip, number), first_port + number as u16);
    (0..count).map(|number| (source(number), SocketAddr::new(vip, 80))).collect()
}

fn of(part: usize, whole: usize) -> String {
    format!("{part} of {whole}")
}

/// All runs as a table and a chart.
pub fn outcome(runs: &[Run]) -> Outcome {
    let mut table = Table::new(["".to_owned()].into_iter().chain(runs.iter().map(|run| head(run.kind))));
    let mut shown = BTreeSet::new();
    for what in runs.iter().flat_map(|run| &run.facts).map(|fact| &fact.what) {
        if shown.insert(what) {
            let seen =
                |run: &Run| run.facts.iter().find(|fact| fact.what == *what).map(|fact| fact.seen.clone());
            table.push(what, runs.iter().map(|run| seen(run).unwrap_or_else(|| "-".into())));
        }
    }
    let faults = runs.iter().filter(|run| run.kind == Kind::Evenkeel).flat_map(|run| &run.facts);
    Outcome {
        title: format!("{SESSIONS} open sessions over each family while a server is drained and comes back"),
        table,
        faults: faults
            .filter(|fact| !fact.good)
            .map(|fact| format!("{}: {}", fact.what, fact.seen))
            .collect(),
        charts: vec![Chart::Lost {
            title: "sessions lost while headers change, a server is drained and comes back".into(),
            lines: runs.iter().map(|run| run.line.clone()).collect(),
        }],
    }
}
