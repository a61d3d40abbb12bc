//! The box's side of the control thread: interfaces, steering and sockets, as control may see and change them.

mod port;

pub(super) use port::Port;

use super::cores::Plan;
use super::crew::Crew;
use super::{interfaces, latency, say};
use anyhow::{Context, Result, bail, ensure};
use evenkeel_afxdp::{Interface, InterfaceError, Joining, MAX_PORTS, Steering, queues_remedy};
use evenkeel_control::Config;
use evenkeel_control::live::{InterfaceStatus, Latency, LivePort, Plant, PlantError, WorkerStatus};
use evenkeel_nexthop::{PortId, ServiceSpec};
use evenkeel_packet::Mac;
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What reaches into the kernel.
pub(super) struct Side {
    /// In the order of the configuration.
    pub(super) ports: Vec<Port>,
    pub(super) steering: Steering,
    pub(super) crew: Crew,
    pub(super) cores: Plan,
    pub(super) latency: Vec<latency::Shared>,
    /// How the sockets get at frames.
    pub(super) access: String,
    /// For which the workers have memory.
    pub(super) max_interfaces: usize,
    /// The services in effect.
    pub(super) services: Vec<ServiceSpec>,
    pub(super) prepared: Option<Prepared>,
}

/// What waits for its commit.
pub(super) struct Prepared {
    services: Vec<ServiceSpec>,
    /// In the order of the configuration; those that come have their sockets, and the program leaves their frames to the
    /// kernel.
    ports: Vec<Port>,
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
    fn check(&self, next: &Config, is_named: &dyn Fn(PortId) -> bool) -> Result<Vec<LivePort>, PlantError> {
        let ports = self.lock().check(next, is_named).map_err(|error| refused(&error))?;
        Ok(ports.iter().map(Port::live).collect())
    }

    fn prepare(
        &mut self,
        next: &Config,
        is_named: &dyn Fn(PortId) -> bool,
    ) -> Result<Vec<LivePort>, PlantError> {
        self.lock().prepare(next, is_named).map_err(|error| refused(&error))
    }

    fn commit(&mut self) -> Result<(), PlantError> {
        self.lock().commit().map_err(|error| refused(&error))
    }

    fn abort(&mut self) {
        self.lock().abort();
    }

    fn set_own_mac(&mut self, port: PortId, mac: Mac) {
        self.lock().set_own_mac(port, mac);
    }

    fn interfaces(&self) -> Vec<InterfaceStatus> {
        let side = self.lock();
        side.ports.iter().map(|port| port.status(&side.steering, &side.access)).collect()
    }

    fn workers(&self) -> Vec<WorkerStatus> {
        let side = self.lock();
        let workers = side.cores.workers.iter().zip(&side.latency).enumerate();
        let status = |(queue, (&core, times)): (usize, (&usize, &latency::Shared))| WorkerStatus {
            core,
            queue,
            latency: latency::quantiles(slice::from_ref(times)),
            polls: times.polls(),
        };
        workers.map(status).collect()
    }

    fn latency(&self) -> Latency {
        latency::quantiles(&self.lock().latency)
    }
}

fn refused(error: &anyhow::Error) -> PlantError {
    PlantError(format!("{error:#}"))
}

impl Side {
    /// Attaches the XDP program to every interface, says how, and has it send packets.
    pub(super) fn attach(&mut self) -> Result<()> {
        for Port { port, interface, attachment, .. } in &mut self.ports {
            let attached = self.steering.attach(*port, interface)?;
            say::note(format_args!("{}: XDP program attached ({attached})", interface.name));
            *attachment = Some(attached);
        }
        self.ports.iter().try_for_each(|port| Ok(self.steering.open(port.port)?))
    }

    /// The interfaces in the order of the configuration.
    pub(super) fn live_ports(&self) -> Vec<LivePort> {
        self.ports.iter().map(Port::live).collect()
    }

    /// What the XDP program and the sockets counted.
    pub(super) fn kernel_lines(&self) -> Vec<String> {
        self.ports.iter().flat_map(|port| port.kernel_lines(&self.steering)).collect()
    }

    /// The interfaces of a configuration; those that come have a number and nothing else.
    fn check(&self, next: &Config, is_named: &dyn Fn(PortId) -> bool) -> Result<Vec<Port>> {
        Steering::check_services(&next.services)?;
        let (count, most) = (next.interfaces.len(), self.max_interfaces);
        ensure!(
            count <= most,
            "{count} interfaces, and the workers have memory for {most} since the start: raise \
             dataplane.max_interfaces and restart"
        );
        let mut free = (0..MAX_PORTS as u16).map(PortId).filter(|&port| {
            self.ports.iter().all(|used| used.port != port) && self.crew.is_free(port) && !is_named(port)
        });
        let mut ports = Vec::new();
        for config in &next.interfaces {
            let named = self.ports.iter().find(|port| port.interface.name == config.name);
            let interface = match (interfaces::open(config), named) {
                // gone from the machine: as dead as before, which must not keep the rest from being reloaded
                (Err(InterfaceError::Unknown { .. }), Some(gone)) => gone.interface.clone(),
                (opened, _) => opened?,
            };
            self.crew.binders().try_for_each(|binder| binder.check(&interface))?;
            ports.push(match named.filter(|port| port.interface.index == interface.index) {
                Some(known) => known.clone(),
                None => {
                    self.check_queues(&interface)?;
                    let number =
                        free.next().context("too many interfaces have come and gone; try again later")?;
                    Port::new(number, interface)
                }
            });
        }
        Ok(ports)
    }

    fn check_queues(&self, interface: &Interface) -> Result<()> {
        let workers = self.cores.workers.len() as u32;
        let Interface { name, queues, .. } = interface;
        ensure!(
            *queues == workers,
            "all interfaces must have the same number of receive queues, but {name} has {queues} and the others have \
             {workers} since the start; this helps: {}",
            queues_remedy([interface], workers)
        );
        Ok(())
    }

    fn prepare(&mut self, next: &Config, is_named: &dyn Fn(PortId) -> bool) -> Result<Vec<LivePort>> {
        self.abort();
        let mut prepared = Prepared { services: next.services.clone(), ports: Vec::new() };
        let mut outcome = Ok(());
        for mut port in self.check(next, is_named)? {
            if port.sockets.is_empty() {
                outcome = self.take_up(&mut port);
            }
            if outcome.is_err() {
                break;
            }
            prepared.ports.push(port);
        }
        let live = prepared.ports.iter().map(Port::live).collect();
        self.prepared = Some(prepared);
        match outcome {
            Ok(()) => Ok(live),
            Err(error) => {
                self.abort();
                Err(error)
            }
        }
    }

    /// Binds sockets to an interface and gives them to the workers. The program is attached and leaves all frames to the
    /// kernel.
    fn take_up(&mut self, port: &mut Port) -> Result<()> {
        let Port { port: number, interface, .. } = port;
        port.attachment = Some(self.steering.attach(*number, interface)?);
        let taken_up = self.give_to_workers(port);
        if taken_up.is_err() {
            self.steering.close(port.port);
        }
        taken_up
    }

    fn give_to_workers(&mut self, port: &mut Port) -> Result<()> {
        let name = &port.interface.name;
        ensure!(self.crew.has_let_go(port.interface.index), "{name} is still being given up; try again");
        let binders = self.crew.binders();
        let joining = binders.map(|binder| binder.bind(port.port, &port.interface));
        let joining = joining.collect::<Result<Vec<_>, _>>()?;
        port.sockets = joining.iter().map(Joining::handle).collect();
        for socket in &port.sockets {
            self.steering.connect(socket)?;
        }
        if !self.crew.join(joining) {
            self.crew.leave(port.port, port.interface.index);
            bail!("a worker did not take up {name}");
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        let Some(Prepared { services, ports }) = self.prepared.take() else { return Ok(()) };
        if let Err(error) = self.open(&services, &ports) {
            // what was in effect was accepted before, and is again; its failure would be told by the next reload
            let _ = self.steering.set_services(&self.services);
            self.prepared = Some(Prepared { services, ports });
            self.abort();
            return Err(error);
        }
        for come in only_in(&ports, &self.ports) {
            interfaces::say(&come.interface);
            say::note(format_args!("{} is taken up", come.interface.name));
        }
        let before = std::mem::replace(&mut self.ports, ports);
        self.services = services;
        for left in only_in(&before, &self.ports) {
            self.give_up(left);
        }
        Ok(())
    }

    /// Opens the way for what comes.
    fn open(&mut self, services: &[ServiceSpec], ports: &[Port]) -> Result<()> {
        self.steering.set_services(services)?;
        for port in only_in(ports, &self.ports) {
            self.steering.open(port.port)?;
        }
        Ok(())
    }

    /// Closes the way for an interface, has the workers forward what came on it, and takes its sockets from them.
    fn give_up(&mut self, port: &Port) {
        self.steering.close(port.port);
        port.kernel_lines(&self.steering).iter().for_each(say::note);
        self.crew.leave(port.port, port.interface.index);
        say::note(format_args!("{} is given up", port.interface.name));
    }

    fn abort(&mut self) {
        let Some(Prepared { ports, .. }) = self.prepared.take() else { return };
        for port in only_in(&ports, &self.ports) {
            self.steering.close(port.port);
            self.crew.leave(port.port, port.interface.index);
        }
    }

    fn set_own_mac(&mut self, port: PortId, mac: Mac) {
        let Some(known) = self.ports.iter_mut().find(|known| known.port == port) else { return };
        known.interface.mac = mac;
        if let Err(error) = self.steering.set_own_mac(port, mac) {
            say::note(format_args!(
                "{}: the XDP program doesn't follow its MAC: {error}",
                known.interface.name
            ));
        }
    }
}

/// The interfaces that are among the first and not among the second.
fn only_in<'p>(these: &'p [Port], others: &[Port]) -> Vec<&'p Port> {
    these.iter().filter(|port| others.iter().all(|other| other.port != port.port)).collect()
}
