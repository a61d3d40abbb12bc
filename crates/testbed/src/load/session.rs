//! An HTTP session on a plain socket with a chosen source: asked now and then, never opened again.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

/// Connecting, and an answer, may take so long.
const TIMEOUT: Duration = Duration::from_secs(2);
/// An answer of the lab's nginx is some 200 bytes.
const ANSWER_LIMIT_BYTES: usize = 4096;

/// One open session.
#[derive(Debug)]
pub struct Session {
    stream: TcpStream,
    /// The client's end.
    pub source: SocketAddr,
    /// Who answered first.
    pub server: String,
}

impl Session {
    /// Connects from `source` and asks once. To be called in the client's namespace.
    ///
    /// # Errors
    /// When there is no connection, or no answer in time.
    pub fn open(source: SocketAddr, destination: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(destination), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&source.into())?;
        socket.connect_timeout(&destination.into(), TIMEOUT)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.set_tcp_nodelay(true)?;
        let mut session = Self { stream: socket.into(), source, server: String::new() };
        session.server = session.ask()?;
        Ok(session)
    }

    /// Sends a request; the name of the server that answered it.
    ///
    /// # Errors
    /// When the session is lost: a reset, an end, or no answer in time.
    pub fn ask(&mut self) -> io::Result<String> {
        self.stream.write_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")?;
        let mut answer = Vec::new();
        let mut piece = [0; 1024];
        loop {
            let count = self.stream.read(&mut piece)?;
            if count == 0 || answer.len() > ANSWER_LIMIT_BYTES {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&piece[..count]);
            // The body is the server's name and a line feed.
            let text = String::from_utf8_lossy(&answer);
            let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
            if let Some(server) = body.and_then(|body| body.strip_suffix('\n')) {
                return Ok(server.to_owned());
            }
        }
    }

    /// What the session sends from now on carries another DSCP, 0 to 63.
    ///
    /// # Errors
    /// As the kernel's.
    pub fn set_dscp(&self, dscp: u8) -> io::Result<()> {
        let socket = SockRef::from(&self.stream);
        // The two bits of ECN below it are the kernel's on TCP sockets.
        let octet = u32::from(dscp) << 2;
        if self.source.is_ipv4() { socket.set_tos_v4(octet) } else { socket.set_tclass_v6(octet) }
    }
}
