//! `evenkeel groups`: bucket tables and who can serve.

use super::Show;
use crate::print::Columns;
use anyhow::Result;
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::{Group, Groups, Liveness, State};

/// List the groups: buckets, and how many can serve.
///
/// `unserved` counts buckets that nobody can serve now; the table hash is equal on boxes whose bucket tables are equal.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evenkeel groups --json")]
pub(crate) struct Args {
    #[command(flatten)]
    show: Show,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    args.show.answer(Client::groups, text)
}

fn text(groups: &Groups) -> String {
    let headings = [
        "group",
        ">buckets",
        ">unserved",
        ">nexthops",
        ">usable",
        ">draining",
        ">flows",
        "services",
        "table hash",
    ];
    let mut columns = Columns::new(&headings);
    for group in &groups.groups {
        let draining = |state| matches!(state, State::Draining | State::Removing);
        columns.line([
            group.name.clone(),
            group.buckets.to_string(),
            group.buckets_unserved.to_string(),
            group.nexthops.len().to_string(),
            usable(group).to_string(),
            group.nexthops.iter().filter(|nexthop| draining(nexthop.state)).count().to_string(),
            group.nexthops.iter().map(|nexthop| nexthop.flows_live).sum::<u64>().to_string(),
            list(&group.services),
            group.table_hash.clone(),
        ]);
    }
    columns.to_string()
}

/// Nexthops that can take a new flow.
fn usable(group: &Group) -> usize {
    let takes = group.nexthops.iter().filter(|nexthop| {
        nexthop.state == State::Active && nexthop.liveness == Liveness::Up && nexthop.weight > 0
    });
    takes.count()
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::nexthops::tests::nexthop;
    use super::*;
    use evenkeel_control::api::model::Nexthop;

    #[test]
    fn groups_say_who_can_serve() {
        let drained = State::Draining;
        let group = Group {
            name: "web".into(),
            buckets: 65536,
            buckets_unserved: 0,
            table_hash: "00ff00ff00ff00ff".into(),
            services: vec!["web".into(), "web6".into()],
            nexthops: vec![nexthop("s1"), Nexthop { state: drained, ..nexthop("s2") }],
        };
        let empty = Group {
            name: "n".into(),
            services: vec![],
            nexthops: vec![],
            buckets_unserved: 64,
            buckets: 64,
            ..group.clone()
        };
        let want = "\
group  buckets  unserved  nexthops  usable  draining  flows  services   table hash
web      65536         0         2       1         1     24  web, web6  00ff00ff00ff00ff
n           64        64         0       0         0      0  -          00ff00ff00ff00ff
";
        assert_eq!(text(&Groups { groups: vec![group, empty] }), want);
    }
}
