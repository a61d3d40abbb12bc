//! Datagrams of the server. Each is answered from the address that it was sent to: a service address is one of several on
//! the server, and a socket on the wildcard address would answer from another one.

use super::{Role, bound, name_over};
use nix::cmsg_space;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};
use socket2::{Protocol, Type};
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::time::sleep;

/// The longest datagram.
const DATAGRAM_LEN_BYTES: usize = 65536;

/// Datagrams of ten thousand clients that come at once find room in it, as far as `net.core.rmem_max` allows.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;

/// After an error of the socket so long nothing is received.
const RECEIVE_PAUSE: Duration = Duration::from_millis(10);

/// The address of ours that a datagram was sent to.
#[derive(Clone, Copy)]
enum SentTo {
    V4(libc::in_pktinfo),
    V6(libc::in6_pktinfo),
}

/// A socket that learns which of our addresses a datagram was sent to.
pub(super) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = bound(address, Type::DGRAM, Protocol::UDP)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    if address.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
    } else {
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
    }
    Ok(socket.into())
}

/// Answers for ever.
pub(super) fn serve(
    socket: UdpSocket,
    role: Role,
    host: Arc<str>,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let socket = tokio::net::UdpSocket::from_std(socket)?;
    Ok(async move {
        let mut buffer = vec![0; DATAGRAM_LEN_BYTES];
        loop {
            let answering =
                socket.async_io(Interest::READABLE, || answer_one(&socket, role, &host, &mut buffer));
            if answering.await.is_err() {
                sleep(RECEIVE_PAUSE).await;
            }
        }
    })
}

fn answer_one(socket: &tokio::net::UdpSocket, role: Role, host: &str, buffer: &mut [u8]) -> io::Result<()> {
    let (len, from, sent_to) = receive(socket, buffer)?;
    let Some(bytes) = buffer.get_mut(..len) else { return Ok(()) };
    let answer = match role {
        Role::Names => host.as_bytes(),
        Role::Echo => {
            name_over(bytes, 0, host);
            bytes
        }
    };
    // An answer that finds a full queue is a datagram lost, which its client counts.
    let _ = send(socket, answer, &from, sent_to);
    Ok(())
}

fn receive(
    socket: &tokio::net::UdpSocket,
    buffer: &mut [u8],
) -> io::Result<(usize, SockaddrStorage, Option<SentTo>)> {
    let mut control = cmsg_space!(libc::in6_pktinfo);
    let mut slices = [IoSliceMut::new(buffer)];
    let received =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::empty())?;
    let from = received.address.ok_or(io::ErrorKind::InvalidData)?;
    let sent_to = received.cmsgs()?.find_map(|message| match message {
        // An interface of 0: the route decides, as it does for TCP.
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(SentTo::V4(libc::in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: info.ipi_addr,
            ipi_addr: info.ipi_addr,
        })),
        ControlMessageOwned::Ipv6PacketInfo(info) => {
            Some(SentTo::V6(libc::in6_pktinfo { ipi6_ifindex: 0, ..info }))
        }
        _ => None,
    });
    Ok((received.bytes, from, sent_to))
}

fn send(
    socket: &tokio::net::UdpSocket,
    answer: &[u8],
    to: &SockaddrStorage,
    from: Option<SentTo>,
) -> io::Result<()> {
    let control = match &from {
        Some(SentTo::V4(info)) => Some(ControlMessage::Ipv4PacketInfo(info)),
        Some(SentTo::V6(info)) => Some(ControlMessage::Ipv6PacketInfo(info)),
        None => None,
    };
    let slices = [IoSlice::new(answer)];
    sendmsg(socket.as_raw_fd(), &slices, control.as_slice(), MsgFlags::empty(), Some(to))?;
    Ok(())
}
