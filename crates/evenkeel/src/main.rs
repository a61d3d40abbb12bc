//! The command line of Evenkeel: one subcommand per file in `commands/`, and the exit status.

mod commands;

use clap::{Parser, Subcommand};
use commands::{Refused, buckets, check, path, replay, run};
use evenkeel_control::Mistakes;
use std::process::ExitCode;

/// Exit status of bad configuration and bad arguments; clap's own too.
const BAD_INPUT: u8 = 2;

/// An L4 load balancer and ECMP forwarder on AF_XDP that does not break connections.
#[derive(Parser)]
#[command(name = "evenkeel", version, after_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "\
Exit status: 0 done, 1 it failed, 2 bad configuration or bad arguments.
Each command has an example: evenkeel check --help";

#[derive(Subcommand)]
enum Command {
    Check(check::Args),
    Buckets(buckets::Args),
    Path(path::Args),
    Replay(replay::Args),
    Run(run::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Check(args) => check::run(&args),
        Command::Buckets(args) => buckets::run(&args),
        Command::Path(args) => path::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Run(args) => run::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Says on stderr what went wrong. Mistakes of a file stand in lines of their own: `FILE:LINE:COLUMN: …`.
fn failed(error: &anyhow::Error) -> ExitCode {
    if let Some(mistakes) = error.downcast_ref::<Mistakes>() {
        eprintln!("{mistakes}");
        return ExitCode::from(BAD_INPUT);
    }
    eprintln!("evenkeel: {error:#}");
    match error.downcast_ref::<Refused>() {
        Some(_) => ExitCode::from(BAD_INPUT),
        None => ExitCode::FAILURE,
    }
}
