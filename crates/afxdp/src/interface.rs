//! A network interface of the box, as the kernel describes it.

use crate::ioctl::{self, Channels};
use evenkeel_packet::Mac;
use std::fmt;
use std::io;

/// How frames of an interface reach user space, as configured. What an interface got is in [`Attachment`] and
/// [`Queue::access`](crate::Queue::access).
///
/// A worker's sockets share one UMEM, which is either zero-copy or not: all interfaces get zero-copy or none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The best that works: zero-copy, else copies, else generic.
    Auto,
    /// The driver, without copies, or an error.
    ZeroCopy,
    /// The driver, with a copy, or an error.
    Copy,
    /// The network stack before the driver knows XDP; slow. On a veth it receives but sends nothing.
    Generic,
}

impl Mode {
    /// How the program is attached, at the first try.
    pub(crate) fn first_attachment(self) -> Attachment {
        match self {
            Self::Auto | Self::ZeroCopy | Self::Copy => Attachment::Native,
            Self::Generic => Attachment::Generic,
        }
    }
}

/// Where the steering program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// In the driver.
    Native,
    /// In the network stack.
    Generic,
}

impl fmt::Display for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Generic => "generic",
        })
    }
}

/// A network interface. Its place in the list of interfaces is its `PortId`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Name.
    pub name: String,
    /// The kernel's index.
    pub index: u32,
    /// Its own MAC.
    pub mac: Mac,
    /// Largest IP packet, in bytes.
    pub mtu: u32,
    /// Receive queues, at least 1.
    pub queues: u32,
    /// As configured.
    pub mode: Mode,
}

/// Why an interface can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InterfaceError {
    /// There is none of this name, or the kernel doesn't describe it.
    #[error("{question} of interface {name} is unknown")]
    Unknown {
        /// Its name.
        name: String,
        /// What was asked for.
        question: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// Not an Ethernet interface.
    #[error("interface {0} is not an Ethernet interface")]
    NotEthernet(String),
    /// Packets may be larger than a frame holds.
    #[error("interface {name} has an MTU of {mtu}; at most {max} fits a frame: ip link set {name} mtu {max}", max = MAX_MTU)]
    Mtu {
        /// Its name.
        name: String,
        /// Its MTU in bytes.
        mtu: u32,
    },
    /// Interfaces with different numbers of receive queues.
    #[error("all interfaces must have the same number of receive queues, but {counts}; this helps: {remedy}")]
    UnequalQueues {
        /// Every interface with its number.
        counts: String,
        /// Commands for the interfaces with too many.
        remedy: String,
    },
}

/// Largest MTU that is allowed, in bytes: what the largest frame of a UMEM (a page) holds behind the 256 bytes that
/// the kernel keeps in front of a packet, less an Ethernet header with two VLAN tags. A driver may allow less.
pub const MAX_MTU: u32 = 4096 - 256 - ETHERNET_LEN;

/// Ethernet header and two VLAN tags, in bytes.
pub(crate) const ETHERNET_LEN: u32 = 14 + 2 * 4;

impl Interface {
    /// Asks the kernel about the interface with this name.
    ///
    /// # Errors
    /// [`InterfaceError::Unknown`], [`InterfaceError::NotEthernet`] and [`InterfaceError::Mtu`].
    pub fn open(name: &str, mode: Mode) -> Result<Self, InterfaceError> {
        let unknown =
            |question| move |source| InterfaceError::Unknown { name: name.to_owned(), question, source };
        let index = ioctl::index(name).map_err(unknown("the index"))?;
        let mac = ioctl::ethernet_address(name)
            .map_err(unknown("the address"))?
            .ok_or_else(|| InterfaceError::NotEthernet(name.to_owned()))?;
        let mtu = ioctl::mtu(name).map_err(unknown("the MTU"))?;
        check_mtu(name, mtu)?;
        let channels = ioctl::channels(name).map_err(unknown("the number of queues"))?;
        Ok(Self { name: name.to_owned(), index, mac: Mac(mac), mtu, queues: channels.receive(), mode })
    }
}

/// Whether packets of this MTU (in bytes) fit a frame.
///
/// # Errors
/// [`InterfaceError::Mtu`], which says the limit.
pub fn check_mtu(name: &str, mtu: u32) -> Result<(), InterfaceError> {
    if mtu > MAX_MTU { Err(InterfaceError::Mtu { name: name.to_owned(), mtu }) } else { Ok(()) }
}

/// The number of receive queues that all these interfaces have; 0 if there are none.
///
/// # Errors
/// [`InterfaceError::UnequalQueues`] with the `ethtool` commands that help.
pub fn equal_queues(interfaces: &[Interface]) -> Result<u32, InterfaceError> {
    let least = interfaces.iter().map(|interface| interface.queues).min().unwrap_or(0);
    let too_many: Vec<_> = interfaces.iter().filter(|interface| interface.queues > least).collect();
    if too_many.is_empty() {
        return Ok(least);
    }
    let counts = interfaces.iter().map(|interface| format!("{} has {}", interface.name, interface.queues));
    Err(InterfaceError::UnequalQueues {
        counts: counts.collect::<Vec<_>>().join(", "),
        remedy: queues_remedy(too_many, least),
    })
}

/// The `ethtool` commands that give each of these interfaces `count` receive queues.
#[must_use]
pub fn queues_remedy<'a>(interfaces: impl IntoIterator<Item = &'a Interface>, count: u32) -> String {
    let commands = interfaces.into_iter().map(|interface| {
        let kind = match ioctl::channels(&interface.name) {
            Ok(Channels { receive: 1.., .. }) => "rx",
            _ => "combined",
        };
        format!("ethtool -L {} {kind} {count}", interface.name)
    });
    commands.collect::<Vec<_>>().join(" && ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, queues: u32) -> Interface {
        let mac = Mac([2, 0, 0, 0, 0, 1]);
        Interface { name: name.to_owned(), index: 1, mac, mtu: 1500, queues, mode: Mode::Auto }
    }

    #[test]
    fn mtu_limit_is_said() {
        assert!(check_mtu("eth1", 3818).is_ok());
        let error = check_mtu("eth1", 3819).unwrap_err().to_string();
        assert!(error.contains("3819") && error.contains("ip link set eth1 mtu 3818"), "{error}");
    }

    #[test]
    fn unequal_queues_say_what_helps() {
        assert_eq!(equal_queues(&[]).unwrap(), 0);
        assert_eq!(equal_queues(&[interface("none1", 2), interface("none2", 2)]).unwrap(), 2);
        let error = equal_queues(&[interface("none1", 4), interface("none2", 2)]).unwrap_err().to_string();
        assert!(error.contains("none1 has 4, none2 has 2"), "{error}");
        assert!(error.ends_with("ethtool -L none1 combined 2"), "{error}");
    }
}
