//! What each verb does, and that the same again does nothing.

use super::{Daemon, add, change, remove};
use evenkeel_control::live::{Change, NexthopState, Verb};
use evenkeel_nexthop::MemberId;
use std::time::{Duration, Instant};

/// Each verb in a state where it changes something, and the state of its member afterwards.
fn verbs() -> Vec<(Change, NexthopState, u16)> {
    use NexthopState::{Active, Draining, Removed, Removing};
    vec![
        (change("web", "s1", Verb::Drain), Draining, 1),
        (change("web", "s3", Verb::Activate), Active, 1),
        (change("web", "s2", Verb::Remove { deadline_ms: None }), Removing, 1),
        (change("web", "s2", remove(60_000)), Removing, 1),
        (change("web", "s3", Verb::Weight(7)), Active, 7),
        (change("web", "s4", remove(0)), Removed, 0),
        (change("web", "s5", add("198.51.100.5", 3)), Active, 3),
        (change("web", "s2", Verb::Activate), Active, 1),
    ]
}

#[test]
fn the_same_again_changes_nothing_and_is_no_error() {
    let daemon = Daemon::start();
    for (change, state, weight) in verbs() {
        let first = daemon.change(vec![change.clone()]).unwrap();
        let [nexthop] = &first.nexthops[..] else { panic!("one answer") };
        assert!(nexthop.changed, "{change:?}");
        assert_eq!(
            (nexthop.state, nexthop.weight, nexthop.is_up),
            (state, weight, state != NexthopState::Removed)
        );
        assert_eq!(first.generation, daemon.generation(), "published before the answer");
        let again = daemon.change(vec![change.clone()]).unwrap();
        assert!(!again.nexthops[0].changed, "{change:?}");
        assert_eq!((again.nexthops[0].state, again.nexthops[0].weight), (state, weight));
        assert_eq!((again.generation, daemon.generation()), (first.generation, first.generation));
    }
}

#[test]
fn a_batch_that_is_so_already_publishes_nothing() {
    let daemon = Daemon::start();
    let batch = vec![
        change("web", "s1", Verb::Drain),
        change("web", "s5", add("198.51.100.5", 3)),
        change("web", "s2", Verb::Weight(9)),
    ];
    let first = daemon.change(batch.clone()).unwrap();
    let again = daemon.change(batch).unwrap();
    assert_eq!(again.generation, first.generation);
    assert!(again.nexthops.iter().all(|nexthop| !nexthop.changed));
}

#[test]
fn a_removal_is_over_at_its_deadline_and_can_be_hurried() {
    let daemon = Daemon::start();
    let answer = daemon.change(vec![change("web", "s1", remove(300))]).unwrap();
    assert!(answer.nexthops[0].removed_in_ms.is_some_and(|ms| (1..=300).contains(&ms)), "{answer:?}");
    let begin = Instant::now();
    while daemon.state("web", "s1") != NexthopState::Removed {
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
    assert!(begin.elapsed() > Duration::from_millis(250), "{:?}", begin.elapsed());

    daemon.change(vec![change("web", "s2", remove(60_000))]).unwrap();
    let answer = daemon.change(vec![change("web", "s2", remove(0))]).unwrap();
    assert_eq!(answer.nexthops[0].state, NexthopState::Removed);
}

#[test]
fn an_answer_says_how_many_flows_are_left() {
    let daemon = Daemon::start();
    let s2 = daemon.handle.desired().unwrap().members().find(|member| member.name == "s2").unwrap().id;
    assert_eq!(s2, MemberId(1));
    daemon.counters.member(s2).unwrap().flows_live.add(42);
    let answer = daemon.change(vec![change("web", "s2", Verb::Drain)]).unwrap();
    assert_eq!(answer.nexthops[0].flows_live, 42);
}

#[test]
fn an_answer_is_true_however_many_ask_at_once() {
    let daemon = Daemon::start();
    std::thread::scope(|threads| {
        for thread in 0..8 {
            let client = daemon.handle.client();
            threads.spawn(move || {
                let name = format!("t{}", thread % 4);
                for round in 0..25 {
                    let address = format!("203.0.113.{}", thread % 4);
                    let verbs = [
                        (add(&address, 1), NexthopState::Active),
                        (Verb::Drain, NexthopState::Draining),
                        (remove(0), NexthopState::Removed),
                    ];
                    for (verb, state) in verbs {
                        // another thread works on the same nexthop, so that a refusal is right too
                        let Ok(answer) = client.change_blocking(vec![change("web", &name, verb)]) else {
                            continue;
                        };
                        assert_eq!(answer.nexthops[0].state, state, "round {round}");
                    }
                }
            });
        }
    });
}
