//! The program: runs one command, and turns its end into the exit status.

mod command_line;
mod commands;
mod print;

use command_line::{Change, Command, Examine, Foresee, Forward, Look, Measure, Shell};
use commands::daemon::{self, change, counters, events, flows, groups, interfaces, nexthops, pins};
use commands::daemon::{reload, services, status};
use commands::{Refused, buckets, check, completion, doctor, man, path, plan, replay, run, traffic};
use evenkeel_control::Mistakes;
use evenkeel_control::api::client::ClientError;
use evenkeel_pages::HugePages;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: HugePages = HugePages;

/// Exit status of bad configuration and bad arguments; clap's own too.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let done = match command_line::parse().command {
        Command::Forward(command) => forward(&command),
        Command::Look(command) => look(&command),
        Command::Change(command) => change(&command),
        Command::Foresee(command) => foresee(&command),
        Command::Examine(Examine::Doctor(args)) => doctor::run(&args),
        Command::Measure(Measure::Traffic(args)) => traffic::run(&args),
        Command::Shell(command) => shell(&command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn forward(command: &Forward) -> anyhow::Result<()> {
    match command {
        Forward::Run(args) => run::run(args),
        Forward::Replay(args) => replay::run(args),
    }
}

fn look(command: &Look) -> anyhow::Result<()> {
    match command {
        Look::Status(args) => status::run(args),
        Look::Services(args) => services::run(args),
        Look::Groups(args) => groups::run(args),
        Look::Nexthops(args) => nexthops::run(args),
        Look::Interfaces(args) => interfaces::run(args),
        Look::Counters(args) => counters::run(args),
        Look::Flows(args) => flows::run(args),
        Look::Path(args) => path::run(args),
        Look::Pins(args) => pins::list(args),
        Look::Events(args) => events::run(args),
    }
}

fn change(command: &Change) -> anyhow::Result<()> {
    match command {
        Change::Drain(args) => change::drain(args),
        Change::Activate(args) => change::activate(args),
        Change::Add(args) => change::add(args),
        Change::Remove(args) => change::remove(args),
        Change::Weight(args) => change::weight(args),
        Change::Pin(args) => pins::pin(args),
        Change::Unpin(args) => pins::unpin(args),
        Change::Reload(args) => reload::run(args),
    }
}

fn foresee(command: &Foresee) -> anyhow::Result<()> {
    match command {
        Foresee::Plan(args) => plan::run(args),
        Foresee::Check(args) => check::run(args),
        Foresee::Buckets(args) => buckets::run(args),
    }
}

fn shell(command: &Shell) -> anyhow::Result<()> {
    match command {
        Shell::Completion(args) => completion::run(args),
        Shell::Man(args) => man::run(args),
    }
}

/// Says on stderr what went wrong. Mistakes of a file stand in lines of their own: `FILE:LINE:COLUMN: …`.
fn failed(error: &anyhow::Error) -> ExitCode {
    if let Some(mistakes) = error.downcast_ref::<Mistakes>() {
        eprintln!("{mistakes}");
        return ExitCode::from(BAD_INPUT);
    }
    if let Some(cause) = error.downcast_ref::<ClientError>() {
        eprintln!("{}", daemon::explained(error, cause));
        return if cause.is_bad_input() { ExitCode::from(BAD_INPUT) } else { ExitCode::FAILURE };
    }
    eprintln!("evenkeel: {error:#}");
    if error.is::<Refused>() { ExitCode::from(BAD_INPUT) } else { ExitCode::FAILURE }
}
