//! Reloads of a small box.

use super::*;

#[test]
fn a_reload_is_the_difference_of_two_configurations() {
    let mut lab = Lab::new();
    let (s1, s4) = (lab.id("s1"), lab.id("s4"));
    lab.act("s2", Verb::Drain);
    lab.act("s7", add(7));
    let mut web = group("web", [1, 2, 3, 5]);
    web.nexthops[2].weight = 3;
    web.nexthops[0].name = "first".into();
    let summary = lab.reload(vec![web.clone(), group("mail", [4])]);
    let expected = Reconciled {
        groups_added: 1,
        groups_removed: 1,
        activated: 2,
        removed: 3,
        reweighted: 1,
        rebound: 1,
        ..Reconciled::default()
    };
    assert_eq!(summary, expected);
    // what the operator did and both configurations say nothing of stays
    assert_eq!(lab.takers(), ["first", "s3", "s7", "s5"]);
    assert_eq!(lab.id("first"), s1);
    assert_eq!(lab.desired.member(s4).unwrap().removed_at_ms, Some(HOUR_MS));
    assert_eq!(lab.desired.next_deadline_ms(), Some(HOUR_MS));
    assert_eq!(lab.reload(vec![web, group("mail", [4])]), Reconciled::default());
}

#[test]
fn a_group_that_comes_back_finds_its_members() {
    let mut lab = Lab::new();
    let before: Vec<MemberId> = lab.desired.members().map(|member| member.id).collect();
    lab.reload(vec![group("dns", [1, 9])]);
    let error = lab.try_do("s1", Verb::Activate, 0).unwrap_err();
    assert_eq!(error, ChangeError::UnknownGroup { group: "web".into() });
    assert!(lab.takers().is_empty());
    lab.desired.expire_removals(HOUR_MS);
    lab.reload(vec![group("dns", [1, 9]), group("web", 1..=4)]);
    assert_eq!(lab.takers(), ["s1", "s2", "s3", "s4"]);
    assert_eq!(lab.desired.members().map(|member| member.id).collect::<Vec<_>>(), before);
}

#[test]
fn a_bad_configuration_changes_nothing() {
    let mut lab = Lab::new();
    let before = format!("{:?}", lab.desired);
    let group_with = |change: fn(&mut GroupSpec)| {
        let mut spec = group("web", 1..=2);
        change(&mut spec);
        vec![spec]
    };
    let cases: [(Vec<GroupSpec>, DesiredError); 7] = [
        (vec![group("a", []), group("a", [])], DesiredError::DuplicateGroup { group: "a".into() }),
        (group_with(|g| g.buckets = 100), DesiredError::Buckets { group: "web".into(), buckets: 100 }),
        (
            group_with(|g| g.nexthops[1].name = "s1".into()),
            DesiredError::DuplicateNexthop { group: "web".into(), nexthop: "s1".into() },
        ),
        (
            group_with(|g| g.nexthops[1].address = g.nexthops[0].address),
            DesiredError::DuplicateAddress { group: "web".into(), address: [198, 51, 100, 1].into() },
        ),
        (
            group_with(|g| g.nexthops[1].weight = 1001),
            DesiredError::Weight { group: "web".into(), nexthop: "s2".into(), weight: 1001 },
        ),
        (
            group_with(|g| g.nexthops[1].port = Some(PortId(3))),
            DesiredError::UnknownPort { group: "web".into(), nexthop: "s2".into(), port: PortId(3) },
        ),
        (
            vec![group("web", 0..=65)].into_iter().map(|g| GroupSpec { buckets: 64, ..g }).collect(),
            DesiredError::TooFewBuckets { group: "web".into(), buckets: 64 },
        ),
    ];
    for (groups, error) in cases {
        assert_eq!(lab.desired.reconcile(Vec::new(), groups, 0, HOUR_MS), Err(error));
    }
    let lost = vec![service("web", "192.0.2.10", "mail")];
    let error = DesiredError::UnknownGroup { service: "web".into(), group: "mail".into() };
    assert_eq!(lab.desired.reconcile(lost, vec![group("web", [1])], 0, HOUR_MS), Err(error));
    let twice = vec![service("web", "192.0.2.10", "web"), service("web", "192.0.2.11", "web")];
    let error = DesiredError::DuplicateService { service: "web".into() };
    assert_eq!(lab.desired.reconcile(twice, vec![group("web", [1])], 0, HOUR_MS), Err(error));
    let mut other = group("dns", [1]);
    other.nexthops[0].mac = Some(PORT_MAC);
    let result = lab.desired.reconcile(Vec::new(), vec![group("web", [1]), other], 0, HOUR_MS);
    assert!(matches!(result, Err(DesiredError::TwoMacs { .. })));
    assert_eq!(format!("{:?}", lab.desired), before);
}

#[test]
fn another_number_of_buckets_keeps_members() {
    let mut lab = Lab::new();
    lab.snapshot();
    let before = lab.id("s3");
    let mut web = group("web", 1..=4);
    web.buckets = 512;
    assert_eq!(lab.reload(vec![web, group("dns", [1, 9])]).groups_resized, 1);
    assert_eq!(lab.snapshot().group(GroupId(0)).unwrap().buckets().len(), 512);
    assert_eq!(lab.id("s3"), before);
    assert_eq!(lab.takers().len(), 4);
}
