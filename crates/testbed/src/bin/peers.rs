//! Evenkeel beside its peers on veth, for `scripts/bench.sh peers`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand};
use evenkeel_testbed::peers::contender::{Contender, bare};
use evenkeel_testbed::peers::{self, Spec, idle};

/// Frames per second that are more than anybody forwards.
const RATE: u64 = 2_400_000;

/// Measures Evenkeel and its peers in network namespaces of their own. Needs root and two cores.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Turns of each contender at the highest load
    #[arg(long, default_value_t = 5, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    rounds: usize,
    /// One turn with one sample of 200 ms, one load: whether it works
    #[arg(long, conflicts_with = "rounds")]
    short: bool,
    /// Frames per second that are offered at the highest load; 0: as many as go
    #[arg(long, default_value_t = RATE)]
    rate: u64,
    /// This contender alone; may be given several times
    #[arg(long, value_enum, value_name = "NAME")]
    only: Vec<Contender>,
    /// Writes rows for programs there
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// The bare loop, between eth1 and eth2 of the namespace that it is started in
    #[command(hide = true)]
    Bare,
    /// Evenkeel's idle modes with little to do: what a worker costs, and how long a frame takes
    Idle {
        /// Turns of each mode at each load
        #[arg(long, default_value_t = 3, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
        rounds: usize,
        /// One turn each with one sample of 200 ms: whether it works
        #[arg(long, conflicts_with = "rounds")]
        short: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::Bare) => bare::run().map(|()| true),
        Some(Command::Idle { rounds, short }) => idle(rounds, short),
        None => compare(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("peers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn whole(rate: Option<u64>, rounds: usize) -> Spec {
    let second = Duration::from_secs(1);
    Spec {
        rounds,
        samples: 4,
        sample: second,
        warm_up: second,
        rate,
        loads: vec![5, 20, 50, 80, 100],
        load_rounds: rounds.min(3),
    }
}

fn short(rate: Option<u64>) -> Spec {
    let moment = Duration::from_millis(200);
    Spec { rounds: 1, samples: 1, sample: moment, warm_up: moment, rate, loads: vec![20], load_rounds: 1 }
}

fn idle(rounds: usize, is_short: bool) -> Result<bool> {
    let spec = if is_short { short(Some(RATE)) } else { whole(Some(RATE), rounds) };
    write!(io::stdout(), "{}", idle::run(&spec)?)?;
    Ok(true)
}

fn compare(arguments: &Arguments) -> Result<bool> {
    let rate = (arguments.rate > 0).then_some(arguments.rate);
    let spec = if arguments.short { short(rate) } else { whole(rate, arguments.rounds) };
    let wanted = |contender: &Contender| arguments.only.is_empty() || arguments.only.contains(contender);
    let contenders: Vec<_> = Contender::ALL.into_iter().filter(wanted).collect();
    let outcome = peers::run(&spec, &contenders)?;
    write!(io::stdout(), "{outcome}")?;
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&outcome.rows())?)
            .with_context(|| path.display().to_string())?;
    }
    Ok(outcome.is_sound())
}
