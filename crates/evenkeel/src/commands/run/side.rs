//! The box's side of the control thread: interfaces, steering and sockets, as control may see and change them.

use super::cores::Plan;
use super::{latency, say};
use anyhow::Result;
use evenkeel_afxdp::{FrameCounts, Interface, Monitor, Steering, SteeringError};
use evenkeel_control::Config;
use evenkeel_control::live::{
    InterfaceStatus, Latency, LivePort, Plant, PlantError, SocketCounts, WorkerStatus,
};
use evenkeel_nexthop::{PortId, ServiceSpec};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What reaches into the kernel.
pub(super) struct Side {
    pub(super) interfaces: Vec<Interface>,
    pub(super) steering: Steering,
    pub(super) monitors: Vec<Monitor>,
    pub(super) cores: Plan,
    pub(super) latency: Vec<latency::Shared>,
    /// How the XDP program is attached, by interface; empty before it is.
    pub(super) attachments: Vec<String>,
    /// How the sockets get at frames.
    pub(super) access: String,
    /// Services that wait for their commit.
    pub(super) prepared: Option<Vec<ServiceSpec>>,
}

/// The side of the box, used by the control thread while it runs, and by the main thread at the start and at the end.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Side>>);

impl Shared {
    pub(super) fn new(side: Side) -> Self {
        Self(Arc::new(Mutex::new(side)))
    }

    /// What a thread that panicked has left is good enough to end in order.
    pub(super) fn lock(&self) -> MutexGuard<'_, Side> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plant for Shared {
    fn prepare(&mut self, next: &Config) -> Result<Vec<LivePort>, PlantError> {
        let mut side = self.lock();
        Steering::check_services(&next.services).map_err(|error| refused(&error))?;
        side.prepared = Some(next.services.clone());
        Ok(side.ports())
    }

    fn commit(&mut self) -> Result<(), PlantError> {
        let mut side = self.lock();
        let Some(services) = side.prepared.take() else { return Ok(()) };
        side.steering.set_services(&services).map_err(|error| refused(&error))
    }

    fn abort(&mut self) {
        self.lock().prepared = None;
    }

    fn interfaces(&self) -> Vec<InterfaceStatus> {
        self.lock().interface_statuses()
    }

    fn workers(&self) -> Vec<WorkerStatus> {
        let side = self.lock();
        let workers = side.cores.workers.iter().enumerate();
        workers.map(|(queue, core)| WorkerStatus { core: *core, queue }).collect()
    }

    fn latency(&self) -> Latency {
        latency::quantiles(&self.lock().latency)
    }
}

fn refused(error: &SteeringError) -> PlantError {
    let sources = std::iter::successors(std::error::Error::source(error), |error| error.source());
    PlantError(sources.fold(error.to_string(), |text, source| format!("{text}: {source}")))
}

impl Side {
    /// Attaches the XDP program to every interface and says how.
    pub(super) fn attach(&mut self) -> Result<()> {
        self.attachments = self.steering.attach()?.iter().map(ToString::to_string).collect();
        for (interface, attachment) in self.interfaces.iter().zip(&self.attachments) {
            say::note(format_args!("{}: XDP program attached ({attachment})", interface.name));
        }
        Ok(())
    }

    /// The interfaces in the order of the configuration.
    pub(super) fn ports(&self) -> Vec<LivePort> {
        let port = |(index, interface): (u16, &Interface)| LivePort {
            port: PortId(index),
            name: interface.name.clone(),
            ifindex: interface.index,
            mac: interface.mac,
        };
        (0..).zip(&self.interfaces).map(port).collect()
    }

    fn interface_statuses(&self) -> Vec<InterfaceStatus> {
        // what can't be read is shown as 0; the end of the run says why
        let frames = self.steering.counts().unwrap_or_default();
        let sockets = self.socket_counts();
        let status = |(interface, port): (&Interface, LivePort)| {
            let index = port.port.index();
            let FrameCounts { passed, redirected } = frames.get(index).copied().unwrap_or_default();
            InterfaceStatus {
                mtu: interface.mtu,
                queues: interface.queues,
                attachment: self.attachments.get(index).cloned(),
                access: Some(self.access.clone()),
                passed,
                redirected,
                sockets: sockets.get(index).cloned().unwrap_or_default(),
                port,
            }
        };
        self.interfaces.iter().zip(self.ports()).map(status).collect()
    }

    /// By interface and queue.
    fn socket_counts(&self) -> Vec<Vec<SocketCounts>> {
        let mut counts = vec![Vec::new(); self.interfaces.len()];
        for (port, read) in self.monitors.iter().filter_map(|monitor| monitor.read().ok()).flatten() {
            let Some(queues) = counts.get_mut(port.index()) else { continue };
            queues.push(SocketCounts {
                rx_ring_full: read.rx_ring_full,
                rx_fill_ring_empty: read.rx_fill_ring_empty,
                rx_dropped: read.rx_dropped,
                rx_invalid_descriptors: read.rx_invalid_descriptors,
                tx_invalid_descriptors: read.tx_invalid_descriptors,
            });
        }
        counts
    }

    /// What the XDP program and the sockets counted.
    pub(super) fn kernel_lines(&self) -> Vec<String> {
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
