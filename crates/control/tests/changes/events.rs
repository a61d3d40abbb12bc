//! Every change of state is an event.

use super::{Daemon, add, change, remove};
use evenkeel_control::api::model::EventKind;
use evenkeel_control::live::{Told, Verb};

#[test]
fn verbs_are_told_with_kind_subject_and_text() {
    let daemon = Daemon::start();
    let mut subscription = daemon.handle.client().subscribe(None);
    let batch = vec![
        change("web", "s1", Verb::Drain),
        change("web", "s2", Verb::Weight(5)),
        change("web", "s3", Verb::Activate),
        change("web", "s4", remove(60_000)),
        change("web", "s5", add("198.51.100.5", 2)),
        change("dns", "a", remove(0)),
    ];
    let generation = daemon.change(batch).unwrap().generation;
    let want = [
        (EventKind::Draining, "web/s1", "web/s1 drains: 0 flows left"),
        (EventKind::Weight, "web/s2", "web/s2 has the weight 5 (was 1)"),
        (EventKind::Activated, "web/s3", "web/s3 is active"),
        (EventKind::Removing, "web/s4", "web/s4 is being removed, within "),
        (EventKind::Removed, "dns/a", "removed: dns/a"),
        (EventKind::Added, "web/s5", "web/s5 was added: 198.51.100.5, weight 2"),
    ];
    let kinds = want.map(|(kind, ..)| kind);
    let mut heard = Vec::new();
    while heard.len() < want.len() {
        let Some(Told::Event(event)) = subscription.next_blocking() else { panic!("{heard:?}") };
        if kinds.contains(&event.kind) {
            assert_eq!(event.generation, generation);
            heard.push((event.kind, event.subject.clone(), event.text.clone()));
        }
    }
    for ((kind, subject, text), heard) in want.into_iter().zip(&heard) {
        assert_eq!((kind, subject), (heard.0, heard.1.as_str()));
        assert!(heard.2.starts_with(text), "{heard:?}");
    }
}

#[test]
fn who_has_drained_is_told_once() {
    let daemon = Daemon::start();
    let mut subscription = daemon.handle.client().subscribe(None);
    // s3 drains from the start, and nobody serves a flow
    let mut drained = || loop {
        match subscription.next_blocking() {
            Some(Told::Event(event)) if event.kind == EventKind::Drained => return event.text.clone(),
            Some(_) => {}
            None => panic!("the log has ended"),
        }
    };
    assert_eq!(drained(), "web/s3 has no flow left");
    daemon.change(vec![change("web", "s1", Verb::Drain)]).unwrap();
    assert_eq!(drained(), "web/s1 has no flow left", "and s3 isn't told again");
}

#[test]
fn a_refusal_is_told() {
    let daemon = Daemon::start();
    daemon.change(vec![change("web", "s9", Verb::Drain)]).unwrap_err();
    let refused = "change refused: group \"web\" has no nexthop \"s9\"";
    assert!(daemon.told().iter().any(|text| text == refused), "{:#?}", daemon.told());
}
