//! A whole worker on virtual time: what happens when, and that it always happens the same way.

use super::run::Run;
use super::*;
use crate::write::CaptureWriter;
use evenkeel_nexthop::{AdminState, GroupSpec, NexthopSpec, Protocol, ServiceSpec, Timeouts, Verb};

const SECOND_NS: u64 = 1_000_000_000;
const MS_NS: u64 = 1_000_000;
const BOX_MAC: [u8; 6] = [2, 0, 0, 0, 1, 1];
const SYN: u8 = 2;
const ACK: u8 = 16;

/// An Ethernet frame with an IPv4 packet for the VIP.
fn ipv4(protocol: u8, id: u16, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&BOX_MAC[..], &[2, 0, 0, 0, 1, 0x63], &[8, 0], &[0x45, 0]].concat();
    frame.extend((20 + payload.len() as u16).to_be_bytes());
    frame.extend([id.to_be_bytes(), fragment.to_be_bytes()].as_flattened());
    frame.extend([64, protocol, 0, 0, 203, 0, 113, 5, 192, 0, 2, 10]);
    frame.extend(payload);
    frame
}

fn tcp(source_port: u16, flags: u8) -> Vec<u8> {
    let ports = [source_port.to_be_bytes(), [0, 80]].concat();
    ipv4(6, 0, 0, &[&ports[..], &[0; 8], &[0x50, flags], &[0; 6]].concat())
}

/// A later fragment whose first never comes.
fn orphan(id: u16) -> Vec<u8> {
    ipv4(6, id, 1, &[0; 8])
}

fn server(number: u8) -> NexthopSpec {
    NexthopSpec {
        name: format!("s{number}"),
        address: [198, 51, 100, number].into(),
        weight: 1,
        state: AdminState::Active,
        port: Some(PortId(1)),
        mac: Some(Mac([2, 0, 0, 0, 0xb, number])),
    }
}

fn scene(servers: &[u8], changes: Vec<(u64, Change)>) -> Replay {
    let service = ServiceSpec {
        name: "web".to_owned(),
        vip: "192.0.2.10".parse().unwrap(),
        protocol: Protocol::Tcp,
        ports: vec![80],
        group: "web".to_owned(),
        timeouts: Timeouts::DEFAULT,
    };
    let nexthops = servers.iter().map(|&number| server(number)).collect();
    let group = GroupSpec { name: "web".to_owned(), buckets: 64, nexthops };
    let macs = vec![Mac(BOX_MAC), Mac([2, 0, 0, 0, 2, 1])];
    let mut desired = Desired::new(0, macs.clone(), vec![service], vec![group]).unwrap();
    desired.set_remove_deadline_ms(5000);
    let port = |name: &str, mac: &Mac| Port { name: name.to_owned(), mac: Some(*mac) };
    Replay {
        ports: vec![port("eth1", &macs[0]), port("eth2", &macs[1])],
        desired,
        inputs: Vec::new(),
        changes,
        flow_capacity: 100,
        burst: 64,
    }
}

fn change(nexthop: &str, verb: Verb) -> Change {
    Change { group: "web".to_owned(), nexthop: nexthop.to_owned(), verb }
}

fn added(number: u8) -> Change {
    let NexthopSpec { name, address, weight, port, mac, .. } = server(number);
    change(&name, Verb::Add { address, weight, port, mac })
}

/// A replay, over, of frames that came in on eth1, 100 s after 1970.
fn played(scene: Replay, frames: &[(u64, Vec<u8>)]) -> Run<Vec<u8>> {
    let writer = || CaptureWriter::new(Vec::new()).unwrap();
    let mut input = writer();
    for (at_ns, frame) in frames {
        input.write(100 * SECOND_NS + at_ns, frame.len() as u32, frame).unwrap();
    }
    let capture = Capture::parse(input.finish().unwrap()).unwrap();
    let exits = Exits { ports: vec![writer(), writer()], punt: writer(), drop: writer() };
    let port = CapturePort::new(vec![Input { port: PortId(0), capture }], exits);
    Run::new(scene, port).unwrap().play().unwrap()
}

/// Its report, and what eth1, eth2, punt and drop got.
fn run(scene: Replay, frames: &[(u64, Vec<u8>)]) -> (Report, Vec<Vec<u8>>) {
    let (report, exits) = played(scene, frames).into_report().unwrap();
    (report, exits.unwrap().finish().unwrap())
}

/// (time from the first frame, last byte of the destination MAC) of the frames that left by eth2.
fn left(files: &[Vec<u8>]) -> Vec<(u64, u8)> {
    let capture = Capture::parse(files[1].clone()).unwrap();
    let records = capture.records().iter();
    records.map(|r| (r.time_ns - 100 * SECOND_NS, capture.frame(r)[5])).collect()
}

#[test]
fn a_change_acts_before_the_frames_of_its_time() {
    let changes =
        vec![(10 * MS_NS, change("s1", Verb::Down)), (10 * MS_NS + 500_000, change("s1", Verb::Up))];
    let times = [0, 9_999_999, 10_000_000, 10_000_001, 10_499_999, 10_500_000, 11_000_000];
    let frames = times.map(|at_ns| (at_ns, tcp(1000, ACK)));
    let (report, files) = run(scene(&[1], changes), &frames);
    assert_eq!(left(&files), [(0, 1), (9_999_999, 1), (10_500_000, 1), (11_000_000, 1)]);
    assert_eq!((report.packets.dropped, report.flows.moved), (3, 0));
}

#[test]
fn changes_of_one_time_act_in_their_order() {
    let frames = [(0, tcp(1000, SYN)), (MS_NS, tcp(1000, ACK))];
    for (verbs, forwarded) in [([Verb::Down, Verb::Up], 2), ([Verb::Up, Verb::Down], 1)] {
        let changes = verbs.map(|verb| (MS_NS, change("s1", verb)));
        let (report, _) = run(scene(&[1], changes.to_vec()), &frames);
        assert_eq!(report.packets.forwarded, forwarded);
    }
}

#[test]
fn nothing_acts_after_the_last_frame() {
    let changes = vec![(2 * MS_NS, added(2)), (2 * MS_NS + 1, added(3))];
    let (report, _) = run(scene(&[1], changes), &[(0, tcp(1000, SYN)), (2 * MS_NS, tcp(1000, ACK))]);
    let names: Vec<_> = report.nexthops.iter().map(|nexthop| nexthop.name.as_str()).collect();
    assert_eq!(names, ["s1", "s2"]);
}

#[test]
fn a_removed_nexthop_is_gone_at_its_deadline() {
    for (deadline_ms, gone_ns) in [(None, 5010 * MS_NS), (Some(1000), 1010 * MS_NS), (Some(0), 10 * MS_NS)] {
        let changes = vec![(MS_NS, added(2)), (10 * MS_NS, change("s1", Verb::Remove { deadline_ms }))];
        let frames = [0, gone_ns - 1, gone_ns].map(|at_ns| (at_ns, tcp(1000, ACK)));
        let (report, files) = run(scene(&[1], changes), &frames);
        assert_eq!(left(&files), [(0, 1), (gone_ns - 1, 1), (gone_ns, 2)], "{deadline_ms:?}");
        assert_eq!(report.flows.moved, 1);
        assert_eq!(report.nexthops.len(), 2, "removed nexthops stay listed");
    }
}

#[test]
fn a_held_fragment_leaves_at_its_time_with_the_state_of_that_time() {
    let changes = vec![(1500 * MS_NS, change("s1", Verb::Down))];
    let frames = [(0, orphan(1)), (600 * MS_NS, orphan(2)), (2000 * MS_NS, tcp(1000, SYN))];
    let (report, files) = run(scene(&[1], changes), &frames);
    assert_eq!(left(&files), [(0, 1)], "the second one's time was over at 1.6 s, and the nexthop down");
    assert_eq!((report.packets.forwarded, report.packets.dropped), (1, 2));
}

#[test]
fn held_fragments_leave_at_the_end_with_their_own_time() {
    let frames = [(0, tcp(1000, SYN)), (MS_NS, orphan(1)), (2 * MS_NS, tcp(1000, ACK))];
    let (report, files) = run(scene(&[1], Vec::new()), &frames);
    assert_eq!(left(&files), [(0, 1), (2 * MS_NS, 1), (MS_NS, 1)]);
    assert_eq!(report.packets.received, 3);
}

#[test]
fn flows_end_in_a_gap_of_any_length() {
    // what a clock of 32 bits shows again after 2^32 ms, and what is far on its other side
    for gap_ms in [300_000, 3 * 3_600_000, 1 << 31, 1 << 32, (1 << 32) + 1000, 40 * 365 * 86_400_000] {
        let frames = [(0, tcp(1000, ACK)), (gap_ms * MS_NS, tcp(1001, SYN))];
        let (report, _) = run(scene(&[1], Vec::new()), &frames);
        let flows = report.flows;
        assert_eq!((flows.created, flows.adopted, flows.expired, flows.live), (1, 1, 1, 1), "{gap_ms}");
    }
}

#[test]
fn flows_that_are_over_at_the_last_frame_have_expired() {
    let frames = [(0, tcp(1000, SYN)), (9999 * MS_NS, tcp(1001, SYN)), (10_000 * MS_NS, tcp(1002, SYN))];
    let (report, _) = run(scene(&[1], Vec::new()), &frames);
    assert_eq!((report.flows.expired, report.flows.live), (1, 2));
}

#[test]
fn a_replay_without_frames_is_all_zero() {
    let (report, files) = run(scene(&[1], vec![(0, change("s1", Verb::Down))]), &[]);
    assert_eq!((report.packets.received, report.flows.live), (0, 0));
    assert!(files.iter().all(|file| file.len() == 24), "captures of headers");
}

#[test]
fn equal_replays_give_equal_bytes_whatever_the_burst() {
    let frames: Vec<_> = (0..3000u64)
        .map(|n| {
            let at_ns = n / 7 * 700_000;
            let frame = match n % 10 {
                0 => orphan(n as u16),
                1 => ipv4(1, 0, 0, &[8, 0, 0, 0]),
                2 => tcp((n / 3 % 97) as u16, SYN)[..50].to_vec(),
                3 => tcp((n / 3 % 97) as u16, SYN),
                _ => tcp((n / 3 % 97) as u16, ACK),
            };
            (at_ns, frame)
        })
        .collect();
    let scene = |burst| {
        let changes = vec![
            (70 * MS_NS, change("s2", Verb::Drain)),
            (90 * MS_NS, change("s1", Verb::Down)),
            (120 * MS_NS, change("s3", Verb::Remove { deadline_ms: Some(50) })),
        ];
        Replay { burst, ..scene(&[1, 2, 3, 4], changes) }
    };
    let first = run(scene(64), &frames);
    assert!(first.0.flows.moved > 0 && first.0.packets.dropped > 0 && first.0.packets.punted > 0);
    assert_eq!(run(scene(64), &frames), first);
    assert_eq!(run(scene(1), &frames), first);
}

#[test]
fn the_flows_of_the_end_are_those_that_are_not_over() {
    // the second has been half-open for 10 s at the last frame
    let frames = [
        (0, tcp(1000, ACK)),
        (MS_NS, tcp(1001, SYN)),
        (2 * MS_NS, tcp(1000, ACK)),
        (MS_NS + 10 * SECOND_NS, tcp(1002, SYN)),
    ];
    let mut flows = played(scene(&[1], vec![]), &frames).flows();
    flows.sort_by_key(|flow| flow.key.source_port());
    let seen: Vec<_> =
        flows.iter().map(|flow| (flow.key.source_port(), flow.packets, flow.idle_ms)).collect();
    assert_eq!(seen, [(1000, 2, 9999), (1002, 1, 0)]);
}
