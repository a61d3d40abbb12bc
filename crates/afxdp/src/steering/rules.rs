//! What the steering program must know of the services: a pure function of their configuration.
//!
//! A packet matches a service wholly, by prefix, protocol and port, and a longer prefix without a service for it gives
//! way to a shorter one. The kernel's trie finds only the longest prefix, so each prefix inherits here what the
//! shorter ones around it serve.

use super::layout::{MAX_PORT_LISTS, SERVES_OTHER, SERVES_TCP, SERVES_UDP, SERVES_UNSURE};
use evenkeel_nexthop::{Prefix, Protocol, ServiceSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// Services as the steering program sees them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Every prefix of a VIP once.
    pub(super) vips: Vec<Vip>,
    /// What the port lists hold, no entry twice.
    pub(super) ports: Vec<ListedPort>,
    /// First number of a port list that is not used.
    pub(super) next_list: u32,
}

/// A prefix and what is served there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Vip {
    pub(super) address: IpAddr,
    pub(super) len: u8,
    /// Bits `SERVES_…` of the layout.
    pub(super) serves: u32,
    /// Numbers of its port lists, its own first.
    pub(super) lists: Vec<u32>,
}

/// A port that a list holds, for one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListedPort {
    pub(super) list: u32,
    pub(super) protocol: u8,
    pub(super) port: u16,
}

/// What the services of one prefix alone say.
#[derive(Debug, Default)]
struct Own {
    serves: u32,
    ports: BTreeSet<(u8, u16)>,
    list: Option<u32>,
}

impl Rules {
    /// Rules for these services; port lists are numbered from `first_list` on.
    pub(super) fn new(services: &[ServiceSpec], first_list: u32) -> Self {
        let mut prefixes = BTreeMap::<(IpAddr, u8), Own>::new();
        for service in services {
            let Prefix { address, len } = service.vip;
            prefixes.entry((address, len)).or_default().add(service);
        }
        let mut next_list = first_list;
        let mut ports = Vec::new();
        for own in prefixes.values_mut().filter(|own| !own.ports.is_empty()) {
            own.list = Some(next_list);
            ports.extend(own.ports.iter().map(|&(protocol, port)| ListedPort {
                list: next_list,
                protocol,
                port,
            }));
            next_list += 1;
        }
        let lens: BTreeSet<u8> = prefixes.keys().map(|(_, len)| *len).collect();
        let vips = prefixes.keys().map(|&(address, len)| inherit(&prefixes, &lens, address, len)).collect();
        Self { vips, ports, next_list }
    }
}

impl Own {
    fn add(&mut self, service: &ServiceSpec) {
        let (bits, protocols): (u32, &[u8]) = match service.protocol {
            Protocol::Tcp => (SERVES_TCP, &[TCP]),
            Protocol::Udp => (SERVES_UDP, &[UDP]),
            Protocol::Any => (SERVES_TCP | SERVES_UDP | SERVES_OTHER, &[TCP, UDP]),
        };
        if service.ports.is_empty() {
            self.serves |= bits;
        }
        for protocol in protocols {
            self.ports.extend(service.ports.iter().map(|port| (*protocol, *port)));
        }
    }
}

/// What is served at a prefix: its own services, then those of ever shorter prefixes around it.
fn inherit(prefixes: &BTreeMap<(IpAddr, u8), Own>, lens: &BTreeSet<u8>, address: IpAddr, len: u8) -> Vip {
    let mut vip = Vip { address, len, serves: 0, lists: Vec::new() };
    for &shorter in lens.range(..=len).rev() {
        if let Some(own) = prefixes.get(&(masked(address, shorter), shorter)) {
            vip.serves |= own.serves;
            vip.lists.extend(own.list);
        }
    }
    if vip.lists.len() > MAX_PORT_LISTS {
        vip.serves |= SERVES_UNSURE;
    }
    vip
}

/// The address with all bits behind the first `len` cleared.
fn masked(address: IpAddr, len: u8) -> IpAddr {
    let len = u32::from(len);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - len.min(32)).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - len.min(128)).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_nexthop::Timeouts;

    fn service(vip: &str, protocol: Protocol, ports: &[u16]) -> ServiceSpec {
        ServiceSpec {
            name: "s".to_owned(),
            vip: vip.parse().unwrap(),
            protocol,
            ports: ports.to_vec(),
            group: "g".to_owned(),
            timeouts: Timeouts::DEFAULT,
        }
    }

    fn vip<'a>(rules: &'a Rules, text: &str) -> &'a Vip {
        let Prefix { address, len } = text.parse().unwrap();
        rules.vips.iter().find(|vip| vip.address == address && vip.len == len).unwrap()
    }

    #[test]
    fn listed_ports_of_one_prefix_share_a_list() {
        let services = [
            service("192.0.2.1/32", Protocol::Tcp, &[80, 443]),
            service("192.0.2.1/32", Protocol::Any, &[53, 80]),
        ];
        let rules = Rules::new(&services, 7);
        assert_eq!(rules.next_list, 8);
        let listed: Vec<_> = rules.ports.iter().map(|port| (port.list, port.protocol, port.port)).collect();
        assert_eq!(listed, [(7, 6, 53), (7, 6, 80), (7, 6, 443), (7, 17, 53), (7, 17, 80)]);
        assert_eq!(vip(&rules, "192.0.2.1/32").serves, 0);
    }

    #[test]
    fn longer_prefixes_inherit_from_the_shorter_ones_around_them_alone() {
        let services = [
            service("192.0.2.0/24", Protocol::Tcp, &[80]),
            service("192.0.2.1/32", Protocol::Udp, &[]),
            service("192.0.3.1/32", Protocol::Udp, &[53]),
            service("2001:db8::/32", Protocol::Any, &[]),
            service("2001:db8::1/128", Protocol::Tcp, &[80]),
            service("::/0", Protocol::Udp, &[123]),
        ];
        let rules = Rules::new(&services, 0);
        let of = |text| (vip(&rules, text).serves, vip(&rules, text).lists.len());
        assert_eq!(of("192.0.2.0/24"), (0, 1));
        assert_eq!(of("192.0.2.1/32"), (SERVES_UDP, 1));
        assert_eq!(of("192.0.3.1/32"), (0, 1));
        assert_eq!(of("::/0"), (0, 1));
        let all = SERVES_TCP | SERVES_UDP | SERVES_OTHER;
        assert_eq!(of("2001:db8::/32"), (all, 1));
        assert_eq!(of("2001:db8::1/128"), (all, 2));
        assert_eq!(vip(&rules, "192.0.2.1/32").lists, vip(&rules, "192.0.2.0/24").lists);
    }

    #[test]
    fn too_many_nested_port_lists_are_left_to_the_walk() {
        let nested = |count: u8| -> Vec<ServiceSpec> {
            (0..count).map(|i| service(&format!("192.0.2.0/{}", 24 + i), Protocol::Tcp, &[80])).collect()
        };
        let deepest = |count| Rules::new(&nested(count), 0).vips.last().unwrap().serves;
        assert_eq!(deepest(8), 0);
        assert_eq!(deepest(9), SERVES_UNSURE);
    }

    #[test]
    fn masks() {
        for (address, len, expected) in [
            ("192.0.2.255", 0, "0.0.0.0"),
            ("192.0.2.255", 25, "192.0.2.128"),
            ("192.0.2.255", 32, "192.0.2.255"),
            ("2001:db8::ffff", 0, "::"),
            ("2001:db8::ffff", 113, "2001:db8::8000"),
            ("2001:db8::ffff", 128, "2001:db8::ffff"),
        ] {
            assert_eq!(masked(address.parse().unwrap(), len), expected.parse::<IpAddr>().unwrap());
        }
    }
}
