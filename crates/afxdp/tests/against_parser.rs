//! The steering program against the parser of the walk, on frames with a few bytes changed at random.
//!
//! The rule: what the walk forwards or drops is redirected, and what is passed the walk punts. Beyond the rule, what is
//! redirected only to be punted must be rare: fragments, and headers that the program doesn't follow to their end.
//! Needs root: `CAP_BPF` and `CAP_NET_ADMIN`.

use evenkeel_afxdp::Decision::{Pass, Redirect};
use evenkeel_afxdp::Trial;
use evenkeel_nexthop::{Prefix, Protocol, ServiceSpec, Timeouts};
use evenkeel_packet::{Class, FlowKey, Fragment, Mac, NotOurs, Outcome, parse};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const OWN: Mac = Mac([2, 0, 0, 0, 1, 1]);
const FRAMES: usize = 40_000;

/// What the walk makes of a frame, as far as parser and services tell.
#[derive(Debug, PartialEq, Eq)]
enum Walk {
    /// Forwarded or dropped.
    Takes,
    /// For a VIP, and punted only after a look that the program leaves to the walk.
    PuntsAfterALook,
    Punts,
}

fn walk(services: &[ServiceSpec], frame: &[u8]) -> Walk {
    let is_vip = |address: IpAddr| services.iter().any(|service| service.vip.contains(address));
    match parse(frame, frame.len(), OWN) {
        Outcome::NotOurs(NotOurs::IcmpOther | NotOurs::RoutingHeader) => Walk::PuntsAfterALook,
        Outcome::NotOurs(_) => Walk::Punts,
        Outcome::Malformed { destination, .. } if is_vip(destination) => Walk::Takes,
        Outcome::Malformed { .. } => Walk::Punts,
        Outcome::Ours(packet) if !is_vip(packet.destination(frame)) => Walk::Punts,
        Outcome::Ours(packet)
            if packet.fragment != Fragment::Whole || matches!(packet.class, Class::IcmpError { .. }) =>
        {
            // A fragment of a dropped datagram is dropped, whatever its protocol; an error may be for any flow.
            Walk::Takes
        }
        Outcome::Ours(packet) if services.iter().any(|service| takes(service, &packet.key)) => Walk::Takes,
        Outcome::Ours(_) if has_fragment_header(frame, packet_offset(frame)) => Walk::PuntsAfterALook,
        Outcome::Ours(_) => Walk::Punts,
    }
}

fn takes(service: &ServiceSpec, key: &FlowKey) -> bool {
    let protocol = match service.protocol {
        Protocol::Tcp => key.protocol() == 6,
        Protocol::Udp => key.protocol() == 17,
        Protocol::Any => true,
    };
    let port = service.ports.is_empty() || service.ports.contains(&key.destination_port());
    protocol && port && service.vip.contains(key.destination())
}

/// Offset of the IP header, of a frame that the parser found one in.
fn packet_offset(frame: &[u8]) -> usize {
    (0..=2).map(|tags| 14 + 4 * tags).find(|at| matches!(frame[at - 2..*at], [8, 0] | [0x86, 0xdd])).unwrap()
}

/// An atomic fragment: the parser looks through its header.
fn has_fragment_header(frame: &[u8], at: usize) -> bool {
    frame[at] >> 4 == 6 && frame[at..].contains(&44)
}

/// xorshift64*: the same frames in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

fn frame(random: &mut Random) -> Vec<u8> {
    let mut frame = [&OWN.0[..], &[2, 0, 0, 0, 9, 9]].concat();
    for _ in 0..random.one_of(&[0, 0, 0, 1, 2, 3]) {
        frame.extend(random.one_of(&[[0x81, 0, 0, 7], [0x88, 0xa8, 0, 8]]));
    }
    if random.below(2) == 0 {
        frame.extend([0x08, 0x00]);
        frame.extend(ipv4(random));
    } else {
        frame.extend([0x86, 0xdd]);
        frame.extend(ipv6(random));
    }
    frame.extend(vec![0; random.one_of(&[0, 0, 6])]);
    for _ in 0..random.one_of(&[0, 0, 1, 1, 2, 4]) {
        let at = random.below(frame.len());
        frame[at] = random.one_of(&[0, 1, 2, 3, 4, 5, 6, 8, 17, 20, 43, 44, 58, 60, 64, 255]);
    }
    if random.below(6) == 0 {
        frame.truncate(random.below(frame.len()));
    }
    frame
}

fn ipv4(random: &mut Random) -> Vec<u8> {
    let protocol = random.one_of(&[6, 6, 17, 17, 1, 47, 58, 132]);
    let payload = upper(random, protocol);
    let options = random.one_of(&[0, 0, 0, 1, 10]);
    let total_len = (20 + 4 * options + payload.len()) as u16;
    let fragment: u16 = random.one_of(&[0, 0, 0, 0, 0x4000, 0x2000, 0x0009]);
    let destination: [u8; 4] =
        random.one_of(&[[192, 0, 2, 10], [192, 0, 2, 11], [198, 51, 100, 7], [192, 0, 2, 12]]);
    let mut packet = vec![0x45 + options as u8, 0];
    packet.extend(total_len.to_be_bytes());
    packet.extend([0, 1]);
    packet.extend(fragment.to_be_bytes());
    packet.extend([random.one_of(&[64, 64, 64, 2, 1, 0]), protocol, 0, 0, 203, 0, 113, 1]);
    packet.extend(destination);
    packet.extend(vec![1; 4 * options]);
    packet.extend(payload);
    packet
}

fn ipv6(random: &mut Random) -> Vec<u8> {
    let protocol = random.one_of(&[6, 6, 17, 17, 58, 47, 59, 1]);
    let extensions: Vec<u8> =
        (0..random.one_of(&[0, 0, 1, 2, 8, 9])).map(|_| random.one_of(&[60, 60, 60, 43, 44, 0])).collect();
    let mut payload = Vec::new();
    for index in 0..extensions.len() {
        let next = extensions.get(index + 1).copied().unwrap_or(protocol);
        payload.extend([next, 0, 0, random.one_of(&[0, 0, 0, 1, 8]), 0, 0, 0, 5]);
    }
    payload.extend(upper(random, protocol));
    let destination = random.one_of(&["2001:db8::10", "2001:db8::11", "2001:db8:1::7", "2001:db8::12"]);
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([extensions.first().copied().unwrap_or(protocol), random.one_of(&[64, 64, 64, 2, 1, 0])]);
    packet.extend("2001:db8:9::1".parse::<Ipv6Addr>().unwrap().octets());
    packet.extend(destination.parse::<Ipv6Addr>().unwrap().octets());
    packet.extend(payload);
    packet
}

/// What is behind the IP headers; an ICMP error quotes something short or whole.
fn upper(random: &mut Random, protocol: u8) -> Vec<u8> {
    let port = random.one_of(&[80_u16, 53, 22, 9]).to_be_bytes();
    match protocol {
        6 => [&[0x9c, 0x40, port[0], port[1], 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0, 9, 0, 0, 0, 0][..], b"da"]
            .concat(),
        17 => vec![0x9c, 0x40, port[0], port[1], 0, 10, 0, 0, 1, 2],
        1 | 58 => {
            let kind = random.one_of(&[0, 1, 2, 3, 4, 8, 11, 12, 128, 135]);
            let len = random.one_of(&[0, 1, 7, 8, 28, 36, 56]);
            [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &vec![0x45; len]].concat()
        }
        _ => vec![0; random.below(12)],
    }
}

fn services() -> Vec<ServiceSpec> {
    let all4 = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 11));
    let service = |vip: &str, protocol, ports: &[u16]| ServiceSpec {
        name: vip.to_owned(),
        vip: vip.parse().unwrap(),
        protocol,
        ports: ports.to_vec(),
        group: "g".to_owned(),
        timeouts: Timeouts::DEFAULT,
    };
    let mut services = vec![
        service("192.0.2.10/32", Protocol::Tcp, &[80]),
        service("192.0.2.10/32", Protocol::Udp, &[53]),
        service("198.51.100.0/24", Protocol::Udp, &[]),
        service("198.51.100.7/32", Protocol::Any, &[22]),
        service("2001:db8::10/128", Protocol::Tcp, &[80]),
        service("2001:db8::11/128", Protocol::Any, &[]),
        service("2001:db8:1::/48", Protocol::Udp, &[]),
        service("2001:db8:1::7/128", Protocol::Tcp, &[22]),
    ];
    let vip = Prefix::new(all4, 32).unwrap();
    services.push(ServiceSpec { vip, ..service("192.0.2.11/32", Protocol::Any, &[]) });
    services
}

#[test]
fn what_the_walk_takes_is_redirected_and_what_is_passed_it_punts() {
    let services = services();
    let mut trial = Trial::load(&services).expect("the steering program loads; this test needs root");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut seen = [0; 3];
    for number in 0..FRAMES {
        let frame = frame(&mut random);
        let decision = trial.run(&frame, OWN).unwrap();
        let walk = walk(&services, &frame);
        let fits = match walk {
            Walk::Takes => decision == Redirect,
            Walk::Punts => decision == Pass,
            Walk::PuntsAfterALook => true,
        };
        assert!(fits, "frame {number}: the walk {walk:?}, the program {decision:?}: {frame:02x?}");
        seen[walk as usize] += 1;
    }
    assert!(seen.iter().all(|count| *count > FRAMES / 50), "all kinds of frames were there: {seen:?}");
}
