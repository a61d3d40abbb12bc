//! What there is to simulate: servers, groups, services, and what clients want.

use evenkeel_nexthop::{PortId, Prefix, Protocol, ServiceSpec, Timeouts};
use evenkeel_packet::{FlowKey, Mac};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Servers; every sixth is reached as the neighbour table says, the others as the configuration says.
pub(crate) const SERVERS: u8 = 30;
/// Groups that may be configured.
pub(crate) const GROUPS: [&str; 4] = ["web", "dns", "mail", "rest"];
/// Interfaces of the box.
pub(crate) const PORTS: [Mac; 2] = [Mac([2, 0, 0, 0, 1, 0]), Mac([2, 0, 0, 0, 1, 1])];

const TCP: u8 = 6;
const UDP: u8 = 17;
pub(crate) const SCTP: u8 = 132;

/// What a client may want: VIP, protocol, port.
pub(crate) const TARGETS: [(&str, u8, u16); 8] = [
    ("192.0.2.10", TCP, 80),
    ("192.0.2.10", UDP, 53),
    ("192.0.2.20", TCP, 443),
    ("192.0.2.30", TCP, 8080),
    ("2001:db8::10", TCP, 80),
    ("2001:db8::10", UDP, 443),
    ("2001:db8::20", SCTP, 0),
    ("2001:db8::30", TCP, 443),
];

/// Services that may be configured: some of the targets have none, some several of which one is more specific.
const SERVICES: [(&str, Protocol, &[u16]); 9] = [
    ("192.0.2.10", Protocol::Tcp, &[80]),
    ("192.0.2.10", Protocol::Udp, &[53]),
    ("192.0.2.20", Protocol::Tcp, &[]),
    ("192.0.2.0/24", Protocol::Any, &[]),
    ("192.0.2.0/24", Protocol::Tcp, &[80, 8080]),
    ("2001:db8::10", Protocol::Tcp, &[80, 443]),
    ("2001:db8::10", Protocol::Any, &[]),
    ("2001:db8::/64", Protocol::Any, &[]),
    ("2001:db8::/64", Protocol::Tcp, &[]),
];

/// Idle times that services may have: short, so that flows end, but longer than clients are quiet.
pub(crate) const TIMEOUTS: [Timeouts; 3] = [
    Timeouts { tcp_syn_ms: 8_000, tcp_established_ms: 60_000, tcp_closing_ms: 9_000, udp_ms: 30_000 },
    Timeouts { tcp_syn_ms: 12_000, tcp_established_ms: 40_000, tcp_closing_ms: 5_000, udp_ms: 20_000 },
    Timeouts { tcp_syn_ms: 6_000, tcp_established_ms: 90_000, tcp_closing_ms: 10_000, udp_ms: 45_000 },
];

/// Address of a server: every other one has one of IPv6.
pub(crate) fn address(server: u8) -> IpAddr {
    if server.is_multiple_of(2) {
        [198, 51, 100, server].into()
    } else {
        [0x2001, 0xdb8, 2, 0, 0, 0, 0, u16::from(server)].into()
    }
}

/// The server of an address that [`address`] gave.
pub(crate) fn server(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    }
}

pub(crate) const fn mac(server: u8) -> Mac {
    Mac([2, 0, 0, 0, 2, server])
}

/// True if the configuration doesn't say how to reach it.
pub(crate) const fn is_learned(server: u8) -> bool {
    server % 6 == 5
}

/// Every possible service, each with a group and idle times by `choice`; those without are left out.
pub(crate) fn services(mut choice: impl FnMut() -> Option<(String, Timeouts)>) -> Vec<ServiceSpec> {
    let service = |(index, &(vip, protocol, ports)): (usize, &(&str, Protocol, &[u16]))| {
        let (name, vip) = (format!("service{index}"), vip.parse::<Prefix>().expect("a prefix"));
        let (ports, (group, timeouts)) = (ports.to_vec(), choice()?);
        Some(ServiceSpec { name, vip, protocol, ports, group, timeouts })
    };
    SERVICES.iter().enumerate().filter_map(service).collect()
}

/// The flow of a client: each has an address and a port of its own, by its number.
pub(crate) fn key(target: u8, client: u32) -> FlowKey {
    let (vip, protocol, port) = TARGETS[usize::from(target)];
    let (source, source_port) = source(target, client);
    FlowKey::new(source, vip.parse().expect("an address"), source_port, port, protocol).expect("one family")
}

/// Address and port of a client.
pub(crate) fn source(target: u8, client: u32) -> (IpAddr, u16) {
    let (vip, protocol, _) = TARGETS[usize::from(target)];
    let port = if protocol == SCTP { 0 } else { 1024 + (client >> 17) as u16 };
    if vip.contains(':') {
        (Ipv6Addr::from_bits(0x2001_0db8_0001 << 80 | u128::from(client)).into(), port)
    } else {
        (Ipv4Addr::from_bits(0xc612_0000 | client & 0x1_ffff).into(), port)
    }
}

/// The port with this number.
pub(crate) const fn port(number: u8) -> PortId {
    PortId(number as u16 % PORTS.len() as u16)
}
