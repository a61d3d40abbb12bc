//! Which service a packet is for: the longest prefix that matches wholly, then exact protocol, then listed port.
//!
//! One hash table per prefix length that occurs, longest first; for the one or few lengths of most boxes that is a
//! few nanoseconds. Nothing here allocates after it was built.

use crate::id::ServiceId;
use crate::spec::{Protocol, ServiceSpec};
use evenkeel_packet::FlowKey;
use std::collections::BTreeMap;
use std::net::IpAddr;

const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;

/// All services, indexed by their VIPs.
#[derive(Debug, Default)]
pub(crate) struct ServiceTable {
    v4: Vec<Length<u32>>,
    v6: Vec<Length<u128>>,
}

/// The prefixes of one length: a hash table with open addressing, at most half full.
#[derive(Debug)]
struct Length<A> {
    mask: A,
    slots: Vec<Option<Entry<A>>>,
}

#[derive(Debug)]
struct Entry<A> {
    address: A,
    vip: Vip,
}

/// What is served at one prefix.
#[derive(Debug, Default, PartialEq, Eq)]
struct Vip {
    tcp: Ports,
    udp: Ports,
    any: Ports,
}

/// The services of one prefix and protocol.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ports {
    /// Sorted by port.
    listed: Vec<(u16, ServiceId)>,
    any: Option<ServiceId>,
    /// The first service in the order of the configuration that lists ports.
    first_listed: Option<ServiceId>,
}

/// An address as a number.
trait Bits: Copy + Eq + Ord {
    fn prefix_mask(len: u8) -> Self;
    fn and(self, mask: Self) -> Self;
    /// A spread of the bits over a word.
    fn spread(self) -> u64;
}

impl ServiceTable {
    /// The table of these services; their ids are their places.
    pub(crate) fn new(services: &[ServiceSpec]) -> Self {
        let (mut v4, mut v6) = (BTreeMap::new(), BTreeMap::new());
        for (service, index) in services.iter().zip(0..) {
            let vip: &mut Vip = match service.vip.address {
                IpAddr::V4(address) => v4.entry((service.vip.len, address.to_bits())).or_default(),
                IpAddr::V6(address) => v6.entry((service.vip.len, address.to_bits())).or_default(),
            };
            vip.add(service, ServiceId(index));
        }
        Self { v4: Length::all(v4), v6: Length::all(v6) }
    }

    /// The service that matches wholly and most specifically.
    #[inline]
    pub(crate) fn classify(&self, key: &FlowKey) -> Option<ServiceId> {
        let (protocol, port) = (key.protocol(), key.destination_port());
        self.find(key.destination(), |vip| vip.service(protocol, port))
    }

    /// The service that addresses and protocol alone give.
    pub(crate) fn classify_addresses(&self, key: &FlowKey) -> Option<ServiceId> {
        let protocol = key.protocol();
        self.find(key.destination(), |vip| vip.service_without_port(protocol))
    }

    /// True if some service has this address.
    #[inline]
    pub(crate) fn is_vip(&self, address: IpAddr) -> bool {
        self.find(address, |_| Some(())).is_some()
    }

    /// True if some port of this address and protocol has a service.
    pub(crate) fn has_protocol(&self, address: IpAddr, protocol: u8) -> bool {
        self.find(address, |vip| vip.service_without_port(protocol)).is_some()
    }

    /// The first that `what` finds, longest prefix first.
    #[inline]
    fn find<T>(&self, address: IpAddr, what: impl Fn(&Vip) -> Option<T>) -> Option<T> {
        match address {
            IpAddr::V4(address) => Length::find(&self.v4, address.to_bits(), what),
            IpAddr::V6(address) => Length::find(&self.v6, address.to_bits(), what),
        }
    }
}

impl<A: Bits> Length<A> {
    /// One table per length, longest first.
    fn all(vips: BTreeMap<(u8, A), Vip>) -> Vec<Self> {
        let mut by_len: BTreeMap<u8, Vec<(A, Vip)>> = BTreeMap::new();
        for ((len, address), vip) in vips {
            by_len.entry(len).or_default().push((address, vip));
        }
        by_len.into_iter().rev().map(|(len, vips)| Self::new(len, vips)).collect()
    }

    fn new(len: u8, vips: Vec<(A, Vip)>) -> Self {
        let size = (2 * vips.len()).next_power_of_two();
        let mut slots: Vec<Option<Entry<A>>> = (0..size).map(|_| None).collect();
        for (address, vip) in vips {
            let free = probe(address, size).find(|&i| slots.get(i).is_some_and(Option::is_none));
            if let Some(slot) = free.and_then(|i| slots.get_mut(i)) {
                *slot = Some(Entry { address, vip });
            }
        }
        Self { mask: A::prefix_mask(len), slots }
    }

    #[inline]
    fn find<T>(lengths: &[Self], address: A, what: impl Fn(&Vip) -> Option<T>) -> Option<T> {
        lengths.iter().find_map(|length| length.vip(address).and_then(&what))
    }

    #[inline]
    fn vip(&self, address: A) -> Option<&Vip> {
        let address = address.and(self.mask);
        for index in probe(address, self.slots.len()) {
            match self.slots.get(index) {
                Some(Some(entry)) if entry.address == address => return Some(&entry.vip),
                Some(Some(_)) => {}
                Some(None) | None => return None,
            }
        }
        None
    }
}

/// Places where an address may be, in order; `size` is a power of two.
#[inline]
fn probe<A: Bits>(address: A, size: usize) -> impl Iterator<Item = usize> {
    let start = (address.spread() >> 32) as usize;
    (0..size).map(move |step| (start + step) & (size - 1))
}

impl Vip {
    fn add(&mut self, service: &ServiceSpec, id: ServiceId) {
        let ports = match service.protocol {
            Protocol::Tcp => &mut self.tcp,
            Protocol::Udp => &mut self.udp,
            Protocol::Any => &mut self.any,
        };
        ports.add(&service.ports, id);
    }

    /// Exact protocol before any protocol, listed port before any port.
    #[inline]
    fn service(&self, protocol: u8, port: u16) -> Option<ServiceId> {
        match protocol {
            PROTOCOL_TCP => self.tcp.service(port).or_else(|| self.any.service(port)),
            PROTOCOL_UDP => self.udp.service(port).or_else(|| self.any.service(port)),
            _ => self.any.any,
        }
    }

    fn service_without_port(&self, protocol: u8) -> Option<ServiceId> {
        match protocol {
            PROTOCOL_TCP => self.tcp.service_without_port().or_else(|| self.any.service_without_port()),
            PROTOCOL_UDP => self.udp.service_without_port().or_else(|| self.any.service_without_port()),
            _ => self.any.any,
        }
    }
}

impl Ports {
    /// The first service to name a port keeps it.
    fn add(&mut self, ports: &[u16], id: ServiceId) {
        if ports.is_empty() {
            self.any.get_or_insert(id);
            return;
        }
        self.first_listed.get_or_insert(id);
        for &port in ports {
            if let Err(place) = self.listed.binary_search_by_key(&port, |listed| listed.0) {
                self.listed.insert(place, (port, id));
            }
        }
    }

    #[inline]
    fn service(&self, port: u16) -> Option<ServiceId> {
        match self.listed.binary_search_by_key(&port, |listed| listed.0) {
            Ok(place) => self.listed.get(place).map(|listed| listed.1),
            Err(_) => self.any,
        }
    }

    fn service_without_port(&self) -> Option<ServiceId> {
        self.any.or(self.first_listed)
    }
}

impl Bits for u32 {
    fn prefix_mask(len: u8) -> Self {
        Self::MAX.checked_shl(32 - u32::from(len.min(32))).unwrap_or(0)
    }

    fn and(self, mask: Self) -> Self {
        self & mask
    }

    fn spread(self) -> u64 {
        u64::from(self).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Bits for u128 {
    fn prefix_mask(len: u8) -> Self {
        Self::MAX.checked_shl(128 - u32::from(len.min(128))).unwrap_or(0)
    }

    fn and(self, mask: Self) -> Self {
        self & mask
    }

    fn spread(self) -> u64 {
        let (high, low) = ((self >> 64) as u64, self as u64);
        (high ^ low.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

#[cfg(test)]
mod tests {
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
        let table = ServiceTable::new(&[
            service("0.0.0.0/0", Protocol::Tcp, &[]),
            service("::/0", Protocol::Udp, &[]),
        ]);
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
}
