//! The steering program on single frames, by BPF_PROG_TEST_RUN. Needs root: `CAP_BPF` and `CAP_NET_ADMIN`.

use evenkeel_afxdp::Decision::{self, Pass, Redirect};
use evenkeel_afxdp::Trial;
use evenkeel_nexthop::{Protocol, ServiceSpec, Timeouts};
use evenkeel_packet::Mac;

const OWN: Mac = Mac([2, 0, 0, 0, 1, 1]);
const TCP: u8 = 6;
const UDP: u8 = 17;
const GRE: u8 = 47;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

fn service(vip: &str, protocol: Protocol, ports: &[u16]) -> ServiceSpec {
    ServiceSpec {
        name: vip.to_owned(),
        vip: vip.parse().unwrap(),
        protocol,
        ports: ports.to_vec(),
        group: "g".to_owned(),
        timeouts: Timeouts::DEFAULT,
    }
}

fn services() -> Vec<ServiceSpec> {
    vec![
        service("192.0.2.10/32", Protocol::Tcp, &[80, 443]),
        service("192.0.2.10/32", Protocol::Udp, &[53]),
        service("192.0.2.11/32", Protocol::Any, &[]),
        service("198.51.100.0/24", Protocol::Udp, &[]),
        service("198.51.100.7/32", Protocol::Tcp, &[22]),
        service("2001:db8::10/128", Protocol::Tcp, &[80]),
        service("2001:db8::11/128", Protocol::Any, &[]),
        service("2001:db8:1::/48", Protocol::Udp, &[]),
        service("2001:db8:1::7/128", Protocol::Tcp, &[22]),
    ]
}

fn trial() -> Trial {
    Trial::load(&services()).expect("the steering program loads; this test needs root")
}

fn frame(tags: &[u16], kind: u16, packet: &[u8]) -> Vec<u8> {
    let mut frame = [&OWN.0[..], &[2, 0, 0, 0, 9, 9]].concat();
    for tag in tags {
        frame.extend(tag.to_be_bytes());
        frame.extend([0, 7]);
    }
    frame.extend(kind.to_be_bytes());
    frame.extend(packet);
    frame
}

/// An IPv4 packet to `destination`, 4 bytes of options for each of `options`.
fn ipv4(destination: [u8; 4], protocol: u8, options: usize, payload: &[u8]) -> Vec<u8> {
    let header_len = 20 + 4 * options;
    let total_len = (header_len + payload.len()) as u16;
    let mut packet = vec![0x40 | (header_len / 4) as u8, 0];
    packet.extend(total_len.to_be_bytes());
    packet.extend([0, 1, 0, 0, 64, protocol, 0, 0, 203, 0, 113, 1]);
    packet.extend(destination);
    packet.extend(vec![1; 4 * options]);
    packet.extend(payload);
    packet
}

fn ipv6(destination: &str, next: u8, payload: &[u8]) -> Vec<u8> {
    let destination: std::net::Ipv6Addr = destination.parse().unwrap();
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next, 64]);
    packet.extend([0x20, 1, 0xd, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend(destination.octets());
    packet.extend(payload);
    packet
}

fn tcp(port: u16) -> Vec<u8> {
    let mut header = vec![0x9c, 0x40];
    header.extend(port.to_be_bytes());
    header.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0]);
    header
}

fn udp(port: u16) -> Vec<u8> {
    let mut header = vec![0x9c, 0x40];
    header.extend(port.to_be_bytes());
    header.extend([0, 12, 0, 0]);
    header.extend(b"data");
    header
}

/// Changes one byte.
fn with(mut bytes: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
    bytes[at] = value;
    bytes
}

/// Runs every case and reports all that differ.
fn check(cases: &[(&str, Vec<u8>, Decision)]) {
    let mut trial = trial();
    let mut wrong = Vec::new();
    for (name, frame, expected) in cases {
        let decision = trial.run(frame, OWN).unwrap();
        if decision != *expected {
            wrong.push(format!("{name}: {decision:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const WEB: [u8; 4] = [192, 0, 2, 10];
const ALL: [u8; 4] = [192, 0, 2, 11];

#[test]
fn services_are_matched_wholly() {
    let v4 =
        |destination, protocol, payload: &[u8]| frame(&[], 0x0800, &ipv4(destination, protocol, 0, payload));
    let v6 = |destination, next, payload: &[u8]| frame(&[], 0x86dd, &ipv6(destination, next, payload));
    check(&[
        ("listed TCP port", v4(WEB, TCP, &tcp(80)), Redirect),
        ("another listed TCP port", v4(WEB, TCP, &tcp(443)), Redirect),
        ("TCP port that isn't listed", v4(WEB, TCP, &tcp(22)), Pass),
        ("UDP at a TCP port", v4(WEB, UDP, &udp(80)), Pass),
        ("listed UDP port", v4(WEB, UDP, &udp(53)), Redirect),
        ("protocol without a service", v4(WEB, GRE, &[0; 8]), Pass),
        ("any protocol: TCP", v4(ALL, TCP, &tcp(1)), Redirect),
        ("any protocol: UDP", v4(ALL, UDP, &udp(65535)), Redirect),
        ("any protocol: GRE", v4(ALL, GRE, &[0; 8]), Redirect),
        ("no VIP", v4([192, 0, 2, 12], TCP, &tcp(80)), Pass),
        ("prefix", v4([198, 51, 100, 200], UDP, &udp(9)), Redirect),
        ("prefix, other protocol", v4([198, 51, 100, 200], TCP, &tcp(22)), Pass),
        ("longer prefix", v4([198, 51, 100, 7], TCP, &tcp(22)), Redirect),
        ("longer prefix gives way to the shorter", v4([198, 51, 100, 7], UDP, &udp(9)), Redirect),
        ("neither prefix", v4([198, 51, 100, 7], TCP, &tcp(23)), Pass),
        ("IPv6 listed TCP port", v6("2001:db8::10", TCP, &tcp(80)), Redirect),
        ("IPv6 TCP port that isn't listed", v6("2001:db8::10", TCP, &tcp(81)), Pass),
        ("IPv6 any protocol", v6("2001:db8::11", GRE, &[0; 8]), Redirect),
        ("IPv6 no next header, any protocol", v6("2001:db8::11", 59, &[]), Redirect),
        ("IPv6 no VIP", v6("2001:db8::12", TCP, &tcp(80)), Pass),
        ("IPv6 longer prefix", v6("2001:db8:1::7", TCP, &tcp(22)), Redirect),
        ("IPv6 longer prefix gives way", v6("2001:db8:1::7", UDP, &udp(9)), Redirect),
        ("IPv6 neither prefix", v6("2001:db8:1::7", TCP, &tcp(23)), Pass),
    ]);
}

#[test]
fn what_is_not_readable_stays_with_the_kernel() {
    let packet = ipv4(WEB, TCP, 0, &tcp(80));
    let whole = frame(&[], 0x0800, &packet);
    let packet6 = ipv6("2001:db8::10", TCP, &tcp(80));
    let whole6 = frame(&[], 0x86dd, &packet6);
    check(&[
        ("no bytes", vec![], Pass),
        ("half an Ethernet header", whole[..13].to_vec(), Pass),
        ("Ethernet header alone", whole[..14].to_vec(), Pass),
        ("19 bytes of IPv4", whole[..33].to_vec(), Pass),
        ("39 bytes of IPv6", whole6[..53].to_vec(), Pass),
        ("another MAC", with(whole.clone(), 5, 2), Pass),
        ("broadcast", [&[0xff; 6], &whole[6..]].concat(), Pass),
        ("ARP", frame(&[], 0x0806, &[0; 28]), Pass),
        ("one tag", frame(&[0x8100], 0x0800, &packet), Redirect),
        ("one service tag", frame(&[0x88a8], 0x86dd, &packet6), Redirect),
        ("two tags", frame(&[0x88a8, 0x8100], 0x0800, &packet), Redirect),
        ("two tags the other way round", frame(&[0x8100, 0x88a8], 0x86dd, &packet6), Redirect),
        ("three tags", frame(&[0x8100, 0x8100, 0x8100], 0x0800, &packet), Pass),
        ("a cut tag", frame(&[0x8100], 0x0800, &[])[..17].to_vec(), Pass),
        ("the tag that is none", frame(&[0x9100], 0x0800, &packet), Pass),
        ("IPv6 version in IPv4", with(whole.clone(), 14, 0x65), Pass),
        ("IPv4 version in IPv6", with(whole6.clone(), 14, 0x45), Pass),
        ("TTL 1", with(whole.clone(), 22, 1), Pass),
        ("TTL 0", with(whole.clone(), 22, 0), Pass),
        ("TTL 2", with(whole, 22, 2), Redirect),
        ("hop limit 1", with(whole6.clone(), 21, 1), Pass),
        ("hop limit 2", with(whole6, 21, 2), Redirect),
    ]);
}

#[test]
fn malformed_ipv4_for_a_vip_goes_to_the_walk() {
    // To a port without a service, so that a well-formed one passes.
    let packet = |options| frame(&[], 0x0800, &ipv4(WEB, TCP, options, &tcp(22)));
    let udp = frame(&[], 0x0800, &ipv4(WEB, UDP, 0, &udp(9)));
    let elsewhere = frame(&[], 0x0800, &ipv4([192, 0, 2, 12], TCP, 0, &tcp(22)));
    check(&[
        ("well-formed", packet(0), Pass),
        ("options", packet(3), Pass),
        ("10 words of options", packet(10), Pass),
        ("padding", [packet(0), vec![0; 20]].concat(), Pass),
        ("header of 16 bytes", with(packet(0), 14, 0x44), Redirect),
        ("header longer than the packet", with(packet(0), 14, 0x4f), Redirect),
        ("total length below the header", with(packet(0), 17, 19), Redirect),
        ("total length beyond the frame", with(packet(0), 17, 41), Redirect),
        ("cut TCP header", with(packet(0), 17, 39), Redirect),
        ("data offset of 4", with(packet(0), 46, 0x40), Redirect),
        ("data offset beyond the packet", with(packet(0), 46, 0x60), Redirect),
        ("well-formed UDP", udp.clone(), Pass),
        ("UDP length of 7", with(udp.clone(), 39, 7), Redirect),
        ("UDP length beyond the packet", with(udp.clone(), 39, 13), Redirect),
        ("UDP length shorter than the packet", with(udp.clone(), 39, 8), Pass),
        ("cut UDP header", with(udp, 17, 27), Redirect),
        ("malformed for no VIP", with(elsewhere, 14, 0x44), Pass),
    ]);
}

#[test]
fn fragments_go_to_the_walk() {
    let v4 = frame(&[], 0x0800, &ipv4(WEB, TCP, 0, &tcp(22)));
    let icmp = frame(&[], 0x0800, &ipv4(WEB, ICMP, 0, &[8, 0, 0, 0, 0, 0, 0, 0]));
    let gre = frame(&[], 0x0800, &ipv4(WEB, GRE, 0, &[0; 8]));
    let elsewhere = frame(&[], 0x0800, &ipv4([192, 0, 2, 12], TCP, 0, &tcp(80)));
    let v6 = |offset_and_more: u8| {
        let fragment = [&[TCP, 0, 0, offset_and_more, 0, 0, 0, 1][..], &tcp(81)].concat();
        frame(&[], 0x86dd, &ipv6("2001:db8::10", 44, &fragment))
    };
    check(&[
        ("don't fragment", with(v4.clone(), 20, 0x40), Pass),
        ("first", with(v4.clone(), 20, 0x20), Redirect),
        ("later", with(v4.clone(), 21, 1), Redirect),
        ("last", with(v4, 20, 0x1f), Redirect),
        ("ICMP first", with(icmp.clone(), 20, 0x20), Redirect),
        ("ICMP later", with(icmp, 21, 9), Redirect),
        ("of a protocol without a service", with(gre, 21, 9), Redirect),
        ("for no VIP", with(elsewhere, 21, 9), Pass),
        ("IPv6 first", v6(1), Redirect),
        ("IPv6 later", v6(8), Redirect),
        ("IPv6 atomic: in doubt", v6(0), Redirect),
    ]);
}

#[test]
fn icmp_errors_go_to_the_walk_and_other_icmp_stays() {
    let v4 = |kind: u8| frame(&[], 0x0800, &ipv4(ALL, ICMP, 0, &[kind, 0, 0, 0, 0, 0, 0, 0]));
    let v6 = |kind: u8| frame(&[], 0x86dd, &ipv6("2001:db8::11", ICMPV6, &[kind, 0, 0, 0, 0, 0, 0, 0]));
    let mut cases = Vec::new();
    for kind in 0..=255 {
        let expected = |is_error| if is_error { Redirect } else { Pass };
        cases.push(("ICMP", v4(kind), expected(matches!(kind, 3 | 11 | 12))));
        cases.push(("ICMPv6", v6(kind), expected(matches!(kind, 1..=4))));
    }
    cases.push(("ICMP without a type", frame(&[], 0x0800, &ipv4(WEB, ICMP, 0, &[])), Redirect));
    cases.push(("ICMPv6 without a type", frame(&[], 0x86dd, &ipv6("2001:db8::10", ICMPV6, &[])), Redirect));
    // A type is enough to leave it to the kernel.
    cases.push(("ICMP of one byte", frame(&[], 0x0800, &ipv4(WEB, ICMP, 0, &[8])), Pass));
    cases.push(("ICMPv6 in IPv4", frame(&[], 0x0800, &ipv4(ALL, ICMPV6, 0, &[128])), Redirect));
    cases.push(("ICMPv6 in IPv4, not served", frame(&[], 0x0800, &ipv4(WEB, ICMPV6, 0, &[1])), Pass));
    check(&cases);
}

/// A chain of extension headers of these types, each `len` times 8 bytes long, with TCP behind.
fn chain(types: &[u8], len: u8, port: u16) -> Vec<u8> {
    let mut payload = Vec::new();
    for (index, _) in types.iter().enumerate() {
        let next = types.get(index + 1).copied().unwrap_or(TCP);
        payload.extend([next, len - 1, 0, 0]);
        payload.extend(vec![0; usize::from(len) * 8 - 4]);
    }
    payload.extend(tcp(port));
    frame(&[], 0x86dd, &ipv6("2001:db8::10", types.first().copied().unwrap_or(TCP), &payload))
}

#[test]
fn ipv6_extension_headers_are_followed() {
    const HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const DESTINATION: u8 = 60;
    let one = chain(&[DESTINATION], 1, 81);
    check(&[
        ("none", chain(&[], 1, 81), Pass),
        ("one", one.clone(), Pass),
        ("one, served", chain(&[DESTINATION], 1, 80), Redirect),
        ("hop-by-hop, destination, routing", chain(&[HOP, DESTINATION, ROUTING], 2, 81), Pass),
        ("the same, served", chain(&[HOP, DESTINATION, ROUTING], 2, 80), Redirect),
        ("long ones", chain(&[HOP, DESTINATION, DESTINATION], 100, 81), Pass),
        ("long ones, served", chain(&[HOP, DESTINATION, DESTINATION], 100, 80), Redirect),
        ("eight", chain(&[DESTINATION; 8], 1, 81), Pass),
        ("nine", chain(&[DESTINATION; 9], 1, 81), Redirect),
        ("hop-by-hop not in front", chain(&[DESTINATION, HOP], 1, 81), Redirect),
        ("hop-by-hop twice", chain(&[HOP, HOP], 1, 81), Redirect),
        ("segments left", with(chain(&[ROUTING], 1, 81), 57, 1), Pass),
        ("extension header beyond the packet", with(one.clone(), 55, 9), Redirect),
        ("payload length beyond the frame", with(one.clone(), 19, 29), Redirect),
        ("cut TCP header", with(one.clone(), 19, 27), Redirect),
        ("cut extension header", with(one.clone(), 19, 7), Redirect),
        ("padding", [one, vec![0; 30]].concat(), Pass),
    ]);
}

#[test]
fn services_can_be_replaced() {
    let mut trial = trial();
    let web = frame(&[], 0x0800, &ipv4(WEB, TCP, 0, &tcp(80)));
    let web6 = frame(&[], 0x86dd, &ipv6("2001:db8::10", TCP, &tcp(80)));
    let new = frame(&[], 0x0800, &ipv4([192, 0, 2, 99], TCP, 0, &tcp(80)));
    let mut run = |services: Option<&[ServiceSpec]>| {
        if let Some(services) = services {
            trial.set_services(services).unwrap();
        }
        [&web, &web6, &new].map(|frame| trial.run(frame, OWN).unwrap())
    };
    assert_eq!(run(None), [Redirect, Redirect, Pass]);
    assert_eq!(run(Some(&[service("192.0.2.99/32", Protocol::Tcp, &[80])])), [Pass, Pass, Redirect]);
    assert_eq!(run(Some(&[])), [Pass, Pass, Pass]);
    assert_eq!(run(Some(&services())), [Redirect, Redirect, Pass]);
}

#[test]
fn too_many_listed_ports_are_refused_and_the_old_services_stay() {
    let mut trial = trial();
    let every_port: Vec<u16> = (1..=65535).collect();
    let many: Vec<_> =
        (1..=3).map(|i| service(&format!("192.0.2.{i}/32"), Protocol::Tcp, &every_port)).collect();
    let error = trial.set_services(&many).unwrap_err();
    assert!(error.to_string().contains("196605"), "{error}");
    let web = frame(&[], 0x0800, &ipv4(WEB, TCP, 0, &tcp(80)));
    assert_eq!(trial.run(&web, OWN).unwrap(), Redirect);
}
