//! What a run leaves as figures: the report of replays and of live runs.

use evenkeel_dataplane::{DropReason, MemberTotals, Totals, WorkerCounters};
use evenkeel_nexthop::Desired;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// All counters at the end of a run; the fields are in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Frames: `received = forwarded + punted + dropped`.
    pub packets: PacketReport,
    /// Dropped frames by reason.
    pub drops: DropReport,
    /// Flows: `created + adopted = expired + closed + evicted + live`.
    pub flows: FlowReport,
    /// Memberships in order of configuration, then of adding; removed ones too.
    pub nexthops: Vec<NexthopReport>,
    /// What removed members got that are no longer listed, since very many were removed after them; none in most runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forgotten: Option<ForgottenReport>,
    /// Workers of a live run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<Vec<WorkerReport>>,
}

/// Frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct PacketReport {
    /// Taken from the interfaces.
    pub received: u64,
    /// Left toward a nexthop.
    pub forwarded: u64,
    /// Left to the kernel.
    pub punted: u64,
    /// Dropped for any reason.
    pub dropped: u64,
}

/// Dropped frames, indexed by [`DropReason::index`]; written as a map with every reason, in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropReport(pub [u64; DropReason::COUNT]);

/// Flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct FlowReport {
    /// Pinned at a SYN or at the first packet of another protocol.
    pub created: u64,
    /// Pinned in mid-connection.
    pub adopted: u64,
    /// Ended by being idle, all that were over at the end included.
    pub expired: u64,
    /// Ended through closing, or by a SYN on closing.
    pub closed: u64,
    /// Unconfirmed flows that made room.
    pub evicted: u64,
    /// Moves to another nexthop: broken connections.
    pub moved: u64,
    /// Packets forwarded by bucket because the table was full.
    pub untracked_packets: u64,
    /// In the table at the end.
    pub live: u64,
}

/// What one membership got.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NexthopReport {
    /// Name of the group.
    pub group: String,
    /// Name of the nexthop in it.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Frames forwarded to it.
    pub packets: u64,
    /// Their bytes, without FCS.
    pub bytes: u64,
    /// Flows pinned to it, adopted ones included.
    pub flows_created: u64,
    /// Flows pinned to it at the end.
    pub flows_live: u64,
}

/// What members got that are no longer listed, all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ForgottenReport {
    /// Frames forwarded to them.
    pub packets: u64,
    /// Their bytes, without FCS.
    pub bytes: u64,
    /// Flows pinned to them, adopted ones included.
    pub flows_created: u64,
}

/// What one worker of a live run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct WorkerReport {
    /// The core to which it is pinned.
    pub core: usize,
    /// The queue that it owns on every interface.
    pub queue: usize,
    /// Frames taken from its rings.
    pub received: u64,
    /// Frames that left toward a nexthop.
    pub forwarded: u64,
}

/// Counters that contradict each other: a fault of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("internal error: the counters don't add up: {what}: {left} and {right}")]
pub struct Imbalance {
    /// Which two sums should be equal.
    pub what: &'static str,
    /// The first.
    pub left: u64,
    /// The second.
    pub right: u64,
}

impl ForgottenReport {
    fn of(totals: &MemberTotals) -> Option<Self> {
        let MemberTotals { packets, bytes, flows_created, .. } = *totals;
        (packets > 0 || flows_created > 0).then_some(Self { packets, bytes, flows_created })
    }
}

impl Report {
    /// Sums the counters of workers that have finished.
    ///
    /// # Errors
    /// If the counters contradict each other.
    pub fn of(workers: &[Arc<WorkerCounters>], desired: &Desired) -> Result<Self, Imbalance> {
        let Totals { packets, drops, flows } = Totals::of(workers);
        let nexthops = desired.members().map(|member| {
            let totals = Totals::of_member(workers, member.id);
            NexthopReport {
                group: member.group.to_owned(),
                name: member.name.to_owned(),
                address: member.address,
                packets: totals.packets,
                bytes: totals.bytes,
                flows_created: totals.flows_created,
                flows_live: totals.flows_live,
            }
        });
        let report = Self {
            packets: PacketReport {
                received: packets.received,
                forwarded: packets.forwarded,
                punted: packets.punted,
                dropped: packets.dropped,
            },
            drops: DropReport(drops),
            flows: FlowReport {
                created: flows.created,
                adopted: flows.adopted,
                expired: flows.expired,
                closed: flows.closed,
                evicted: flows.evicted,
                moved: flows.moved,
                untracked_packets: flows.untracked_packets,
                live: flows.live,
            },
            nexthops: nexthops.collect(),
            forgotten: ForgottenReport::of(&Totals::of_forgotten(workers)),
            workers: None,
        };
        report.check().map(|()| report)
    }

    /// Compares what must be equal.
    fn check(&self) -> Result<(), Imbalance> {
        let (packets, flows) = (&self.packets, &self.flows);
        let sum = |counter: fn(&NexthopReport) -> u64| {
            self.nexthops.iter().fold(0u64, |sum, nexthop| sum.wrapping_add(counter(nexthop)))
        };
        let forgotten = self.forgotten.unwrap_or_default();
        for (what, left, right) in [
            (
                "received, and forwarded + punted + dropped",
                packets.received,
                packets.forwarded.wrapping_add(packets.punted).wrapping_add(packets.dropped),
            ),
            ("dropped, and the sum of its reasons", packets.dropped, self.drops.0.iter().sum()),
            (
                "forwarded, and the sum over nexthops",
                packets.forwarded,
                sum(|n| n.packets).wrapping_add(forgotten.packets),
            ),
            (
                "created + adopted, and expired + closed + evicted + live",
                flows.created.wrapping_add(flows.adopted),
                flows.expired.wrapping_add(flows.closed).wrapping_add(flows.evicted).wrapping_add(flows.live),
            ),
            (
                "created + adopted, and the sum over nexthops",
                flows.created.wrapping_add(flows.adopted),
                sum(|n| n.flows_created).wrapping_add(forgotten.flows_created),
            ),
            ("live flows, and the sum over nexthops", flows.live, sum(|n| n.flows_live)),
        ] {
            if left != right {
                return Err(Imbalance { what, left, right });
            }
        }
        Ok(())
    }

    /// The report with the workers of a live run.
    #[must_use]
    pub fn with_workers(self, workers: Vec<WorkerReport>) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// The report as indented JSON with a newline at its end; equal reports give equal bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        // strings, numbers and maps with string keys: there is nothing that JSON can't hold
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        json + "\n"
    }
}

impl Serialize for DropReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(DropReason::COUNT))?;
        for (reason, count) in DropReason::ALL.iter().zip(&self.0) {
            map.serialize_entry(reason.name(), count)?;
        }
        map.end()
    }
}

/// The report for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PacketReport { received, forwarded, punted, dropped } = self.packets;
        writeln!(
            f,
            "packets  received {received}, forwarded {forwarded}, punted {punted}, dropped {dropped}"
        )?;
        for (reason, &count) in DropReason::ALL.iter().zip(&self.drops.0) {
            if count != 0 {
                writeln!(f, "dropped  {} {count}", reason.name())?;
            }
        }
        let FlowReport { created, adopted, expired, closed, evicted, moved, untracked_packets, live } =
            self.flows;
        write!(f, "flows    created {created}, adopted {adopted}, expired {expired}, closed {closed}, ")?;
        writeln!(f, "evicted {evicted}, moved {moved}, live {live}; untracked packets {untracked_packets}")?;
        for nexthop in &self.nexthops {
            let NexthopReport { group, name, address, packets, bytes, flows_created, flows_live } = nexthop;
            write!(f, "nexthop  {group} {name} ({address}): packets {packets}, bytes {bytes}, ")?;
            writeln!(f, "flows created {flows_created}, live {flows_live}")?;
        }
        if let Some(ForgottenReport { packets, bytes, flows_created }) = self.forgotten {
            write!(f, "removed  long ago: packets {packets}, bytes {bytes}, ")?;
            writeln!(f, "flows created {flows_created}")?;
        }
        for worker in self.workers.iter().flatten() {
            let WorkerReport { core, queue, received, forwarded } = worker;
            writeln!(f, "worker   core {core}, queue {queue}: received {received}, forwarded {forwarded}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut drops = [0; DropReason::COUNT];
        drops[DropReason::TcpHeader.index()] = 1;
        let nexthop = |name: &str, packets, flows_live| NexthopReport {
            group: "web".to_owned(),
            name: name.to_owned(),
            address: [198, 51, 100, 1].into(),
            packets,
            bytes: packets * 60,
            flows_created: flows_live,
            flows_live,
        };
        Report {
            packets: PacketReport { received: 9, forwarded: 7, punted: 1, dropped: 1 },
            drops: DropReport(drops),
            flows: FlowReport {
                created: 2,
                adopted: 1,
                expired: 0,
                closed: 0,
                evicted: 0,
                moved: 0,
                untracked_packets: 0,
                live: 3,
            },
            nexthops: vec![nexthop("s1", 3, 2), nexthop("s2", 4, 1)],
            forgotten: None,
            workers: None,
        }
    }

    #[test]
    fn json_has_the_fields_in_order_and_every_drop_reason() {
        let json = report().to_json();
        let reasons: Vec<_> = DropReason::ALL
            .iter()
            .map(|&r| format!("    \"{}\": {}", r.name(), u8::from(r == DropReason::TcpHeader)))
            .collect();
        let head = r#"{
  "packets": {
    "received": 9,
    "forwarded": 7,
    "punted": 1,
    "dropped": 1
  },
  "drops": {
"#;
        let tail = r#"
  },
  "flows": {
    "created": 2,
    "adopted": 1,
    "expired": 0,
    "closed": 0,
    "evicted": 0,
    "moved": 0,
    "untracked_packets": 0,
    "live": 3
  },
  "nexthops": [
    {
      "group": "web",
      "name": "s1",
      "address": "198.51.100.1",
      "packets": 3,
      "bytes": 180,
      "flows_created": 2,
      "flows_live": 2
    },
"#;
        assert!(json.starts_with(&format!("{head}{}{tail}", reasons.join(",\n"))), "{json}");
        assert!(json.ends_with("  ]\n}\n"), "{json}");
    }

    #[test]
    fn workers_are_written_only_for_live_runs() {
        assert!(!report().to_json().contains("workers"));
        let worker = WorkerReport { core: 1, queue: 0, received: 9, forwarded: 7 };
        let json = report().with_workers(vec![worker]).to_json();
        let expected = r#"  "workers": [
    {
      "core": 1,
      "queue": 0,
      "received": 9,
      "forwarded": 7
    }
  ]
}
"#;
        assert!(json.ends_with(expected), "{json}");
    }

    #[test]
    fn what_forgotten_members_got_is_part_of_the_sums() {
        let mut report = report();
        let gone = report.nexthops.remove(0);
        report.nexthops[0].flows_live = 3;
        assert!(report.check().is_err());
        let NexthopReport { packets, bytes, flows_created, .. } = gone;
        report.forgotten = Some(ForgottenReport { packets, bytes, flows_created });
        assert_eq!(report.check(), Ok(()));
        assert!(report.to_string().contains("removed  long ago: packets 3, bytes 180, flows created 2\n"));
        assert!(report.to_json().contains("\"forgotten\": {\n    \"packets\": 3,"));
    }

    #[test]
    fn sums_that_differ_are_told() {
        assert_eq!(report().check(), Ok(()));
        let wrong: [fn(&mut Report); 6] = [
            |r| r.packets.punted = 0,
            |r| r.drops.0[0] = 1,
            |r| r.nexthops[0].packets = 2,
            |r| r.flows.closed = 1,
            |r| r.nexthops[1].flows_created = 2,
            |r| r.nexthops[1].flows_live = 2,
        ];
        for (number, wrong) in wrong.iter().enumerate() {
            let mut report = report();
            wrong(&mut report);
            assert!(report.check().is_err(), "{number}");
        }
    }
}
