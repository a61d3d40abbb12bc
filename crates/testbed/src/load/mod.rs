//! HTTP load from many sources: keep-alive connections that are held, and short ones beside them.
//!
//! Every request is sent once, never again. A connection is lost when its socket saw a reset, a timeout or an
//! end before a response was whole, or could not be opened. A lost connection is counted, and another one is
//! opened in its place. The client knows nothing of what forwards its packets.

mod connection;
pub mod echo;
pub mod probe;
pub mod session;
mod tally;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tokio::runtime;
use tokio::task::JoinSet;
use tokio::time;

use crate::lab::namespace::Namespace;
use crate::lab::plan;
use connection::{Connection, Ending};
use tally::Tally;

pub use connection::Cause;
pub use tally::{Lost, StepTally};

/// A place in which the last connection was lost stays empty for so long.
const REOPEN_PAUSE: Duration = Duration::from_millis(100);

/// What to send.
#[derive(Clone, Debug)]
pub struct LoadSpec {
    /// Addresses of the service, each with as many connections.
    pub vips: Vec<IpAddr>,
    /// Port of the service.
    pub port: u16,
    /// Connections held open to each VIP.
    pub held_per_vip: usize,
    /// Every held connection sends a request so often.
    pub request_interval: Duration,
    /// The client ends a held connection after a number of answers between these two, and opens another one; `None`: it
    /// ends none.
    pub session_answers: Option<(u32, u32)>,
    /// Each VIP gets a connection of a single request so often; `None`: never.
    pub short_interval: Option<Duration>,
    /// Connecting, and a response, may take so long.
    pub timeout: Duration,
}

impl Default for LoadSpec {
    fn default() -> Self {
        Self {
            vips: vec![plan::WEB4.into(), plan::WEB6.into()],
            port: 80,
            held_per_vip: 120,
            request_interval: Duration::from_millis(200),
            session_answers: None,
            short_interval: Some(Duration::from_millis(50)),
            timeout: Duration::from_secs(2),
        }
    }
}

/// Load that is being sent.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    sender: Option<JoinHandle<Result<()>>>,
    wanted: usize,
}

#[derive(Debug)]
struct Shared {
    ending: AtomicBool,
    held: AtomicUsize,
    tally: Tally,
}

impl Load {
    /// Starts sending from a namespace; the first step is called `step`.
    ///
    /// # Errors
    /// When the thread or its runtime can't be had.
    pub fn start(client: &Namespace, spec: LoadSpec, step: &str) -> Result<Self> {
        let shared = Arc::new(Shared {
            ending: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            tally: Tally::new(step),
        });
        let wanted = spec.held_per_vip * spec.vips.len();
        let (namespace, for_sender) = (client.clone(), shared.clone());
        let (started_tx, started_rx) = mpsc::channel();
        let send = move || {
            namespace.within(|| -> Result<()> {
                let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
                // Nobody listens any more only when `start` is over.
                let _ = started_tx.send(());
                runtime.block_on(run(&spec, &for_sender));
                Ok(())
            })?
        };
        let sender = thread::Builder::new().name("load".into()).spawn(send)?;
        if started_rx.recv().is_err() {
            return Err(join(sender).err().unwrap_or_else(|| anyhow!("the load client ended at once")));
        }
        Ok(Self { shared, sender: Some(sender), wanted })
    }

    /// Waits until all held connections have had an answer.
    ///
    /// # Errors
    /// When the time is over.
    pub fn wait_until_held(&self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let held = self.held();
            if held >= self.wanted {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{held} of {} connections after {limit:?}", self.wanted);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Connections that are held now.
    pub fn held(&self) -> usize {
        self.shared.held.load(Ordering::Relaxed)
    }

    /// From now on everything counts for a new step.
    pub fn step(&self, name: &str) {
        self.shared.tally.begin(name);
    }

    /// Ends the load; what is under way is finished and counted. The steps in order.
    ///
    /// # Errors
    /// When the client itself failed.
    pub fn finish(mut self) -> Result<Vec<StepTally>> {
        self.shared.ending.store(true, Ordering::Relaxed);
        join(self.sender.take().context("the load client is running")?)?;
        Ok(self.shared.tally.steps())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Relaxed);
        if let Some(sender) = self.sender.take() {
            let _ = join(sender);
        }
    }
}

fn join(sender: JoinHandle<Result<()>>) -> Result<()> {
    sender.join().unwrap_or_else(|_| bail!("the load client panicked"))
}

async fn run(spec: &LoadSpec, shared: &Arc<Shared>) {
    let mut places = JoinSet::new();
    for (index, &vip) in spec.vips.iter().enumerate() {
        for number in 0..spec.held_per_vip {
            // Spread over the interval, so that the requests of all connections are spread over it.
            let delay = spec.request_interval.mul_f64(number as f64 / spec.held_per_vip as f64);
            let delay = delay + spec.request_interval.mul_f64(index as f64 / 1000.0);
            places.spawn(hold(spec.clone(), vip, number, delay, shared.clone()));
        }
        if let Some(interval) = spec.short_interval {
            places.spawn(open_short_ones(spec.clone(), vip, interval, shared.clone()));
        }
    }
    while places.join_next().await.is_some() {}
}

/// Keeps one place occupied: a connection, and another one whenever it was lost.
async fn hold(spec: LoadSpec, vip: IpAddr, number: usize, delay: Duration, shared: Arc<Shared>) {
    time::sleep(delay).await;
    while !shared.ending.load(Ordering::Relaxed) {
        let ending = match open(&spec, vip, number).await {
            Ok(connection) => {
                hold_connection(connection, &spec, session_answers(&spec, number), &shared).await
            }
            Err(cause) => Ending { server: None, cause: Some(cause) },
        };
        if let Some(cause) = ending.cause {
            shared.tally.lose(vip, ending.server, cause);
            time::sleep(REOPEN_PAUSE).await;
        }
    }
}

/// How many answers the connection in a place is held for: the places differ, so that they don't all end at once.
fn session_answers(spec: &LoadSpec, number: usize) -> u32 {
    spec.session_answers.map_or(u32::MAX, |(fewest, most)| fewest + number as u32 % (most - fewest + 1))
}

async fn hold_connection(
    mut connection: Connection,
    spec: &LoadSpec,
    answers: u32,
    shared: &Shared,
) -> Ending {
    let mut server: Option<String> = None;
    let mut left = answers;
    let mut ticks = time::interval(spec.request_interval);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    let cause = loop {
        ticks.tick().await;
        if left == 0 || shared.ending.load(Ordering::Relaxed) {
            break None;
        }
        left -= 1;
        match connection.ask(spec.timeout).await {
            Ok(name) => {
                if server.is_none() {
                    shared.tally.open(&name);
                    shared.held.fetch_add(1, Ordering::Relaxed);
                }
                shared.tally.answer(&name);
                server = Some(name);
            }
            Err(cause) => break Some(cause),
        }
    };
    if server.is_some() {
        shared.held.fetch_sub(1, Ordering::Relaxed);
    }
    Ending { server, cause }
}

/// New flows all the time: they show who takes new ones.
async fn open_short_ones(spec: LoadSpec, vip: IpAddr, interval: Duration, shared: Arc<Shared>) {
    let mut under_way = JoinSet::new();
    let mut ticks = time::interval(interval);
    for number in 0.. {
        ticks.tick().await;
        if shared.ending.load(Ordering::Relaxed) {
            break;
        }
        let (spec, shared) = (spec.clone(), shared.clone());
        under_way.spawn(async move {
            let answer = match open(&spec, vip, number).await {
                Ok(mut connection) => connection.ask(spec.timeout).await,
                Err(cause) => Err(cause),
            };
            match answer {
                Ok(server) => {
                    shared.tally.open(&server);
                    shared.tally.answer(&server);
                }
                Err(cause) => shared.tally.lose(vip, None, cause),
            }
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

async fn open(spec: &LoadSpec, vip: IpAddr, number: usize) -> Result<Connection, Cause> {
    let source = plan::source(vip, number);
    Connection::open(source, SocketAddr::new(vip, spec.port), spec.timeout).await
}
