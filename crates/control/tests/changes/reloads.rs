//! Reloads: whole or not at all, the box's side included.

use super::{CONFIG, Daemon, change};
use evenkeel_control::live::{NexthopState, Refusal, RefusalKind, Verb};

/// Another weight for s2, and another port.
fn other() -> String {
    CONFIG.replace("02:02\"", "02:02\", weight = 5").replace("ports = [80]", "ports = [80, 443]")
}

fn differences(reloaded: &evenkeel_control::live::Reloaded) -> Vec<String> {
    reloaded.differences.iter().map(ToString::to_string).collect()
}

#[test]
fn a_reload_says_what_differs_and_the_next_one_that_nothing_does() {
    let daemon = Daemon::start();
    let want = ["service web: ports 80 -> 80,443", "nexthop web/s2: weight 1 -> 5"];
    let generation = daemon.generation();
    let planned = daemon.reload(&other(), true).unwrap();
    assert_eq!((differences(&planned), planned.applied), (want.map(str::to_owned).into(), false));
    assert_eq!(daemon.generation(), generation, "a dry run does nothing");
    let done = daemon.reload(&other(), false).unwrap();
    assert_eq!((differences(&done), done.applied), (want.map(str::to_owned).into(), true));
    assert!(daemon.reload(&other(), false).unwrap().differences.is_empty());
    assert_eq!(*daemon.plant.asked.lock().unwrap(), ["check", "prepare", "commit", "prepare", "commit"]);
    let told = daemon.told();
    for text in ["configuration reloaded: 2 differences", "web/s2 has the weight 5 (was 1)", want[0]] {
        assert!(told.iter().any(|told| told == text), "{text} in {told:#?}");
    }
}

#[test]
fn a_bad_configuration_changes_nothing_and_says_where() {
    let daemon = Daemon::start();
    let (before, generation) = (daemon.seen(), daemon.generation());
    let refusal = daemon.reload(&CONFIG.replace("[80]", "[80, 0]"), false).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Invalid);
    assert!(refusal.to_string().starts_with("next.toml:8:18: "), "{refusal}");
    let told = "reload refused: next.toml has 1 mistake; nothing was changed\nnext.toml:8:18: ";
    assert!(daemon.told().iter().any(|text| text.starts_with(told)), "{:#?}", daemon.told());
    let refusal =
        daemon.reload(&CONFIG.replace("[[interface]]", "dataplane.burst = 7\n[[interface]]"), false);
    assert!(matches!(&refusal, Err(Refusal::Fixed(_))), "{refusal:?}");
    assert_eq!((daemon.seen(), daemon.generation()), (before, generation));
    assert_eq!(*daemon.plant.asked.lock().unwrap(), [""; 0], "the box was not asked");
}

#[test]
fn what_the_box_refuses_is_not_in_effect() {
    let daemon = Daemon::start();
    let before = daemon.seen();
    for (refused, asked) in [("prepare", &["prepare"][..]), ("commit", &["prepare", "commit", "abort"])] {
        daemon.plant.asked.lock().unwrap().clear();
        *daemon.plant.refuses.lock().unwrap() = Some(refused);
        let refusal = daemon.reload(&other(), false).unwrap_err();
        assert_eq!(refusal.to_string(), format!("can't {refused}"));
        assert_eq!(*daemon.plant.asked.lock().unwrap(), asked);
        assert_eq!(daemon.seen(), before);
        let last = daemon.last.lock().unwrap().clone();
        let of_s2 = |snapshot: &evenkeel_nexthop::Snapshot| {
            let (_, table) = snapshot.groups().next().unwrap();
            table.shares()[1].want
        };
        assert_eq!(of_s2(&last), 32.0, "the old weight is published again");
    }
    *daemon.plant.refuses.lock().unwrap() = None;
    assert_eq!(differences(&daemon.reload(&other(), false).unwrap()).len(), 2, "all of it still differs");
}

#[test]
fn what_an_operator_changed_stays_while_the_file_says_the_same() {
    let daemon = Daemon::start();
    daemon.change(vec![change("web", "s1", Verb::Drain), change("web", "s2", Verb::Weight(9))]).unwrap();
    assert!(daemon.reload(CONFIG, false).unwrap().differences.is_empty());
    assert_eq!(daemon.state("web", "s1"), NexthopState::Draining);
    let reloaded = daemon.reload(&other(), false).unwrap();
    assert!(differences(&reloaded).contains(&"nexthop web/s2: weight 9 -> 5".to_owned()), "{reloaded:?}");
    assert_eq!(daemon.state("web", "s1"), NexthopState::Draining);
}
