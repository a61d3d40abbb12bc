//! The forwarder: everything that runs, from its start to its end.

use super::cores::Plan;
use super::crew::Crew;
use super::side::{self, Port, Side};
use super::told::Printer;
use super::worker_thread::WorkerThread;
use super::{Refused, interfaces, latency, memory, say, services};
use anyhow::{Context, Result, bail};
use evenkeel_afxdp::{Capability, Interface, PuntDevice, Queue, Steering, check_capabilities, queues_remedy};
use evenkeel_capture::{Report, WorkerReport};
use evenkeel_control::Config;
use evenkeel_control::api::Server;
use evenkeel_control::config::Idle;
use evenkeel_control::live::{self, ConfigSource, LiveHandle, LiveSpec, Refusal, Reloaded};
use evenkeel_dataplane::{
    FlowTable, Published, Sweep, TableSeeds, TableSpec, Totals, Worker, WorkerCounters, WorkerSpec, mailbox,
};
use evenkeel_nexthop::{Liveness, PortId};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the start waits for nexthops to be resolved.
const RESOLUTION: Duration = Duration::from_millis(900);

/// All that runs.
pub(super) struct Forwarder {
    side: side::Shared,
    /// Of the workers, by queue.
    cores: Vec<usize>,
    control: LiveHandle,
    printer: Printer,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Queue>>,
    counters: Vec<Arc<WorkerCounters>>,
    latency: Vec<latency::Shared>,
}

/// What is left when everything has ended.
pub(super) struct Ended {
    /// None if it can't be built.
    pub(super) report: Option<Report>,
    /// Lines about what the kernel counted.
    pub(super) kernel: Vec<String>,
    pub(super) latency: String,
    /// What went wrong.
    pub(super) faults: Vec<String>,
}

impl Forwarder {
    /// Starts everything in an order in which no packet comes before it can be forwarded. When it returns, packets come.
    pub(super) fn start(config: Config, config_file: &Path, state_file: Option<PathBuf>) -> Result<Self> {
        need_capabilities()?;
        let (interfaces, queues) = interfaces::open_all(&config.interfaces)?;
        interfaces.iter().for_each(interfaces::say);
        let cores = plan_cores(queues, &interfaces, &config)?;
        let macs = interfaces.iter().map(|interface| interface.mac).collect();
        let mut desired = config.desired(macs)?;

        let liveness = Arc::new(Liveness::new());
        let counters: Vec<_> = (0..queues).map(|_| Arc::new(WorkerCounters::default())).collect();
        // The first snapshot may be the last for long, when every MAC is static: it needs room for its members too.
        counters.iter().for_each(|counters| counters.reserve(desired.members().count()));
        let published = Arc::new(Published::new(desired.snapshot(&liveness)));
        let mut steering = Steering::load(queues, &config.services)?;
        let max_interfaces = config.dataplane.max_interfaces.max(interfaces.len());
        let mut ports: Vec<_> = (0..).map(PortId).zip(interfaces).map(|(id, at)| Port::new(id, at)).collect();
        let mut sockets = open_queues(queues, max_interfaces, &mut ports, &mut steering)?;
        let idle = granted_idle(&config, &mut sockets);
        let access = sockets.first().map(|queue| queue.access().to_string()).unwrap_or_default();

        let capacity = config.dataplane.flow_capacity;
        let table = FlowTable::new(&TableSpec {
            capacity,
            reserved: capacity,
            workers: queues as usize,
            seeds: TableSeeds::Random,
            sweep: Sweep::Paced,
        });
        let table = Arc::new(table.context("dataplane.flow_capacity")?);
        let (mailboxes, questions): (Vec<_>, Vec<_>) = (0..queues).map(|_| mailbox()).unzip();
        let spec = |index: usize, questions| WorkerSpec {
            index,
            burst: config.dataplane.burst,
            table: Arc::clone(&table),
            published: Arc::clone(&published),
            liveness: Arc::clone(&liveness),
            counters: Arc::clone(&counters[index]),
            questions,
        };
        let (stop, epoch) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let latency: Vec<_> = counters.iter().map(|_| latency::Shared::new()).collect();
        let (mut threads, mut crew) = (Vec::new(), Crew::new());
        for (index, (queue, questions)) in sockets.into_iter().zip(questions).enumerate() {
            let thread = WorkerThread {
                core: cores.workers[index],
                index,
                idle,
                epoch,
                stop: Arc::clone(&stop),
                latency: latency[index].recorder(),
                orders: crew.enlist(&queue),
            };
            threads.push(thread.start(Worker::new(spec(index, questions)), queue)?);
        }

        services::say(&config);
        let workers = cores.workers.clone();
        pin_control(&cores);
        memory::keep_ahead(&table)?;
        let side = side::Shared::new(Side {
            ports,
            steering,
            crew,
            cores,
            latency: latency.clone(),
            access,
            max_interfaces,
            services: config.services.clone(),
            prepared: None,
        });
        let spec = LiveSpec {
            config,
            config_file: Some(config_file.to_owned()),
            state_file,
            desired,
            ports: side.lock().live_ports(),
            liveness,
            workers: counters.clone(),
            mailboxes,
            epoch,
            plant: Box::new(side.clone()),
        };
        let control = live::start(spec, live::publisher(published, counters.clone()))?;
        let printer = Printer::start(control.client().subscribe(Some(0)))?;
        let forwarder = Self { side, cores: workers, control, printer, stop, threads, counters, latency };
        forwarder.resolve_and_attach()?;
        Ok(forwarder)
    }

    /// Answers commands from now on.
    pub(super) fn serve_api(&self, api: Server) {
        let client = self.control.client();
        self.control.spawn(async move {
            if let Err(error) = api.serve(client).await {
                say::note(format_args!("the API can't be served: {error}"));
            }
        });
    }

    fn resolve_and_attach(&self) -> Result<()> {
        let unresolved = self.control.initial_resolution(RESOLUTION);
        self.side.lock().attach()?;
        for nexthop in unresolved {
            say::note(format_args!("{nexthop}"));
        }
        Ok(())
    }

    /// Reads the configuration again and takes it up, whole or not at all.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub(super) fn reload(&self) -> Result<Reloaded, Refusal> {
        self.control.client().reload_blocking(ConfigSource::File, false)
    }

    /// A thread that has ended though nobody told it to.
    pub(super) fn dead_thread(&self) -> Option<String> {
        let worker = self.threads.iter().position(JoinHandle::is_finished);
        let control = || (!self.control.is_running()).then(|| "the control thread".to_owned());
        worker.map(|index| format!("worker {index}")).or_else(control)
    }

    pub(super) fn totals(&self) -> Totals {
        Totals::of(&self.counters)
    }

    pub(super) fn latency(&self) -> &[latency::Shared] {
        &self.latency
    }

    /// Ends everything: the program is detached, so that no more packets come; those in hand leave. Goes on to the end
    /// whatever is wrong.
    pub(super) fn stop(mut self) -> Ended {
        self.side.lock().steering.detach();
        self.stop.store(true, Ordering::Relaxed);
        let mut faults = Vec::new();
        let threads = std::mem::take(&mut self.threads);
        let joined: Vec<_> = threads.into_iter().map(JoinHandle::join).collect();
        let kernel = self.side.lock().kernel_lines();
        for (index, queue) in joined.iter().enumerate() {
            faults.extend(match queue {
                Ok(queue) => lost_frames(queue),
                Err(_) => Some(format!("worker {index} has panicked")),
            });
        }
        drop(joined);
        let workers = self.worker_reports();
        let desired = self.control.stop();
        self.printer.finish();
        let report = match desired {
            Some(desired) => Report::of(&self.counters, &desired).map_err(|error| error.to_string()),
            None => Err("the control thread has panicked".to_owned()),
        };
        let report = report.map(|report| report.with_workers(workers));
        let report = report.map_err(|fault| faults.push(fault)).ok();
        Ended { report, kernel, latency: latency::summary(&self.latency), faults }
    }

    fn worker_reports(&self) -> Vec<WorkerReport> {
        let workers = self.cores.iter().zip(&self.counters).enumerate();
        let report = |(queue, (&core, counters)): (usize, (&usize, &Arc<WorkerCounters>))| WorkerReport {
            core,
            queue,
            received: counters.received.value(),
            forwarded: counters.forwarded.value(),
        };
        workers.map(report).collect()
    }
}

fn lost_frames(queue: &Queue) -> Option<String> {
    let frames = queue.census();
    let is_well = frames.is_whole() && frames.held == 0;
    (!is_well).then(|| format!("queue {} has lost frames: {frames:?}", queue.number()))
}

fn need_capabilities() -> Result<()> {
    let missing = check_capabilities().context("can't read this process's capabilities")?;
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(Capability::to_string).collect();
    bail!("missing {}: run as root, or give the binary these capabilities", names.join(", "))
}

fn plan_cores(queues: u32, interfaces: &[Interface], config: &Config) -> Result<Plan> {
    let available = core_affinity::get_core_ids().context("can't tell which cores this process may use")?;
    let available: Vec<_> = available.iter().map(|core| core.id).collect();
    let cores = Plan::new(queues as usize, config.dataplane.cores.as_deref(), &available, |count| {
        queues_remedy(interfaces, count as u32)
    })
    .map_err(|error| Refused(error.to_string()))?;
    for (queue, core) in cores.workers.iter().enumerate() {
        say::note(format_args!("worker {queue}: core {core}, queue {queue} of every interface"));
    }
    let shared = if cores.is_shared() { ", shared with a worker" } else { "" };
    say::note(format_args!("control: core {}{shared}", cores.control));
    Ok(cores)
}

/// One queue for each worker, with sockets that the steering knows. Each port gets its sockets.
fn open_queues(
    workers: u32,
    max_interfaces: usize,
    ports: &mut [Port],
    steering: &mut Steering,
) -> Result<Vec<Queue>> {
    let interfaces: Vec<_> = ports.iter().map(|port| port.interface.clone()).collect();
    let mtu = interfaces.iter().map(|interface| interface.mtu).max().unwrap_or_default();
    let punt = Arc::new(PuntDevice::open(mtu)?);
    say::note(format_args!("punted packets go to the kernel through {}", punt.name()));
    let mut queues = Vec::new();
    for number in 0..workers {
        let queue = Queue::open(number, &interfaces, max_interfaces, &punt)?;
        for (socket, port) in queue.handles().into_iter().zip(&mut *ports) {
            steering.connect(&socket)?;
            port.sockets.push(socket);
        }
        let pages = if queue.is_on_huge_pages() { "huge" } else { "ordinary" };
        say::note(format_args!("queue {number}: {}, frames on {pages} pages", queue.access()));
        queues.push(queue);
    }
    Ok(queues)
}

/// What idle workers do: as configured, if the kernel grants it.
fn granted_idle(config: &Config, queues: &mut [Queue]) -> Idle {
    let budget = config.dataplane.burst as u32;
    if config.dataplane.idle == Idle::BusyPoll
        && let Err(error) = queues.iter_mut().try_for_each(|queue| queue.poll_busily(budget))
    {
        say::note(format_args!(
            "busy polling is refused: {error}; idle workers sleep, as with idle = \"sleep\""
        ));
        return Idle::Sleep;
    }
    config.dataplane.idle
}

/// Pins this thread, and so the control thread that it starts; workers have pinned themselves.
fn pin_control(cores: &Plan) {
    if !core_affinity::set_for_current(core_affinity::CoreId { id: cores.control }) {
        say::note(format_args!(
            "control can't be pinned to core {}: it runs where the kernel wants",
            cores.control
        ));
    }
}
