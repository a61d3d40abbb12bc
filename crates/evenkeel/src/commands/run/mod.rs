//! `evenkeel run`: the forwarder.
//!
//! This thread starts everything, waits for signals and prints; workers forward, the control thread publishes.

mod cores;
mod forwarder;
mod latency;
mod printout;
mod signals;
mod worker_thread;

use super::Refused;
use anyhow::{Context, Result};
use evenkeel_control::Config;
use forwarder::Forwarder;
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
    /// Write a report at the end, in the form of replay's report.json.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print a line of counters this often; 0s for never.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = interval)]
    stats_interval: Duration,
}

fn interval(text: &str) -> Result<Duration, String> {
    evenkeel_control::config::parse_duration(text)
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let config = Config::read(&args.config)?;
    for warning in &config.warnings {
        eprintln!("{warning}");
    }
    if let Some(report) = &args.report {
        check_writable(report)?;
    }
    let signals = Signals::catch()?;
    let mut forwarder = Forwarder::start(config)?;
    eprintln!("ready");
    notify_systemd(&[sd_notify::NotifyState::Ready]);

    serve(args, &signals, &mut forwarder);

    notify_systemd(&[sd_notify::NotifyState::Stopping]);
    let ended = forwarder.stop()?;
    printout::print_end(&ended);
    match &args.report {
        Some(path) => printout::write_report(&ended, path),
        None => Ok(()),
    }
}

/// Until SIGTERM or SIGINT: reloads at SIGHUP, prints a line of counters now and then.
fn serve(args: &Args, signals: &Signals, forwarder: &mut Forwarder) {
    let mut printed = Instant::now();
    let mut rates = printout::Rates::default();
    loop {
        let left = match args.stats_interval {
            Duration::ZERO => None,
            interval => Some(interval.saturating_sub(printed.elapsed())),
        };
        match signals.wait(left) {
            Some(Signal::End) => return,
            Some(Signal::Reload) => reload(args, forwarder),
            None => {
                printout::print_line(forwarder, &mut rates, printed.elapsed());
                printed = Instant::now();
            }
        }
    }
}

/// Takes the configuration up again, whole or not at all.
fn reload(args: &Args, forwarder: &mut Forwarder) {
    let done =
        Config::read(&args.config).map_err(anyhow::Error::from).and_then(|config| forwarder.reload(config));
    if let Err(error) = done {
        eprintln!("{error:#}");
        eprintln!("nothing was changed");
    }
}

/// Finds out before any packet whether the report can be written at the end.
fn check_writable(path: &PathBuf) -> Result<()> {
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map(drop)
        .map_err(|error| Refused(format!("--report {}: {error}", path.display())))
        .context("the report can't be written")
}

/// Tells systemd, if it started us and wants to know.
fn notify_systemd(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, state) {
        eprintln!("systemd can't be told: {error}");
    }
}
