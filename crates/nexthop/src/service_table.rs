//! Which service a packet is for: the longest prefix that matches wholly, then exact protocol, then listed port.
//!
//! Most packets are for a whole address and a listed port: one hash table has these. Behind it there is one per prefix
//! length that occurs, longest first. Nothing here allocates after it was built.

use crate::exact_services::{Endpoint, ExactServices};
use crate::id::ServiceId;
use crate::spec::{Protocol, ServiceSpec};
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6};
use std::collections::BTreeMap;
use std::net::IpAddr;

const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
/// The fraction of the golden ratio: a factor that spreads low bits over high ones.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// All services, indexed by their VIPs.
#[derive(Debug, Default)]
pub(crate) struct ServiceTable {
    exact4: ExactServices<u32>,
    exact6: ExactServices<u128>,
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
pub(crate) trait Bits: Copy + Eq + Ord {
    /// Length of a prefix that is one address.
    const WHOLE_LEN: u8;

    fn prefix_mask(len: u8) -> Self;
    fn and(self, mask: Self) -> Self;
    /// A spread of the bits over a word.
    fn spread(self) -> u64 {
        self.spread_with(0)
    }

    /// The same of the bits and of 24 more.
    fn spread_with(self, more: u32) -> u64;
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
        let (exact4, exact6) = (ExactServices::new(exact(&v4)), ExactServices::new(exact(&v6)));
        Self { exact4, exact6, v4: Length::all(v4), v6: Length::all(v6) }
    }

    /// The service that matches wholly and most specifically.
    #[inline]
    pub(crate) fn classify(&self, key: &FlowKey) -> Option<ServiceId> {
        match key {
            FlowKey::V4(key) => self.classify4(key),
            FlowKey::V6(key) => self.classify6(key),
        }
    }

    /// The same of an IPv4 packet.
    #[inline]
    pub(crate) fn classify4(&self, key: &FlowKey4) -> Option<ServiceId> {
        let (address, protocol, port) = (key.destination().to_bits(), key.protocol(), key.destination_port());
        self.exact4
            .find(&Endpoint::new(address, protocol, port))
            .or_else(|| Length::find(&self.v4, address, |vip| vip.service(protocol, port)))
    }

    /// The same of an IPv6 packet.
    #[inline]
    pub(crate) fn classify6(&self, key: &FlowKey6) -> Option<ServiceId> {
        let (address, protocol, port) = (key.destination().to_bits(), key.protocol(), key.destination_port());
        self.exact6
            .find(&Endpoint::new(address, protocol, port))
            .or_else(|| Length::find(&self.v6, address, |vip| vip.service(protocol, port)))
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

/// The listed ports of whole addresses: no service is more specific there.
fn exact<A: Bits>(vips: &BTreeMap<(u8, A), Vip>) -> Vec<(Endpoint<A>, ServiceId)> {
    let whole = vips.iter().filter(|((len, _), _)| *len == A::WHOLE_LEN);
    whole
        .flat_map(|(&(_, address), vip)| {
            vip.listed().filter_map(move |(protocol, port)| {
                Some((Endpoint::new(address, protocol, port), vip.service(protocol, port)?))
            })
        })
        .collect()
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

    #[inline(never)]
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

    /// Protocols with listed ports; some more than once.
    fn listed(&self) -> impl Iterator<Item = (u8, u16)> {
        let of = |protocol, ports: &[(u16, ServiceId)]| {
            ports.iter().map(|listed| (protocol, listed.0)).collect::<Vec<_>>()
        };
        let (tcp, udp) = ([&self.tcp, &self.any], [&self.udp, &self.any]);
        let tcp = tcp.into_iter().flat_map(move |ports| of(PROTOCOL_TCP, &ports.listed));
        tcp.chain(udp.into_iter().flat_map(move |ports| of(PROTOCOL_UDP, &ports.listed)))
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
    const WHOLE_LEN: u8 = 32;

    fn prefix_mask(len: u8) -> Self {
        Self::MAX.checked_shl(32 - u32::from(len.min(32))).unwrap_or(0)
    }

    fn and(self, mask: Self) -> Self {
        self & mask
    }

    #[inline(always)]
    fn spread_with(self, more: u32) -> u64 {
        (u64::from(more) << 32 | u64::from(self)).wrapping_mul(SPREAD)
    }
}

impl Bits for u128 {
    const WHOLE_LEN: u8 = 128;

    fn prefix_mask(len: u8) -> Self {
        Self::MAX.checked_shl(128 - u32::from(len.min(128))).unwrap_or(0)
    }

    fn and(self, mask: Self) -> Self {
        self & mask
    }

    #[inline(always)]
    fn spread_with(self, more: u32) -> u64 {
        let (high, low) = ((self >> 64) as u64, self as u64);
        (high ^ low.rotate_left(29) ^ u64::from(more) << 16).wrapping_mul(SPREAD)
    }
}

#[cfg(test)]
mod tests;
