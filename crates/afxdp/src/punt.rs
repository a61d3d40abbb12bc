//! The punt device: hands packets that came to a worker back to the kernel's network stack.
//!
//! A TUN device is an interface whose wire is a file: a packet written into the file is received by the kernel as if
//! it had come in on that interface. One device serves all workers. It ends with its last descriptor, so with the
//! process at the latest.

use crate::ioctl;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Name of the device; the kernel puts the first free number in.
const NAME: &str = "ek-punt%d";

/// Address of the device. While an interface has none, the kernel's reverse path filter drops everything that comes in
/// there, the loose one too. This is the IPv4 dummy address (RFC 7600 §4.8), which no route leads to.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);

/// What the kernel should not do on the device, below `/proc/sys/net`. Written where the kernel has it.
const SETTINGS: &[(&str, &str, &str)] = &[
    // Packets come in here whose source is reached elsewhere: strict reverse path filtering would drop them all. The
    // stricter of this and `all` counts, and 2 (loose) is the larger number.
    ("ipv4", "rp_filter", "2"),
    // Nobody is on this wire: no addresses, no solicitations.
    ("ipv6", "addr_gen_mode", "1"),
    ("ipv6", "accept_ra", "0"),
    ("ipv6", "autoconf", "0"),
    ("ipv6", "router_solicitations", "0"),
];

/// Why there is no punt device.
#[derive(Debug, thiserror::Error)]
pub enum PuntError {
    /// `/dev/net/tun` can't be opened, or gives no device.
    #[error("making a TUN device of /dev/net/tun failed; it needs the kernel module tun and CAP_NET_ADMIN")]
    Make(#[source] io::Error),
    /// The device can't be set up.
    #[error("setting up the device {name} failed")]
    SetUp {
        /// Its name.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A device that hands packets to the kernel. Shared by the workers: every write is a packet of its own.
#[derive(Debug)]
pub struct PuntDevice {
    name: String,
    file: File,
}

impl PuntDevice {
    /// Makes a device in the network namespace of the calling thread and sets it up. `mtu` is the largest of the
    /// interfaces', in bytes.
    ///
    /// # Errors
    /// [`PuntError`].
    pub fn open(mtu: u32) -> Result<Self, PuntError> {
        let file =
            OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun");
        let file = file.map_err(PuntError::Make)?;
        let name = ioctl::make_tun(&file, NAME).map_err(PuntError::Make)?;
        let failed = |source| PuntError::SetUp { name: name.clone(), source };
        for (family, setting, value) in SETTINGS {
            write_setting(family, &name, setting, value).map_err(failed)?;
        }
        ioctl::set_mtu(&name, mtu).map_err(failed)?;
        ioctl::set_address(&name, ADDRESS).map_err(failed)?;
        ioctl::bring_up(&name).map_err(failed)?;
        Ok(Self { name, file })
    }

    /// Name of the device.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hands the IP packet of an Ethernet frame to the kernel, without its Ethernet header and VLAN tags, which say
    /// nothing to it here. False if the kernel doesn't take it, or if the frame carries no IP.
    #[must_use]
    pub fn send(&self, frame: &[u8]) -> bool {
        ip_packet(frame).is_some_and(|packet| (&self.file).write(packet).is_ok_and(|len| len == packet.len()))
    }
}

/// How many frames a worker may punt now. A punt is a system call of its own, and the kernel's stack takes the packet
/// there and then, with whatever rules it has: a flood of frames that are to be punted must not keep a worker from
/// forwarding. Of what comes, one in [`Allowance::ONE_IN`] can be punted without end; a reserve lets whole datagrams of
/// fragments through.
#[derive(Debug)]
pub(crate) struct Allowance(usize);

impl Allowance {
    /// Of so many frames, one may be punted.
    const ONE_IN: usize = 4;
    /// As many may be punted when few were for a while.
    const RESERVE: usize = 512;

    /// With a full reserve.
    pub(crate) fn new() -> Self {
        Self(Self::RESERVE)
    }

    /// A burst of at most `max` frames begins.
    #[inline]
    pub(crate) fn grow(&mut self, max: usize) {
        self.0 = (self.0 + max.div_ceil(Self::ONE_IN)).min(Self::RESERVE);
    }

    /// Takes one; false if there are none.
    pub(crate) fn take(&mut self) -> bool {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

/// Sets a setting of an interface, if the kernel has it.
fn write_setting(family: &str, interface: &str, setting: &str, value: &str) -> io::Result<()> {
    let path = Path::new("/proc/sys/net").join(family).join("conf").join(interface).join(setting);
    match fs::write(path, value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// What is behind the Ethernet header and any VLAN tags, if it is IP.
fn ip_packet(frame: &[u8]) -> Option<&[u8]> {
    const IPV4: [u8; 2] = [0x08, 0x00];
    const IPV6: [u8; 2] = [0x86, 0xdd];
    const TAGS: [[u8; 2]; 2] = [[0x81, 0x00], [0x88, 0xa8]];
    let (_addresses, mut rest) = frame.split_at_checked(12)?;
    loop {
        let (kind, behind) = rest.split_first_chunk::<2>()?;
        match *kind {
            IPV4 | IPV6 => return Some(behind),
            kind if TAGS.contains(&kind) => rest = behind.get(2..)?,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ethernet_and_tags_are_stripped() {
        let frame = |kinds: &[u8]| [&[0; 12], kinds, &[0x45, 1, 2]].concat();
        let packet = Some(&[0x45, 1, 2][..]);
        assert_eq!(ip_packet(&frame(&[0x08, 0x00])), packet);
        assert_eq!(ip_packet(&frame(&[0x86, 0xdd])), packet);
        assert_eq!(ip_packet(&frame(&[0x88, 0xa8, 0, 7, 0x81, 0x00, 0, 8, 0x08, 0x00])), packet);
        assert_eq!(ip_packet(&frame(&[0x08, 0x06])), None);
        assert_eq!(ip_packet(&[0; 13]), None);
        assert_eq!(ip_packet(&[&[0; 12][..], &[0x81, 0x00, 0]].concat()), None);
    }

    #[test]
    fn a_flood_is_punted_in_part_and_a_large_datagram_whole() {
        let mut allowance = Allowance::new();
        let mut punt = |bursts: usize, frames: usize| {
            let burst = |_| {
                allowance.grow(64);
                (0..frames).filter(|_| allowance.take()).count()
            };
            (0..bursts).map(burst).sum::<usize>()
        };
        assert_eq!(punt(1000, 16), 16_000, "a quarter of what comes");
        assert_eq!(punt(8, 64), 512);
        assert_eq!(punt(1000, 64), 16_000 + 512 - 8 * 48 - 16, "the reserve, then a quarter");
        punt(32, 0);
        assert_eq!(punt(8, 46), 368, "a datagram of 65535 bytes after a pause");
    }
}
