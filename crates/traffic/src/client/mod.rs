//! The client of continuous traffic: many connections, each echoing packets at its share of a rate, and what became of them.
//!
//! A connection that is lost is counted, never retried, and another one from the next source is opened in its lane.

mod exchange;
mod lane;
mod pace;
mod packet;
mod tally;

use crate::Transport;
use crate::descriptors::{self, DescriptorError};
use crate::source::{SourceError, SourceSpec, Sources};
use crate::stats::Stats;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tally::Tally;
use tokio::runtime::Builder;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinError, JoinSet, LocalSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

pub use packet::PACKET_LEN_BYTES;

/// Samples are taken, and monitor lines written, so often.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// So long before the end no lost connection is opened anew: the new one would show nothing.
const LAST_REOPENING: Duration = Duration::from_secs(2);

/// No run is longer.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 86400);

/// What to send, and for how long.
#[derive(Clone, Debug)]
pub struct ClientSpec {
    /// Where to.
    pub address: SocketAddr,
    /// TCP or UDP.
    pub transport: Transport,
    /// Connections held at once.
    pub connections: u32,
    /// Connections opened at most, lost ones included, as a multiple of `connections`.
    pub retries: u32,
    /// Over all connections, in KB (1024 bytes) per second.
    pub rate_kb_per_s: f64,
    /// Bytes of a packet, in [`PACKET_LEN_BYTES`].
    pub packet_size_bytes: usize,
    /// How long to send.
    pub duration: Duration,
    /// Open another connection in the place of a lost one.
    pub reconnect: bool,
    /// From where.
    pub sources: SourceSpec,
    /// Determines source addresses and ports and when each connection begins to send.
    pub seed: u64,
    /// An attempt to connect may take so long.
    pub connect_limit: Duration,
    /// A packet and its echo may take so long; then the connection is lost.
    pub answer_limit: Duration,
    /// Keep [`Stats::conn_stats`] and [`Stats::samples`]; else they are empty at the end.
    pub in_detail: bool,
}

impl ClientSpec {
    /// What ctraffic does when it is told nothing but the address.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            transport: Transport::Tcp,
            connections: 1,
            retries: 10,
            rate_kb_per_s: 10.0,
            packet_size_bytes: 1024,
            duration: Duration::from_secs(10),
            reconnect: true,
            sources: SourceSpec::Any,
            seed: 1,
            connect_limit: Duration::from_millis(1500),
            answer_limit: Duration::from_secs(1),
            in_detail: true,
        }
    }

    /// Time between two packets of one connection.
    fn packet_interval(&self) -> Duration {
        let bytes_per_s = self.rate_kb_per_s * 1024.0 / f64::from(self.connections.max(1));
        let seconds = self.packet_size_bytes as f64 / bytes_per_s;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).max(Duration::from_nanos(1))
    }

    fn check(&self) -> Result<(), ClientError> {
        let is_rate = self.rate_kb_per_s.is_finite() && self.rate_kb_per_s > 0.0;
        let wrong = [
            (self.connections == 0, "there is no connection to open"),
            (self.retries == 0, "each connection has to be opened at least once"),
            (!is_rate, "the rate is not above 0"),
            (!PACKET_LEN_BYTES.contains(&self.packet_size_bytes), "a packet has 64 to 65507 bytes"),
            (self.duration.is_zero() || self.duration > LONGEST, "the time is 0, or longer than a year"),
        ];
        match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, what)) => Err(ClientError::Spec(what)),
            None => Ok(()),
        }
    }
}

/// What happens to a run from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A step begins now.
    Step(String),
    /// The run ends now.
    End,
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The spec makes no sense.
    #[error("{0}")]
    Spec(&'static str),
    /// The sources make no sense.
    #[error(transparent)]
    Sources(#[from] SourceError),
    /// Not enough sockets.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// The runtime could not be had.
    #[error("the client can't run: {0}")]
    Run(#[from] io::Error),
}

/// Sends on this thread, in its network namespace, until the time is over, an [`Event::End`] comes or all lanes have ended.
///
/// `monitor` gets ctraffic's line once a second.
///
/// # Errors
/// When the spec makes no sense or sockets or the runtime can't be had. Losses are no error.
///
/// # Panics
/// When a lane panicked.
pub fn run(
    spec: &ClientSpec,
    events: UnboundedReceiver<Event>,
    monitor: Option<&mut dyn Write>,
) -> Result<Stats, ClientError> {
    spec.check()?;
    let sources = Sources::new(&spec.sources, spec.address, spec.seed)?;
    descriptors::provide(spec.connections as usize)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    Ok(local.block_on(&runtime, drive(spec, sources, events, monitor)))
}

async fn drive(
    spec: &ClientSpec,
    sources: Sources,
    events: UnboundedReceiver<Event>,
    mut monitor: Option<&mut dyn Write>,
) -> Stats {
    let tally = Rc::new(Tally::new(spec, sources));
    let mut lanes = JoinSet::new();
    for number in 0..spec.connections {
        lanes.spawn_local(lane::run(tally.clone(), number));
    }
    send(&tally, &mut lanes, events, &mut monitor).await;
    tally.end();
    while let Some(ended) = lanes.join_next().await {
        unwrap_lane(ended);
    }
    tally.sample();
    write_line(&tally, &mut monitor);
    tally.finish()
}

/// Samples, and hears events, until the run is over.
async fn send(
    tally: &Tally,
    lanes: &mut JoinSet<()>,
    mut events: UnboundedReceiver<Event>,
    monitor: &mut Option<&mut dyn Write>,
) {
    let mut ticks = interval_at(tally.started() + SAMPLE_INTERVAL, SAMPLE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut is_heard = true;
    tally.sample();
    loop {
        tokio::select! {
            biased;
            () = sleep_until(tally.deadline()) => return,
            event = events.recv(), if is_heard => match event {
                Some(Event::Step(name)) => tally.step(name),
                Some(Event::End) => return,
                None => is_heard = false,
            },
            _ = ticks.tick() => {
                tally.sample();
                write_line(tally, monitor);
            }
            ended = lanes.join_next() => match ended {
                Some(ended) => unwrap_lane(ended),
                None => return,
            },
        }
    }
}

fn unwrap_lane(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        std::panic::resume_unwind(error.into_panic());
    }
}

fn write_line(tally: &Tally, monitor: &mut Option<&mut dyn Write>) {
    if let Some(monitor) = monitor {
        // Who reads the lines may go; the run goes on.
        let _ = writeln!(monitor, "{}", tally.line());
    }
}

/// Whether no lost connection is opened anew any more.
fn is_near_end(deadline: Instant) -> bool {
    deadline.saturating_duration_since(Instant::now()) < LAST_REOPENING
}
