//! The stream of events: order, resuming, gaps, bounds.

mod daemon;
mod plant;

use daemon::{Daemon, request};
use evenkeel_control::api::client::{Client, Told};
use evenkeel_control::api::model::{Action, Change, Changes, EventKind};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

fn do_to_s1(client: &Client, action: Action) {
    let (group, nexthop) = ("web".to_owned(), "s1".to_owned());
    let change = Change {
        group,
        nexthop,
        action,
        address: None,
        weight: None,
        interface: None,
        mac: None,
        deadline: None,
    };
    client.change(&Changes { changes: vec![change] }).unwrap();
}

/// The next event of a kind.
fn next_of(
    told: &mut impl Iterator<Item = Result<Told, evenkeel_control::api::client::ClientError>>,
    kind: EventKind,
) -> u64 {
    loop {
        match told.next().expect("no end").expect("no error") {
            Told::Event(event) if event.kind == kind => {
                assert!(event.subject == "web/s1" && event.text.contains("s1"), "{event:?}");
                return event.id;
            }
            Told::Event(_) => {}
            Told::Missed(missed) => panic!("{missed:?}"),
        }
    }
}

#[test]
fn events_come_as_they_happen_and_again_for_who_comes_back() {
    let daemon = Daemon::start();
    let client = daemon.client();
    let mut live = client.events(None).unwrap();
    do_to_s1(&daemon.client(), Action::Drain);
    let drained = next_of(&mut live, EventKind::Draining);
    do_to_s1(&daemon.client(), Action::Drain);
    do_to_s1(&daemon.client(), Action::Activate);
    let activated = next_of(&mut live, EventKind::Activated);
    assert!(activated > drained);
    drop(live);
    do_to_s1(&daemon.client(), Action::Drain);
    let mut again = client.events(Some(drained)).unwrap();
    assert_eq!(next_of(&mut again, EventKind::Activated), activated);
    assert!(next_of(&mut again, EventKind::Draining) > activated);
}

#[test]
fn the_stream_is_as_browsers_and_curl_read_it() {
    let daemon = Daemon::start();
    do_to_s1(&daemon.client(), Action::Drain);
    do_to_s1(&daemon.client(), Action::Activate);
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // of the header and the parameter the header counts
    let asked = request("GET", "/v1/events?after=99999", None).replace("Host", "Last-Event-ID: 0\r\nHost");
    stream.write_all(asked.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap().to_ascii_lowercase());
    assert!(lines.any(|line| line == "content-type: text/event-stream"));
    let event: Vec<_> = lines.skip_while(|line| line != "event: draining").take(2).collect();
    assert!(event[1].starts_with("data: {\"id\":") && event[1].ends_with('}'), "{event:?}");
}

#[test]
fn who_lags_behind_is_told_and_goes_on() {
    let daemon = Daemon::start();
    let client = daemon.client();
    for _ in 0..2200 {
        do_to_s1(&client, Action::Drain);
        do_to_s1(&client, Action::Activate);
    }
    let mut late = client.events(Some(0)).unwrap();
    let Told::Missed(missed) = late.next().unwrap().unwrap() else {
        panic!("4400 events and none is missed")
    };
    assert_eq!(missed.first, 1);
    let Told::Event(event) = late.next().unwrap().unwrap() else { panic!("the next is kept") };
    assert_eq!(event.id, missed.last + 1);
}

#[test]
fn readers_are_bounded_and_a_seat_is_free_again() {
    let daemon = Daemon::start();
    let client = daemon.client();
    let readers: Vec<_> = (0..32).map(|_| client.events(None).unwrap()).collect();
    let refused = client.events(None).unwrap_err();
    assert_eq!(refused.problem().unwrap().status, 503);
    assert!(client.status().is_ok(), "other requests go on");
    drop(readers);
    let has_seat = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        // what the client no longer reads ends when the daemon writes
        do_to_s1(&client, Action::Drain);
        do_to_s1(&client, Action::Activate);
        client.events(None).is_ok()
    });
    assert!(has_seat);
    for (query, head, field) in
        [("?after=x", "", "after"), ("?since=1", "", "since"), ("", "Last-Event-ID: -1\r\n", "Last-Event-ID")]
    {
        let asked =
            request("GET", &format!("/v1/events{query}"), None).replace("Host", &format!("{head}Host"));
        let answer = daemon.send(asked.as_bytes());
        assert_eq!((answer.status, answer.problem()), (422, vec![field.to_owned()]));
    }
}

#[test]
fn the_stream_ends_with_the_daemon() {
    let daemon = Daemon::start();
    let client = daemon.client();
    let mut events = client.events(None).unwrap();
    drop(daemon);
    assert!(!matches!(events.next(), Some(Ok(_))));
}
