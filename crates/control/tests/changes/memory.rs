//! What operators changed is remembered across a restart.

use super::{CONFIG, Daemon, Seen, add, change, remove};
use evenkeel_control::live::{Change, NexthopState, Verb, default_state_file};
use proptest::prelude::*;
use std::path::PathBuf;
use std::time::Duration;

/// A state file in a directory that goes with the test.
fn state_file() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("deep/state.json");
    (directory, file)
}

fn present(daemon: &Daemon) -> Vec<Seen> {
    let mut seen = daemon.seen();
    seen.retain(|seen| seen.2 != NexthopState::Removed);
    seen.sort_by_key(|seen| (seen.0.clone(), seen.1.clone()));
    seen
}

/// Starts, changes, ends, and starts again with another configuration.
fn after_restart(changes: Vec<Change>, config: &str) -> Daemon {
    let (_directory, file) = state_file();
    let daemon = Daemon::start_with(CONFIG, Some(file.clone()));
    daemon.change(changes).unwrap();
    drop(daemon);
    Daemon::start_with(config, Some(file))
}

fn state_of(daemon: &Daemon, name: &str) -> Option<(NexthopState, u16)> {
    daemon.seen().iter().find(|seen| seen.0 == "web" && seen.1 == name).map(|seen| (seen.2, seen.3))
}

#[test]
fn every_kind_of_change_outlasts_a_restart() {
    use NexthopState::{Active, Draining, Removed, Removing};
    let changes = vec![
        change("web", "s1", Verb::Drain),
        change("web", "s1", Verb::Weight(5)),
        change("web", "s2", remove(60_000)),
        change("web", "s3", Verb::Activate),
        change("web", "s4", remove(0)),
        change("web", "new", add("198.51.100.9", 7)),
        change("web", "new", Verb::Drain),
    ];
    let daemon = after_restart(changes, CONFIG);
    let states = ["s1", "s2", "s3", "s4", "new"].map(|name| state_of(&daemon, name).unwrap());
    assert_eq!(states, [(Draining, 5), (Removing, 1), (Active, 1), (Removed, 0), (Draining, 7)]);
    let answer = daemon.change(vec![change("web", "s2", remove(60_000))]).unwrap();
    assert!(!answer.nexthops[0].changed, "the deadline that was asked for is remembered too");
    assert!(answer.nexthops[0].removed_in_ms.is_some_and(|ms| ms < 60_000), "{answer:?}");
    let generation = daemon.generation();
    let of_new = daemon.last.lock().unwrap().groups().next().unwrap().1.shares().len();
    assert_eq!((of_new, generation > 0), (4, true), "what workers see");
}

#[test]
fn a_deadline_goes_on_by_the_wall_clock() {
    let (_directory, file) = state_file();
    let daemon = Daemon::start_with(CONFIG, Some(file.clone()));
    daemon.change(vec![change("web", "s1", remove(200))]).unwrap();
    drop(daemon);
    std::thread::sleep(Duration::from_millis(250));
    let daemon = Daemon::start_with(CONFIG, Some(file));
    assert_eq!(daemon.state("web", "s1"), NexthopState::Removed);
}

#[test]
fn what_the_configuration_says_otherwise_by_now_counts_no_longer() {
    let changes = || {
        vec![
            change("web", "s1", Verb::Drain),
            change("web", "s1", Verb::Weight(5)),
            change("web", "s2", remove(0)),
            change("web", "new", add("198.51.100.9", 7)),
        ]
    };
    use NexthopState::{Active, Draining, Removed};
    let s1 = "02:00:00:00:02:01\" },\n        { name = \"s2\"";
    let weight = CONFIG.replace(s1, "02:00:00:00:02:01\", weight = 3 },\n        { name = \"s2\"");
    let daemon = after_restart(changes(), &weight);
    assert_eq!(state_of(&daemon, "s1"), Some((Draining, 3)), "the drain still counts");
    assert_eq!(state_of(&daemon, "s2"), Some((Removed, 1)));
    let s2 = CONFIG.replace("02:00:00:00:02:02\"", "02:00:00:00:02:02\", weight = 2");
    assert_eq!(state_of(&after_restart(changes(), &s2), "s2"), Some((Active, 2)));
    let known = CONFIG
        .replace("{ name = \"s4\", address = \"198.51.100.4\"", "{ name = \"n\", address = \"198.51.100.9\"");
    let daemon = after_restart(changes(), &known);
    assert_eq!((state_of(&daemon, "n"), state_of(&daemon, "new")), (Some((Active, 0)), None));
    let forgotten = "what was changed of web/new (198.51.100.9) is forgotten: the configuration has it now";
    assert!(daemon.told().iter().any(|text| text == forgotten), "{:#?}", daemon.told());
}

#[test]
fn what_was_undone_is_not_remembered() {
    let (_directory, file) = state_file();
    let daemon = Daemon::start_with(CONFIG, Some(file.clone()));
    daemon.change(vec![change("web", "s1", Verb::Drain)]).unwrap();
    daemon.change(vec![change("web", "s1", Verb::Activate)]).unwrap();
    drop(daemon);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.split_whitespace().collect::<String>(), r#"{"version":1,"nexthops":[]}"#);
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_ignored() {
    for (text, why) in [
        ("{", "EOF while parsing"),
        (r#"{"version": 2, "nexthops": []}"#, "its version is 2, not 1"),
        (r#"{"version": 1, "nexthops": [], "more": 1}"#, "unknown field `more`"),
        (r#"{"version": 1, "nexthops": [{"group": 7}]}"#, "invalid type"),
    ] {
        let (_directory, file) = state_file();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        let daemon = Daemon::start_with(CONFIG, Some(file.clone()));
        assert_eq!(daemon.state("web", "s1"), NexthopState::Active);
        let told = daemon.told();
        let is_told =
            |told: &String| told.contains("is ignored, nothing is remembered: ") && told.contains(why);
        assert!(told.iter().any(is_told), "{why} in {told:#?}");
        assert_eq!(std::fs::read_to_string(file.with_extension("unread")).unwrap(), text, "kept");
        // and it works from now on
        daemon.change(vec![change("web", "s1", Verb::Drain)]).unwrap();
        drop(daemon);
        assert_eq!(Daemon::start_with(CONFIG, Some(file)).state("web", "s1"), NexthopState::Draining);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_stops_nothing() {
    let (directory, _) = state_file();
    // a file is in the place of the directory
    let file = directory.path().join("file/state.json");
    std::fs::write(directory.path().join("file"), "").unwrap();
    let daemon = Daemon::start_with(CONFIG, Some(file));
    let mut subscription = daemon.handle.client().subscribe(Some(0));
    daemon.change(vec![change("web", "s1", Verb::Drain)]).unwrap();
    while let Some(told) = subscription.next_blocking() {
        if format!("{told:?}").contains("can't be written, changes are not remembered") {
            break;
        }
    }
    // the fault is noted right after it is told
    let client = daemon.handle.client();
    while super::flows::wait(client.status()).unwrap().state_fault.is_none() {}
}

#[test]
fn each_configuration_file_has_a_state_file_of_its_own() {
    let files =
        ["/etc/evenkeel/a.toml", "/etc/evenkeel/b.toml"].map(|file| default_state_file(file.as_ref()));
    assert_ne!(files[0], files[1]);
    assert_eq!(files[0].extension().unwrap(), "json");
}

fn any_changes() -> impl Strategy<Value = Vec<Change>> {
    let verb = prop_oneof![
        Just(Verb::Drain),
        Just(Verb::Activate),
        Just(remove(0)),
        Just(remove(3_600_000)),
        (0u16..4).prop_map(Verb::Weight),
    ];
    let on_known = (1u8..5, verb).prop_map(|(name, verb)| change("web", &format!("s{name}"), verb));
    let added = (5u8..8, 0u16..3).prop_map(|(name, weight)| {
        change("web", &format!("s{name}"), add(&format!("203.0.113.{name}"), weight))
    });
    prop::collection::vec(prop_oneof![3 => on_known, 1 => added], 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_restart_changes_nothing_that_an_operator_did(changes in any_changes()) {
        let (_directory, file) = state_file();
        let daemon = Daemon::start_with(CONFIG, Some(file.clone()));
        for change in changes {
            // what makes no sense is refused
            let _ = daemon.change(vec![change]);
        }
        let before = present(&daemon);
        drop(daemon);
        let daemon = Daemon::start_with(CONFIG, Some(file));
        prop_assert_eq!(present(&daemon), before);
    }
}
