//! The API over a real unix socket: every route, and what it refuses.

mod daemon;
mod plant;

use daemon::{CONFIG, Daemon, request};
use evenkeel_control::api::client::ClientError;
use evenkeel_control::api::model::{
    Action, AdminState, Change, Changes, Liveness, NewNexthop, NexthopPatch, Reload, State,
};
use serde_json::json;

fn change(group: &str, nexthop: &str, action: Action) -> Change {
    let (group, nexthop) = (group.to_owned(), nexthop.to_owned());
    Change { group, nexthop, action, address: None, weight: None, interface: None, mac: None, deadline: None }
}

fn batch(changes: Vec<Change>) -> Changes {
    Changes { changes }
}

#[test]
fn the_state_can_be_read() {
    let daemon = Daemon::start();
    let client = daemon.client();
    let status = client.status().unwrap();
    assert_eq!((status.version.as_str(), status.workers, status.flow_capacity), ("0.1.0", 2, 1_000_000));
    assert_eq!(status.config, daemon.file().display().to_string());
    let services = client.services().unwrap().services;
    assert_eq!((services[0].name.as_str(), services[0].vip.as_str()), ("web", "192.0.2.10/32"));
    assert_eq!((services[0].ports.as_slice(), services[1].ports.len()), (&[80, 443][..], 0));
    let groups = client.groups().unwrap().groups;
    assert_eq!(groups.iter().map(|group| group.buckets).collect::<Vec<_>>(), [64, 128]);
    assert_eq!(groups[0].nexthops.len(), 2);
    assert_eq!(client.group("names").unwrap(), groups[1]);
    assert_ne!(groups[0].table_hash, groups[1].table_hash);
    let buckets = client.buckets("web").unwrap();
    assert_eq!((buckets.buckets.len(), buckets.shares.len()), (64, 2));
    assert_eq!(client.nexthops(None).unwrap().nexthops.len(), 3);
    let names = client.nexthops(Some("names")).unwrap().nexthops;
    assert_eq!((names[0].name.as_str(), names[0].state, names.len()), ("a/b c", State::Active, 1));
    assert_eq!(client.interfaces().unwrap().interfaces.len(), 0, "the test's box has none to show");
    let counters = client.counters().unwrap();
    assert_eq!((counters.nexthops.len(), counters.packets.received), (3, 0));
    assert!(counters.drops.contains_key("no_nexthop"));
}

#[test]
fn a_name_may_have_any_characters() {
    let daemon = Daemon::start();
    let answer = daemon.ask("GET", "/v1/groups/names/nexthops/a%2Fb%20c", None);
    assert_eq!((answer.status, &answer.json()["address"]), (200, &json!("2001:db8:1::1")));
    let client = daemon.client();
    let nexthop = client.nexthop("names", "a/b c").unwrap();
    assert_eq!(nexthop.mac.as_deref(), Some("02:00:00:00:03:01"));
    let drained = client.patch_nexthop(
        "names",
        "a/b c",
        &NexthopPatch { state: Some(AdminState::Draining), weight: None },
    );
    assert_eq!(drained.unwrap().results[0].state, State::Draining);
}

#[test]
fn a_batch_is_done_whole_and_once() {
    let daemon = Daemon::start();
    let client = daemon.client();
    let s3 = Change { address: Some("198.51.100.3".parse().unwrap()), ..change("web", "s3", Action::Add) };
    let s3 =
        Change { interface: Some("lo".into()), mac: Some("02:00:00:00:02:03".into()), weight: Some(2), ..s3 };
    let weight = Change { weight: Some(7), ..change("web", "s2", Action::Weight) };
    let remove = Change { deadline: Some("90s".into()), ..change("names", "a/b c", Action::Remove) };
    let all = batch(vec![change("web", "s1", Action::Drain), weight, s3, remove]);
    let changed = client.change(&all).unwrap();
    assert!(changed.results.iter().all(|result| result.changed));
    let state = |index: usize| (changed.results[index].state, changed.results[index].weight);
    assert_eq!(
        [state(0), state(1), state(2)],
        [(State::Draining, 1), (State::Active, 7), (State::Active, 2)]
    );
    assert_eq!(changed.results[3].state, State::Removing);
    assert!((1..=90_000).contains(&changed.results[3].removed_in_ms.unwrap()));
    assert!(changed.generation <= daemon.status().generation, "that it is reached is one more");

    let again = client.change(&all).unwrap();
    assert!(again.results.iter().all(|result| !result.changed), "{again:?}");

    let before = client.groups().unwrap();
    let refused = client
        .change(&batch(vec![change("web", "s1", Action::Activate), change("web", "s9", Action::Drain)]));
    let refused = refused.unwrap_err();
    assert!(refused.is_bad_input());
    assert_eq!(refused.problem().unwrap().errors[0].field, "/changes/1/nexthop");
    assert_eq!(client.groups().unwrap().groups[0].nexthops, before.groups[0].nexthops, "not even the first");
}

#[test]
fn one_nexthop_is_a_resource_with_the_same_verbs() {
    let daemon = Daemon::start();
    let client = daemon.client();
    let s3 =
        NewNexthop { address: "198.51.100.3".parse().unwrap(), weight: None, interface: None, mac: None };
    assert_eq!(client.put_nexthop("web", "s3", &s3).unwrap().results[0].action, Action::Add);
    assert!(!client.put_nexthop("web", "s3", &s3).unwrap().results[0].changed);
    assert_eq!(client.nexthop("web", "s3").unwrap().liveness, Liveness::Down, "no route leads there");
    let patch = NexthopPatch { state: Some(AdminState::Draining), weight: Some(3) };
    let patched = client.patch_nexthop("web", "s3", &patch).unwrap();
    assert_eq!(
        (patched.results.len(), patched.results[0].state, patched.results[1].weight),
        (2, State::Draining, 3)
    );
    let removed = client.delete_nexthop("web", "s3", Some("0s")).unwrap();
    assert_eq!(removed.results[0].state, State::Removed);
    assert!(!client.delete_nexthop("web", "s3", Some("0s")).unwrap().results[0].changed);

    let field = |answer: daemon::Answer, status: u16| {
        assert_eq!(answer.status, status, "{answer:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(!detail.contains("changes"), "this request has no changes: {detail}");
        answer.problem()
    };
    let path = "/v1/groups/web/nexthops/s1";
    assert_eq!(field(daemon.ask("PATCH", path, Some(r#"{"weight":2000}"#)), 422), ["/weight"]);
    assert_eq!(field(daemon.ask("PATCH", path, Some("{}")), 422), [""]);
    assert_eq!(field(daemon.ask("PATCH", path, Some(r#"{"state":"removed"}"#)), 422), ["/state"]);
    assert_eq!(field(daemon.ask("DELETE", &format!("{path}?deadline=soon"), None), 422), ["/deadline"]);
    assert_eq!(field(daemon.ask("DELETE", &format!("{path}?now=true"), None), 422), ["now"]);
    assert_eq!(field(daemon.ask("PUT", path, Some(r#"{"address":"198.51.100.9"}"#)), 409), ["/nexthop"]);
    assert_eq!(field(daemon.ask("GET", "/v1/groups/web/nexthops/s9", None), 404), ["nexthop"]);
}

#[test]
fn a_configuration_is_taken_up_from_the_file_and_from_text() {
    let daemon = Daemon::start();
    let client = daemon.client();
    let file = Reload::default();
    let nothing = client.reload(&file).unwrap();
    assert_eq!((nothing.applied, nothing.differences.len()), (false, 0));
    let drained = CONFIG.replace("name = \"s1\"\n", "name = \"s1\"\nstate = \"draining\"\n");
    let text = Reload { config: Some(drained.clone()), file: None, dry_run: true };
    let dry = client.reload(&text).unwrap();
    let difference = &dry.differences[0];
    assert_eq!((difference.what.as_str(), difference.key.as_str()), ("nexthop web/s1", "state"));
    assert_eq!((difference.from.as_deref(), difference.to.as_deref()), (Some("active"), Some("draining")));
    assert!(!dry.applied && client.nexthop("web", "s1").unwrap().state == State::Active);
    assert!(client.reload(&Reload { dry_run: false, ..text }).unwrap().applied);
    assert_eq!(client.nexthop("web", "s1").unwrap().state, State::Draining);
    std::fs::write(daemon.file(), CONFIG).unwrap();
    assert!(client.reload(&file).unwrap().applied, "the file again");
    assert_eq!(client.nexthop("web", "s1").unwrap().state, State::Active);

    let generation = daemon.status().generation;
    let bad = CONFIG.replace("buckets = 64", "buckets = 65").replace("weight", "wieght");
    let refused = client.reload(&Reload { config: Some(bad), file: Some("new.toml".into()), dry_run: false });
    let refused = refused.unwrap_err();
    assert!(refused.is_bad_input());
    let problem = refused.problem().unwrap();
    assert_eq!((problem.status, problem.errors[0].field.as_str()), (422, "new.toml:17:11"));
    assert!(
        refused.to_string().contains("new.toml:17:11: `buckets = 65` is not a power of two"),
        "{refused}"
    );
    let moved = format!("{CONFIG}\n[api]\nlisten = \"127.0.0.1:1\"\n");
    let restart = client.reload(&Reload { config: Some(moved), file: None, dry_run: false }).unwrap_err();
    assert_eq!(restart.problem().unwrap().status, 409);
    assert!(
        restart.to_string().contains("api is off, not on 127.0.0.1:1") && !restart.is_bad_input(),
        "{restart}"
    );
    assert_eq!(daemon.status().generation, generation);
}

#[test]
fn what_is_not_there_is_no_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let client = evenkeel_control::api::client::Client::unix(&directory.path().join("api.sock")).unwrap();
    let error = client.status().unwrap_err();
    assert!(
        matches!(&error, ClientError::Unreachable { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    );
    assert!(!error.is_bad_input());
}

#[test]
fn the_description_is_the_one_that_is_checked_in() {
    let daemon = Daemon::start();
    let answer = daemon.send(request("GET", "/v1/openapi.json", None).as_bytes());
    assert_eq!(answer.status, 200);
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("EVENKEEL_REWRITE_EXPECTED").is_some() {
        std::fs::write(&file, &answer.body).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        answer.body == checked_in,
        "docs/openapi.json is another one: EVENKEEL_REWRITE_EXPECTED=1 writes it anew"
    );
}
