//! The server: where it listens, from before the first packet to the end.

use super::access::{Access, guard};
use super::connection::serve_all;
use super::head::bound;
use super::routes;
use super::socket::{self, SocketError, SocketFile};
use super::token::TokenError;
use crate::config::ApiConfig;
use crate::live::ControlClient;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::serve::ListenerExt;
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a peer on the network may leave unacknowledged what was sent to it (RFC 5482).
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// The API where it listens; nobody is answered before [`serve`](Self::serve). Its socket goes when it is dropped.
#[derive(Debug)]
pub struct Server {
    unix: Option<(UnixListener, SocketFile)>,
    tcp: Option<(std::net::TcpListener, Arc<Access>)>,
}

/// Why the API can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no unix socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// There is no listener on TCP.
    #[error("[api] can't listen at {address}")]
    Tcp {
        /// Where it should be.
        address: SocketAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// A token can't be asked for.
    #[error("[api] token file {0}")]
    Token(#[from] TokenError),
}

impl Server {
    /// Listens on a unix socket, and on TCP if the configuration says so.
    ///
    /// # Errors
    /// [`ServerError`]; nobody listens.
    pub fn bind(socket: &Path, config: Option<&ApiConfig>) -> Result<Self, ServerError> {
        let tcp = config.map(bind_tcp).transpose()?;
        Ok(Self { unix: Some(socket::listen(socket)?), tcp })
    }

    /// The same where the socket can be missed: a daemon that has none goes on without. Returns too why it has none.
    ///
    /// # Errors
    /// What is wrong with TCP, which was asked for.
    pub fn bind_if_free(
        socket: &Path,
        config: Option<&ApiConfig>,
    ) -> Result<(Self, Option<SocketError>), ServerError> {
        let tcp = config.map(bind_tcp).transpose()?;
        Ok(match socket::listen(socket) {
            Ok(unix) => (Self { unix: Some(unix), tcp }, None),
            Err(error) => (Self { unix: None, tcp }, Some(error)),
        })
    }

    /// Serves for ever, on the runtime that polls this. Each listener is a task of its own.
    ///
    /// # Errors
    /// What the kernel says if the runtime can't wait for the listeners.
    pub async fn serve(self, control: ControlClient) -> io::Result<()> {
        let router = routes::router(control);
        let mut listeners = tokio::task::JoinSet::new();
        if let Some((listener, _)) = &self.unix {
            let listener = tokio::net::UnixListener::from_std(listener.try_clone()?)?;
            listeners.spawn(serve_all(listener, guarded(&router, Access::Socket.into())));
        }
        if let Some((listener, access)) = &self.tcp {
            let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
            let listener = listener.tap_io(|stream| {
                // without them it works too, later
                let _ = stream.set_nodelay(true);
                let _ = SockRef::from(&*stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED));
            });
            listeners.spawn(serve_all(listener, guarded(&router, Arc::clone(access))));
        }
        listeners.join_all().await;
        Ok(())
    }
}

fn bind_tcp(config: &ApiConfig) -> Result<(std::net::TcpListener, Arc<Access>), ServerError> {
    let access = Access::of(config)?;
    let bound = std::net::TcpListener::bind(config.listen).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    let listener = bound.map_err(|source| ServerError::Tcp { address: config.listen, source })?;
    Ok((listener, Arc::new(access)))
}

fn guarded(router: &Router, access: Arc<Access>) -> Router {
    router.clone().layer(from_fn_with_state(access, guard)).layer(from_fn(bound))
}
