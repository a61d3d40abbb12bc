//! Flows and paths, from the workers' own table.

use super::{CONFIG, Daemon, change, remove};
use evenkeel_control::live::{FlowPageView, FlowQuery, LivePath, Refusal, Verb};
use evenkeel_control::path::Fate;
use evenkeel_dataplane::FlowState;
use evenkeel_packet::FlowKey;
use std::collections::HashSet;
use std::future::Future;
use std::net::Ipv4Addr;

const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Clients 203.0.113.1 to 203.0.113.`clients`, in turn at both workers.
pub(crate) fn daemon(clients: u8) -> Daemon {
    let daemon = Daemon::start();
    for client in 1..=clients {
        daemon.workers.take(usize::from(client) % 2, (source(client), 1000), (VIP, 53));
    }
    daemon
}

fn source(client: u8) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, client)
}

fn flows(daemon: &Daemon, query: FlowQuery) -> Result<FlowPageView, Refusal> {
    wait(daemon.handle.client().flows(query))
}

pub(crate) fn path(daemon: &Daemon, client: u8, vip: [u8; 4], port: u16, protocol: u8) -> LivePath {
    let key = FlowKey::new(source(client).into(), vip.into(), 1000, port, protocol).unwrap();
    wait(daemon.handle.client().path(key)).unwrap()
}

#[test]
fn pages_list_every_flow_once() {
    let daemon = daemon(50);
    for limit in [1, 7, 1000] {
        let (mut seen, mut cursor, mut pages) = (HashSet::new(), None, 0);
        loop {
            let page = flows(&daemon, FlowQuery { limit, cursor, ..FlowQuery::default() }).unwrap();
            assert!(page.flows.len() <= limit);
            assert_eq!((page.found, page.packets), (page.flows.len() as u64, page.flows.len() as u64));
            pages += 1;
            for flow in page.flows {
                assert!(seen.insert(flow.record.key), "{flow:?}");
                assert_eq!((flow.group.as_str(), flow.nexthop.as_str()), ("dns", "a"));
                assert_eq!(flow.service.as_deref(), Some("dns"));
            }
            let Some(next) = page.cursor else { break };
            cursor = Some(next.to_string().parse().unwrap());
        }
        assert_eq!((seen.len(), pages >= 50usize.div_ceil(limit)), (50, true));
    }
}

#[test]
fn pages_of_a_filter_list_what_it_takes_once() {
    let daemon = daemon(200);
    for (limit, source, want) in
        [(1, "203.0.113.77", 1), (3, "203.0.113.64/26", 64), (5, "203.0.113.0/24", 200)]
    {
        let (mut seen, mut cursor) = (HashSet::new(), None);
        loop {
            let query = FlowQuery { limit, cursor, source: source.parse().ok(), ..FlowQuery::default() };
            let page = flows(&daemon, query).unwrap();
            assert!(page.flows.len() <= limit && page.found == page.flows.len() as u64);
            assert!(page.flows.iter().all(|flow| seen.insert(flow.record.key)), "{page:?}");
            let Some(next) = page.cursor else { break };
            cursor = Some(next);
        }
        assert_eq!(seen.len(), want, "{limit} {source}");
    }
}

#[test]
fn filters_apply_together() {
    let daemon = daemon(20);
    let found = |query: FlowQuery| {
        let counted = flows(&daemon, FlowQuery { count_only: true, ..query.clone() }).unwrap();
        let listed = flows(&daemon, FlowQuery { limit: 1000, ..query }).unwrap();
        assert_eq!((counted.found, counted.bytes), (listed.found, listed.bytes));
        assert!(counted.flows.is_empty() && counted.cursor.is_none());
        counted.found
    };
    let all = FlowQuery::default;
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(found(all()), 20);
    assert_eq!(found(FlowQuery { source: "203.0.113.16/29".parse().ok(), ..all() }), 5);
    assert_eq!(found(FlowQuery { destination: "192.0.2.10".parse().ok(), ..all() }), 20);
    assert_eq!(found(FlowQuery { destination: "192.0.2.11".parse().ok(), ..all() }), 0);
    assert_eq!(found(FlowQuery { group: named("dns"), nexthop: named("a"), ..all() }), 20);
    assert_eq!(found(FlowQuery { group: named("web"), ..all() }), 0);
    assert_eq!(found(FlowQuery { service: named("dns"), protocol: Some(17), ..all() }), 20);
    assert_eq!(found(FlowQuery { service: named("web"), ..all() }), 0);
    assert_eq!(found(FlowQuery { protocol: Some(6), ..all() }), 0);
    assert_eq!(found(FlowQuery { state: Some(FlowState::Datagram), ..all() }), 20);
    assert_eq!(found(FlowQuery { state: Some(FlowState::Closing), ..all() }), 0);
}

#[test]
fn names_that_are_not_there_are_refused() {
    let daemon = daemon(1);
    let named = |name: &str| Some(name.to_owned());
    for (query, field) in [
        (FlowQuery { group: named("x"), ..FlowQuery::default() }, "group"),
        (FlowQuery { nexthop: named("x"), ..FlowQuery::default() }, "nexthop"),
        (FlowQuery { group: named("web"), nexthop: named("a"), ..FlowQuery::default() }, "nexthop"),
        (FlowQuery { service: named("x"), ..FlowQuery::default() }, "service"),
    ] {
        assert_eq!(flows(&daemon, query).unwrap_err().field().as_deref(), Some(field));
    }
}

#[test]
fn a_known_flow_has_its_path_by_the_flow_table() {
    let daemon = daemon(2);
    daemon.change(vec![change("dns", "a", Verb::Drain)]).unwrap();
    let LivePath { path: known, flow, without_entry } = path(&daemon, 1, VIP.octets(), 53, 17);
    assert_eq!((known.fate, known.nexthop.as_deref()), (Fate::Forward, Some("a")));
    assert!(
        known.why.starts_with("the flow table keeps it on a: datagram, 1 packets, idle for "),
        "{}",
        known.why
    );
    assert_eq!(flow.unwrap().worker, 1);
    let without = without_entry.unwrap();
    assert_eq!((without.fate, without.nexthop), (Fate::Drop, None), "nobody takes new flows");

    let unknown = path(&daemon, 9, VIP.octets(), 53, 17);
    assert_eq!((unknown.path.fate, unknown.flow, unknown.without_entry), (Fate::Drop, None, None));
    assert_eq!(path(&daemon, 1, VIP.octets(), 80, 6).path.group.as_deref(), Some("web"));
    assert_eq!(path(&daemon, 1, [192, 0, 2, 99], 80, 6).path.fate, Fate::Punt);
}

#[test]
fn a_flow_whose_nexthop_is_gone_or_whose_service_went_says_so() {
    let daemon = daemon(1);
    daemon.change(vec![change("dns", "a", remove(0))]).unwrap();
    let gone = path(&daemon, 1, VIP.octets(), 53, 17);
    assert_eq!(gone.path.fate, Fate::Drop);
    assert!(gone.path.why.starts_with("its nexthop a can't be used: no_nexthop"), "{}", gone.path.why);
    assert!(gone.flow.is_some());

    let without_dns = CONFIG.replace("\"192.0.2.0/28\"", "\"198.18.0.0/28\"");
    daemon.reload(&without_dns, false).unwrap();
    let unserved = path(&daemon, 1, VIP.octets(), 53, 17);
    assert_eq!((unserved.path.fate, unserved.flow.unwrap().service), (Fate::Punt, None));
}

#[test]
fn workers_that_have_ended_do_not_answer() {
    let Daemon { handle, workers, .. } = daemon(1);
    drop(workers);
    // the first look may find them still at work
    let refusal = loop {
        if let Err(refusal) = wait(handle.client().flows(FlowQuery::default())) {
            break refusal;
        }
    };
    assert!(matches!(refusal, Refusal::NoAnswer { .. }), "{refusal}");
}
