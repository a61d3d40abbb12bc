//! The kernel's notifications, reduced to what may have changed.
//!
//! Only the types of the messages are read, so that kinds which the netlink library doesn't know (nexthop objects)
//! count too. A receive buffer that ran over (`ENOBUFS`) is a hint that anything may have changed.

use rtnetlink::MulticastGroup;
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};
use std::io;

const GROUPS: [MulticastGroup; 8] = [
    MulticastGroup::Link,
    MulticastGroup::Neigh,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv4Rule,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Ipv6Route,
    MulticastGroup::Ipv6Rule,
];

/// `RTM_NEWNEIGH` and `RTM_DELNEIGH` of `linux/rtnetlink.h`.
const NEIGHBOUR_TYPES: [u16; 2] = [28, 29];
/// Length of `struct nlmsghdr`.
const HEADER_LEN: usize = 16;

/// What may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hint {
    /// Links: the kernel tells of a lost carrier up to a second late.
    Links,
    /// Neighbour entries, and nothing else.
    Neighbours,
    /// Anything.
    Anything,
}

/// A socket that hears the kernel's notifications.
pub(crate) struct Hints {
    socket: TokioSocket,
}

impl Hints {
    /// Listens from now on. Needs a tokio runtime with I/O.
    pub(crate) fn listen() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
        for group in GROUPS {
            socket.socket_mut().add_membership(group as u32)?;
        }
        // kernels before 5.3 have no nexthop objects, and so no group for them
        let _ = socket.socket_mut().add_membership(MulticastGroup::Nexthop as u32);
        Ok(Self { socket })
    }

    /// Waits for the next hint. Losing the future loses no hint.
    pub(crate) async fn next(&mut self) -> io::Result<Hint> {
        match self.socket.recv_from_full().await {
            Ok((datagram, _)) => Ok(hint_of(&datagram)),
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(Hint::Anything),
            Err(error) => Err(error),
        }
    }
}

/// Reads the types of the messages of a datagram (`struct nlmsghdr`: length and type in host order, each message
/// aligned to 4 bytes).
fn hint_of(datagram: &[u8]) -> Hint {
    let mut rest = datagram;
    while let [l0, l1, l2, l3, t0, t1, ..] = *rest {
        if !NEIGHBOUR_TYPES.contains(&u16::from_ne_bytes([t0, t1])) {
            return Hint::Anything;
        }
        let len = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        let aligned = len.max(HEADER_LEN).saturating_add(3) & !3;
        rest = rest.get(aligned..).unwrap_or_default();
    }
    Hint::Neighbours
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, len: u32) -> Vec<u8> {
        let mut bytes = len.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.resize((len as usize).next_multiple_of(4).max(HEADER_LEN), 0);
        bytes
    }

    #[test]
    fn only_neighbour_messages_leave_routes_alone() {
        // RTM_NEWLINK, DELADDR, DELROUTE, NEWRULE, DELNEXTHOP
        for kind in [16, 21, 25, 32, 105] {
            assert_eq!(hint_of(&message(kind, 32)), Hint::Anything, "{kind}");
            assert_eq!(hint_of(&[message(28, 30), message(kind, 32)].concat()), Hint::Anything, "{kind}");
        }
        assert_eq!(hint_of(&[message(28, 30), message(29, 64)].concat()), Hint::Neighbours);
    }

    #[test]
    fn any_bytes_end() {
        for len in [0, 1, 3, 15, u32::MAX] {
            let mut bytes = message(28, 16);
            bytes[..4].copy_from_slice(&len.to_ne_bytes());
            bytes.extend([0; 3]);
            assert_eq!(hint_of(&bytes), Hint::Neighbours);
        }
        assert_eq!(hint_of(&[]), Hint::Neighbours);
    }
}
