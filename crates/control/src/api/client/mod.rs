//! The client of the API, for commands: one request after the other, and the stream of events. It blocks.
//!
//! Knows HTTP and the model, not what commands print.

mod calls;
mod error;
mod events;

pub use error::ClientError;
pub use events::{Events, Told};

use super::MEDIA_TYPE_PROBLEM;
use super::model::Problem;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Runtime;

/// Where the daemon listens unless it is told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/evenkeel/api.sock";

/// How long an answer may take unless [`Client::set_timeout`] says otherwise: a plan over a million flows takes seconds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Longest answer that is read, in bytes: a table of 2^20 buckets whose nexthops have the longest names.
const MAX_ANSWER_BYTES: usize = 1 << 30;

/// A client of one daemon. Each call has a connection of its own.
#[derive(Debug)]
pub struct Client {
    runtime: Runtime,
    target: Target,
    authorization: Option<HeaderValue>,
    timeout: Duration,
}

/// Where the daemon listens.
#[derive(Debug, Clone)]
enum Target {
    Unix(PathBuf),
    /// `HOST:PORT`.
    Tcp(String),
}

impl Client {
    /// A client of the daemon that listens on a unix socket; it is reached with the first call.
    ///
    /// # Errors
    /// What the kernel says if this process can't have a runtime.
    pub fn unix(socket: &Path) -> io::Result<Self> {
        Self::new(Target::Unix(socket.to_owned()))
    }

    /// A client of the daemon that listens at `HOST:PORT`; it is reached with the first call.
    ///
    /// # Errors
    /// As [`unix`](Self::unix).
    pub fn tcp(authority: &str) -> io::Result<Self> {
        Self::new(Target::Tcp(authority.to_owned()))
    }

    fn new(target: Target) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, target, authorization: None, timeout: TIMEOUT })
    }

    /// Sends a token with every call.
    ///
    /// # Errors
    /// The token has characters that no token can have.
    pub fn set_token(&mut self, token: &str) -> Result<(), ClientError> {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ClientError::Token)?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(())
    }

    /// How long a call may take, and how long the stream of events may be silent.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// One call, answered by a value.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        resource: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, ClientError> {
        let exchange = async {
            let response = self.send(method, resource, body).await?;
            let bytes = self.read_whole(response).await?;
            serde_json::from_slice(&bytes).map_err(|error| self.foreign(error.to_string()))
        };
        self.in_time(exchange)
    }

    /// Lets the runtime work on one thing, for as long as a call may take.
    fn in_time<T>(&self, work: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
        let worked = self.runtime.block_on(async { tokio::time::timeout(self.timeout, work).await });
        worked.unwrap_or_else(|_| Err(ClientError::Slow { target: self.name(), timeout: self.timeout }))
    }

    /// Sends a request; what is not a success becomes an error.
    async fn send(
        &self,
        method: Method,
        resource: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response<Incoming>, ClientError> {
        let request = self.request(method, resource, body)?;
        let response = match &self.target {
            Target::Unix(path) => exchange(UnixStream::connect(path).await, request).await,
            Target::Tcp(authority) => exchange(TcpStream::connect(authority).await, request).await,
        };
        let response = response.map_err(|error| self.failed(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response).await)
    }

    fn request(
        &self,
        method: Method,
        resource: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let host = match &self.target {
            Target::Unix(_) => "localhost",
            Target::Tcp(authority) => authority,
        };
        let mut request = Request::builder().method(method).uri(resource).header(HOST, host);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let text = match body {
            None => Vec::new(),
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                serde_json::to_vec(body).map_err(|error| self.foreign(error.to_string()))?
            }
        };
        request
            .header(ACCEPT, "*/*")
            .body(Full::new(Bytes::from(text)))
            .map_err(|error| self.foreign(error.to_string()))
    }

    async fn read_whole(&self, response: Response<Incoming>) -> Result<Bytes, ClientError> {
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES);
        let collected = body.collect().await;
        collected.map(http_body_util::Collected::to_bytes).map_err(|error| self.foreign(error.to_string()))
    }

    /// What an answer that is no success says.
    async fn refused(&self, response: Response<Incoming>) -> ClientError {
        let status = response.status();
        let is_problem = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == MEDIA_TYPE_PROBLEM);
        let bytes = match self.read_whole(response).await {
            Ok(bytes) => bytes,
            Err(error) => return error,
        };
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) if is_problem => ClientError::Refused(Box::new(problem)),
            _ => self.foreign(format!("{status} without a problem document")),
        }
    }

    fn failed(&self, error: Failure) -> ClientError {
        match error {
            Failure::Connect(source) => ClientError::Unreachable { target: self.name(), source },
            Failure::Http(source) => ClientError::Broken { target: self.name(), source },
        }
    }

    fn foreign(&self, what: String) -> ClientError {
        ClientError::Foreign { target: self.name(), what }
    }

    fn name(&self) -> String {
        match &self.target {
            Target::Unix(path) => path.display().to_string(),
            Target::Tcp(authority) => authority.clone(),
        }
    }
}

/// Why there is no answer.
enum Failure {
    Connect(io::Error),
    Http(hyper::Error),
}

/// Sends a request over a connection of its own, which is worked on until its answer has been read.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    connected: io::Result<S>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Failure> {
    let stream = TokioIo::new(connected.map_err(Failure::Connect)?);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(Failure::Http)?;
    // what goes wrong here is seen by who reads the answer
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(Failure::Http)
}

/// True for an answer that says: it was the arguments.
pub(super) fn blames_arguments(status: u16) -> bool {
    let blaming = [
        StatusCode::BAD_REQUEST,
        StatusCode::NOT_FOUND,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::URI_TOO_LONG,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    blaming.iter().any(|code| code.as_u16() == status)
}
