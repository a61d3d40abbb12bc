//! The command line: every subcommand, in the groups in which help lists them.

use crate::commands::daemon::{
    change, counters, events, flows, groups, interfaces, nexthops, pins, reload, services, status,
};
use crate::commands::{buckets, check, completion, doctor, man, path, plan, replay, run, traffic};
use clap::{Command as Clap, CommandFactory, FromArgMatches, Parser, Subcommand};

/// An L4 load balancer and ECMP forwarder on AF_XDP that does not break connections.
#[derive(Parser)]
#[command(name = "evenkeel", version, after_help = EXIT_STATUS)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_STATUS: &str = "\
Exit status: 0 done, 1 it failed, 2 bad configuration or bad arguments.
Of doctor 1 is a problem of the machine.
Each command has an example: evenkeel drain --help";

#[derive(Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Forward(Forward),
    #[command(flatten)]
    Look(Look),
    #[command(flatten)]
    Change(Change),
    #[command(flatten)]
    Foresee(Foresee),
    #[command(flatten)]
    Examine(Examine),
    #[command(flatten)]
    Measure(Measure),
    #[command(flatten)]
    Shell(Shell),
}

/// Commands that forward packets themselves.
#[derive(Subcommand)]
pub(crate) enum Forward {
    Run(run::Args),
    Replay(replay::Args),
}

/// Questions to the running daemon.
#[derive(Subcommand)]
pub(crate) enum Look {
    Status(status::Args),
    Services(services::Args),
    Groups(groups::Args),
    Nexthops(nexthops::Args),
    Interfaces(interfaces::Args),
    Counters(counters::Args),
    Flows(flows::Args),
    Path(path::Args),
    Pins(pins::ListArgs),
    Events(events::Args),
}

/// Changes of the running daemon.
#[derive(Subcommand)]
pub(crate) enum Change {
    Drain(change::DrainArgs),
    Activate(change::ActivateArgs),
    Add(change::AddArgs),
    Remove(change::RemoveArgs),
    Weight(change::WeightArgs),
    Pin(pins::PinArgs),
    Unpin(pins::UnpinArgs),
    Reload(reload::Args),
}

/// What a configuration would do.
#[derive(Subcommand)]
pub(crate) enum Foresee {
    Plan(plan::Args),
    Check(check::Args),
    Buckets(buckets::Args),
}

/// The machine itself.
#[derive(Subcommand)]
pub(crate) enum Examine {
    Doctor(doctor::Args),
}

/// What a change costs.
#[derive(Subcommand)]
pub(crate) enum Measure {
    Traffic(traffic::Args),
}

/// For the shell.
#[derive(Subcommand)]
pub(crate) enum Shell {
    Completion(completion::Args),
    Man(man::Args),
}

/// Reads the arguments. Ends the process with help, or with exit status 2, where clap does.
pub(crate) fn parse() -> CommandLine {
    let matches = definition().get_matches();
    CommandLine::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// All commands with their arguments; help lists them in groups.
pub(crate) fn definition() -> Clap {
    let groups = [
        listed::<Forward>("Forward packets"),
        listed::<Look>("Look at the running daemon"),
        listed::<Change>("Change the running daemon"),
        listed::<Foresee>("Before a change"),
        listed::<Examine>("Look at the machine"),
        listed::<Measure>("Measure"),
        listed::<Shell>("For the shell"),
    ];
    CommandLine::command().help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}\nOptions:\n{{options}}{{after-help}}",
        groups.join("\n")
    ))
}

/// The heading, and a line for each command of the group. Braces would be taken for parts of the template.
fn listed<T: Subcommand>(heading: &str) -> String {
    let group = T::augment_subcommands(Clap::new("group"));
    let about = |command: &Clap| command.get_about().map(ToString::to_string).unwrap_or_default();
    let lines =
        group.get_subcommands().map(|command| format!("  {:<10}  {}\n", command.get_name(), about(command)));
    format!("{heading}:\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::definition;

    #[test]
    fn every_command_is_well_defined_and_listed_in_a_line() {
        definition().debug_assert();
        let help = definition().render_help().to_string();
        for command in definition().get_subcommands() {
            let name = command.get_name();
            assert!(help.lines().any(|line| line.starts_with(&format!("  {name:<10}  "))), "{name}: {help}");
        }
        assert!(help.lines().all(|line| line.chars().count() <= 90), "{help}");
        assert!(!help.contains(['{', '}']), "{help}");
    }
}
