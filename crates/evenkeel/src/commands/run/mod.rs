//! `evenkeel run`: the forwarder.
//!
//! This thread starts everything, waits for signals and prints; workers forward, the control thread publishes.

mod api;
pub(super) mod cores;
mod crew;
mod forwarder;
mod interfaces;
mod latency;
mod memory;
mod printout;
mod report_file;
mod say;
mod services;
mod side;
mod signals;
mod told;
mod worker_thread;

use super::Refused;
use super::arguments::duration;
use anyhow::{Result, bail};
use evenkeel_control::Config;
use evenkeel_control::live::{Refusal, default_state_file};
use forwarder::Forwarder;
use report_file::ReportFile;
use signals::{Signal, Signals};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Forward packets until a signal ends it.
///
/// Needs root, or the capabilities `CAP_NET_ADMIN`, `CAP_NET_RAW` and `CAP_BPF`. Says `ready` on stderr in a line of its own once
/// packets are taken. SIGHUP reads the configuration again, SIGTERM and SIGINT end it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evenkeel run --config /etc/evenkeel/evenkeel.toml --stats-interval 10s")]
pub(crate) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Write a report at the end, in the form of replay's report.json. A file that is there stays until then.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Listen for commands on this unix socket; a daemon that finds the default one, /run/evenkeel/api.sock, taken goes on
    /// without.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Where operators' changes (drain, weight, add, remove) are remembered across a restart; by default a file of its own
    /// for each configuration, in `$STATE_DIRECTORY` or /var/lib/evenkeel.
    #[arg(long, value_name = "FILE", conflicts_with = "no_state")]
    state: Option<PathBuf>,
    /// Remember nothing.
    #[arg(long)]
    no_state: bool,
    /// Print a line of counters this often; 0s for never.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    stats_interval: Duration,
}

impl Args {
    /// Where changes are remembered.
    fn state_file(&self) -> Option<PathBuf> {
        let given = || self.state.clone().unwrap_or_else(|| default_state_file(&self.config));
        (!self.no_state).then(given)
    }
}

/// How often this thread looks whether the others live.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &Args) -> Result<()> {
    let config = Config::read(&args.config)?;
    say_warnings(&config);
    let report = args.report.as_deref().map(ReportFile::check).transpose()?;
    let signals = Signals::catch()?;
    let api = api::bind(args.socket.as_deref(), &config)?;
    let forwarder = Forwarder::start(config, &args.config, args.state_file())?;
    forwarder.serve_api(api);
    say::note("ready");
    notify_systemd(&[sd_notify::NotifyState::Ready]);

    let dead = serve(args, &signals, &forwarder);

    notify_systemd(&[sd_notify::NotifyState::Stopping]);
    if let Some(thread) = &dead {
        say::note(format_args!("{thread} has died: ending"));
    }
    let mut ended = forwarder.stop();
    printout::print_end(&ended);
    if let (Some(file), Some(report)) = (report, &ended.report) {
        file.write(&report.to_json()).unwrap_or_else(|error| ended.faults.push(format!("{error:#}")));
    }
    ended.faults.extend(dead.map(|thread| format!("{thread} has died")));
    if ended.faults.is_empty() {
        return Ok(());
    }
    bail!("{}", ended.faults.join("; "))
}

fn say_warnings(config: &Config) {
    for warning in &config.warnings {
        say::note(warning);
    }
}

/// Until SIGTERM or SIGINT: reloads at SIGHUP, prints a line of counters now and then. Ends too when a thread has died,
/// and says which.
fn serve(args: &Args, signals: &Signals, forwarder: &Forwarder) -> Option<String> {
    let mut printed = Instant::now();
    let mut rates = printout::Rates::default();
    loop {
        let dead = forwarder.dead_thread();
        if dead.is_some() {
            return dead;
        }
        let interval = args.stats_interval;
        let left = if interval.is_zero() { LOOK } else { interval.saturating_sub(printed.elapsed()) };
        match signals.wait(left.min(LOOK)) {
            Some(Signal::End) => return None,
            Some(Signal::Reload) => reload(forwarder),
            None if !interval.is_zero() && printed.elapsed() >= interval => {
                printout::print_line(forwarder, &mut rates, printed.elapsed());
                printed = Instant::now();
            }
            None => {}
        }
    }
}

/// Takes the configuration up again. What is new by it is an event, and so is a refusal, unless nobody is there to tell
/// it.
fn reload(forwarder: &Forwarder) {
    match forwarder.reload() {
        Ok(reloaded) => reloaded.warnings.iter().for_each(say::note),
        Err(refusal @ Refusal::Ended) => say::note(refusal),
        Err(_) => {}
    }
}

/// Tells systemd, if it started us and wants to know.
fn notify_systemd(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, state) {
        say::note(format_args!("systemd can't be told: {error}"));
    }
}
