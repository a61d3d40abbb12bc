//! What the kernel tells and takes of an interface by ioctl (netdevice(7)). Unsafe: system calls on plain structs.
//!
//! Not through sysfs: that shows the network namespace in which it was mounted, which need not be ours.

#![expect(
    unsafe_code,
    reason = "ioctl takes pointers to structs whose layout only the request's number tells"
)]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::mem;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// `ARPHRD_ETHER` (`linux/if_arp.h`).
const ARPHRD_ETHER: u16 = 1;
/// `ETHTOOL_GCHANNELS` (`linux/ethtool.h`).
const ETHTOOL_GCHANNELS: u32 = 0x3c;
/// `SIOCETHTOOL` (`linux/sockios.h`).
const SIOCETHTOOL: libc::Ioctl = 0x8946;

/// Queues of an interface: `struct ethtool_channels` without its maxima.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Channels {
    /// Queues that only receive.
    pub(crate) receive: u32,
    /// Queues that receive and transmit.
    pub(crate) combined: u32,
}

impl Channels {
    /// All that receive, at least 1.
    pub(crate) fn receive(self) -> u32 {
        (self.receive + self.combined).max(1)
    }
}

/// A struct that `SIOCETHTOOL` takes: it begins with its command, and the answer is written into it.
///
/// # Safety
/// It has the layout of the struct that its command asks for (`linux/ethtool.h`), or is longer, and any bytes are a
/// value of it.
pub(crate) unsafe trait Question {}

/// `struct ethtool_channels` (`linux/ethtool.h`).
#[repr(C)]
#[derive(Default)]
pub(crate) struct EthtoolChannels {
    command: u32,
    /// Of receiving, transmitting, other and combined ones.
    pub(crate) maxima: [u32; 4],
    pub(crate) receive: u32,
    transmit: u32,
    other: u32,
    pub(crate) combined: u32,
}

// SAFETY: it is that struct, and integers only.
unsafe impl Question for EthtoolChannels {}

impl EthtoolChannels {
    /// The question; zero in place of the answer.
    pub(crate) fn question() -> Self {
        Self { command: ETHTOOL_GCHANNELS, ..Self::default() }
    }
}

/// Index of the interface with this name.
pub(crate) fn index(name: &str) -> io::Result<u32> {
    let name = CString::new(name)?;
    // SAFETY: the name ends with a zero byte and outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// MAC of an Ethernet interface; `None` of any other.
pub(crate) fn ethernet_address(name: &str) -> io::Result<Option<[u8; 6]>> {
    let mut request = request(name)?;
    ask(libc::SIOCGIFHWADDR as libc::Ioctl, &mut request)?;
    // SAFETY: SIOCGIFHWADDR has written this member of the union.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    let [a, b, c, d, e, f, ..] = address.sa_data.map(|byte| byte as u8);
    Ok((address.sa_family == ARPHRD_ETHER).then_some([a, b, c, d, e, f]))
}

/// MTU in bytes.
pub(crate) fn mtu(name: &str) -> io::Result<u32> {
    let mut request = request(name)?;
    ask(libc::SIOCGIFMTU as libc::Ioctl, &mut request)?;
    // SAFETY: SIOCGIFMTU has written this member of the union.
    Ok(unsafe { request.ifr_ifru.ifru_mtu } as u32)
}

/// Sets the MTU, in bytes.
pub(crate) fn set_mtu(name: &str, mtu: u32) -> io::Result<()> {
    let mut request = request(name)?;
    request.ifr_ifru.ifru_mtu = i32::try_from(mtu).unwrap_or(i32::MAX);
    ask(libc::SIOCSIFMTU as libc::Ioctl, &mut request)
}

/// Gives a point-to-point interface an IPv4 address, with a prefix of full length.
pub(crate) fn set_address(name: &str, address: Ipv4Addr) -> io::Result<()> {
    let mut request = request(name)?;
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: address.to_bits().to_be() },
        sin_zero: [0; 8],
    };
    // SAFETY: a sockaddr_in is a sockaddr: as long, and its first field says which.
    request.ifr_ifru.ifru_addr = unsafe { mem::transmute::<libc::sockaddr_in, libc::sockaddr>(address) };
    ask(libc::SIOCSIFADDR as libc::Ioctl, &mut request)
}

/// Sets an interface up.
pub(crate) fn bring_up(name: &str) -> io::Result<()> {
    let mut request = request(name)?;
    ask(libc::SIOCGIFFLAGS as libc::Ioctl, &mut request)?;
    // SAFETY: SIOCGIFFLAGS has written this member of the union.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = flags | libc::IFF_UP as i16;
    ask(libc::SIOCSIFFLAGS as libc::Ioctl, &mut request)
}

/// Current numbers of queues. A driver that doesn't know the question has one.
pub(crate) fn channels(name: &str) -> io::Result<Channels> {
    let mut channels = EthtoolChannels::question();
    match ethtool(name, &mut channels) {
        Ok(()) => Ok(Channels { receive: channels.receive, combined: channels.combined }),
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            Ok(Channels { receive: 0, combined: 1 })
        }
        Err(error) => Err(error),
    }
}

/// Puts a question to the driver of an interface; the answer is written over it.
///
/// # Errors
/// What the kernel says; EOPNOTSUPP if the driver doesn't know the question.
pub(crate) fn ethtool<Q: Question>(name: &str, question: &mut Q) -> io::Result<()> {
    let mut request = request(name)?;
    request.ifr_ifru.ifru_data = std::ptr::from_mut(question).cast();
    ask(SIOCETHTOOL, &mut request)
}

/// Makes `tun`, an open `/dev/net/tun`, a device that carries IP packets without a header of its own (`IFF_TUN`,
/// `IFF_NO_PI`) and that ends with the descriptor. A `%d` in the name becomes the first free number. Returns the name.
pub(crate) fn make_tun(tun: &File, name: &str) -> io::Result<String> {
    let mut request = request(name)?;
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as i16;
    // SAFETY: TUNSETIFF reads and writes an ifreq; `request` is one and outlives the call.
    let result = unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF as libc::Ioctl, &raw mut request) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let name = request.ifr_name.iter().map(|byte| *byte as u8).take_while(|byte| *byte != 0);
    Ok(name.map(char::from).collect())
}

/// A request about the interface with this name.
fn request(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: an ifreq is integers and pointers, for all of which zero is a value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = byte as libc::c_char;
    }
    Ok(request)
}

/// Puts a request to the kernel, which may write its answer into it.
fn ask(number: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: no pointers are passed.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: every request used in this file reads and writes an ifreq; of SIOCETHTOOL its pointer leads to the struct
    // that the command asks for, which the caller keeps alive.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), number, std::ptr::from_mut(request)) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
