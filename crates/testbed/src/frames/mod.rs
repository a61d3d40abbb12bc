//! Whole Ethernet frames on an interface of a namespace, past its stack: sent, and seen.
//!
//! A packet socket each; it belongs to the namespace in which it was opened. Frames go out as they are, so they
//! carry the addresses of the lab and nothing else.

pub mod build;
pub mod flood;

use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, MultiHeaders, SockFlag, SockProtocol, SockType, bind, recv, sendmmsg,
    setsockopt, socket, sockopt::RcvBufForce,
};

/// Frames that one system call sends.
const BATCH: usize = 64;
/// What a tap keeps until it is looked at; the kernel counts a small frame as some 800 bytes.
const TAP_BUFFER_BYTES: usize = 32 << 20;

/// Sends frames.
#[derive(Debug)]
pub struct FrameSender {
    socket: OwnedFd,
}

impl FrameSender {
    /// A sender on an interface of the calling thread's namespace.
    ///
    /// # Errors
    /// Without root, or when there is no such interface.
    pub fn open(interface: &str) -> Result<Self> {
        // Without a protocol it receives nothing.
        let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
        bind(socket.as_raw_fd(), &address_of(interface)?).context("a packet socket")?;
        Ok(Self { socket })
    }

    /// Sends frames in order; how many the kernel took. A full queue of the interface refuses the rest.
    ///
    /// # Errors
    /// When the interface is gone or down.
    pub fn send<'a>(&self, frames: impl IntoIterator<Item = &'a [u8]>) -> Result<usize> {
        let mut headers = MultiHeaders::<()>::preallocate(BATCH, None);
        let mut batch = Vec::with_capacity(BATCH);
        let mut frames = frames.into_iter().map(|frame| [IoSlice::new(frame)]);
        let mut sent = 0;
        loop {
            batch.clear();
            batch.extend(frames.by_ref().take(BATCH));
            if batch.is_empty() {
                return Ok(sent);
            }
            let no_addresses = vec![None; batch.len()];
            match sendmmsg(self.socket.as_raw_fd(), &mut headers, &batch, no_addresses, [], MsgFlags::empty())
            {
                Ok(results) => {
                    let taken = results.count();
                    sent += taken;
                    if taken < batch.len() {
                        return Ok(sent);
                    }
                }
                Err(Errno::ENOBUFS | Errno::EAGAIN) => return Ok(sent),
                Err(error) => return Err(error).context("sending frames"),
            }
        }
    }
}

/// Sees the frames that an interface sends and receives.
#[derive(Debug)]
pub struct FrameTap {
    socket: OwnedFd,
}

impl FrameTap {
    /// A tap on an interface of the calling thread's namespace.
    ///
    /// # Errors
    /// Without root, or when there is no such interface.
    pub fn open(interface: &str) -> Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?;
        setsockopt(&socket, RcvBufForce, &TAP_BUFFER_BYTES)?;
        bind(socket.as_raw_fd(), &address_of(interface)?).context("a packet socket")?;
        Ok(Self { socket })
    }

    /// The next frame that was seen; none when all have been taken.
    ///
    /// # Errors
    /// When the interface is gone.
    pub fn next<'a>(&self, buffer: &'a mut [u8]) -> Result<Option<&'a [u8]>> {
        match recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()) {
            Ok(len) => Ok(buffer.get(..len)),
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error).context("seeing frames"),
        }
    }
}

/// The link-layer address of an interface, by which a packet socket is bound to it.
fn address_of(interface: &str) -> Result<LinkAddr> {
    let link = |address: nix::ifaddrs::InterfaceAddress| {
        (address.interface_name == interface).then(|| address.address?.as_link_addr().copied()).flatten()
    };
    getifaddrs()?.find_map(link).with_context(|| format!("there is no interface {interface}"))
}

/// The MAC of an interface of the calling thread's namespace.
///
/// # Errors
/// When there is no such interface, or it has none.
pub fn mac_of(interface: &str) -> Result<[u8; 6]> {
    address_of(interface)?.addr().with_context(|| format!("{interface} has no MAC"))
}
