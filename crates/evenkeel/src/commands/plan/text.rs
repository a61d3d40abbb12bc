//! A plan for people: the difference, then each group, then the flows.

use crate::commands::daemon::reload::difference_text;
use crate::print::{Columns, count};
use evenkeel_control::api::model::{BucketMove, FlowFate, FlowMove, GroupPlan, Plan, PlanShare};

/// Flows that are listed; JSON has more of them.
const LISTED: usize = 20;

/// All of a plan.
pub(super) fn text(plan: &Plan) -> String {
    if plan.differences.is_empty() {
        return "no difference\n".to_owned();
    }
    let mut parts = vec![difference_text(&plan.differences)];
    parts.extend(plan.groups.iter().map(group));
    parts.extend(plan.flows.as_ref().map(flows));
    parts.join("\n")
}

fn group(plan: &GroupPlan) -> String {
    let GroupPlan { name, buckets_before, buckets_after, buckets_moved, moves, shares } = plan;
    let heading = match (buckets_before, buckets_after) {
        (0, after) => format!("group {name} comes with {after} buckets\n"),
        (before, 0) => format!("group {name} goes with its {before} buckets\n"),
        (before, after) if before == after && *buckets_moved == 0 => {
            format!("group {name}: all {after} buckets stay\n")
        }
        (before, after) if before == after => {
            let percent = 100.0 * f64::from(*buckets_moved) / f64::from(*after);
            format!(
                "group {name}: {buckets_moved} of {after} buckets ({percent:.1} %) go to another nexthop\n"
            )
        }
        (before, after) => format!("group {name}: {after} buckets in place of {before}\n"),
    };
    if *buckets_moved == 0 {
        return heading;
    }
    heading + &bucket_moves(moves) + &plan_shares(shares)
}

fn bucket_moves(moves: &[BucketMove]) -> String {
    if moves.is_empty() {
        return String::new();
    }
    let mut columns = Columns::new(&["from", "to", ">buckets"]);
    for BucketMove { from, to, buckets } in moves {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "nobody".to_owned());
        columns.line([name(from), name(to), buckets.to_string()]);
    }
    columns.to_string()
}

fn plan_shares(shares: &[PlanShare]) -> String {
    let mut columns = Columns::new(&["nexthop", ">before", ">after", ">want"]);
    for PlanShare { nexthop, before, after, want } in shares {
        columns.line([nexthop.clone(), before.to_string(), after.to_string(), format!("{want:.1}")]);
    }
    columns.to_string()
}

fn flows(fate: &FlowFate) -> String {
    let FlowFate { live, stay, move_now, move_at_deadline, unserved, dropped, moves } = fate;
    let mut lines = Columns::without_headings(&[">flows", "what becomes of them"]);
    for (number, what) in [
        (stay, "stay where they are"),
        (move_now, "move at their next packet: broken connections"),
        (
            move_at_deadline,
            "stay until the deadline of their nexthop's removal, and move then if they still live",
        ),
        (unserved, "lose their service and are left to the kernel"),
        (dropped, "find nobody who can serve them and are dropped"),
    ] {
        if *number > 0 {
            lines.line([number.to_string(), what.to_owned()]);
        }
    }
    let mut text = format!("{}\n{lines}", count(*live, "live flow"));
    if moves.is_empty() {
        return text;
    }
    let mut columns = Columns::new(&["protocol", "source", "destination", "from", "to", "when"]);
    for FlowMove { source, destination, protocol, from, to, when } in moves.iter().take(LISTED) {
        columns.line([
            protocol.clone(),
            source.clone(),
            destination.clone(),
            from.clone(),
            to.clone().unwrap_or_else(|| "nobody".to_owned()),
            when.replace('_', " "),
        ]);
    }
    text += &columns.to_string();
    let rest = (live - stay).saturating_sub(moves.len().min(LISTED) as u64);
    if rest > 0 {
        text += &format!("and {rest} more; --json lists up to 1000\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_control::api::model::Difference;

    fn plan() -> Plan {
        let gone = Difference {
            what: "nexthop web/s1".into(),
            key: "removed".into(),
            from: Some("198.51.100.1".into()),
            to: None,
        };
        let moves = vec![
            BucketMove { from: Some("s1".into()), to: Some("s2".into()), buckets: 40 },
            BucketMove { from: Some("s1".into()), to: None, buckets: 24 },
        ];
        let share = |nexthop: &str, before, after| PlanShare {
            nexthop: nexthop.into(),
            before,
            after,
            want: f64::from(after),
        };
        let shares = vec![share("s1", 64, 0), share("s2", 64, 104)];
        let group = |name: &str, buckets_moved, moves, shares| GroupPlan {
            name: name.into(),
            buckets_before: 128,
            buckets_after: 128,
            buckets_moved,
            moves,
            shares,
        };
        let moved = FlowMove {
            source: "203.0.113.5:1000".into(),
            destination: "192.0.2.10:80".into(),
            protocol: "tcp".into(),
            from: "web/s1".into(),
            to: None,
            when: "at_deadline".into(),
        };
        let flows = FlowFate {
            live: 50,
            stay: 25,
            move_now: 0,
            move_at_deadline: 25,
            unserved: 0,
            dropped: 0,
            moves: vec![moved; 25],
        };
        Plan {
            differences: vec![gone],
            groups: vec![group("web", 64, moves, shares), group("still", 0, vec![], vec![])],
            flows: Some(flows),
        }
    }

    #[test]
    fn difference_groups_and_flows() {
        let want = "\
what            key      from          to
nexthop web/s1  removed  198.51.100.1  -

group web: 64 of 128 buckets (50.0 %) go to another nexthop
from  to      buckets
s1    s2           40
s1    nobody       24
nexthop  before  after   want
s1           64      0    0.0
s2           64    104  104.0

group still: all 128 buckets stay

50 live flows
25  stay where they are
25  stay until the deadline of their nexthop's removal, and move then if they still live
protocol  source            destination    from    to      when
";
        let text = text(&plan());
        let (table, end) = text.split_once("tcp ").unwrap();
        assert_eq!(table, want);
        assert_eq!(end.lines().count(), 20 + 1);
        assert!(end.ends_with("and 5 more; --json lists up to 1000\n"), "{end}");
    }

    #[test]
    fn groups_come_go_and_change_their_size() {
        let sizes = |buckets_before, buckets_after| {
            let GroupPlan { name, buckets_moved, moves, shares, .. } = plan().groups.remove(1);
            group(&GroupPlan { name, buckets_before, buckets_after, buckets_moved, moves, shares })
        };
        assert_eq!(sizes(0, 64), "group still comes with 64 buckets\n");
        assert_eq!(sizes(64, 0), "group still goes with its 64 buckets\n");
        assert_eq!(sizes(64, 128), "group still: 128 buckets in place of 64\n");
    }

    #[test]
    fn nothing_is_said_of_no_difference() {
        assert_eq!(text(&Plan { differences: vec![], groups: vec![], flows: None }), "no difference\n");
    }
}
