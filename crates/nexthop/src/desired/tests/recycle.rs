//! Ids that come back, so that endless changes need no endless memory.

use super::*;
use crate::pins::{PinMatch, PinSpec};

fn nexthop_at(n: u32) -> NexthopSpec {
    NexthopSpec {
        name: format!("s{n}"),
        address: std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into(),
        ..nexthop(1)
    }
}

fn group_of(numbers: std::ops::Range<u32>) -> GroupSpec {
    GroupSpec { name: "web".into(), buckets: 256, nexthops: numbers.map(nexthop_at).collect() }
}

/// A box whose group `web` has had these nexthops for a while, the last of them still.
fn replaced(numbers: std::ops::Range<u32>) -> Lab {
    let mut lab = Lab::new();
    let last = numbers.end - 1..numbers.end;
    for n in numbers.step_by(100) {
        lab.desired.reconcile(Vec::new(), vec![group_of(n..(n + 100).min(last.end))], 0, 0).unwrap();
    }
    lab.desired.reconcile(Vec::new(), vec![group_of(last)], 0, 0).unwrap();
    lab
}

#[test]
fn endless_new_nexthops_need_a_bounded_number_of_ids() {
    let mut lab = Lab::new();
    for round in 0..700u32 {
        let now_ms = u64::from(round) * 5000;
        let groups = vec![group_of(round * 100..round * 100 + 100)];
        lab.desired.reconcile(Vec::new(), groups, now_ms, 0).unwrap();
        let _ = lab.desired.recycle(now_ms, |_| 0);
        assert!(lab.desired.members.len() < 2500, "{} members in round {round}", lab.desired.members.len());
    }
    // more nexthops than a box can have at a time came and went
    const { assert!(700 * 100 > crate::LIVENESS_CAPACITY) };
    let snapshot = lab.snapshot();
    assert!(snapshot.member_count() < 2500);
    let shares = snapshot.group(GroupId(0)).unwrap().shares();
    assert_eq!(shares.len(), 100);
    assert!(shares.iter().all(|share| !snapshot.member(share.member).unwrap().gone));
}

#[test]
fn the_latest_stay_known_and_the_others_for_a_while() {
    let mut lab = replaced(0..1500);
    assert_eq!(lab.desired.recycle(0, |_| 0), []);
    assert_eq!(lab.desired.recycle(39_999, |_| 0), [], "a worker may still know them");
    let known = |lab: &Lab| lab.desired.members().filter(|member| member.gone).count();
    let before = known(&lab);
    let forgotten = lab.desired.recycle(40_000, |_| 0);
    assert_eq!((known(&lab), forgotten.len()), (GONE_KNOWN, before - GONE_KNOWN));
    assert!(forgotten.iter().all(|id| lab.desired.member(*id).is_none()));
    assert_eq!(lab.desired.recycle(99_999, |_| 0), []);
}

#[test]
fn who_has_flows_or_a_pin_is_not_forgotten() {
    let mut lab = Lab::new();
    lab.desired.reconcile(Vec::new(), vec![group_of(0..3)], 0, 0).unwrap();
    let ids = ["s0", "s1", "s2"].map(|name| lab.desired.named("web", name).unwrap().id);
    let pin = PinSpec {
        matches: PinMatch::Flow(key(1)),
        group: "web".into(),
        nexthop: "s1".into(),
        idle_ms: None,
        hard_ms: None,
    };
    lab.desired.pin(&pin, 0).unwrap();
    for n in (100..1400).step_by(100) {
        lab.desired.reconcile(Vec::new(), vec![group_of(n..n + 100)], 0, 0).unwrap();
    }
    let _ = lab.desired.recycle(0, |_| 0);
    let forgotten = lab.desired.recycle(40_000, |id| u64::from(id == ids[0]));
    assert_eq!(ids.map(|id| forgotten.contains(&id)), [false, false, true]);
    assert_eq!(lab.desired.member(ids[0]).map(|member| member.gone), Some(true));
    // its address comes back: it is the same member, and its flows stay
    lab.desired.reconcile(Vec::new(), vec![group_of(0..1)], 0, 0).unwrap();
    assert_eq!(lab.desired.named("web", "s0").map(|member| (member.id, member.gone)), Ok((ids[0], false)));
}

#[test]
fn an_id_that_comes_back_says_nothing_of_its_earlier_life() {
    let mut lab = replaced(0..1500);
    let gone = lab.desired.members().filter(|member| member.gone);
    gone.for_each(|member| lab.liveness.set(member.nexthop, false));
    let _ = lab.desired.recycle(0, |_| 0);
    let forgotten = lab.desired.recycle(40_000, |_| 0);
    let verb = Verb::Add { address: [198, 51, 100, 77].into(), weight: 1, port: None, mac: None };
    lab.act("new", verb);
    let new = lab.desired.members().find(|member| member.name == "new").unwrap();
    assert!(forgotten.contains(&new.id));
    assert_eq!((new.adjacency, new.gone), (None, false));
    assert!(lab.liveness.is_up(new.nexthop));
}

#[test]
fn groups_that_came_and_went_leave_nothing() {
    let mut lab = Lab::new();
    for round in 0..200 {
        let group = GroupSpec { name: format!("g{round}"), buckets: 64, nexthops: Vec::new() };
        lab.desired.reconcile(Vec::new(), vec![group], 0, 0).unwrap();
    }
    // those of the lab's two groups are still known
    assert!(lab.snapshot().groups().count() <= 4);
    let names: Vec<_> = lab.desired.configured_groups().iter().map(|group| group.name.clone()).collect();
    assert_eq!(names, ["g199"]);
}
