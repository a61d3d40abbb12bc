//! An id that comes back begins to count at zero, and nothing that was counted is lost.

use super::{Lab, tcp};
use crate::totals::{MemberTotals, Totals};
use evenkeel_nexthop::{Change, GONE_KNOWN, MemberId, Verb};

impl Lab {
    fn do_at(&mut self, nexthop: &str, verb: Verb, now_ms: u64) {
        let change = Change { group: "web".into(), nexthop: nexthop.into(), verb };
        self.desired.apply(&change, now_ms, &self.liveness).unwrap();
    }

    /// Forgets as control does.
    fn recycle(&mut self, now_ms: u64) -> Vec<MemberId> {
        let counters = &self.counters;
        let flows_live = |id| Totals::of_member(counters, id).flows_live;
        let forgotten = self.desired.recycle(now_ms, flows_live);
        for id in &forgotten {
            counters.iter().for_each(|worker| worker.forget(*id));
        }
        self.publish();
        forgotten
    }
}

fn syns_and_acks(ports: std::ops::Range<u16>) -> Vec<Vec<u8>> {
    ports.flat_map(|port| [tcp(port, "S"), tcp(port, "A")]).collect()
}

#[test]
fn a_member_is_forgotten_once_its_flows_are_over_and_its_counts_stay_in_the_sums() {
    let mut lab = Lab::new(2, 1000);
    lab.counters.iter().for_each(|counters| counters.reserve(2 * GONE_KNOWN));
    lab.poll(0, 0, &syns_and_acks(0..50));
    lab.poll(1, 0, &syns_and_acks(50..100));
    let s1 = lab.desired.named("web", "s1").unwrap().id;
    let before = Totals::of_member(&lab.counters, s1);
    assert!(before.flows_live > 0);
    lab.do_at("s1", Verb::Remove { deadline_ms: Some(0) }, 0);
    for n in 0..GONE_KNOWN as u32 + 10 {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into();
        lab.do_at(&format!("n{n}"), Verb::Add { address, weight: 0, port: None, mac: None }, 0);
        lab.do_at(&format!("n{n}"), Verb::Remove { deadline_ms: Some(0) }, 0);
    }
    assert_eq!(lab.recycle(1), []);
    let forgotten = lab.recycle(50_000);
    assert!(!forgotten.is_empty() && !forgotten.contains(&s1), "s1 has flows");
    lab.do_at("n1000", Verb::Add { address: [10, 9, 9, 9].into(), weight: 0, port: None, mac: None }, 50_000);
    lab.do_at("n1000", Verb::Remove { deadline_ms: Some(0) }, 50_000);
    // its flows are over
    for worker in 0..2 {
        lab.workers[worker].advance(400_000, &mut lab.ports[worker]);
    }
    assert_eq!(lab.recycle(400_000), [s1]);
    assert_eq!(Totals::of_member(&lab.counters, s1), MemberTotals::default());
    let MemberTotals { packets, bytes, flows_created, .. } = before;
    let want = MemberTotals { packets, bytes, flows_created, flows_live: 0 };
    assert_eq!(Totals::of_forgotten(&lab.counters), want);
    let members = lab.desired.members().map(|member| Totals::of_member(&lab.counters, member.id).packets);
    assert_eq!(members.sum::<u64>() + packets, lab.totals().packets.forwarded);
    lab.assert_adds_up();
}
