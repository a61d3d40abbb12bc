//! The client of many short connections: which server answers each, as mconnect counts it.

use crate::Transport;
use crate::client::{ClientError, LONGEST};
use crate::connection::{Connection, timed_out};
use crate::descriptors;
use crate::source::{SourceSpec, Sources};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until, timeout_at};

/// What a datagram says that asks for a name.
const QUESTION: &[u8] = b"Hello";

/// The longest name that is taken.
const NAME_LEN_BYTES: usize = 4096;

/// How many connections to make.
#[derive(Clone, Debug)]
pub struct ConnectSpec {
    /// Where to.
    pub address: SocketAddr,
    /// TCP or UDP.
    pub transport: Transport,
    /// Connections.
    pub connections: u32,
    /// From where.
    pub sources: SourceSpec,
    /// Determines source addresses and ports.
    pub seed: u64,
    /// Attempts at once, at most.
    pub max_concurrent: u32,
    /// Hold TCP connections until the time is over.
    pub keep: bool,
    /// All has to be over by then.
    pub timeout: Duration,
}

impl ConnectSpec {
    /// What mconnect does when it is told nothing but address and number.
    pub fn new(address: SocketAddr, connections: u32) -> Self {
        Self {
            address,
            transport: Transport::Tcp,
            connections,
            sources: SourceSpec::Any,
            seed: 1,
            max_concurrent: 64,
            keep: false,
            timeout: Self::default_timeout(connections, false),
        }
    }

    /// A thousandth of a second for each connection and two seconds more; an hour when they are kept.
    pub fn default_timeout(connections: u32, keep: bool) -> Duration {
        if keep {
            return Duration::from_secs(3600);
        }
        Duration::from_millis(u64::from(connections) + 2000)
    }
}

/// What became of the connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectReport {
    /// Connections by the name of the server that answered.
    pub hosts: BTreeMap<String, u64>,
    /// Connections asked for.
    pub connects: u64,
    /// Those that could not be opened in time.
    pub failed_connects: u64,
    /// Those on which no name came, and kept ones that were lost.
    pub failed_reads: u64,
    /// When it began.
    pub start_time: Timestamp,
    /// The time allowed, ns.
    #[serde(rename = "timeout")]
    pub timeout_ns: u64,
    /// The time it took, ns.
    #[serde(rename = "duration")]
    pub duration_ns: u64,
    /// Determines the source addresses and ports.
    #[serde(default)]
    pub seed: u64,
}

impl ConnectReport {
    /// Whether every connection had its answer.
    pub fn is_whole(&self) -> bool {
        self.failed_connects == 0 && self.failed_reads == 0
    }
}

/// mconnect's lines.
impl fmt::Display for ConnectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Failed connects; {}", self.failed_connects)?;
        writeln!(f, "Failed reads; {}", self.failed_reads)?;
        self.hosts.iter().try_for_each(|(host, count)| writeln!(f, "{host} {count}"))
    }
}

/// How one connection went.
enum Answer {
    Name(String),
    NotConnected,
    NotRead,
}

/// Makes all connections from this thread, in its network namespace, until they are done, the time is over or `stop` is done.
///
/// What isn't done by then has failed, but for connections that are kept.
///
/// # Errors
/// When the spec makes no sense or sockets or the runtime can't be had. Connections that fail are no error.
///
/// # Panics
/// When a connection's task panicked.
pub fn run(spec: &ConnectSpec, stop: impl Future<Output = ()>) -> Result<ConnectReport, ClientError> {
    if spec.connections == 0 || spec.max_concurrent == 0 {
        return Err(ClientError::Spec("there is no connection to open"));
    }
    if spec.timeout.is_zero() || spec.timeout > LONGEST {
        return Err(ClientError::Spec("the time is 0, or longer than a year"));
    }
    let sources = Sources::new(&spec.sources, spec.address, spec.seed)?;
    let at_once = if spec.keep { spec.connections } else { spec.connections.min(spec.max_concurrent) };
    descriptors::provide(at_once as usize)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    Ok(local.block_on(&runtime, drive(spec, sources, stop)))
}

async fn drive(spec: &ConnectSpec, sources: Sources, stop: impl Future<Output = ()>) -> ConnectReport {
    let start_time = Timestamp::now();
    let started = Instant::now();
    let run = Rc::new(Run {
        spec: spec.clone(),
        sources: RefCell::new(sources),
        turns: Semaphore::new(spec.max_concurrent as usize),
        deadline: started + spec.timeout,
        is_over: watch::Sender::new(false),
    });
    let mut report = ConnectReport {
        connects: spec.connections.into(),
        start_time,
        timeout_ns: nanoseconds(spec.timeout),
        seed: spec.seed,
        ..ConnectReport::default()
    };
    let mut tasks = JoinSet::new();
    for _ in 0..spec.connections {
        let run = run.clone();
        tasks.spawn_local(async move { run.connect().await });
    }
    let mut stop = pin!(stop);
    let mut is_over = false;
    loop {
        let answered = tokio::select! {
            answered = tasks.join_next() => answered,
            () = stop.as_mut(), if !is_over => {
                is_over = true;
                run.is_over.send_replace(true);
                continue;
            }
        };
        match answered {
            None => break,
            Some(Ok(Answer::Name(host))) => *report.hosts.entry(host).or_default() += 1,
            Some(Ok(Answer::NotConnected)) => report.failed_connects += 1,
            Some(Ok(Answer::NotRead)) => report.failed_reads += 1,
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    report.duration_ns = nanoseconds(started.elapsed());
    report
}

/// What the connections share.
struct Run {
    spec: ConnectSpec,
    sources: RefCell<Sources>,
    turns: Semaphore,
    deadline: Instant,
    is_over: watch::Sender<bool>,
}

impl Run {
    async fn connect(&self) -> Answer {
        let turn = tokio::select! {
            turn = self.turns.acquire() => turn,
            () = self.ended() => return Answer::NotConnected,
        };
        let limit = self.deadline.saturating_duration_since(Instant::now());
        let opened = tokio::select! {
            opened = Connection::open(self.spec.transport, self.spec.address, &self.sources, limit) => opened,
            () = self.ended() => return Answer::NotConnected,
        };
        let Ok(mut connection) = opened else { return Answer::NotConnected };
        let name = tokio::select! {
            name = self.read_name(&mut connection) => name,
            () = self.ended() => return Answer::NotRead,
        };
        drop(turn);
        match name {
            Err(_) => Answer::NotRead,
            Ok(_) if self.spec.keep && !self.keep(&mut connection).await => Answer::NotRead,
            Ok(name) => Answer::Name(name),
        }
    }

    async fn read_name(&self, connection: &mut Connection) -> io::Result<String> {
        let mut name = vec![0; NAME_LEN_BYTES];
        let reading = async {
            match connection {
                Connection::Tcp(stream) => stream.read(&mut name).await,
                Connection::Udp(socket) => {
                    socket.send(QUESTION).await?;
                    socket.recv(&mut name).await
                }
            }
        };
        let read = timeout_at(self.deadline, reading).await;
        let len = read.unwrap_or_else(|_| Err(timed_out("no name", self.spec.timeout)))?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        name.truncate(len);
        String::from_utf8(name).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Holds a connection until the end; whether it was there then.
    async fn keep(&self, connection: &mut Connection) -> bool {
        let Connection::Tcp(stream) = connection else { return true };
        let mut rest = [0; 64];
        loop {
            tokio::select! {
                read = stream.read(&mut rest) => {
                    if !read.is_ok_and(|len| len > 0) {
                        return false;
                    }
                }
                () = self.ended() => return true,
            }
        }
    }

    /// Returns when it was stopped or the time is over.
    async fn ended(&self) {
        let mut is_over = self.is_over.subscribe();
        tokio::select! {
            // The sender lives as long as this.
            _ = is_over.wait_for(|is_over| *is_over) => {}
            () = sleep_until(self.deadline) => {}
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
