//! The forwarder: everything that runs, from its start to its end.

use super::cores::Plan;
use super::worker_thread::WorkerThread;
use super::{Refused, latency};
use anyhow::{Context, Result, bail, ensure};
use evenkeel_afxdp::{
    Capability, Interface, Monitor, PuntDevice, Queue, Steering, check_capabilities, equal_queues,
};
use evenkeel_capture::{Report, WorkerReport};
use evenkeel_control::Config;
use evenkeel_control::config::{InterfaceConfig, Mode};
use evenkeel_control::live::{self, LiveHandle, LivePort, LiveSpec};
use evenkeel_dataplane::{
    FlowTable, Published, Sweep, TableSeeds, TableSpec, Totals, Worker, WorkerCounters, WorkerSpec,
};
use evenkeel_nexthop::{Desired, Liveness, PortId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the start waits for nexthops to be resolved.
const RESOLUTION: Duration = Duration::from_millis(900);

/// All that runs.
pub(super) struct Forwarder {
    interfaces: Vec<Interface>,
    cores: Plan,
    steering: Steering,
    control: LiveHandle,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Queue>>,
    counters: Vec<Arc<WorkerCounters>>,
    latency: Vec<latency::Shared>,
    monitors: Vec<Monitor>,
}

/// What is left when everything has ended.
pub(super) struct Ended {
    pub(super) report: Report,
    /// Lines about what the kernel counted.
    pub(super) kernel: Vec<String>,
    pub(super) latency: String,
}

impl Forwarder {
    /// Starts everything in an order in which no packet comes before it can be forwarded. When it returns, packets come.
    pub(super) fn start(config: Config) -> Result<Self> {
        need_capabilities()?;
        let interfaces = open_interfaces(&config.interfaces)?;
        let queues = equal_queues(&interfaces)?;
        let cores = plan_cores(queues, &config)?;
        let macs = interfaces.iter().map(|interface| interface.mac).collect();
        let mut desired = config.desired(macs)?;

        let liveness = Arc::new(Liveness::new());
        let counters: Vec<_> = (0..queues).map(|_| Arc::new(WorkerCounters::default())).collect();
        let published = Arc::new(Published::new(desired.snapshot(&liveness)));
        let mut steering = Steering::load(&interfaces, &config.services)?;
        let sockets = open_queues(queues, &interfaces, &mut steering)?;
        let monitors = sockets.iter().map(Queue::monitor).collect::<Result<_, _>>()?;

        let capacity = config.dataplane.flow_capacity;
        let table = FlowTable::new(&TableSpec {
            capacity,
            reserved: capacity,
            workers: queues as usize,
            timeouts: config.timeouts,
            seeds: TableSeeds::Random,
            sweep: Sweep::Paced,
        });
        let table = Arc::new(table.context("dataplane.flow_capacity")?);
        let spec = |index: usize| WorkerSpec {
            index,
            ports: interfaces.iter().map(|interface| interface.mac).collect(),
            burst: config.dataplane.burst,
            table: Arc::clone(&table),
            published: Arc::clone(&published),
            liveness: Arc::clone(&liveness),
            counters: Arc::clone(&counters[index]),
        };
        let (stop, epoch) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let latency: Vec<_> = counters.iter().map(|_| latency::Shared::new()).collect();
        let mut threads = Vec::new();
        for (index, queue) in sockets.into_iter().enumerate() {
            let thread = WorkerThread {
                core: cores.workers[index],
                index,
                idle: config.dataplane.idle,
                epoch,
                stop: Arc::clone(&stop),
                latency: latency[index].recorder(),
            };
            threads.push(thread.start(Worker::new(spec(index)), queue)?);
        }

        say_services(&config);
        let control =
            start_control(&cores, config, desired, &interfaces, &liveness, published, counters.clone())?;
        let mut forwarder =
            Self { interfaces, cores, steering, control, stop, threads, counters, latency, monitors };
        forwarder.resolve_and_attach()?;
        Ok(forwarder)
    }

    fn resolve_and_attach(&mut self) -> Result<()> {
        let unresolved = self.control.initial_resolution(RESOLUTION);
        let attachments = self.steering.attach()?;
        for (interface, attachment) in self.interfaces.iter().zip(attachments) {
            eprintln!("{}: XDP program attached ({attachment})", interface.name);
        }
        for nexthop in unresolved {
            eprintln!("{nexthop}");
        }
        Ok(())
    }

    /// Takes another configuration up, whole or not at all.
    ///
    /// # Errors
    /// Nothing has changed.
    pub(super) fn reload(&mut self, config: Config) -> Result<()> {
        let summary = self.control.reload(config)?;
        self.steering
            .set_services(&summary.services)
            .context("the groups are reloaded, but the XDP program did not take the services; reload again")
    }

    pub(super) fn totals(&self) -> Totals {
        Totals::of(&self.counters)
    }

    pub(super) fn latency(&self) -> &[latency::Shared] {
        &self.latency
    }

    /// Ends everything: no more packets come, those in hand leave, the program is detached.
    ///
    /// # Errors
    /// If a thread has panicked, or anything was lost on the way.
    pub(super) fn stop(self) -> Result<Ended> {
        let kernel = self.kernel_lines();
        drop(self.steering);
        self.stop.store(true, Ordering::Relaxed);
        let queues = self.threads.into_iter().map(JoinHandle::join).collect::<Result<Vec<_>, _>>();
        let desired = self.control.stop();
        let (Ok(queues), Some(desired)) = (queues, desired) else { bail!("a thread has panicked") };
        for queue in &queues {
            let frames = queue.census();
            ensure!(
                frames.is_whole() && frames.held == 0,
                "queue {} has lost frames: {frames:?}",
                queue.number()
            );
        }
        let workers = self.cores.workers.iter().zip(&self.counters).enumerate();
        let workers = workers.map(|(queue, (&core, counters))| WorkerReport {
            core,
            queue,
            received: counters.received.value(),
            forwarded: counters.forwarded.value(),
        });
        let report = Report::of(&self.counters, &desired)?.with_workers(workers.collect());
        Ok(Ended { report, kernel, latency: latency::summary(&self.latency) })
    }

    /// What the XDP program and the sockets counted.
    fn kernel_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.steering.counts() {
            Ok(counts) => lines.extend(self.interfaces.iter().zip(counts).map(|(interface, count)| {
                format!("{}: xdp passed {} redirected {}", interface.name, count.passed, count.redirected)
            })),
            Err(error) => lines.push(format!("the XDP program's counters can't be read: {error}")),
        }
        for monitor in &self.monitors {
            match monitor.read() {
                Ok(sockets) => lines.extend(sockets.into_iter().map(|(port, s)| {
                    format!(
                        "{} queue {}: rx ring full {} rx fill ring empty {} rx dropped {} rx invalid {} tx invalid {}",
                        self.name(port),
                        monitor.queue(),
                        s.rx_ring_full,
                        s.rx_fill_ring_empty,
                        s.rx_dropped,
                        s.rx_invalid_descriptors,
                        s.tx_invalid_descriptors
                    )
                })),
                Err(error) => lines.push(format!("queue {}: statistics can't be read: {error}", monitor.queue())),
            }
        }
        lines
    }

    fn name(&self, port: PortId) -> &str {
        self.interfaces.get(port.index()).map_or("?", |interface| &interface.name)
    }
}

fn need_capabilities() -> Result<()> {
    let missing = check_capabilities().context("can't read this process's capabilities")?;
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(Capability::to_string).collect();
    bail!("missing {}: run as root, or give the binary these capabilities", names.join(", "))
}

fn open_interfaces(configs: &[InterfaceConfig]) -> Result<Vec<Interface>> {
    configs
        .iter()
        .map(|config| {
            let mode = match config.mode {
                Mode::Auto => evenkeel_afxdp::Mode::Auto,
                Mode::ZeroCopy => evenkeel_afxdp::Mode::ZeroCopy,
                Mode::Copy => evenkeel_afxdp::Mode::Copy,
                Mode::Generic => evenkeel_afxdp::Mode::Generic,
            };
            let interface = Interface::open(&config.name, mode)?;
            eprintln!(
                "{}: MAC {}, MTU {}, {} receive queues",
                interface.name, interface.mac, interface.mtu, interface.queues
            );
            Ok(interface)
        })
        .collect()
}

fn plan_cores(queues: u32, config: &Config) -> Result<Plan> {
    let available = core_affinity::get_core_ids().context("can't tell which cores this process may use")?;
    let available: Vec<_> = available.iter().map(|core| core.id).collect();
    let cores = Plan::new(queues as usize, config.dataplane.cores.as_deref(), &available)
        .map_err(|error| Refused(error.to_string()))?;
    for (queue, core) in cores.workers.iter().enumerate() {
        eprintln!("worker {queue}: core {core}, queue {queue} of every interface");
    }
    let shared = if cores.is_shared() { ", shared with a worker" } else { "" };
    eprintln!("control: core {}{shared}", cores.control);
    Ok(cores)
}

fn open_queues(count: u32, interfaces: &[Interface], steering: &mut Steering) -> Result<Vec<Queue>> {
    let mtu = interfaces.iter().map(|interface| interface.mtu).max().unwrap_or_default();
    let punt = Arc::new(PuntDevice::open(mtu)?);
    eprintln!("punted packets go to the kernel through {}", punt.name());
    let mut queues = Vec::new();
    for number in 0..count {
        let queue = Queue::open(number, interfaces, &punt)?;
        steering.connect(&queue)?;
        let pages = if queue.is_on_huge_pages() { "huge" } else { "ordinary" };
        eprintln!("queue {number}: {}, frames on {pages} pages", queue.access());
        queues.push(queue);
    }
    Ok(queues)
}

/// Starts the control thread on its core; this thread stays there too, and workers have pinned themselves.
fn start_control(
    cores: &Plan,
    config: Config,
    desired: Desired,
    interfaces: &[Interface],
    liveness: &Arc<Liveness>,
    published: Arc<Published>,
    counters: Vec<Arc<WorkerCounters>>,
) -> Result<LiveHandle> {
    if !core_affinity::set_for_current(core_affinity::CoreId { id: cores.control }) {
        eprintln!("control can't be pinned to core {}: it runs where the kernel wants", cores.control);
    }
    let ports = interfaces.iter().map(|interface| LivePort { ifindex: interface.index, mac: interface.mac });
    let spec = LiveSpec { config, desired, ports: ports.collect(), liveness: Arc::clone(liveness) };
    let say = |event| eprintln!("{event}");
    Ok(live::start(spec, live::publisher(published, counters), say)?)
}

fn say_services(config: &Config) {
    for service in &config.services {
        eprintln!("service {}: {} to group {}", service.name, service.vip, service.group);
    }
}
