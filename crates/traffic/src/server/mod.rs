//! The server: says its name to those who connect, and echoes.
//!
//! Two listeners of one process, because mconnect expects the server to speak first and ctraffic the client: `names` serves
//! `traffic connect`, `echo` serves `traffic client`.

mod datagram;
mod stream;

use crate::descriptors::{self, DescriptorError};
use socket2::{Domain, Protocol, Socket, Type};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use tokio::runtime::Builder;

/// Connections that the kernel completes before we accept them; it cuts this to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Bytes at the front of an echo in which the server's name stands, and a zero after it.
pub(crate) const NAME_LEN_BYTES: usize = 56;

/// What to serve.
#[derive(Clone, Debug, Default)]
pub struct ServerSpec {
    /// Where to say the name.
    pub names: Option<SocketAddr>,
    /// Where to echo.
    pub echo: Option<SocketAddr>,
    /// Answer datagrams too.
    pub udp: bool,
    /// The name; `None`: the host's.
    pub host: Option<String>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address can't be had.
    #[error("can't listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// A name has to fit into an echo of 64 bytes.
    #[error("the name \"{0}\" is not 1 to {max} bytes long, or has a zero in it", max = NAME_LEN_BYTES - 1)]
    Name(String),
    /// No sockets.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// The runtime could not be had, or the host has no name.
    #[error("the server can't run: {0}")]
    Run(#[from] io::Error),
}

/// What is done with those who come to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Say the name, again for whatever is said.
    Names,
    /// Send everything back, with the name at its front.
    Echo,
}

/// A server that has its sockets and doesn't serve yet.
#[derive(Debug)]
pub struct Server {
    host: Arc<str>,
    /// Connections held at once, at most; more wait in the backlog.
    capacity: usize,
    listeners: Vec<Listener>,
}

#[derive(Debug)]
struct Listener {
    role: Role,
    stream: TcpListener,
    datagrams: Option<UdpSocket>,
}

impl Server {
    /// Opens the sockets: from now on clients can connect.
    ///
    /// # Errors
    /// When an address can't be had, when the name doesn't fit, when the limit of open files can't be raised.
    pub fn bind(spec: &ServerSpec) -> Result<Self, ServerError> {
        let host = match &spec.host {
            Some(host) => host.clone(),
            None => nix::unistd::gethostname().map_err(io::Error::from)?.to_string_lossy().into_owned(),
        };
        if host.is_empty() || host.len() >= NAME_LEN_BYTES || host.contains('\0') {
            return Err(ServerError::Name(host));
        }
        let capacity = usize::try_from(descriptors::raise()?).unwrap_or(usize::MAX);
        let wanted = [(Role::Names, spec.names), (Role::Echo, spec.echo)];
        let wanted = wanted.into_iter().filter_map(|(role, address)| Some((role, address?)));
        let listeners = wanted.map(|(role, address)| Listener::bind(role, address, spec.udp));
        Ok(Self { host: host.into(), capacity, listeners: listeners.collect::<Result<_, _>>()? })
    }

    /// The name that it says.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Where the name is said.
    pub fn names(&self) -> Option<SocketAddr> {
        self.address(Role::Names)
    }

    /// Where is echoed.
    pub fn echo(&self) -> Option<SocketAddr> {
        self.address(Role::Echo)
    }

    fn address(&self, role: Role) -> Option<SocketAddr> {
        let listener = self.listeners.iter().find(|listener| listener.role == role)?;
        listener.stream.local_addr().ok()
    }

    /// Serves on this thread until `stop` is done; connections that are open then are closed.
    ///
    /// # Errors
    /// When the runtime can't be had.
    pub fn serve(self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let places = stream::places(self.capacity);
            for listener in self.listeners {
                if let Some(datagrams) = listener.datagrams {
                    tokio::spawn(datagram::serve(datagrams, listener.role, self.host.clone())?);
                }
                let stream = tokio::net::TcpListener::from_std(listener.stream)?;
                tokio::spawn(stream::serve(stream, listener.role, self.host.clone(), places.clone()));
            }
            stop.await;
            Ok(())
        })
    }
}

impl Listener {
    fn bind(role: Role, address: SocketAddr, with_datagrams: bool) -> Result<Self, ServerError> {
        let failed = |error| ServerError::Listen { address, error };
        let stream: TcpListener = listening(address).map_err(failed)?.into();
        let local = stream.local_addr().map_err(failed)?;
        let datagrams = if with_datagrams { Some(datagram::bind(local).map_err(failed)?) } else { None };
        Ok(Self { role, stream, datagrams })
    }
}

fn listening(address: SocketAddr) -> io::Result<Socket> {
    let socket = bound(address, Type::STREAM, Protocol::TCP)?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// A bound socket; on `[::]` it takes IPv4 as well.
fn bound(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind.nonblocking(), Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Writes the name over the bytes of an echo that stand `at` bytes from its front.
fn name_over(bytes: &mut [u8], at: usize, host: &str) {
    let name = host.as_bytes().iter().copied().chain([0]);
    for (byte, name) in bytes.iter_mut().zip(name.skip(at)) {
        *byte = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_lies_over_the_front_of_the_echo_however_it_is_cut() {
        let mut whole = [b'x'; 8];
        name_over(&mut whole, 0, "s1");
        assert_eq!(&whole, b"s1\0xxxxx");
        let mut cut = [b'x'; 8];
        let (front, back) = cut.split_at_mut(1);
        name_over(front, 0, "s1");
        name_over(back, 1, "s1");
        assert_eq!(cut, whole);
        let mut later = [b'x'; 4];
        name_over(&mut later, 3, "s1");
        assert_eq!(&later, b"xxxx");
    }

    #[test]
    fn a_name_that_does_not_fit_is_refused() {
        for host in ["", &"x".repeat(NAME_LEN_BYTES), "a\0b"] {
            let spec = ServerSpec { host: Some(host.to_owned()), ..ServerSpec::default() };
            assert!(matches!(Server::bind(&spec), Err(ServerError::Name(name)) if name == host), "{host:?}");
        }
    }

    #[test]
    fn an_address_that_is_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let spec = ServerSpec { names: Some(address), ..ServerSpec::default() };
        let error = Server::bind(&spec).unwrap_err().to_string();
        assert!(error.starts_with(&format!("can't listen on {address}: ")), "{error}");
    }
}
