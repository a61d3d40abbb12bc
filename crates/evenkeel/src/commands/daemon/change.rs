//! The verbs: `evenkeel drain`, `activate`, `remove`, `add` and `weight`.

use super::{Show, wait};
use crate::commands::Refused;
use crate::commands::arguments::{duration, duration_text};
use crate::print::{self, Columns, word};
use anyhow::Result;
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::{Action, Change, ChangeResult, Changed, Changes};
use std::net::IpAddr;
use std::time::Duration;

/// Give nexthops no new flows; those that they have stay until they end.
///
/// Says how many are left. With --wait it follows them down to none; the exit status is 1 if some are left after DURATION.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel drain web s1
  evenkeel drain web s1 s2 --wait 10m
Undo:
  evenkeel activate web s1 s2")]
pub(crate) struct DrainArgs {
    #[command(flatten)]
    nexthops: Named,
    /// Wait until no flow is left, at most so long.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, value_parser = duration)]
    wait: Option<Option<Duration>>,
    #[command(flatten)]
    show: Show,
}

/// Give nexthops new flows again. No flow moves.
///
/// Undoes a drain, and a removal whose deadline is not over.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evenkeel activate web s1")]
pub(crate) struct ActivateArgs {
    #[command(flatten)]
    nexthops: Named,
    #[command(flatten)]
    show: Show,
}

/// Drain nexthops until a deadline, at which their last flows move to others.
///
/// The deadline is `timeouts.remove` of the configuration unless it is said here. Each flow that moves is a broken connection.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  evenkeel remove web s1 --deadline 30m\n  evenkeel remove web s1 --now")]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    nexthops: Named,
    /// How long flows may stay.
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    deadline: Option<String>,
    /// Not at all: flows move at their next packet.
    #[arg(long, conflicts_with = "deadline")]
    now: bool,
    #[command(flatten)]
    show: Show,
}

/// Add a nexthop to a group. It takes new flows; no flow moves.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel add web s4 198.51.100.4
  evenkeel add web s4 --address 2001:db8:2::4 --weight 2 --interface eth2")]
pub(crate) struct AddArgs {
    /// The group.
    group: String,
    /// Its name in the group.
    nexthop: String,
    /// Address of the server.
    #[arg(value_name = "ADDRESS", required_unless_present = "by_option")]
    address: Option<IpAddr>,
    #[arg(
        long = "address",
        id = "by_option",
        value_name = "ADDRESS",
        conflicts_with = "address",
        help = "The same as an option"
    )]
    by_option: Option<IpAddr>,
    /// Its share of the buckets, 0 to 1000; 1 unless it is said.
    #[arg(long, value_name = "NUMBER")]
    weight: Option<u16>,
    /// Egress interface; by the kernel's route unless it is said.
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// MAC of the server; by the kernel's neighbour table unless it is said.
    #[arg(long, value_name = "MAC")]
    mac: Option<String>,
    #[command(flatten)]
    show: Show,
}

/// Give a nexthop another share of the new flows. No flow moves.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  evenkeel weight web s1 3\n  evenkeel weight web s1 --weight 0")]
pub(crate) struct WeightArgs {
    /// The group.
    group: String,
    /// The nexthop in it.
    nexthop: String,
    /// 0 to 1000; 0 takes no new flows.
    #[arg(value_name = "NUMBER", required_unless_present = "by_option")]
    weight: Option<u16>,
    #[arg(
        long = "weight",
        id = "by_option",
        value_name = "NUMBER",
        conflicts_with = "weight",
        help = "The same as an option"
    )]
    by_option: Option<u16>,
    #[command(flatten)]
    show: Show,
}

/// Nexthops of one group; all are changed at once, or none.
#[derive(clap::Args)]
struct Named {
    /// The group.
    group: String,
    /// The nexthops in it.
    #[arg(required = true, value_name = "NEXTHOP")]
    nexthops: Vec<String>,
}

impl Named {
    fn changes(&self, action: Action, deadline: Option<&str>) -> Vec<Change> {
        let one = |name: &String| Change {
            deadline: deadline.map(str::to_owned),
            ..change(&self.group, name, action)
        };
        self.nexthops.iter().map(one).collect()
    }
}

fn change(group: &str, nexthop: &str, action: Action) -> Change {
    Change {
        group: group.to_owned(),
        nexthop: nexthop.to_owned(),
        action,
        address: None,
        weight: None,
        interface: None,
        mac: None,
        deadline: None,
    }
}

pub(crate) fn drain(args: &DrainArgs) -> Result<()> {
    let daemon = args.show.connect.client()?;
    let mut changed = done(&daemon, args.nexthops.changes(Action::Drain, None))?;
    if let Some(longest) = args.wait {
        if !args.show.json {
            print::print(&text(&changed))?;
        }
        let drained = wait::until_drained(&daemon, &mut changed.results, longest, args.show.json);
        if args.show.json {
            print::print_json(&changed)?;
        }
        return drained;
    }
    args.show.print(&changed, text)
}

pub(crate) fn activate(args: &ActivateArgs) -> Result<()> {
    change_and_show(&args.show, args.nexthops.changes(Action::Activate, None))
}

pub(crate) fn remove(args: &RemoveArgs) -> Result<()> {
    let deadline = if args.now { Some("0s") } else { args.deadline.as_deref() };
    change_and_show(&args.show, args.nexthops.changes(Action::Remove, deadline))
}

pub(crate) fn add(args: &AddArgs) -> Result<()> {
    let add = Change {
        address: args.address.or(args.by_option),
        weight: args.weight,
        interface: args.interface.clone(),
        mac: args.mac.clone(),
        ..change(&args.group, &args.nexthop, Action::Add)
    };
    change_and_show(&args.show, vec![add])
}

pub(crate) fn weight(args: &WeightArgs) -> Result<()> {
    let weight = Change {
        weight: args.weight.or(args.by_option),
        ..change(&args.group, &args.nexthop, Action::Weight)
    };
    change_and_show(&args.show, vec![weight])
}

fn change_and_show(show: &Show, changes: Vec<Change>) -> Result<()> {
    let changed = done(&show.connect.client()?, changes)?;
    show.print(&changed, text)
}

/// Has a batch done, and warns if nobody is left to take new flows.
fn done(daemon: &Client, changes: Vec<Change>) -> Result<Changed> {
    let Some(group) = changes.first().map(|change| change.group.clone()) else {
        return Err(Refused("no nexthop was named".to_owned()).into());
    };
    let changed = daemon.change(&Changes { changes })?;
    // only for the warning: the change is done, whatever comes of this
    if let Ok(group) = daemon.group(&group)
        && group.buckets_unserved == group.buckets
    {
        eprintln!("warning: nobody in group {} can take a new flow now", group.name);
    }
    Ok(changed)
}

fn text(changed: &Changed) -> String {
    let mut columns = Columns::new(&["nexthop", "state", ">weight", "liveness", ">flows left", "change"]);
    for ChangeResult {
        group, nexthop, changed, state, weight, liveness, flows_live, removed_in_ms, ..
    } in &changed.results
    {
        columns.line([
            format!("{group}/{nexthop}"),
            super::nexthops::state(*state, *removed_in_ms),
            weight.to_string(),
            word(liveness),
            flows_live.to_string(),
            if *changed { "done" } else { "was so already" }.to_owned(),
        ]);
    }
    columns.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_control::api::model::{Liveness, State};

    #[test]
    fn each_nexthop_says_what_became_of_it() {
        let drained = ChangeResult {
            group: "web".into(),
            nexthop: "s1".into(),
            action: Action::Drain,
            changed: true,
            state: State::Draining,
            weight: 3,
            liveness: Liveness::Up,
            flows_live: 12,
            removed_in_ms: None,
        };
        let removed = ChangeResult {
            nexthop: "s2".into(),
            changed: false,
            state: State::Removing,
            removed_in_ms: Some(300_000),
            ..drained.clone()
        };
        let want = "\
nexthop  state              weight  liveness  flows left  change
web/s1   draining                3  up                12  done
web/s2   removing in 5m00s       3  up                12  was so already
";
        assert_eq!(text(&Changed { generation: 7, results: vec![drained, removed] }), want);
    }

    #[test]
    fn a_deadline_is_said_of_each() {
        let named = Named { group: "web".into(), nexthops: vec!["s1".into(), "s2".into()] };
        let changes = named.changes(Action::Remove, Some("0s"));
        let said: Vec<_> =
            changes.iter().map(|change| (&*change.nexthop, change.deadline.as_deref())).collect();
        assert_eq!(said, [("s1", Some("0s")), ("s2", Some("0s"))]);
    }
}
