//! Starting the control thread, and talking to it from others.

use super::control::{Command, Control};
use super::event::{LiveEvent, UnresolvedNexthop};
use super::nexthops::Nexthops;
use super::reload::{ReloadError, Summary};
use crate::config::Config;
use evenkeel_nexthop::{Desired, Liveness, Snapshot};
use evenkeel_packet::Mac;
use evenkeel_routing::{Keeping, Routing, RoutingError};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Longest time that the end takes to remove neighbour entries.
const CLOSING: Duration = Duration::from_millis(500);

/// One interface, by [`PortId`](evenkeel_nexthop::PortId).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LivePort {
    /// The kernel's number of it.
    pub ifindex: u32,
    /// Its MAC.
    pub mac: Mac,
}

/// What the control thread begins with.
#[derive(Debug)]
pub struct LiveSpec {
    /// The configuration in effect.
    pub config: Config,
    /// The desired state that it describes.
    pub desired: Desired,
    /// The interfaces of the configuration, in its order.
    pub ports: Vec<LivePort>,
    /// Shared with the workers.
    pub liveness: Arc<Liveness>,
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
    commands: UnboundedSender<Command>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Desired>>,
}

/// Starts the control thread: it keeps adjacencies and liveness as the kernel's links, routes and neighbours say, and
/// calls `publish` with every new snapshot and `events` with everything worth a line, both on that thread.
///
/// The thread lives in the network namespace and on the cores of the caller.
///
/// # Errors
/// [`LiveError`]; nothing is left running.
pub fn start(
    spec: LiveSpec,
    publish: impl FnMut(Snapshot) + Send + 'static,
    events: impl FnMut(LiveEvent) + Send + 'static,
) -> Result<LiveHandle, LiveError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LiveError::Thread)?;
    let listed: Vec<u32> = spec.ports.iter().map(|port| port.ifindex).collect();
    let routing = runtime.block_on(async { Routing::open(&listed, Keeping::Managed) })?;
    let mut desired = spec.desired;
    desired.set_remove_deadline_ms(spec.config.remove_ms);
    let control = Control {
        config: spec.config,
        desired,
        ports: listed,
        source_macs: spec.ports.iter().map(|port| port.mac).collect(),
        liveness: spec.liveness,
        publish,
        events,
        routing,
        nexthops: Nexthops::default(),
        epoch: Instant::now(),
        retry_routing: None,
        waiting: Vec::new(),
    };
    let (commands, received) = unbounded_channel();
    let (stop, stopped) = oneshot::channel();
    let work = move || work(&runtime, control, received, stopped);
    let thread =
        std::thread::Builder::new().name("control".to_owned()).spawn(work).map_err(LiveError::Thread)?;
    Ok(LiveHandle { commands, stop: Some(stop), thread: Some(thread) })
}

/// The control thread's whole life.
fn work(
    runtime: &Runtime,
    mut control: Control<impl FnMut(Snapshot), impl FnMut(LiveEvent)>,
    commands: UnboundedReceiver<Command>,
    stopped: oneshot::Receiver<()>,
) -> Desired {
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
    /// Takes up another configuration, whole or not at all. When this returns, the snapshot is published; nexthops that
    /// came are resolved soon after.
    ///
    /// # Errors
    /// [`ReloadError`]; nothing has changed.
    pub fn reload(&self, config: Config) -> Result<Summary, ReloadError> {
        self.ask(|answer| Command::Reload(Box::new(config), answer)).unwrap_or(Err(ReloadError::Ended))
    }

    /// A copy of the desired state, for reports; none if the thread has ended.
    #[must_use]
    pub fn desired(&self) -> Option<Desired> {
        self.ask(Command::Desired)
    }

    /// Waits until every nexthop is resolved, or can't be without somebody's doing, at most `timeout`. Returns those that
    /// aren't resolved.
    #[must_use]
    pub fn initial_resolution(&self, timeout: Duration) -> Vec<UnresolvedNexthop> {
        let until = Instant::now() + timeout;
        self.ask(|answer| Command::Unresolved(until, answer)).unwrap_or_default()
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

    fn ask<T>(&self, command: impl FnOnce(SyncSender<T>) -> Command) -> Option<T> {
        let (answer, answered) = sync_channel(1);
        self.commands.send(command(answer)).ok()?;
        answered.recv().ok()
    }
}

impl Drop for LiveHandle {
    fn drop(&mut self) {
        self.end();
    }
}
