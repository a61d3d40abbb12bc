//! The flow key: the 5-tuple as seen from client to server, packed for comparing and hashing.
//!
//! IPv4 and IPv6 have keys of their own, so that an IPv4 flow pays for 16 bytes and not for 40. Nothing but the
//! 5-tuple is in them: neither DSCP nor the IPv6 flow label nor a VLAN.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Deref;

/// 5-tuple of an IPv4 flow in 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowKey4 {
    /// Source in the high half, destination in the low half, both as numbers.
    addresses: u64,
    /// Source port, destination port, protocol, from bit 40, 24 and 16 downward; the rest is zero.
    tail: u64,
}

/// 5-tuple of an IPv6 flow in 40 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowKey6 {
    source: [u64; 2],
    destination: [u64; 2],
    /// As in [`FlowKey4`].
    tail: u64,
}

/// 5-tuple of a flow of either family.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FlowKey {
    /// IPv4.
    V4(FlowKey4),
    /// IPv6.
    V6(FlowKey6),
}

const fn pack_tail(source_port: u16, destination_port: u16, protocol: u8) -> u64 {
    (source_port as u64) << 40 | (destination_port as u64) << 24 | (protocol as u64) << 16
}

macro_rules! tail_accessors {
    () => {
        /// Port of the client; 0 for protocols without ports.
        #[must_use]
        pub const fn source_port(&self) -> u16 {
            (self.tail >> 40) as u16
        }

        /// Port of the service; 0 for protocols without ports.
        #[must_use]
        pub const fn destination_port(&self) -> u16 {
            (self.tail >> 24) as u16
        }

        /// IP protocol number.
        #[must_use]
        pub const fn protocol(&self) -> u8 {
            (self.tail >> 16) as u8
        }
    };
}

impl FlowKey4 {
    /// The key of no packet.
    pub const NONE: Self = Self { addresses: 0, tail: u64::MAX };

    /// Packs a 5-tuple; ports are 0 for protocols without ports.
    #[must_use]
    pub const fn new(
        source: [u8; 4],
        destination: [u8; 4],
        source_port: u16,
        destination_port: u16,
        protocol: u8,
    ) -> Self {
        let addresses = (u32::from_be_bytes(source) as u64) << 32 | u32::from_be_bytes(destination) as u64;
        Self { addresses, tail: pack_tail(source_port, destination_port, protocol) }
    }

    tail_accessors!();

    /// Address of the client.
    #[must_use]
    pub const fn source(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits((self.addresses >> 32) as u32)
    }

    /// Address of the service.
    #[must_use]
    pub const fn destination(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.addresses as u32)
    }

    /// The same addresses with another protocol and ports 0.
    #[must_use]
    pub const fn without_ports(self, protocol: u8) -> Self {
        Self { tail: pack_tail(0, 0, protocol), ..self }
    }

    /// The bytes that a portable flow hash takes: source, destination, source port, destination port, each in wire
    /// order, protocol.
    #[must_use]
    pub const fn canonical(&self) -> [u8; 13] {
        let [a, b, c, d, e, f, g, h] = self.addresses.to_be_bytes();
        let [_, s0, s1, d0, d1, protocol, ..] = self.tail.to_be_bytes();
        [a, b, c, d, e, f, g, h, s0, s1, d0, d1, protocol]
    }
}

impl FlowKey6 {
    /// The key of no packet.
    pub const NONE: Self = Self { source: [0; 2], destination: [0; 2], tail: u64::MAX };

    /// Packs a 5-tuple; ports are 0 for protocols without ports.
    #[must_use]
    pub const fn new(
        source: [u8; 16],
        destination: [u8; 16],
        source_port: u16,
        destination_port: u16,
        protocol: u8,
    ) -> Self {
        Self {
            source: halves(u128::from_be_bytes(source)),
            destination: halves(u128::from_be_bytes(destination)),
            tail: pack_tail(source_port, destination_port, protocol),
        }
    }

    tail_accessors!();

    /// Address of the client.
    #[must_use]
    pub const fn source(&self) -> Ipv6Addr {
        whole(self.source)
    }

    /// Address of the service.
    #[must_use]
    pub const fn destination(&self) -> Ipv6Addr {
        whole(self.destination)
    }

    /// The same addresses with another protocol and ports 0.
    #[must_use]
    pub const fn without_ports(self, protocol: u8) -> Self {
        Self { tail: pack_tail(0, 0, protocol), ..self }
    }

    /// The bytes that a portable flow hash takes: source, destination, source port, destination port, each in wire
    /// order, protocol.
    #[must_use]
    pub fn canonical(&self) -> [u8; 37] {
        let mut bytes = [0; 37];
        let words = [self.source[0], self.source[1], self.destination[0], self.destination[1]];
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        let [.., s0, s1, d0, d1, protocol] = &mut bytes;
        [_, *s0, *s1, *d0, *d1, *protocol, ..] = self.tail.to_be_bytes();
        bytes
    }
}

const fn halves(address: u128) -> [u64; 2] {
    [(address >> 64) as u64, address as u64]
}

const fn whole([high, low]: [u64; 2]) -> Ipv6Addr {
    Ipv6Addr::from_bits((high as u128) << 64 | low as u128)
}

impl Hash for FlowKey4 {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.addresses);
        state.write_u64(self.tail);
    }
}

impl Hash for FlowKey6 {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for word in [self.source[0], self.source[1], self.destination[0], self.destination[1], self.tail] {
            state.write_u64(word);
        }
    }
}

impl From<FlowKey4> for FlowKey {
    #[inline]
    fn from(key: FlowKey4) -> Self {
        Self::V4(key)
    }
}

impl From<FlowKey6> for FlowKey {
    #[inline]
    fn from(key: FlowKey6) -> Self {
        Self::V6(key)
    }
}

impl FlowKey {
    /// Packs a 5-tuple of one family; `None` if source and destination are of different families.
    #[must_use]
    pub fn new(
        source: IpAddr,
        destination: IpAddr,
        source_port: u16,
        destination_port: u16,
        protocol: u8,
    ) -> Option<Self> {
        match (source, destination) {
            (IpAddr::V4(s), IpAddr::V4(d)) => {
                Some(Self::V4(FlowKey4::new(s.octets(), d.octets(), source_port, destination_port, protocol)))
            }
            (IpAddr::V6(s), IpAddr::V6(d)) => {
                Some(Self::V6(FlowKey6::new(s.octets(), d.octets(), source_port, destination_port, protocol)))
            }
            _ => None,
        }
    }

    /// Address of the client.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        match self {
            Self::V4(key) => IpAddr::V4(key.source()),
            Self::V6(key) => IpAddr::V6(key.source()),
        }
    }

    /// Address of the service.
    #[must_use]
    pub const fn destination(&self) -> IpAddr {
        match self {
            Self::V4(key) => IpAddr::V4(key.destination()),
            Self::V6(key) => IpAddr::V6(key.destination()),
        }
    }

    /// Port of the client; 0 for protocols without ports.
    #[must_use]
    pub const fn source_port(&self) -> u16 {
        match self {
            Self::V4(key) => key.source_port(),
            Self::V6(key) => key.source_port(),
        }
    }

    /// Port of the service; 0 for protocols without ports.
    #[must_use]
    pub const fn destination_port(&self) -> u16 {
        match self {
            Self::V4(key) => key.destination_port(),
            Self::V6(key) => key.destination_port(),
        }
    }

    /// IP protocol number.
    #[must_use]
    pub const fn protocol(&self) -> u8 {
        match self {
            Self::V4(key) => key.protocol(),
            Self::V6(key) => key.protocol(),
        }
    }

    /// The same addresses with another protocol and ports 0.
    #[must_use]
    pub const fn without_ports(self, protocol: u8) -> Self {
        match self {
            Self::V4(key) => Self::V4(key.without_ports(protocol)),
            Self::V6(key) => Self::V6(key.without_ports(protocol)),
        }
    }

    /// The bytes that a portable flow hash takes: 13 for IPv4, 37 for IPv6. See [`FlowKey4::canonical`].
    #[must_use]
    pub fn canonical(&self) -> Canonical {
        match self {
            Self::V4(key) => Canonical::V4(key.canonical()),
            Self::V6(key) => Canonical::V6(key.canonical()),
        }
    }
}

/// The canonical bytes of a flow key of either family; dereferences to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canonical {
    /// IPv4.
    V4([u8; 13]),
    /// IPv6.
    V6([u8; 37]),
}

impl Deref for Canonical {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::V4(bytes) => bytes,
            Self::V6(bytes) => bytes,
        }
    }
}

impl std::fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (source, destination) = (self.source(), self.destination());
        write!(
            f,
            "{source}:{} > {destination}:{} protocol {}",
            self.source_port(),
            self.destination_port(),
            self.protocol()
        )
    }
}

impl std::fmt::Debug for FlowKey4 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        FlowKey::V4(*self).fmt(f)
    }
}

impl std::fmt::Debug for FlowKey6 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        FlowKey::V6(*self).fmt(f)
    }
}
