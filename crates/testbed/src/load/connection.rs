//! One HTTP/1.1 connection with keep-alive, by hyper.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::lab::server::SERVER_HEADER;

/// Why a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The socket saw a reset, also as the answer to its SYN.
    Reset,
    /// No connection, or no whole response, in time.
    Timeout,
    /// The other side closed before a response was whole.
    Ended,
    /// The connection could not be opened for another reason (unreachable).
    Unopened,
    /// What came wasn't the answer of one of the lab's servers.
    Wrong,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Reset => "reset",
            Cause::Timeout => "timeout",
            Cause::Ended => "ended",
            Cause::Unopened => "unopened",
            Cause::Wrong => "wrong answer",
        })
    }
}

/// How a connection ended: the server that served it, and why it was lost, if it was.
pub(super) struct Ending {
    pub(super) server: Option<String>,
    pub(super) cause: Option<Cause>,
}

/// A connection on which requests are sent one after the other.
pub(super) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects from `source` with a free port.
    pub(super) async fn open(source: IpAddr, to: SocketAddr, limit: Duration) -> Result<Self, Cause> {
        let stream = timeout(limit, connect(source, to)).await.map_err(|_| Cause::Timeout)?;
        let stream = stream.map_err(|error| cause_of(&error, Cause::Unopened))?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = opened.map_err(|error| cause_of(&error, Cause::Ended))?;
        // Its errors come out of the request that is under way; it ends when the sender is dropped.
        tokio::spawn(connection);
        Ok(Self { sender, host: to.to_string() })
    }

    /// Sends one request; the server's name, once its response is whole.
    pub(super) async fn ask(&mut self, limit: Duration) -> Result<String, Cause> {
        timeout(limit, self.request()).await.map_err(|_| Cause::Timeout)?
    }

    async fn request(&mut self) -> Result<String, Cause> {
        let lost = |error: hyper::Error| cause_of(&error, Cause::Ended);
        self.sender.ready().await.map_err(lost)?;
        let request = Request::get("/").header(HOST, &self.host).header(CONNECTION, "keep-alive");
        let request = request.body(Empty::new()).map_err(|_| Cause::Wrong)?;
        let response = self.sender.send_request(request).await.map_err(lost)?;
        let status = response.status();
        let server = response.headers().get(SERVER_HEADER).and_then(|name| name.to_str().ok());
        let server = server.map(str::to_owned).ok_or(Cause::Wrong)?;
        let body = response.into_body().collect().await.map_err(lost)?.to_bytes();
        let whole = status == StatusCode::OK && body.strip_suffix(b"\n") == Some(server.as_bytes());
        if whole { Ok(server) } else { Err(Cause::Wrong) }
    }
}

async fn connect(source: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.bind(SocketAddr::new(source, 0))?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The cause by the I/O error that lies somewhere below, else `otherwise`.
fn cause_of(error: &(dyn Error + 'static), otherwise: Cause) -> Cause {
    let mut below = Some(error);
    while let Some(error) = below {
        match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused) => return Cause::Reset,
            Some(io::ErrorKind::TimedOut) => return Cause::Timeout,
            _ => below = error.source(),
        }
    }
    otherwise
}
