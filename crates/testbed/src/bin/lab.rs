//! The lab as a program: the demonstration, a lab to look around in, and the broom.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use evenkeel_testbed::demo::{self, Run};
use evenkeel_testbed::forwarder::Kind;
use evenkeel_testbed::lab::{Lab, LabSpec, Wiring, owner};
use evenkeel_testbed::scenario::{Length, Name};

/// A lab of network namespaces on this machine: a client, a load balancer, servers with nginx. Needs root.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sends HTTP while servers are drained and killed, through the kernel's multipath route and through evenkeel
    Demo {
        /// Writes both runs there as JSON
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Runs this forwarder alone
        #[arg(long, value_enum)]
        only: Option<Kind>,
    },
    /// Runs a scenario on the kernel's ECMP and on evenkeel; prints a table of both and writes a chart
    Scenario {
        /// Which one
        #[arg(value_enum)]
        name: Name,
        /// The short form, as in the tests
        #[arg(long)]
        short: bool,
        /// Runs these forwarders alone
        #[arg(long, value_enum)]
        only: Vec<Kind>,
        /// Writes the chart there, as NAME.svg
        #[arg(long, value_name = "DIR", default_value = "target/lab")]
        out: PathBuf,
    },
    /// Lays a lab and keeps it until ctrl-C; nothing forwards in it yet
    Up {
        /// 1 to 10
        #[arg(long, default_value_t = 3)]
        servers: u8,
        /// Queues of each of the load balancer's interfaces
        #[arg(long, default_value_t = 1)]
        queues: u8,
        /// The shape of the load balancer's links
        #[arg(long, value_enum, default_value = "switched")]
        wiring: WiringName,
    },
    /// Removes what labs left whose process was killed
    Sweep,
}

#[derive(Clone, Copy, ValueEnum)]
enum WiringName {
    /// One link to the client, one to a switch with all servers
    Switched,
    /// One link to the client, one to each server
    Direct,
    /// One link to a switch with everybody
    OneArmed,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo { json, only } => run_demo(json, only),
        Command::Scenario { name, short, only, out } => {
            run_scenario(name, if short { Length::Short } else { Length::Long }, &only, &out)
        }
        Command::Up { servers, queues, wiring } => {
            stay_up(LabSpec { servers, queues, wiring: wiring.into() })
        }
        Command::Sweep => {
            owner::sweep().iter().for_each(|name| println!("removed {name}"));
            Ok(true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether Evenkeel lost nothing that it could have kept.
fn run_demo(json: Option<PathBuf>, only: Option<Kind>) -> Result<bool> {
    let began = Instant::now();
    let mut runs = Vec::new();
    for kind in
        [Kind::Kernel, Kind::Evenkeel].into_iter().filter(|kind| only.is_none_or(|only| only == *kind))
    {
        eprintln!("{kind}:");
        runs.push(demo::run(kind).with_context(|| kind.to_string())?);
    }
    let mut out = io::stdout().lock();
    demo::print(&mut out, &runs)?;
    writeln!(out, "\nThis took {:.0} s.", began.elapsed().as_secs_f64())?;
    if let Some(path) = json {
        let file = BufWriter::new(File::create(&path).with_context(|| path.display().to_string())?);
        serde_json::to_writer_pretty(file, &runs)?;
    }
    let kept = |run: &Run| run.lost_by_changes() + run.lost_beside_the_dead() == 0;
    Ok(runs.iter().filter(|run| run.forwarder == Kind::Evenkeel).all(kept))
}

/// Whether Evenkeel did all that it should have done.
fn run_scenario(name: Name, length: Length, only: &[Kind], out: &Path) -> Result<bool> {
    let began = Instant::now();
    let outcome = name.run(if only.is_empty() { &Kind::ALL } else { only }, length)?;
    let charts = outcome.write_charts(name, out)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "\n{}: {}\n\n{}", name.text(), outcome.title, outcome.table)?;
    outcome.faults.iter().try_for_each(|fault| writeln!(stdout, "FAULT: {fault}"))?;
    charts.iter().try_for_each(|chart| writeln!(stdout, "chart: {}", chart.display()))?;
    writeln!(stdout, "This took {:.0} s.", began.elapsed().as_secs_f64())?;
    Ok(outcome.faults.is_empty())
}

fn stay_up(spec: LabSpec) -> Result<bool> {
    let lab = Lab::lay(spec)?;
    println!("client         {}", lab.client().name());
    println!("load balancer  {}", lab.balancer().name());
    for server in lab.servers() {
        println!("{}             {}", server.name(), server.namespace().name());
    }
    println!("Enter one by `nsenter --net=/run/netns/NAME`; ctrl-C removes the lab.");
    loop {
        // The signal ends the process, and removes the lab first.
        thread::park();
    }
}

impl From<WiringName> for Wiring {
    fn from(name: WiringName) -> Self {
        match name {
            WiringName::Switched => Wiring::Switched,
            WiringName::Direct => Wiring::Direct,
            WiringName::OneArmed => Wiring::OneArmed,
        }
    }
}
