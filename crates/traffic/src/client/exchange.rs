//! One packet out and its echo back, and what it is that makes a connection lost.

use super::packet::{Echo, Packet};
use crate::connection::{Connection, timed_out};
use crate::stats::Reason;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

/// Why a connection is lost.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) reason: Reason,
    pub(super) text: String,
}

impl Lost {
    pub(super) fn moved(from: &str, to: &str) -> Self {
        Self { reason: Reason::Moved, text: format!("{to} answers in the place of {from}") }
    }

    fn wrong(text: &str) -> Self {
        Self { reason: Reason::Wrong, text: text.to_owned() }
    }

    fn ended() -> Self {
        Self { reason: Reason::Ended, text: "the server closed the connection".to_owned() }
    }
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let reason = match error.kind() {
            // A broken pipe is a reset that came before the write.
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::ConnectionRefused | Kind::BrokenPipe => {
                Reason::Reset
            }
            Kind::TimedOut => Reason::Timeout,
            Kind::UnexpectedEof => return Self::ended(),
            Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => Reason::Unreachable,
            _ => Reason::Other,
        };
        Self { reason, text: error.to_string() }
    }
}

/// Sends the next packet, then calls `sent`, then reads its echo into `buffer`, which has the length of a packet.
pub(super) async fn exchange(
    connection: &mut Connection,
    packet: &mut Packet,
    buffer: &mut [u8],
    limit: Duration,
    sent: impl FnOnce(),
) -> Result<(), Lost> {
    let deadline = Instant::now() + limit;
    let echoing = async {
        match connection {
            Connection::Tcp(stream) => echo_stream(stream, packet, buffer, sent).await,
            Connection::Udp(socket) => echo_datagram(socket, packet, buffer, sent).await,
        }
    };
    let echoed = timeout_at(deadline, echoing).await;
    echoed.unwrap_or_else(|_| Err(timed_out("no whole answer", limit).into()))
}

async fn echo_stream(
    stream: &mut TcpStream,
    packet: &mut Packet,
    buffer: &mut [u8],
    sent: impl FnOnce(),
) -> Result<(), Lost> {
    stream.write_all(packet.next()).await?;
    sent();
    stream.read_exact(buffer).await?;
    match packet.compare(buffer) {
        Echo::Whole => Ok(()),
        Echo::Stale | Echo::Foreign => Err(Lost::wrong("the answer is not what was sent")),
    }
}

async fn echo_datagram(
    socket: &UdpSocket,
    packet: &mut Packet,
    buffer: &mut [u8],
    sent: impl FnOnce(),
) -> Result<(), Lost> {
    socket.send(packet.next()).await?;
    sent();
    loop {
        let len = socket.recv(buffer).await?;
        match packet.compare(buffer.get(..len).unwrap_or_default()) {
            Echo::Whole => return Ok(()),
            // The network may deliver an echo twice.
            Echo::Stale => {}
            Echo::Foreign => return Err(Lost::wrong("the answer is not what was sent")),
        }
    }
}

/// Returns when the connection is lost while nothing is under way.
pub(super) async fn watch(connection: &Connection) -> Lost {
    match connection {
        Connection::Tcp(stream) => watch_stream(stream).await,
        // An ICMP error shows with the next packet, and late echoes are no loss.
        Connection::Udp(_) => std::future::pending().await,
    }
}

async fn watch_stream(stream: &TcpStream) -> Lost {
    loop {
        if let Err(error) = stream.readable().await {
            return error.into();
        }
        match stream.try_read(&mut [0; 1]) {
            Ok(0) => return Lost::ended(),
            Ok(_) => {
                return Lost::wrong(
                    "the server speaks first: not an echo server, or that of traffic connect",
                );
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use io::ErrorKind as Kind;

    #[test]
    fn every_error_of_a_socket_has_its_reason() {
        for (kind, reason) in [
            (Kind::ConnectionReset, Reason::Reset),
            (Kind::ConnectionRefused, Reason::Reset),
            (Kind::BrokenPipe, Reason::Reset),
            (Kind::TimedOut, Reason::Timeout),
            (Kind::UnexpectedEof, Reason::Ended),
            (Kind::HostUnreachable, Reason::Unreachable),
            (Kind::NetworkUnreachable, Reason::Unreachable),
            (Kind::PermissionDenied, Reason::Other),
        ] {
            let lost = Lost::from(io::Error::from(kind));
            assert_eq!(lost.reason, reason, "{kind:?}");
            assert!(!lost.text.is_empty());
        }
    }

    #[test]
    fn what_took_too_long_says_how_long() {
        let lost = Lost::from(timed_out("no whole answer", Duration::from_millis(1500)));
        assert_eq!((lost.reason, lost.text.as_str()), (Reason::Timeout, "no whole answer within 1.5s"));
    }
}
