//! Flows over the API: pages, filters, counts, and the way of one.

mod daemon;
mod plant;

use daemon::{CONFIG, Daemon};
use evenkeel_control::api::model::{
    FlowPage, FlowQuery, FlowState, PathQuery, PinQuery, PlanRequest, Protocol,
};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

const VIP: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 53), 53);

/// Flows from 203.0.113.1 and on, one from each address, of which every other one is seen by the second worker.
fn with_flows(count: u8) -> Daemon {
    let daemon = Daemon::start();
    for client in 1..=count {
        daemon.workers.take(usize::from(client % 2), (Ipv4Addr::new(203, 0, 113, client), 40_000), VIP);
    }
    daemon
}

fn page(daemon: &Daemon, query: &FlowQuery) -> FlowPage {
    daemon.client().flows(query).unwrap()
}

#[test]
fn all_flows_are_listed_once_page_by_page() {
    let daemon = with_flows(25);
    let (mut seen, mut pages, mut cursor) = (BTreeSet::new(), 0, None);
    loop {
        let page = page(&daemon, &FlowQuery { limit: Some(4), cursor, ..FlowQuery::default() });
        assert!(page.flows.len() <= 4 && page.found == page.flows.len() as u64);
        assert!(page.flows.iter().all(|flow| seen.insert(flow.source.clone())), "one is there twice");
        pages += 1;
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert!(seen.len() == 25 && pages >= 7, "{pages} pages");
    let count = page(&daemon, &FlowQuery { count: Some(true), ..FlowQuery::default() });
    assert_eq!((count.found, count.packets, count.flows.len(), count.cursor), (25, 25, 0, None));
}

#[test]
fn everything_in_a_query_applies() {
    let daemon = with_flows(20);
    let found = |query: &str| {
        let answer = daemon.ask("GET", &format!("/v1/flows?count=true&{query}"), None);
        assert_eq!(answer.status, 200, "{query} {answer:?}");
        answer.json()["found"].as_u64().unwrap()
    };
    for (query, count) in [
        ("source=203.0.113.7", 1),
        ("source=203.0.113.8/29", 8),
        ("source=2001:db8::/32", 0),
        ("destination=192.0.2.0/24", 20),
        ("destination=192.0.2.10", 0),
        ("service=names&group=names&nexthop=a%2Fb%20c&state=datagram&protocol=udp", 20),
        ("service=web", 0),
        ("protocol=tcp", 0),
        ("protocol=any", 20),
        ("state=established", 0),
        ("nexthop=s1", 0),
        ("source=203.0.113.7&destination=192.0.2.10", 0),
    ] {
        assert_eq!(found(query), count, "{query}");
    }
    for (query, status, field) in [
        ("group=none", 404, "group"),
        ("nexthop=none", 404, "nexthop"),
        ("service=none", 404, "service"),
        ("source=203.0.113.1/24", 422, "source"),
        ("source=here", 422, "source"),
        ("destination=192.0.2.0/33", 422, "destination"),
        ("limit=0", 422, "limit"),
        ("limit=10001", 422, "limit"),
        ("cursor=next", 422, "cursor"),
        ("state=open", 422, "state"),
        ("protocol=sctp", 422, "protocol"),
        ("sort=bytes", 422, "sort"),
    ] {
        let answer = daemon.ask("GET", &format!("/v1/flows?{query}"), None);
        assert_eq!((answer.status, answer.problem()), (status, vec![field.to_owned()]), "{query}");
    }
}

#[test]
fn the_way_of_a_flow_is_told_with_and_without_its_entry() {
    let daemon = with_flows(1);
    let ask = |source: &str| PathQuery {
        source: source.into(),
        destination: "192.0.2.53:53".into(),
        protocol: Protocol::Udp,
    };
    let known = daemon.client().path(&ask("203.0.113.1:40000")).unwrap();
    let flow = known.flow.unwrap();
    assert_eq!(
        (flow.source.as_str(), flow.state, flow.packets),
        ("203.0.113.1:40000", FlowState::Datagram, 1)
    );
    assert_eq!((flow.protocol.as_str(), flow.service.as_deref(), flow.worker), ("udp", Some("names"), 1));
    assert!(flow.over_in_ms <= 60_000 && !flow.by_pin);
    assert_eq!((known.verdict.as_str(), known.nexthop.as_deref()), ("forward", Some("a/b c")));
    assert!(known.without_entry.unwrap().why.starts_with("bucket "));
    let new = daemon.client().path(&ask("203.0.113.2:40000")).unwrap();
    assert!(new.flow.is_none() && new.without_entry.is_none() && new.bucket.is_some());
    let nobody = PathQuery { destination: "192.0.2.99:53".into(), ..ask("203.0.113.1:40000") };
    assert_eq!(daemon.client().path(&nobody).unwrap().verdict, "punt");

    for (query, field) in [
        ("source=203.0.113.1&destination=192.0.2.53:53&protocol=udp", "source"),
        ("source=203.0.113.1:x&destination=192.0.2.53:53&protocol=udp", "source"),
        ("source=203.0.113.1:1&destination=192.0.2.53:70000&protocol=udp", "destination"),
        ("source=203.0.113.1:1&destination=[2001:db8::1]:53&protocol=udp", "destination"),
        ("source=203.0.113.1:1&destination=192.0.2.53:53&protocol=any", "protocol"),
        ("source=203.0.113.1:1&destination=192.0.2.53:53", "protocol"),
        ("destination=192.0.2.53:53&protocol=udp", "source"),
    ] {
        let answer = daemon.ask("GET", &format!("/v1/path?{query}"), None);
        assert_eq!((answer.status, answer.problem()), (422, vec![field.to_owned()]), "{query}");
    }
}

#[test]
fn static_pins_come_once_are_listed_and_go() {
    let daemon = with_flows(1);
    let client = daemon.client();
    let pin = |text: &str| daemon.ask("POST", "/v1/pins", Some(text));
    let of_prefix = r#"{"group":"web","nexthop":"s1","source":"203.0.113.0/24","idle_timeout":"1.5s","hard_timeout":"1h"}"#;
    let of_flow = r#"{"group":"web","nexthop":"s2","source":"203.0.113.1:1","destination":"192.0.2.10:80","protocol":"tcp"}"#;
    assert_eq!([pin(of_prefix).body, pin(of_flow).body], [r#"{"changed":true}"#; 2]);
    let generation = daemon.status().generation;
    assert_eq!([pin(of_prefix).body, pin(of_flow).body], [r#"{"changed":false}"#; 2]);
    assert_eq!(daemon.status().generation, generation);
    let pins = client.pins().unwrap().pins;
    let listed = |source: &str| pins.iter().find(|pin| pin.source == source).unwrap();
    let prefix = listed("203.0.113.0/24");
    assert_eq!((prefix.nexthop.as_str(), prefix.idle_timeout.as_deref()), ("s1", Some("1500ms")));
    assert_eq!((prefix.hard_timeout.as_deref(), prefix.packets), (Some("3600s"), 0));
    let flow = listed("203.0.113.1:1");
    assert_eq!((flow.destination.as_deref(), flow.protocol), (Some("192.0.2.10:80"), Some(Protocol::Tcp)));
    let path = PathQuery {
        source: "203.0.113.1:1".into(),
        destination: "192.0.2.10:80".into(),
        protocol: Protocol::Tcp,
    };
    assert_eq!(client.path(&path).unwrap().nexthop.as_deref(), Some("s2"));
    let of_source =
        PinQuery { group: "web".into(), source: "203.0.113.0/24".into(), destination: None, protocol: None };
    assert!(client.unpin(&of_source).unwrap().changed && !client.unpin(&of_source).unwrap().changed);
    assert_eq!(client.pins().unwrap().pins.len(), 1);

    for (text, status, field) in [
        (of_prefix.replace("web", "none"), 404, "/group"),
        (of_prefix.replace("s1", "s9"), 404, "/nexthop"),
        (of_prefix.replace("/24", "/8"), 422, "/source"),
        (of_prefix.replace("1.5s", "0s"), 422, "/idle_timeout"),
        (of_prefix.replace("1h", "900h"), 422, "/hard_timeout"),
        (of_prefix.replace("1h", "soon"), 422, "/hard_timeout"),
        (of_flow.replace(r#","protocol":"tcp""#, ""), 422, "/protocol"),
        (of_flow.replace(r#""destination":"192.0.2.10:80","#, ""), 422, "/destination"),
        (of_flow.replace("203.0.113.1:1", "203.0.113.1"), 422, "/source"),
        (of_flow.replace(r#""tcp""#, r#""any""#), 422, "/protocol"),
        (of_flow.replace("source", "sauce"), 422, "/sauce"),
    ] {
        let answer = pin(&text);
        assert_eq!((answer.status, answer.problem()), (status, vec![field.to_owned()]), "{text}");
    }
    for (query, field) in [
        ("source=203.0.113.0/24", "group"),
        ("group=web", "source"),
        ("group=web&source=203.0.113.9/24", "source"),
        ("group=web&source=203.0.113.1:1&destination=192.0.2.10:80", "protocol"),
    ] {
        let answer = daemon.ask("DELETE", &format!("/v1/pins?{query}"), None);
        assert_eq!((answer.status, answer.problem()), (422, vec![field.to_owned()]), "{query}");
    }
    assert_eq!(client.pins().unwrap().pins.len(), 1, "nothing of that changed anything");
}

#[test]
fn a_plan_says_what_becomes_of_live_flows_and_changes_nothing() {
    let daemon = with_flows(20);
    let client = daemon.client();
    let generation = daemon.status().generation;
    let unchanged = client.plan_of_file().unwrap();
    let fate = unchanged.flows.unwrap();
    assert_eq!((unchanged.differences.len(), fate.live, fate.stay), (0, 20, 20));
    let of = |config: String| PlanRequest { config, file: Some("next.toml".into()) };
    let drained = CONFIG.replace("name = \"a/b c\"\n", "name = \"a/b c\"\nstate = \"draining\"\n");
    let plan = client.plan(&of(drained)).unwrap();
    assert_eq!((plan.differences[0].key.as_str(), plan.flows.unwrap().stay), ("state", 20));
    assert_eq!(plan.groups.iter().find(|group| group.name == "names").unwrap().buckets_moved, 128);
    let without = CONFIG.replace("vip = \"192.0.2.53\"", "vip = \"192.0.2.54\"");
    let fate = client.plan(&of(without)).unwrap().flows.unwrap();
    assert_eq!((fate.stay, fate.unserved, fate.moves.len()), (0, 20, 20));
    assert_eq!(daemon.status().generation, generation);

    let refused = client.plan(&of("[[interface]]\nname = \"lo\"\nmtu = 1\n".into())).unwrap_err();
    assert_eq!(refused.problem().unwrap().errors[0].field, "next.toml:3:1");
    let restart = client.plan(&of(format!("[dataplane]\nburst = 1\n{CONFIG}"))).unwrap_err();
    assert_eq!(restart.problem().unwrap().status, 409);
    for (text, field) in
        [("{}", "/config"), (r#"{"config":"","dry_run":true}"#, "/dry_run"), (r#"{"config":[]}"#, "/config")]
    {
        let answer = daemon.ask("POST", "/v1/plan", Some(text));
        assert_eq!((answer.status, answer.problem()), (422, vec![field.to_owned()]), "{text}");
    }
    std::fs::write(daemon.file(), "[[interface]]\n").unwrap();
    assert_eq!(daemon.ask("GET", "/v1/plan", None).status, 422, "the file has a mistake by now");
}
