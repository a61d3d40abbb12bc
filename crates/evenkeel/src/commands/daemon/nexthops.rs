//! `evenkeel nexthops`: admin state, share, flows and rates of every nexthop.

use super::Show;
use crate::print::{Columns, duration, rate, word};
use anyhow::Result;
use evenkeel_control::api::model::{Nexthop, Nexthops, State};

/// List the nexthops: state, share of the buckets, flows and rates.
///
/// `buckets` is the share that a nexthop has, `want` the one that its weight asks for; rates are per second.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  evenkeel nexthops --group web\n  evenkeel nexthops --json")]
pub(crate) struct Args {
    /// Only nexthops of this group.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    #[command(flatten)]
    show: Show,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    args.show.answer(|daemon| daemon.nexthops(args.group.as_deref()), text)
}

fn text(nexthops: &Nexthops) -> String {
    let headings = [
        "nexthop",
        "address",
        "state",
        "liveness",
        ">weight",
        ">buckets",
        ">want",
        ">flows",
        ">flows/s",
        ">packets/s",
        ">bytes/s",
        "reached by",
    ];
    let mut columns = Columns::new(&headings);
    for nexthop in &nexthops.nexthops {
        columns.line([
            format!("{}/{}", nexthop.group, nexthop.name),
            nexthop.address.to_string(),
            state(nexthop.state, nexthop.removed_in_ms),
            word(nexthop.liveness),
            nexthop.weight.to_string(),
            nexthop.buckets.to_string(),
            format!("{:.1}", nexthop.want),
            nexthop.flows_live.to_string(),
            rate(nexthop.flows_per_second),
            rate(nexthop.packets_per_second),
            rate(nexthop.bytes_per_second),
            reached_by(nexthop),
        ]);
    }
    columns.to_string()
}

/// The admin state; while a nexthop is being removed, with the time that its flows have.
pub(super) fn state(state: State, removed_in_ms: Option<u64>) -> String {
    match removed_in_ms {
        Some(ms) => format!("{} in {}", word(state), duration(ms)),
        None => word(state),
    }
}

/// Interface and MAC, or why it can't be reached.
fn reached_by(nexthop: &Nexthop) -> String {
    match (&nexthop.reason, &nexthop.interface, &nexthop.mac) {
        (Some(reason), ..) => reason.clone(),
        (None, Some(interface), Some(mac)) => format!("{interface}, {mac}"),
        (None, Some(interface), None) => interface.clone(),
        (None, None, _) => "-".to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use evenkeel_control::api::model::Liveness;

    pub(crate) fn nexthop(name: &str) -> Nexthop {
        Nexthop {
            group: "web".into(),
            name: name.into(),
            address: [198, 51, 100, 1].into(),
            interface: Some("eth2".into()),
            mac: Some("02:00:00:00:0b:01".into()),
            weight: 1,
            state: State::Active,
            removed_in_ms: None,
            liveness: Liveness::Up,
            reason: None,
            buckets: 32768,
            want: 32768.0,
            packets: 1000,
            bytes: 64_000,
            flows_created: 20,
            flows_live: 12,
            packets_per_second: 150.4,
            bytes_per_second: 9625.6,
            flows_per_second: 2.5,
        }
    }

    #[test]
    fn state_share_and_reason_stand_in_a_line() {
        let going = Nexthop {
            state: State::Removing,
            removed_in_ms: Some(250_000),
            buckets: 0,
            want: 0.0,
            ..nexthop("s2")
        };
        let down = Nexthop {
            liveness: Liveness::Down,
            reason: Some("nobody answers on eth2".into()),
            interface: None,
            mac: None,
            ..nexthop("s3")
        };
        let want = "\
nexthop  address       state              liveness  weight  buckets     want  flows  flows/s  packets/s  bytes/s  reached by
web/s1   198.51.100.1  active             up             1    32768  32768.0     12      2.5        150     9626  eth2, 02:00:00:00:0b:01
web/s2   198.51.100.1  removing in 4m10s  up             1        0      0.0     12      2.5        150     9626  eth2, 02:00:00:00:0b:01
web/s3   198.51.100.1  active             down           1    32768  32768.0     12      2.5        150     9626  nobody answers on eth2
";
        assert_eq!(text(&Nexthops { nexthops: vec![nexthop("s1"), going, down] }), want);
    }
}
