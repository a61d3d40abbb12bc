//! Verbs and snapshots of a small box.

mod pins;
mod ports;
mod recycle;
mod reload;

use super::*;
use crate::spec::Protocol;
use crate::timeouts::Timeouts;
use evenkeel_packet::FlowKey;
use std::net::IpAddr;

const PORT_MAC: Mac = Mac([2, 0, 0, 0, 1, 0]);
const HOUR_MS: u64 = 3_600_000;

fn nexthop(n: u8) -> NexthopSpec {
    NexthopSpec {
        name: format!("s{n}"),
        address: [198, 51, 100, n].into(),
        weight: 1,
        state: AdminState::Active,
        port: Some(PortId(0)),
        mac: Some(Mac([2, 0, 0, 0, 2, n])),
    }
}

fn group(name: &str, members: impl IntoIterator<Item = u8>) -> GroupSpec {
    GroupSpec { name: name.into(), buckets: 256, nexthops: members.into_iter().map(nexthop).collect() }
}

fn service(name: &str, vip: &str, group: &str) -> ServiceSpec {
    let vip = vip.parse().unwrap();
    let (name, group) = (name.into(), group.into());
    ServiceSpec { name, vip, protocol: Protocol::Tcp, ports: vec![80], group, timeouts: Timeouts::DEFAULT }
}

fn key(port: u16) -> FlowKey {
    FlowKey::new([203, 0, 113, 5].into(), [192, 0, 2, 10].into(), port, 80, 6).unwrap()
}

/// A box whose group `web` has s1 to s4, and `dns` s1 and s9.
struct Lab {
    desired: Desired,
    liveness: Liveness,
}

impl Lab {
    fn new() -> Self {
        let groups = vec![group("web", 1..=4), group("dns", [1, 9])];
        let services = vec![service("web", "192.0.2.10", "web"), service("dns", "192.0.2.53", "dns")];
        let desired = Desired::new(7, vec![PORT_MAC], services, groups).unwrap();
        Self { desired, liveness: Liveness::new() }
    }

    fn try_do(&mut self, nexthop: &str, verb: Verb, now_ms: u64) -> Result<(), ChangeError> {
        let change = Change { group: "web".into(), nexthop: nexthop.into(), verb };
        self.desired.apply(&change, now_ms, &self.liveness)
    }

    #[track_caller]
    fn act(&mut self, nexthop: &str, verb: Verb) {
        self.try_do(nexthop, verb, 0).unwrap();
    }

    fn snapshot(&mut self) -> Snapshot {
        self.desired.snapshot(&self.liveness)
    }

    fn reload(&mut self, groups: Vec<GroupSpec>) -> Reconciled {
        self.desired.reconcile(Vec::new(), groups, 0, HOUR_MS).unwrap()
    }

    /// Names of the members of `web` that own buckets, in order.
    fn takers(&mut self) -> Vec<String> {
        let snapshot = self.snapshot();
        let shares = snapshot.group(GroupId(0)).unwrap().shares();
        let names = shares.iter().filter(|share| share.buckets > 0).map(|share| self.name(share.member));
        names.collect()
    }

    fn name(&self, id: MemberId) -> String {
        self.desired.member(id).unwrap().name.to_owned()
    }

    fn id(&self, name: &str) -> MemberId {
        self.desired.members().find(|member| member.name == name && member.group == "web").unwrap().id
    }

    fn is_gone(&self, name: &str) -> bool {
        self.desired.member(self.id(name)).unwrap().gone
    }
}

fn add(n: u8) -> Verb {
    let NexthopSpec { address, weight, port, mac, .. } = nexthop(n);
    Verb::Add { address, weight, port, mac }
}

const REMOVE: Verb = Verb::Remove { deadline_ms: None };

#[test]
fn only_active_members_with_a_weight_take() {
    let mut lab = Lab::new();
    assert_eq!(lab.takers(), ["s1", "s2", "s3", "s4"]);
    lab.act("s2", Verb::Drain);
    lab.act("s3", Verb::Weight(0));
    assert_eq!(lab.takers(), ["s1", "s4"]);
    lab.act("s1", REMOVE);
    assert_eq!(lab.takers(), ["s4"]);
    lab.act("s1", Verb::Activate);
    lab.act("s2", Verb::Activate);
    lab.act("s3", Verb::Weight(5));
    assert_eq!(lab.takers(), ["s1", "s2", "s3", "s4"]);
    let snapshot = lab.snapshot();
    let wants: Vec<f64> =
        snapshot.group(GroupId(0)).unwrap().shares().iter().map(|share| share.want).collect();
    assert_eq!(wants, [32.0, 32.0, 160.0, 32.0]);
}

#[test]
fn flows_stay_with_draining_and_removed_members_until_the_deadline() {
    let mut lab = Lab::new();
    lab.desired.set_remove_deadline_ms(500);
    lab.act("s1", Verb::Drain);
    lab.try_do("s2", REMOVE, 1000).unwrap();
    lab.try_do("s3", Verb::Remove { deadline_ms: Some(200) }, 1000).unwrap();
    let usable = |lab: &mut Lab| {
        let snapshot = lab.snapshot();
        ["s1", "s2", "s3"].map(|name| snapshot.is_usable(lab.id(name), &lab.liveness))
    };
    assert_eq!(lab.desired.next_deadline_ms(), Some(1200));
    assert!(!lab.desired.expire_removals(1199));
    assert_eq!(usable(&mut lab), [true, true, true]);
    assert!(lab.desired.expire_removals(1200));
    assert_eq!(usable(&mut lab), [true, true, false]);
    assert_eq!(lab.desired.next_deadline_ms(), Some(1500));
    lab.try_do("s2", Verb::Remove { deadline_ms: Some(5000) }, 1400).unwrap();
    assert_eq!(lab.desired.next_deadline_ms(), Some(6400));
    lab.try_do("s2", Verb::Drain, 1450).unwrap();
    assert_eq!(lab.desired.next_deadline_ms(), None);
    lab.try_do("s2", Verb::Remove { deadline_ms: Some(0) }, 1500).unwrap();
    assert!(lab.is_gone("s2"));
    assert_eq!(lab.desired.members().len(), 6, "gone ones stay listed");
}

#[test]
fn who_comes_back_takes_its_id_up_again() {
    let mut lab = Lab::new();
    let old = lab.id("s2");
    lab.act("s2", Verb::Remove { deadline_ms: Some(0) });
    lab.act("s2", add(2));
    assert!(lab.snapshot().is_usable(old, &lab.liveness));
    assert_eq!(lab.desired.members().len(), 6);
    // by its address, whatever its name: the server's connections go on
    lab.act("s2", Verb::Remove { deadline_ms: Some(0) });
    lab.act("renamed", add(2));
    assert_eq!(lab.id("renamed"), old);
    lab.act("renamed", Verb::Remove { deadline_ms: Some(0) });
    lab.act("s2", add(2));
    lab.act("s2", Verb::Remove { deadline_ms: Some(0) });
    lab.act("s2", add(22));
    let info: Vec<_> = lab.desired.members().filter(|member| member.name == "s2").collect();
    assert_eq!(info.iter().map(|member| member.gone).collect::<Vec<_>>(), [true, false]);
    assert_eq!(info[1].id, MemberId(6));
    // the name means the one that is there
    lab.act("s2", Verb::Drain);
    assert_eq!(lab.takers(), ["s1", "s3", "s4"]);
}

#[test]
fn changes_that_make_no_sense_change_nothing() {
    let mut lab = Lab::new();
    lab.act("s4", Verb::Remove { deadline_ms: Some(0) });
    let before = format!("{:?}", lab.desired);
    let (group, nexthop) = (|| "web".to_owned(), |name: &str| name.to_owned());
    let unknown = ChangeError::UnknownNexthop { group: group(), nexthop: nexthop("s7") };
    let gone = ChangeError::Gone { group: group(), nexthop: nexthop("s4") };
    for verb in [Verb::Drain, Verb::Activate, REMOVE, Verb::Weight(1), Verb::Up, Verb::Down] {
        assert_eq!(lab.try_do("s7", verb.clone(), 0), Err(unknown.clone()));
        assert_eq!(lab.try_do("s4", verb, 0), Err(gone.clone()));
    }
    let mut refused = |name: &str, verb| lab.try_do(name, verb, 0).unwrap_err();
    assert_eq!(refused("s1", Verb::Weight(1001)), ChangeError::Weight { weight: 1001 });
    assert_eq!(refused("s1", add(5)), ChangeError::NamePresent { group: group(), nexthop: nexthop("s1") });
    let address = IpAddr::from([198, 51, 100, 1]);
    let present = ChangeError::AddressPresent { group: group(), address, nexthop: nexthop("s1") };
    assert_eq!(refused("s5", add(1)), present);
    let far = Verb::Add { address: [198, 51, 100, 5].into(), weight: 1, port: Some(PortId(1)), mac: None };
    assert_eq!(refused("s5", far), ChangeError::UnknownPort { port: PortId(1) });
    let other = Verb::Add {
        address: [198, 51, 100, 9].into(),
        weight: 1,
        port: Some(PortId(0)),
        mac: Some(PORT_MAC),
    };
    let mac = Mac([2, 0, 0, 0, 2, 9]);
    assert_eq!(refused("s9", other), ChangeError::OtherMac { address: [198, 51, 100, 9].into(), mac });
    let nowhere = Change { group: "mail".into(), nexthop: nexthop("s1"), verb: Verb::Drain };
    let error = lab.desired.apply(&nowhere, 0, &lab.liveness).unwrap_err();
    assert_eq!(error.to_string(), "there is no group \"mail\"");
    assert_eq!(format!("{:?}", lab.desired), before);
}

#[test]
fn one_more_with_a_weight_than_buckets_is_refused() {
    let mut spec = group("web", 1..=65);
    (spec.buckets, spec.nexthops[64].weight) = (64, 0);
    let mut lab = Lab::new();
    lab.desired = Desired::new(0, vec![PORT_MAC], Vec::new(), vec![spec]).unwrap();
    let full = ChangeError::NoBucket { group: "web".into() };
    assert_eq!(lab.try_do("s65", Verb::Weight(1), 0), Err(full.clone()));
    assert_eq!(lab.try_do("s66", add(66), 0), Err(full));
    lab.act("s1", Verb::Weight(0));
    lab.act("s65", Verb::Weight(1));
}

#[test]
fn down_is_seen_at_once_in_every_group_and_written_into_the_next_snapshot() {
    let mut lab = Lab::new();
    let before = lab.snapshot();
    lab.act("s1", Verb::Down);
    assert!(!lab.liveness.is_up(lab.desired.members().find(|member| member.group == "dns").unwrap().nexthop));
    let after = lab.snapshot();
    for id in [GroupId(0), GroupId(1)] {
        let (old, new) = (before.group(id).unwrap(), after.group(id).unwrap());
        assert_eq!(old.owners().collect::<Vec<_>>(), new.owners().collect::<Vec<_>>());
        for (bucket, (serving, written)) in (0..).zip(old.buckets().zip(new.buckets())) {
            assert_eq!(before.select(id, bucket, &lab.liveness), written);
            assert_eq!(after.select(id, bucket, &lab.liveness), written);
            let was_down = lab.name(serving.unwrap()) == "s1";
            assert_eq!(was_down, serving != written, "only buckets of who is down move");
        }
    }
    // who comes up is seen before the next snapshot
    lab.act("s1", Verb::Up);
    for bucket in 0..256 {
        assert_eq!(
            after.select(GroupId(0), bucket, &lab.liveness),
            before.group(GroupId(0)).unwrap().owners().nth(bucket as usize).unwrap()
        );
    }
}

#[test]
fn stand_ins_follow_liveness_between_snapshots() {
    let mut lab = Lab::new();
    lab.act("s1", Verb::Down);
    lab.act("s2", Verb::Down);
    let both_down = lab.snapshot();
    lab.act("s2", Verb::Up);
    let one_down = lab.snapshot();
    for bucket in 0..256 {
        let selected = both_down.select(GroupId(0), bucket, &lab.liveness);
        assert_eq!(selected, one_down.select(GroupId(0), bucket, &lab.liveness));
    }
    for name in ["s2", "s3", "s4"] {
        lab.act(name, Verb::Down);
    }
    assert_eq!(one_down.select(GroupId(0), 5, &lab.liveness), None);
    let all_down = lab.snapshot();
    assert!(all_down.group(GroupId(0)).unwrap().buckets().all(|member| member.is_none()));
}

#[test]
fn who_can_not_be_reached_is_not_used() {
    let mut spec = group("web", 1..=2);
    spec.nexthops[1].mac = None;
    let services = vec![service("web", "192.0.2.10", "web")];
    let mut lab = Lab::new();
    lab.desired = Desired::new(0, vec![PORT_MAC], services, vec![spec]).unwrap();
    assert_eq!(lab.takers(), ["s1"]);
    let nexthop = lab.desired.member(lab.id("s2")).unwrap().nexthop;
    let adjacency = Adjacency { port: PortId(0), source: PORT_MAC, destination: Mac([2, 0, 0, 0, 3, 2]) };
    assert!(lab.desired.set_adjacency(nexthop, Some(adjacency)));
    assert!(!lab.desired.set_adjacency(nexthop, Some(adjacency)));
    assert_eq!(lab.takers(), ["s1", "s2"]);
    let moved = Mac([2, 0, 0, 0, 1, 7]);
    assert!(lab.desired.open_port(PortId(0), moved));
    let snapshot = lab.snapshot();
    assert_eq!(["s1", "s2"].map(|name| snapshot.member(lab.id(name)).unwrap().adjacency.source), [moved; 2]);
    let fixed = lab.desired.member(lab.id("s1")).unwrap().nexthop;
    assert!(!lab.desired.set_adjacency(fixed, None), "the configuration's stands");
    assert!(lab.desired.set_adjacency(nexthop, None));
    assert_eq!(lab.takers(), ["s1"]);
    assert!(!lab.snapshot().is_usable(lab.id("s2"), &lab.liveness));
}

#[test]
fn a_mac_that_one_group_gives_holds_in_all() {
    let mut without = group("dns", [1]);
    without.nexthops[0].mac = None;
    let mut lab = Lab::new();
    lab.desired =
        Desired::new(0, vec![PORT_MAC], Vec::new(), vec![group("web", 1..=2), without.clone()]).unwrap();
    assert_eq!(lab.takers(), ["s1", "s2"]);
    lab.reload(vec![without, group("web", 1..=2)]);
    assert_eq!(lab.takers(), ["s1", "s2"]);
    let change = Change {
        group: "dns".into(),
        nexthop: "s2".into(),
        verb: Verb::Add { address: [198, 51, 100, 2].into(), weight: 1, port: Some(PortId(0)), mac: None },
    };
    lab.desired.apply(&change, 0, &lab.liveness).unwrap();
    assert_eq!(lab.takers(), ["s1", "s2"]);
}

#[test]
fn a_flow_finds_its_service_group_and_bucket() {
    let mut lab = Lab::new();
    let snapshot = lab.snapshot();
    let service = snapshot.classify(&key(1000)).unwrap();
    assert_eq!(&*snapshot.services[service.index()].name, "web");
    let group = snapshot.group_of(service).unwrap();
    let hash = snapshot.flow_hash(&key(1000));
    let bytes = [203, 0, 113, 5, 192, 0, 2, 10, 0x03, 0xe8, 0, 80, 6];
    assert_eq!(hash, xxhash_rust::xxh3::xxh3_64_with_seed(&bytes, 7));
    let bucket = snapshot.bucket_of(group, hash);
    assert_eq!(u64::from(bucket), hash % 256);
    let owner = snapshot.group(group).unwrap().owners().nth(bucket as usize).unwrap();
    assert_eq!(snapshot.select(group, hash, &lab.liveness), owner);
    assert!(
        snapshot
            .classify(&FlowKey::new([203, 0, 113, 5].into(), [192, 0, 2, 9].into(), 1, 80, 6).unwrap())
            .is_none()
    );
}

#[test]
fn snapshots_share_what_did_not_change() {
    let mut lab = Lab::new();
    let first = lab.snapshot();
    lab.act("s2", Verb::Drain);
    let second = lab.snapshot();
    assert_eq!((first.generation, second.generation), (1, 2));
    let owners =
        |snapshot: &Snapshot, group: usize| Arc::as_ptr(&snapshot.groups[group].owners).cast::<u16>();
    assert_ne!(owners(&first, 0), owners(&second, 0));
    assert_eq!(owners(&first, 1), owners(&second, 1));
    lab.act("s1", Verb::Down);
    let third = lab.snapshot();
    assert_eq!(owners(&second, 0), owners(&third, 0));
    // a copy that somebody keeps costs what changes alone
    let kept = lab.desired.clone();
    lab.act("s3", Verb::Drain);
    let fourth = lab.snapshot();
    let is_shared = |group: usize| Arc::ptr_eq(&kept.groups[group], &lab.desired.groups[group]);
    assert_eq!([0, 1].map(is_shared), [false, true]);
    assert!(Arc::ptr_eq(&third.groups[1], &fourth.groups[1]));
}

#[test]
fn a_member_is_one_small_record() {
    assert!(size_of::<crate::Member>() <= 32, "{}", size_of::<crate::Member>());
    fn shared<T: Send + Sync>() {}
    shared::<Snapshot>();
}

#[test]
fn a_nexthop_that_was_down_when_it_was_removed_is_up_when_it_is_added_again() {
    let mut lab = Lab::new();
    for (name, is_up) in [("s4", true), ("s1", false)] {
        let id = lab.desired.member(lab.id(name)).unwrap().nexthop;
        lab.act(name, Verb::Down);
        lab.act(name, Verb::Remove { deadline_ms: Some(0) });
        assert!(!lab.liveness.is_up(id));
        lab.act(name, add(name[1..].parse().unwrap()));
        // s1 is in another group as well, where it has been down all the time
        assert_eq!(lab.liveness.is_up(id), is_up, "{name}");
    }
    lab.act("s4", Verb::Down);
    let id = lab.desired.member(lab.id("s4")).unwrap().nexthop;
    let whole = lab.desired.configured_groups().to_vec();
    lab.desired.reconcile(Vec::new(), vec![group("web", 1..=3), whole[1].clone()], 0, 0).unwrap();
    lab.snapshot();
    assert!(!lab.liveness.is_up(id));
    lab.desired.reconcile(Vec::new(), whole, 0, 0).unwrap();
    lab.snapshot();
    assert!(lab.liveness.is_up(id), "a reload brings it back as well");
}
