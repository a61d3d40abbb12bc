//! What a driver says of an interface, asked by the ioctls of ethtool (`linux/ethtool.h`). Changes nothing. Unsafe: it
//! vouches for the layout of the structs that are asked for.

#![expect(unsafe_code, reason = "the layout of an answer is a promise to the code that asks for it")]

use crate::ioctl::{self, EthtoolChannels, Question, ethtool};
use std::io;

/// Which driver an interface has, and on which device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// Its name, as `ixgbe` or `veth`.
    pub name: String,
    /// The device's address on its bus, as `0000:3b:00.0`; empty without one.
    pub bus_address: String,
}

/// Receive queues of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiveQueues {
    /// As they are, at least 1.
    pub current: u32,
    /// At the most, at least 1.
    pub max: u32,
    /// True if they are set by `ethtool -L IFACE rx`, false if by `combined`.
    pub are_separate: bool,
}

/// Slots of a driver's receive ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiveRing {
    /// As it is.
    pub current: u32,
    /// At the most.
    pub max: u32,
}

/// Work that is done to packets before or after the XDP program sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offloads {
    /// The sender leaves L4 checksums to the interface.
    pub transmit_checksum: bool,
    /// VLAN tags are taken off frames that come in.
    pub receive_vlan: bool,
    /// VLAN tags of frames that leave are put in by the interface.
    pub transmit_vlan: bool,
    /// The network card merges packets (LRO).
    pub large_receive: bool,
    /// The kernel merges packets (GRO).
    pub generic_receive: bool,
}

/// When the interface interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coalescing {
    /// Longest wait for more packets, in microseconds.
    pub receive_us: u32,
    /// The driver finds the wait by itself.
    pub is_adaptive: bool,
}

/// A kind of flow of which ethtool knows by what its receive queue is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowKind {
    /// TCP over IPv4.
    Tcp4,
    /// UDP over IPv4.
    Udp4,
    /// TCP over IPv6.
    Tcp6,
    /// UDP over IPv6.
    Udp6,
}

impl FlowKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tcp4, Self::Udp4, Self::Tcp6, Self::Udp6];

    /// Its word in `ethtool -N IFACE rx-flow-hash`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp4 => "tcp4",
            Self::Udp4 => "udp4",
            Self::Tcp6 => "tcp6",
            Self::Udp6 => "udp6",
        }
    }

    /// `TCP_V4_FLOW` and so on.
    const fn number(self) -> u32 {
        match self {
            Self::Tcp4 => 1,
            Self::Udp4 => 2,
            Self::Tcp6 => 5,
            Self::Udp6 => 6,
        }
    }
}

/// By which parts of a packet its receive queue is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashFields {
    /// Both addresses.
    pub addresses: bool,
    /// Both ports.
    pub ports: bool,
}

/// The driver of an interface.
///
/// # Errors
/// What the kernel says: ENODEV without such an interface, EOPNOTSUPP if its driver doesn't tell.
pub fn driver(name: &str) -> io::Result<Driver> {
    let mut info = DriverInfo { command: ETHTOOL_GDRVINFO, ..DriverInfo::default() };
    ethtool(name, &mut info)?;
    Ok(Driver { name: text(&info.driver), bus_address: text(&info.bus_address) })
}

/// The receive queues of an interface.
///
/// # Errors
/// As [`driver`].
pub fn receive_queues(name: &str) -> io::Result<ReceiveQueues> {
    let mut channels = EthtoolChannels::question();
    ethtool(name, &mut channels)?;
    let [max_receive, _, _, max_combined] = channels.maxima;
    let current = ioctl::Channels { receive: channels.receive, combined: channels.combined };
    // A driver whose queues all receive and transmit may give the same maximum for both kinds.
    let max = if channels.combined > 0 { max_combined } else { max_receive };
    Ok(ReceiveQueues {
        current: current.receive(),
        max: max.max(current.receive()),
        are_separate: channels.receive > 0,
    })
}

/// The receive ring of an interface's queues.
///
/// # Errors
/// As [`driver`].
pub fn receive_ring(name: &str) -> io::Result<ReceiveRing> {
    let mut rings = RingParameters { command: ETHTOOL_GRINGPARAM, ..RingParameters::default() };
    ethtool(name, &mut rings)?;
    Ok(ReceiveRing { current: rings.current[0], max: rings.maxima[0] })
}

/// What an interface does to packets.
///
/// # Errors
/// As [`driver`].
pub fn offloads(name: &str) -> io::Result<Offloads> {
    let value = |command| {
        let mut value = Value { command, data: 0 };
        ethtool(name, &mut value).map(|()| value.data)
    };
    let flags = value(ETHTOOL_GFLAGS)?;
    Ok(Offloads {
        transmit_checksum: value(ETHTOOL_GTXCSUM)? != 0,
        receive_vlan: flags & ETH_FLAG_RXVLAN != 0,
        transmit_vlan: flags & ETH_FLAG_TXVLAN != 0,
        large_receive: flags & ETH_FLAG_LRO != 0,
        generic_receive: value(ETHTOOL_GGRO)? != 0,
    })
}

/// When an interface interrupts.
///
/// # Errors
/// As [`driver`].
pub fn coalescing(name: &str) -> io::Result<Coalescing> {
    let mut values = CoalescingParameters { command: ETHTOOL_GCOALESCE, values: [0; 22] };
    ethtool(name, &mut values)?;
    Ok(Coalescing { receive_us: values.values[0], is_adaptive: values.values[ADAPTIVE_RECEIVE] != 0 })
}

/// By what an interface chooses the receive queue of a packet of such a flow.
///
/// # Errors
/// As [`driver`].
pub fn hash_fields(name: &str, kind: FlowKind) -> io::Result<HashFields> {
    let mut rule = FlowHash { command: ETHTOOL_GRXFH, kind: kind.number(), data: 0, rest: [0; 24] };
    ethtool(name, &mut rule)?;
    let has = |bits| rule.data & bits == bits;
    Ok(HashFields { addresses: has(RXH_ADDRESSES), ports: has(RXH_PORTS) })
}

const ETHTOOL_GDRVINFO: u32 = 0x03;
const ETHTOOL_GCOALESCE: u32 = 0x0e;
const ETHTOOL_GRINGPARAM: u32 = 0x10;
const ETHTOOL_GTXCSUM: u32 = 0x16;
const ETHTOOL_GFLAGS: u32 = 0x25;
const ETHTOOL_GRXFH: u32 = 0x29;
const ETHTOOL_GGRO: u32 = 0x2b;

const ETH_FLAG_TXVLAN: u32 = 1 << 7;
const ETH_FLAG_RXVLAN: u32 = 1 << 8;
const ETH_FLAG_LRO: u32 = 1 << 15;

/// `RXH_IP_SRC` and `RXH_IP_DST`.
const RXH_ADDRESSES: u64 = 1 << 4 | 1 << 5;
/// `RXH_L4_B_0_1` and `RXH_L4_B_2_3`.
const RXH_PORTS: u64 = 1 << 6 | 1 << 7;

/// Place of `use_adaptive_rx_coalesce` behind the command.
const ADAPTIVE_RECEIVE: usize = 9;

/// `struct ethtool_drvinfo`.
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    version: [u8; 32],
    firmware: [u8; 32],
    bus_address: [u8; 32],
    rest: [u8; 64],
}

impl Default for DriverInfo {
    fn default() -> Self {
        let word = [0; 32];
        Self { command: 0, driver: word, version: word, firmware: word, bus_address: word, rest: [0; 64] }
    }
}

/// `struct ethtool_ringparam`.
#[repr(C)]
#[derive(Default)]
struct RingParameters {
    command: u32,
    maxima: [u32; 4],
    current: [u32; 4],
}

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// `struct ethtool_coalesce`.
#[repr(C)]
struct CoalescingParameters {
    command: u32,
    values: [u32; 22],
}

/// `struct ethtool_rxnfc`, of which `ETHTOOL_GRXFH` fills the head.
#[repr(C)]
struct FlowHash {
    command: u32,
    kind: u32,
    data: u64,
    rest: [u64; 24],
}

// SAFETY: all of these are as `linux/ethtool.h` lays out the struct that is named at each, or longer, they are integers
// only, and each is made above with a command that asks for this struct.
unsafe impl Question for DriverInfo {}
// SAFETY: as above.
unsafe impl Question for RingParameters {}
// SAFETY: as above.
unsafe impl Question for Value {}
// SAFETY: as above.
unsafe impl Question for CoalescingParameters {}
// SAFETY: as above.
unsafe impl Question for FlowHash {}

/// The text in front of the first zero byte.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structs_are_as_long_as_the_kernels() {
        assert_eq!(size_of::<DriverInfo>(), 196);
        assert_eq!(size_of::<RingParameters>(), 36);
        assert_eq!(size_of::<Value>(), 8);
        assert_eq!(size_of::<CoalescingParameters>(), 92);
        assert!(size_of::<FlowHash>() >= 192);
    }

    #[test]
    fn the_loopback_interface_answers_what_it_can() {
        let offloads = offloads("lo").unwrap();
        assert!(!offloads.receive_vlan && !offloads.large_receive, "{offloads:?}");
        assert_eq!(receive_ring("lo").unwrap_err().raw_os_error(), Some(libc::EOPNOTSUPP));
        assert_eq!(hash_fields("lo", FlowKind::Tcp4).unwrap_err().raw_os_error(), Some(libc::EOPNOTSUPP));
        assert_eq!(driver("none1").unwrap_err().raw_os_error(), Some(libc::ENODEV));
    }

    #[test]
    fn texts_end_at_the_first_zero() {
        assert_eq!(text(b"veth\0\0x"), "veth");
        assert_eq!(text(b"full"), "full");
    }
}
