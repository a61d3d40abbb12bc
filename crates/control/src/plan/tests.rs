use super::*;
use crate::config::Config;
use evenkeel_dataplane::FlowState;
use evenkeel_nexthop::{DesiredError, PinMatch, PinSpec};
use std::path::Path;

const BASE: &str = r#"
    [[interface]]
    name = "eth1"
    [[service]]
    name = "web"
    vip = "192.0.2.10"
    protocol = "tcp"
    group = "web"
    [[group]]
    name = "web"
    buckets = 256
    [[group.nexthop]]
    name = "s1"
    address = "198.51.100.1"
    [[group.nexthop]]
    name = "s2"
    address = "198.51.100.2"
    [[group.nexthop]]
    name = "s3"
    address = "198.51.100.3"
"#;

const FLOWS: u16 = 300;

fn config(text: &str) -> Config {
    Config::parse(Path::new("test.toml"), text).unwrap()
}

/// Flows of a desired state, each with the member of its bucket.
fn flows(desired: &Desired) -> Vec<FlowRecord> {
    let liveness = Liveness::new();
    let snapshot = desired.clone().snapshot(&liveness);
    let flow = |port| {
        let key = FlowKey::new([203, 0, 113, 5].into(), [192, 0, 2, 10].into(), port, 80, 6).unwrap();
        let group = snapshot.group_of(snapshot.classify(&key)?)?;
        let member = snapshot.select(group, snapshot.flow_hash(&key), &liveness)?;
        let state = FlowState::Established;
        Some(FlowRecord {
            key,
            member,
            state,
            packets: 1,
            bytes: 60,
            idle_ms: 0,
            timeout_ms: 300_000,
            confirmed: true,
            by_pin: false,
        })
    };
    (1000..1000 + FLOWS).filter_map(flow).collect()
}

/// The plan from [`BASE`] to another text, with flows.
fn plan(new: &str) -> Plan {
    plan_between(BASE, new)
}

fn plan_between(old: &str, new: &str) -> Plan {
    of_files(&config(old), &config(new), |desired| Ok::<_, DesiredError>(Some(flows(desired)))).unwrap()
}

fn replaced(from: &str, to: &str) -> String {
    assert!(BASE.contains(from));
    BASE.replace(from, to)
}

fn without_s3() -> String {
    replaced("    [[group.nexthop]]\n    name = \"s3\"\n    address = \"198.51.100.3\"\n", "")
}

/// (stay, now, at the deadline, unserved, dropped)
fn fates(plan: &Plan) -> [u64; 5] {
    let FlowFate { live, stay, move_now, move_at_deadline, unserved, dropped, moves } =
        plan.flows.as_ref().unwrap();
    let fates = [*stay, *move_now, *move_at_deadline, *unserved, *dropped];
    assert_eq!((*live, fates.iter().sum()), (u64::from(FLOWS), u64::from(FLOWS)));
    assert_eq!(moves.len() as u64, live - stay);
    fates
}

fn shares(plan: &Plan) -> Vec<(&str, u32, u32)> {
    plan.groups[0].shares.iter().map(|share| (&*share.nexthop, share.before, share.after)).collect()
}

#[test]
fn nothing_moves_where_nothing_differs() {
    let plan = plan(BASE);
    assert_eq!((plan.differences.len(), plan.groups[0].buckets_moved), (0, 0));
    assert_eq!(fates(&plan), [u64::from(FLOWS), 0, 0, 0, 0]);
}

#[test]
fn a_drain_moves_buckets_and_no_flow() {
    let plan =
        plan(&replaced("address = \"198.51.100.3\"", "address = \"198.51.100.3\"\nstate = \"draining\""));
    assert_eq!(plan.differences[0].what, "nexthop web/s3");
    let group = &plan.groups[0];
    let [.., (name, before, 0)] = shares(&plan)[..] else { panic!("{group:?}") };
    assert_eq!((name, group.buckets_moved), ("s3", before), "its own buckets and no other");
    assert!(group.moves.iter().all(|one| one.from.as_deref() == Some("s3")), "{group:?}");
    assert_eq!(fates(&plan), [u64::from(FLOWS), 0, 0, 0, 0]);
}

#[test]
fn a_new_nexthop_takes_buckets_and_no_flow() {
    let plan = plan_between(&without_s3(), BASE);
    assert_eq!(plan.groups[0].moves.iter().filter(|one| one.to.as_deref() != Some("s3")).count(), 0);
    assert_eq!(shares(&plan)[2].1, 0);
    assert!(plan.groups[0].buckets_moved > 64);
    assert_eq!(fates(&plan), [u64::from(FLOWS), 0, 0, 0, 0]);
}

#[test]
fn a_removal_moves_its_flows_at_its_deadline_or_now() {
    let plan = plan(&without_s3());
    let [stay, 0, at_deadline, 0, 0] = fates(&plan) else { panic!("{plan:?}") };
    assert!(stay > 150 && at_deadline > 50);
    let moves = &plan.flows.as_ref().unwrap().moves;
    assert!(moves.iter().all(|one| one.from == "web/s3" && one.when == "at_deadline" && one.to.is_some()));
    let at_once = plan_between(BASE, &format!("[timeouts]\nremove = \"0s\"\n{}", without_s3()));
    assert_eq!(fates(&at_once), [stay, at_deadline, 0, 0, 0]);
}

#[test]
fn a_service_that_goes_leaves_its_flows_to_the_kernel() {
    let plan = plan(&replaced("192.0.2.10", "192.0.2.11"));
    assert_eq!(fates(&plan), [0, 0, 0, u64::from(FLOWS), 0]);
}

#[test]
fn a_service_in_another_group_keeps_its_flows_until_they_must_go() {
    let second = "\n[[group]]\nname = \"other\"\nbuckets = 64\nnexthop = [{ name = \"x\", address = \"198.51.100.1\" }]\n";
    let both = BASE.replace("group = \"web\"", "group = \"other\"") + second;
    assert_eq!(fates(&plan(&both)), [u64::from(FLOWS), 0, 0, 0, 0]);
    // without the old group only the flows of the server that both have are where they were
    let alone = both.replace(&BASE[BASE.find("[[group]]").unwrap()..], "");
    let plan = plan(&alone);
    let [stay, 0, at_deadline, 0, 0] = fates(&plan) else { panic!("{plan:?}") };
    assert!(stay > 50 && at_deadline > 150);
    let sizes: Vec<_> =
        plan.groups.iter().map(|group| (&*group.name, group.buckets_before, group.buckets_after)).collect();
    assert_eq!(sizes, [("web", 256, 0), ("other", 0, 64)]);
    assert_eq!(plan.groups[0].moves.iter().filter(|one| one.to.is_some()).count(), 0);
}

#[test]
fn two_nexthops_of_one_name_are_told_apart() {
    let plan = plan(&replaced("198.51.100.3", "198.51.100.9"));
    let names: Vec<_> = shares(&plan).iter().map(|share| share.0).collect();
    assert_eq!(names, ["s1", "s2", "s3 (198.51.100.3)", "s3 (198.51.100.9)"]);
}

#[test]
fn another_number_of_buckets_moves_no_flow() {
    let plan = plan(&replaced("buckets = 256", "buckets = 512"));
    let group = &plan.groups[0];
    assert_eq!((group.buckets_before, group.buckets_after, group.buckets_moved), (256, 512, 512));
    assert_eq!(fates(&plan), [u64::from(FLOWS), 0, 0, 0, 0]);
}

#[test]
fn interfaces_in_another_order_change_nothing() {
    let two = BASE.replace("name = \"eth1\"", "name = \"eth1\"\n[[interface]]\nname = \"eth2\"");
    let old = two.replace("address = \"198.51.100.3\"", "address = \"198.51.100.3\"\ninterface = \"eth2\"");
    let new = old
        .replace("eth1", "eth3")
        .replace("name = \"eth3\"\n", "name = \"eth0\"\n[[interface]]\nname = \"eth1\"\n");
    let plan = plan_between(&old, &new);
    assert!(plan.differences.iter().all(|one| one.what.starts_with("interface ")), "{plan:?}");
    assert_eq!(plan.groups[0].buckets_moved, 0);
}

/// Where the flows of s3 go when it is removed at once or later, with a pin of all clients to `pinned`.
fn goals_with_pin(pinned: &str, remove_ms: u64) -> HashSet<Option<String>> {
    let mut before = config(BASE).desired(vec![Mac::default()]).unwrap();
    let nexthops: Vec<_> = before.members().map(|member| member.nexthop).collect();
    for nexthop in nexthops {
        before.set_adjacency(nexthop, Some(SOMEHOW));
    }
    let flows = flows(&before);
    let matches = PinMatch::Source("203.0.113.0/24".parse().unwrap());
    let pin = PinSpec { matches, group: "web".into(), nexthop: pinned.into(), idle_ms: None, hard_ms: None };
    before.pin(&pin, 0).unwrap();
    let (mut after, new) = (before.clone(), config(&without_s3()));
    after.reconcile(new.services, new.groups, 0, remove_ms).unwrap();
    let mut planner = Planner::new(before, after, Arc::new(Liveness::new()), 0);
    planner.judge(&flows);
    planner.plan(vec![]).flows.unwrap().moves.into_iter().map(|one| one.to).collect()
}

#[test]
fn a_static_pin_decides_for_flows_that_move() {
    let to = |names: &[&str]| names.iter().map(|name| Some(format!("web/{name}"))).collect::<HashSet<_>>();
    for remove_ms in [0, 5000] {
        assert_eq!(goals_with_pin("s2", remove_ms), to(&["s2"]));
        assert_eq!(goals_with_pin("s3", remove_ms), to(&["s1", "s2"]), "the pinned one is gone itself");
    }
}
