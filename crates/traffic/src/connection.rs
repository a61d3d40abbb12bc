//! A socket to the server, from the next free source: TCP or UDP.

use crate::source::Sources;
use crate::tcp_info;
use socket2::{Domain, Protocol, Socket, Type};
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;

/// Sources that are tried for one connection while others have them (a listener, a socket in `TIME_WAIT`).
const SOURCES_TRIED: usize = 1024;

/// How packets are carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    #[default]
    Tcp,
    /// UDP: a connection is a socket with its own port.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// An open socket.
#[derive(Debug)]
pub(crate) enum Connection {
    Tcp(TcpStream),
    Udp(UdpSocket),
}

impl Connection {
    /// Connects from the next source that nobody else has; TCP's handshake is over then, within `limit`.
    ///
    /// # Errors
    /// `TimedOut` after the limit; `AddrInUse` or `AddrNotAvailable` when no source was free.
    pub(crate) async fn open(
        transport: Transport,
        to: SocketAddr,
        sources: &RefCell<Sources>,
        limit: Duration,
    ) -> io::Result<Self> {
        let connecting = timeout(limit, connect(transport, to, sources));
        connecting.await.unwrap_or_else(|_| Err(timed_out("no connection", limit)))
    }

    pub(crate) fn local(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr(),
            Self::Udp(socket) => socket.local_addr(),
        }
    }

    /// TCP segments sent again so far.
    pub(crate) fn retransmits(&self) -> u64 {
        match self {
            Self::Tcp(stream) => tcp_info::retransmits(stream),
            Self::Udp(_) => 0,
        }
    }
}

/// The error of something that took longer than `limit`.
pub(crate) fn timed_out(what: &str, limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {limit:?}"))
}

async fn connect(transport: Transport, to: SocketAddr, sources: &RefCell<Sources>) -> io::Result<Connection> {
    let mut tried = 1;
    loop {
        let (from, is_given) = {
            let mut sources = sources.borrow_mut();
            (sources.draw(), sources.are_given())
        };
        match connect_from(transport, from, is_given, to).await {
            Err(error) if is_taken(&error) && tried < SOURCES_TRIED => tried += 1,
            connected => return connected,
        }
    }
}

async fn connect_from(
    transport: Transport,
    from: SocketAddr,
    is_given: bool,
    to: SocketAddr,
) -> io::Result<Connection> {
    let socket = bound(transport, from, is_given)?;
    match transport {
        Transport::Tcp => {
            socket.set_tcp_nodelay(true)?;
            let stream = TcpSocket::from_std_stream(socket.into()).connect(to).await?;
            Ok(Connection::Tcp(stream))
        }
        Transport::Udp => {
            let socket = UdpSocket::from_std(socket.into())?;
            socket.connect(to).await?;
            Ok(Connection::Udp(socket))
        }
    }
}

/// A socket bound to the source. An address that was given need not be on an interface (`IP_FREEBIND`): a local route to
/// it is enough, as `ip route add local 2001:db8:1::/112 dev lo` makes one.
fn bound(transport: Transport, from: SocketAddr, is_given: bool) -> io::Result<Socket> {
    let (kind, protocol) = match transport {
        Transport::Tcp => (Type::STREAM, Protocol::TCP),
        Transport::Udp => (Type::DGRAM, Protocol::UDP),
    };
    let socket = Socket::new(Domain::for_address(from), kind.nonblocking(), Some(protocol))?;
    if transport == Transport::Tcp {
        // Ports whose last connection is in TIME_WAIT; the kernel still refuses the same 5-tuple.
        socket.set_reuse_address(true)?;
    }
    if is_given {
        match from {
            SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
            SocketAddr::V6(_) => socket.set_freebind_v6(true)?,
        }
    }
    socket.bind(&from.into())?;
    Ok(socket)
}

fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceSpec;
    use std::net::TcpListener;
    use tokio::runtime::{Builder, Runtime};

    const LIMIT: Duration = Duration::from_secs(5);

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    fn sources(cidr: &str, to: SocketAddr) -> RefCell<Sources> {
        RefCell::new(Sources::new(&SourceSpec::cidr(cidr).unwrap(), to, 1).unwrap())
    }

    #[test]
    fn connects_from_the_source_that_the_walk_gives() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let expected = sources("127.8.0.0/16", to).borrow_mut().draw();
        let connection =
            runtime().block_on(Connection::open(Transport::Tcp, to, &sources("127.8.0.0/16", to), LIMIT));
        assert_eq!(connection.unwrap().local().unwrap(), expected);
        assert_eq!(listener.accept().unwrap().1, expected);
    }

    #[test]
    fn takes_the_next_source_when_one_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let mut walk = sources("127.9.0.0/16", to).into_inner();
        let (first, second) = (walk.draw(), walk.draw());
        let _other = TcpListener::bind(first).unwrap();
        let connection =
            runtime().block_on(Connection::open(Transport::Tcp, to, &sources("127.9.0.0/16", to), LIMIT));
        assert_eq!(connection.unwrap().local().unwrap(), second);
    }

    #[test]
    fn datagrams_have_a_source_of_their_own_too() {
        let to = "127.0.0.1:9".parse().unwrap();
        let sources = sources("127.8.0.0/16", to);
        let open = || runtime().block_on(Connection::open(Transport::Udp, to, &sources, LIMIT)).unwrap();
        let (first, second) = (open().local().unwrap(), open().local().unwrap());
        assert_ne!(first, second);
        assert!(first.ip().to_string().starts_with("127.8."), "{first}");
    }

    #[test]
    fn a_refused_connection_is_an_error_at_once() {
        let to = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused =
            runtime().block_on(Connection::open(Transport::Tcp, to, &sources("127.8.0.0/16", to), LIMIT));
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
