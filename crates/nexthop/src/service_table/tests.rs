use super::*;
use crate::timeouts::Timeouts;
use proptest::prelude::*;

fn service(vip: &str, protocol: Protocol, ports: &[u16]) -> ServiceSpec {
    let (name, group) = (String::new(), String::new());
    let (vip, ports) = (vip.parse().unwrap(), ports.to_vec());
    ServiceSpec { name, vip, protocol, ports, group, timeouts: Timeouts::DEFAULT }
}

fn key(destination: &str, protocol: u8, port: u16) -> FlowKey {
    let destination: IpAddr = destination.parse().unwrap();
    let source = if destination.is_ipv4() { "203.0.113.5" } else { "2001:db8:5::5" };
    FlowKey::new(source.parse().unwrap(), destination, 1000, port, protocol).unwrap()
}

/// Services in an order that decides nothing.
fn table() -> ServiceTable {
    ServiceTable::new(&[
        service("192.0.2.0/24", Protocol::Any, &[]),      // 0
        service("192.0.2.10", Protocol::Any, &[80]),      // 1
        service("192.0.2.10", Protocol::Tcp, &[]),        // 2
        service("192.0.2.10", Protocol::Udp, &[53, 443]), // 3
        service("192.0.2.11", Protocol::Tcp, &[443, 80]), // 4
        service("192.0.2.11", Protocol::Tcp, &[8080]),    // 5
        service("2001:db8::/64", Protocol::Udp, &[53]),   // 6
        service("2001:db8::a", Protocol::Any, &[]),       // 7
        service("192.0.0.0/16", Protocol::Udp, &[]),      // 8
    ])
}

#[test]
fn the_most_specific_service_that_matches_wholly() {
    let table = table();
    let at = |destination, protocol, port| {
        table.classify(&key(destination, protocol, port)).map(|service| service.0)
    };
    // exact protocol before listed port
    assert_eq!(at("192.0.2.10", 6, 80), Some(2));
    assert_eq!(at("192.0.2.10", 17, 53), Some(3));
    assert_eq!(at("192.0.2.10", 17, 80), Some(1));
    // a longer prefix that doesn't match wholly gives way
    assert_eq!(at("192.0.2.10", 17, 81), Some(0));
    assert_eq!(at("192.0.2.11", 6, 81), Some(0));
    assert_eq!(at("192.0.2.11", 6, 80), Some(4));
    assert_eq!(at("192.0.2.11", 6, 8080), Some(5));
    // listed ports are for protocols with ports
    assert_eq!(at("192.0.2.10", 132, 0), Some(0));
    assert_eq!(at("192.0.2.200", 47, 0), Some(0));
    assert_eq!(at("192.0.3.1", 17, 9), Some(8));
    assert_eq!(at("192.0.3.1", 6, 9), None);
    assert_eq!(at("198.51.100.1", 17, 9), None);
    assert_eq!(at("2001:db8::a", 17, 53), Some(7));
    assert_eq!(at("2001:db8::b", 17, 53), Some(6));
    assert_eq!(at("2001:db8::b", 6, 53), None);
    assert_eq!(at("2001:db8:0:1::b", 17, 53), None);
}

#[test]
fn without_ports_exact_protocol_then_any_port_then_the_first() {
    let table = table();
    let at = |destination, protocol| {
        table.classify_addresses(&key(destination, protocol, 0)).map(|service| service.0)
    };
    assert_eq!(at("192.0.2.10", 6), Some(2));
    assert_eq!(at("192.0.2.10", 17), Some(3));
    assert_eq!(at("192.0.2.10", 132), Some(0));
    assert_eq!(at("192.0.2.11", 6), Some(4));
    assert_eq!(at("192.0.2.11", 17), Some(0));
    assert_eq!(at("192.0.3.1", 6), None);
    assert_eq!(at("2001:db8::b", 17), Some(6));
}

#[test]
fn vips_and_their_protocols() {
    let table = table();
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(table.is_vip(address("192.0.255.255")) && !table.is_vip(address("192.1.0.0")));
    assert!(table.is_vip(address("2001:db8::ffff")) && !table.is_vip(address("2001:db8:1::")));
    assert!(table.has_protocol(address("192.0.3.1"), 17) && !table.has_protocol(address("192.0.3.1"), 6));
    assert!(table.has_protocol(address("192.0.2.11"), 17));
    assert!(!ServiceTable::default().is_vip(address("192.0.2.10")));
}

#[test]
fn prefixes_of_length_0_take_all_of_their_family() {
    let table =
        ServiceTable::new(&[service("0.0.0.0/0", Protocol::Tcp, &[]), service("::/0", Protocol::Udp, &[])]);
    assert_eq!(table.classify(&key("203.0.113.1", 6, 1)), Some(ServiceId(0)));
    assert_eq!(table.classify(&key("2001:db8::1", 17, 1)), Some(ServiceId(1)));
    assert_eq!(table.classify(&key("2001:db8::1", 6, 1)), None);
}

fn any_service() -> impl Strategy<Value = ServiceSpec> {
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp), Just(Protocol::Any)];
    (0u8..=6, any::<bool>(), protocol, prop::collection::vec(1u16..4, 0..3), 0u32..64).prop_map(
        |(bits, v6, protocol, ports, host)| {
            let host = host & !((1 << bits) - 1);
            let (address, len): (IpAddr, u8) = if v6 {
                ([0x2001, 0xdb8, 0, 0, 0, 0, 0, host as u16].into(), 128 - bits)
            } else {
                ([192, 0, 2, host as u8].into(), 32 - bits)
            };
            let vip = crate::Prefix::new(address, len).unwrap();
            let (name, group) = (String::new(), String::new());
            ServiceSpec { name, vip, protocol, ports, group, timeouts: Timeouts::DEFAULT }
        },
    )
}

/// How well a service matches; the larger, the more specific.
fn specificity(service: &ServiceSpec, key: &FlowKey) -> Option<(u8, bool, bool)> {
    let numbers: &[u8] = match service.protocol {
        Protocol::Tcp => &[6],
        Protocol::Udp => &[17],
        Protocol::Any => &[6, 17, 47],
    };
    let (exact, listed) = (service.protocol != Protocol::Any, !service.ports.is_empty());
    let port = !listed || key.protocol() != 47 && service.ports.contains(&key.destination_port());
    let matches = service.vip.contains(key.destination()) && numbers.contains(&key.protocol()) && port;
    matches.then_some((service.vip.len, exact, listed))
}

proptest! {
    #[test]
    fn as_a_look_at_every_service(
        services in prop::collection::vec(any_service(), 0..24),
        protocol in prop_oneof![Just(6u8), Just(17), Just(47)],
        port in 1u16..5,
        host in 0u8..64,
    ) {
        let table = ServiceTable::new(&services);
        for destination in [format!("192.0.2.{host}"), format!("2001:db8::{host:x}")] {
            let key = key(&destination, protocol, if protocol == 47 { 0 } else { port });
            let best = services.iter().filter_map(|service| specificity(service, &key)).max();
            let found = table.classify(&key).map(|id| specificity(&services[id.index()], &key).unwrap());
            prop_assert_eq!(found, best);
            let address = destination.parse().unwrap();
            prop_assert_eq!(table.is_vip(address), services.iter().any(|service| service.vip.contains(address)));
        }
    }
}
