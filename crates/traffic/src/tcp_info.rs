//! What the kernel counted for a TCP connection (`TCP_INFO`, `struct tcp_info` of `linux/tcp.h`).

use nix::sys::socket::getsockopt;
use std::os::fd::AsFd;

/// `TCP_INFO`, as far as libc knows the structure.
#[derive(Clone, Copy, Debug)]
struct TcpInfo;

nix::getsockopt_impl!(
    TcpInfo,
    libc::IPPROTO_TCP,
    libc::TCP_INFO,
    libc::tcp_info,
    nix::sys::socket::sockopt::GetStruct<libc::tcp_info>
);

/// Segments that were sent again so far (`tcpi_total_retrans`); 0 when the kernel won't say.
pub(crate) fn retransmits(socket: &impl AsFd) -> u64 {
    getsockopt(socket, TcpInfo).map_or(0, |info| u64::from(info.tcpi_total_retrans))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    #[test]
    fn the_kernel_answers_for_tcp_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let info = getsockopt(&stream, TcpInfo).unwrap();
        // 1 is TCP_ESTABLISHED.
        assert_eq!((info.tcpi_state, retransmits(&stream)), (1, 0));
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(getsockopt(&datagrams, TcpInfo).is_err());
        assert_eq!(retransmits(&datagrams), 0);
    }
}
