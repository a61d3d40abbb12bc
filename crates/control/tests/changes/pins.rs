//! Static pins: what they decide, how they end, and that a restart keeps them.

use super::{CONFIG, Daemon, change, remove};
use evenkeel_control::api::model::EventKind;
use evenkeel_control::live::{PinView, Refusal, Subscription, Told, Verb};
use evenkeel_nexthop::{PinMatch, PinSpec};
use evenkeel_packet::FlowKey;
use std::future::Future;
use std::time::Duration;

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn of_source(nexthop: &str, source: &str) -> PinSpec {
    let matches = PinMatch::Source(source.parse().unwrap());
    PinSpec { matches, group: "web".into(), nexthop: nexthop.into(), idle_ms: None, hard_ms: None }
}

fn pin(daemon: &Daemon, spec: &PinSpec) -> Result<bool, Refusal> {
    wait(daemon.handle.client().pin(spec.clone()))
}

fn pins(daemon: &Daemon) -> Vec<PinView> {
    wait(daemon.handle.client().pins()).unwrap()
}

fn specs(daemon: &Daemon) -> Vec<PinSpec> {
    pins(daemon).into_iter().map(|pin| pin.info.spec).collect()
}

/// The text of the next event of a kind.
fn next_of(subscription: &mut Subscription, kind: EventKind) -> String {
    loop {
        match subscription.next_blocking() {
            Some(Told::Event(event)) if event.kind == kind => {
                assert!(event.subject.starts_with("web/"), "{event:?}");
                return event.text.clone();
            }
            Some(_) => {}
            None => panic!("the end"),
        }
    }
}

#[test]
fn a_pin_of_a_flow_that_its_group_does_not_serve_is_refused() {
    let daemon = Daemon::start();
    let of_port = |port| {
        let key = FlowKey::new([203, 0, 113, 7].into(), [192, 0, 2, 10].into(), 1000, port, 6).unwrap();
        PinSpec { matches: PinMatch::Flow(key), ..of_source("s1", "203.0.113.0/24") }
    };
    let refusal = pin(&daemon, &of_port(81)).unwrap_err();
    let text = "no service of group \"web\" takes tcp 203.0.113.7:1000 to 192.0.2.10:81";
    assert_eq!((refusal.to_string().as_str(), refusal.field().as_deref()), (text, Some("destination")));
    assert!(pins(&daemon).is_empty());
    assert!(pin(&daemon, &of_port(80)).unwrap());
}

#[test]
fn a_pin_is_in_the_snapshot_when_it_is_answered_and_goes_when_it_is_taken_away() {
    let daemon = Daemon::start();
    let mut subscription = daemon.handle.client().subscribe(None);
    // s3 drains: only a pin leads to it
    let spec = of_source("s3", "203.0.113.0/24");
    assert!(pin(&daemon, &spec).unwrap());
    let generation = daemon.generation();
    assert!(!pin(&daemon, &spec).unwrap());
    assert_eq!(daemon.generation(), generation, "the same again changes nothing");
    let told = next_of(&mut subscription, EventKind::Pinned);
    assert_eq!(told, "new flows from 203.0.113.0/24 go to web/s3 by a static pin");
    let key = FlowKey::new([203, 0, 113, 7].into(), [192, 0, 2, 10].into(), 1000, 80, 6).unwrap();
    let way = || wait(daemon.handle.client().path(key)).unwrap().path.nexthop;
    assert_eq!(way().as_deref(), Some("s3"));
    let why = wait(daemon.handle.client().path(key)).unwrap().path.why;
    assert_eq!(why, "a static pin sends it to s3");
    let unpin = || wait(daemon.handle.client().unpin("web".into(), spec.matches)).unwrap();
    assert!(unpin() && !unpin());
    assert_ne!(way().as_deref(), Some("s3"));
    assert!(next_of(&mut subscription, EventKind::Unpinned).ends_with("has ended: taken away"));
}

#[test]
fn pins_end_by_age_by_idleness_and_with_their_nexthop() {
    let daemon = Daemon::start();
    let mut subscription = daemon.handle.client().subscribe(None);
    let mut ended = || next_of(&mut subscription, EventKind::Unpinned);
    pin(&daemon, &PinSpec { hard_ms: Some(50), ..of_source("s1", "203.0.113.1/32") }).unwrap();
    assert!(ended().ends_with("has ended: its time is over"));
    pin(&daemon, &PinSpec { idle_ms: Some(50), ..of_source("s1", "203.0.113.2/32") }).unwrap();
    assert!(ended().ends_with("has ended: idle for too long"));
    pin(&daemon, &of_source("s1", "203.0.113.3/32")).unwrap();
    daemon.change(vec![change("web", "s1", Verb::Drain)]).unwrap();
    assert_eq!(pins(&daemon).len(), 1, "a drain ends none");
    daemon.change(vec![change("web", "s1", remove(60_000))]).unwrap();
    assert!(ended().ends_with("has ended: its nexthop is removed"));
    assert_eq!(pins(&daemon), []);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let daemon = Daemon::start();
    let generation = daemon.generation();
    let refused = |spec: PinSpec| pin(&daemon, &spec).unwrap_err();
    let spec = of_source("s1", "203.0.113.0/24");
    assert_eq!(refused(PinSpec { group: "none".into(), ..spec.clone() }).field().as_deref(), Some("group"));
    assert_eq!(
        refused(PinSpec { nexthop: "none".into(), ..spec.clone() }).field().as_deref(),
        Some("nexthop")
    );
    assert!(refused(PinSpec { idle_ms: Some(0), ..spec }).to_string().contains("zero"));
    assert_eq!((daemon.generation(), pins(&daemon).len()), (generation, 0));
}

#[test]
fn a_restart_keeps_pins_for_the_time_that_they_have_left() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.json");
    let daemon = Daemon::start_with(CONFIG, Some(file.clone()));
    let flow = FlowKey::new([203, 0, 113, 7].into(), [192, 0, 2, 10].into(), 1000, 80, 6).unwrap();
    let forever =
        PinSpec { matches: PinMatch::Flow(flow), idle_ms: Some(70_000), ..of_source("s2", "0.0.0.0/0") };
    let for_an_hour = PinSpec { hard_ms: Some(3_600_000), ..of_source("s1", "203.0.113.0/24") };
    let nearly_over = PinSpec { hard_ms: Some(400), ..of_source("s1", "203.0.113.1/32") };
    for spec in [&forever, &for_an_hour, &nearly_over] {
        assert!(pin(&daemon, spec).unwrap());
    }
    drop(daemon);
    std::thread::sleep(Duration::from_millis(400));
    let daemon = Daemon::start_with(CONFIG, Some(file));
    let specs = specs(&daemon);
    assert_eq!(specs[0], forever);
    assert!(specs.len() == 2 && specs[1].matches == for_an_hour.matches, "{specs:?}");
    let left_ms = specs[1].hard_ms.unwrap();
    assert!((3_500_000..3_600_000).contains(&left_ms), "{left_ms}");
}
