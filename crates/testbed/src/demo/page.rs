//! What the demonstration prints.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Run, steps};
use crate::load::StepTally;

/// Prints the runs, one beside the other.
///
/// # Errors
/// When the output can't be written.
pub fn print(out: &mut impl Write, runs: &[Run]) -> io::Result<()> {
    for run in runs {
        print_served(out, run)?;
    }
    print_lost(out, runs)
}

fn print_served(out: &mut impl Write, run: &Run) -> io::Result<()> {
    writeln!(out, "\n{}: {} keep-alive connections held, IPv4 and IPv6", run.forwarder, run.held)?;
    writeln!(out, "  {:<18}{:<34}connections opened", "step", "responses")?;
    for step in run.steps.iter().filter(|step| shown(step)) {
        let (responses, opened) = (by_server(run, &step.responses), by_server(run, &step.opened));
        writeln!(out, "  {:<18}{responses:<34}{opened}", step.step)?;
    }
    Ok(())
}

fn print_lost(out: &mut impl Write, runs: &[Run]) -> io::Result<()> {
    write!(out, "\n{:<46}", "connections lost")?;
    for run in runs {
        write!(out, "{:>18}", run.forwarder.to_string())?;
    }
    writeln!(out)?;
    for name in [steps::STEADY, steps::DRAIN, steps::RETURN] {
        print_row(out, name, runs, |run| run.step(name).lost.len())?;
    }
    print_row(out, "all changes together", runs, Run::lost_by_changes)?;
    writeln!(out, "\nA dead server's own connections are lost, whoever forwards:")?;
    let own = |run: &Run| run.step(steps::KILL).lost.len() - run.lost_beside_the_dead();
    print_row(out, &format!("{}: its own", steps::KILL), runs, own)?;
    print_row(out, &format!("{}: other servers'", steps::KILL), runs, Run::lost_beside_the_dead)
}

fn print_row(
    out: &mut impl Write,
    name: &str,
    runs: &[Run],
    count: impl Fn(&Run) -> usize,
) -> io::Result<()> {
    write!(out, "  {name:<44}")?;
    for run in runs {
        write!(out, "{:>18}", count(run))?;
    }
    writeln!(out)
}

/// The opening of the connections is no step that compares anything, unless something was lost in it.
fn shown(step: &StepTally) -> bool {
    step.step != super::OPENING || !step.lost.is_empty()
}

fn by_server(run: &Run, counts: &BTreeMap<String, u64>) -> String {
    let count = |server: &String| counts.get(server).copied().unwrap_or(0);
    let columns: Vec<_> = run.servers.iter().map(|server| format!("{server} {:<5}", count(server))).collect();
    columns.join("  ")
}
