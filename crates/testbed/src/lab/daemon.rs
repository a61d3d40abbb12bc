//! `evenkeel run` on the lab's load balancer: started, reloaded, ended, and what it reported.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::{PathQuery, Protocol};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::Lab;
use super::namespace::{Namespace, succeed};
use super::process::Process;
use crate::workspace;

/// Queues may be held by a predecessor for a moment, and neighbours have to answer.
const READY_LIMIT: Duration = Duration::from_secs(10);
const RELOAD_LIMIT: Duration = Duration::from_secs(5);
/// SIGTERM ends it within a second; the rest is for a busy machine.
const END_LIMIT: Duration = Duration::from_secs(3);

/// A running `evenkeel`.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    config: PathBuf,
    report: PathBuf,
    socket: PathBuf,
    balancer: Namespace,
}

impl Daemon {
    /// Writes the configuration, starts `evenkeel run` in the load balancer's namespace and waits for `ready`.
    ///
    /// # Errors
    /// When it isn't built, ends, or isn't ready within ten seconds; with its log.
    pub fn start(lab: &Lab, config: &str) -> Result<Self> {
        Self::start_in(lab.balancer(), &lab.directory(), config)
    }

    /// The same in this namespace, with its files in this directory.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_in(balancer: &Namespace, directory: &Path, config: &str) -> Result<Self> {
        let (config_path, report) = (directory.join("evenkeel.toml"), directory.join("report.json"));
        let socket = directory.join("api.sock");
        fs::write(&config_path, config)?;
        let program = workspace::evenkeel()?;
        let mut command = balancer.command(&program.to_string_lossy());
        command.arg("run").arg("--config").arg(&config_path).arg("--report").arg(&report);
        command.arg("--socket").arg(&socket).arg("--state").arg(directory.join("state.json"));
        let mut process = Process::start(&mut command, &directory.join("evenkeel.log"))?;
        process.wait_for_line(0, READY_LIMIT, |line| line.trim() == "ready").context("evenkeel run")?;
        Ok(Self { process, config: config_path, report, socket, balancer: balancer.clone() })
    }

    /// Replaces the configuration and has it read again; returns once the daemon has said what came of it.
    ///
    /// # Errors
    /// When it says nothing of a reload within five seconds.
    pub fn reload(&mut self, config: &str) -> Result<String> {
        fs::write(&self.config, config)?;
        let seen_bytes = self.process.log().len();
        self.process.signal(Signal::SIGHUP)?;
        self.process.wait_for_line(seen_bytes, RELOAD_LIMIT, is_answer).context("SIGHUP")
    }

    /// Runs a command of `evenkeel` that asks or changes the daemon: `["drain", "web4", "s1"]`; what it wrote on stdout.
    ///
    /// # Errors
    /// When its status isn't 0; with its stderr.
    pub fn command(&self, words: &[&str]) -> Result<String> {
        let mut command = self.balancer.command(&workspace::evenkeel()?.to_string_lossy());
        let output = succeed(command.args(words).arg("--socket").arg(&self.socket))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A client of its API.
    ///
    /// # Errors
    /// When a client can't be had.
    pub fn api(&self) -> Result<Client> {
        Client::unix(&self.socket).context("a client of the API")
    }

    /// Which nexthop (by name) a TCP flow between these ends gets now.
    ///
    /// # Errors
    /// When the daemon doesn't answer, or names none.
    pub fn path(&self, source: SocketAddr, destination: SocketAddr) -> Result<String> {
        let (source, destination) = (source.to_string(), destination.to_string());
        let path = self.api()?.path(&PathQuery { source, destination, protocol: Protocol::Tcp })?;
        path.nexthop.with_context(|| format!("no nexthop: {}", path.why))
    }

    /// Everything that it has said.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// How long one of its threads, by its name, has had a core so far.
    ///
    /// # Errors
    /// When it has no such thread.
    pub fn thread_time(&self, name: &str) -> Result<Duration> {
        self.process.thread_time(name)
    }

    /// Number of its process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The process, for tests that signal it themselves.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Ends it by SIGTERM; its report, of which the sums are checked.
    ///
    /// # Errors
    /// When it doesn't end in time with status 0, or packets are unaccounted for.
    pub fn stop(mut self) -> Result<Report> {
        let started = Instant::now();
        self.process.signal(Signal::SIGTERM)?;
        let status = self.process.wait(END_LIMIT).context("SIGTERM")?;
        ensure!(status.success(), "evenkeel ended with {status}:\n{}", self.process.log());
        let took = started.elapsed();
        let text = fs::read_to_string(&self.report).context("evenkeel wrote no report")?;
        let report = Report { json: serde_json::from_str(&text).context("the report isn't JSON")?, took };
        report.check_sums()?;
        Ok(report)
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(mut self) {
        self.process.kill();
    }
}

/// The report of a run, as `evenkeel run --report` writes it.
#[derive(Clone, Debug)]
pub struct Report {
    json: Value,
    /// From SIGTERM to the end of the process.
    pub took: Duration,
}

impl Report {
    /// A number by its JSON pointer: `/packets/received`.
    ///
    /// # Errors
    /// When there is no such number.
    pub fn number(&self, pointer: &str) -> Result<u64> {
        match self.json.pointer(pointer).and_then(Value::as_u64) {
            Some(number) => Ok(number),
            None => bail!("no {pointer} in {}", self.json),
        }
    }

    /// What each worker received and forwarded.
    ///
    /// # Errors
    /// When the report has no workers.
    pub fn workers(&self) -> Result<Vec<(u64, u64)>> {
        let count = self.json["workers"].as_array().context("a live report without workers")?.len();
        let of = |worker, what| self.number(&format!("/workers/{worker}/{what}"));
        (0..count).map(|worker| Ok((of(worker, "received")?, of(worker, "forwarded")?))).collect()
    }

    /// The report as it is.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Every packet is in exactly one counter, every flow ended in one way or lives.
    fn check_sums(&self) -> Result<()> {
        let packets = |what: &str| self.number(&format!("/packets/{what}"));
        let flows = |what: &str| self.number(&format!("/flows/{what}"));
        let ends = packets("forwarded")? + packets("punted")? + packets("dropped")?;
        ensure!(packets("received")? == ends, "packets unaccounted for: {}", self.json);
        let drops: u64 = sum(self.json["drops"].as_object().into_iter().flat_map(|drops| drops.values()));
        ensure!(packets("dropped")? == drops, "drops without a reason: {}", self.json);
        let ended = flows("expired")? + flows("closed")? + flows("evicted")?;
        ensure!(flows("created")? + flows("adopted")? == ended + flows("live")?, "flows: {}", self.json);
        let nexthops = self.json["nexthops"].as_array().into_iter().flatten();
        let sent = sum(nexthops.map(|nexthop| &nexthop["packets"]));
        ensure!(packets("forwarded")? == sent, "nexthops' packets are {sent}: {}", self.json);
        let workers = self.workers()?;
        let taken: u64 = workers.iter().map(|worker| worker.0).sum();
        ensure!(packets("received")? == taken, "workers' packets are {taken}: {}", self.json);
        Ok(())
    }
}

/// Whether a line says what came of a reload.
fn is_answer(line: &str) -> bool {
    line.starts_with("configuration reloaded") || line.starts_with("reload refused")
}

fn sum<'a>(values: impl Iterator<Item = &'a Value>) -> u64 {
    values.filter_map(Value::as_u64).sum()
}
