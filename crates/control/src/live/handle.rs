//! Starting the control thread, and talking to it from others.

use super::client::{Command, ControlClient};
use super::control::{Control, Owed};
use super::event::{LiveEvent, UnresolvedNexthop};
use super::log::Log;
use super::memory::Writer;
use super::news::Drained;
use super::nexthops::Nexthops;
use super::plant::{LivePort, Plant};
use super::ports::Ports;
use super::rates::Sampler;
use crate::config::Config;
use evenkeel_dataplane::{Mailbox, WorkerCounters};
use evenkeel_nexthop::{Desired, Liveness, Snapshot};
use evenkeel_routing::{Keeping, Routing, RoutingError};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Longest time that the end takes to remove neighbour entries.
const CLOSING: Duration = Duration::from_millis(500);

/// What the control thread begins with.
pub struct LiveSpec {
    /// The configuration in effect.
    pub config: Config,
    /// The file that it came from, which a reload reads again.
    pub config_file: Option<PathBuf>,
    /// Where operators' changes are remembered across a restart; none: nowhere.
    pub state_file: Option<PathBuf>,
    /// The desired state that the configuration describes.
    pub desired: Desired,
    /// The interfaces of the configuration, in its order.
    pub ports: Vec<LivePort>,
    /// Shared with the workers.
    pub liveness: Arc<Liveness>,
    /// Of the workers, by number.
    pub workers: Vec<Arc<WorkerCounters>>,
    /// Of the workers, by number: how they are asked about flows.
    pub mailboxes: Vec<Mailbox>,
    /// Instant 0 of all milliseconds, the workers' too.
    pub epoch: Instant,
    /// The box's side.
    pub plant: Box<dyn Plant>,
}

/// Why the control thread did not start.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// No thread or no runtime.
    #[error("control thread: {0}")]
    Thread(#[source] io::Error),
    /// The kernel's state can't be followed.
    #[error(transparent)]
    Routing(#[from] RoutingError),
}

/// A control thread at work. Dropping it ends the thread as [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct LiveHandle {
    client: ControlClient,
    runtime: tokio::runtime::Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Desired>>,
}

/// Starts the control thread: it keeps adjacencies and liveness as the kernel's links, routes and neighbours say, and
/// calls `publish` with every new snapshot, on that thread.
///
/// The thread lives in the network namespace and on the cores of the caller.
///
/// # Errors
/// [`LiveError`]; nothing is left running.
pub fn start(
    spec: LiveSpec,
    publish: impl FnMut(Snapshot) + Send + 'static,
) -> Result<LiveHandle, LiveError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LiveError::Thread)?;
    let ports = Ports::new(spec.ports);
    let routing = runtime.block_on(async { Routing::open(&ports.ifindexes(), Keeping::Managed) })?;
    let mut desired = spec.desired;
    desired.set_remove_deadline_ms(spec.config.remove_ms);
    let (log, reader) = Log::new();
    let (commands, received) = unbounded_channel();
    let writer = spec.state_file.clone().map(|file| start_writer(file, commands.clone())).transpose()?;
    let control = Control {
        published: desired.snapshot(&spec.liveness),
        sampler: Sampler::new(&spec.workers, Instant::now()),
        config: spec.config,
        desired,
        ports,
        liveness: spec.liveness,
        workers: spec.workers,
        plant: spec.plant,
        publish: Box::new(publish),
        log,
        routing,
        nexthops: Nexthops::default(),
        epoch: spec.epoch,
        retry_routing: None,
        waiting: Vec::new(),
        owed: Owed::default(),
        drained: Drained::new(),
        meaning: None,
        asked_deadlines: HashMap::new(),
        pins_seen: 0,
        writer,
    };
    let client = ControlClient::new(commands, reader, spec.config_file, spec.mailboxes.into());
    let on_thread = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel();
    let work = move || work(&runtime, control, spec.state_file.as_deref(), received, stopped);
    let thread =
        std::thread::Builder::new().name("control".to_owned()).spawn(work).map_err(LiveError::Thread)?;
    Ok(LiveHandle { client, runtime: on_thread, stop: Some(stop), thread: Some(thread) })
}

/// The thread that writes the state file says by a command what is wrong with it.
fn start_writer(file: PathBuf, commands: UnboundedSender<Command>) -> Result<Writer, LiveError> {
    let told = move |text: String| {
        // a control thread that has ended has nobody to tell
        let _ = commands.send(Box::new(|control| control.tell(&LiveEvent::Warning(text))));
    };
    Writer::start(file, told).map_err(LiveError::Thread)
}

/// The control thread's whole life.
fn work(
    runtime: &Runtime,
    mut control: Control,
    state_file: Option<&Path>,
    commands: UnboundedReceiver<Command>,
    stopped: oneshot::Receiver<()>,
) -> Desired {
    if let Some(file) = state_file {
        control.recall(file);
    }
    runtime.block_on(async move {
        tokio::select! {
            _ = stopped => {}
            () = control.serve(commands) => {}
        }
        // what can't be removed now is removed by the next start
        let _ = tokio::time::timeout(CLOSING, control.routing.close()).await;
        control.desired
    })
}

impl LiveHandle {
    /// Asks the thread, from any other.
    #[must_use]
    pub fn client(&self) -> ControlClient {
        self.client.clone()
    }

    /// Runs a task on the control thread, beside its own work, until it ends or the thread does. It must not block.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// A copy of the desired state, for reports; none if the thread has ended.
    #[must_use]
    pub fn desired(&self) -> Option<Desired> {
        self.client.ask_blocking(|control| control.desired.clone()).ok()
    }

    /// Waits until every nexthop is resolved, or can't be without somebody's doing, at most `timeout`. Returns those that
    /// aren't resolved.
    #[must_use]
    pub fn initial_resolution(&self, timeout: Duration) -> Vec<UnresolvedNexthop> {
        let until = Instant::now() + timeout;
        let answered = self.client.send(move |control, answer| control.waiting.push((until, answer)));
        answered.blocking_recv().unwrap_or_default()
    }

    /// Ends the thread within a second; its neighbour entries are removed. Returns the desired state as it was last;
    /// none if the thread panicked.
    #[must_use]
    pub fn stop(mut self) -> Option<Desired> {
        self.end()
    }

    /// True until the thread has ended, by itself or by a panic.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    fn end(&mut self) -> Option<Desired> {
        drop(self.stop.take());
        self.thread.take()?.join().ok()
    }
}

impl Drop for LiveHandle {
    fn drop(&mut self) {
        self.end();
    }
}
