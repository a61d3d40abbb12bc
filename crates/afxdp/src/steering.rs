//! The steering program: which packets go to a worker and which stay with the kernel.
//!
//! Knows services only as (prefix, protocol, ports); nothing of nexthops. It detaches when it is dropped, and when the
//! process ends in any other way.

mod layout;
mod link;
mod maps;
mod rules;
mod trial;

pub use trial::{Decision, Trial};

use crate::busy::retry_while_busy;
use crate::{Attachment, Interface, Mode, Queue};
use evenkeel_nexthop::{PortId, ServiceSpec};
use evenkeel_packet::Mac;
use libbpf_rs::libbpf_sys::{XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};
use libbpf_rs::{Object, ObjectBuilder, Program};
use maps::Maps;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// The program, compiled when the crate was built. The linker gives it the place that ELF headers ask for.
static PROGRAM: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/steer.bpf.o")));

#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

/// Why steering failed.
#[derive(Debug, thiserror::Error)]
pub enum SteeringError {
    /// The kernel refused the program or one of its maps.
    #[error("loading the steering program failed; it needs CAP_BPF and CAP_NET_ADMIN")]
    Load(#[source] libbpf_rs::Error),
    /// A map could not be read or written.
    #[error("{action} of the steering program failed")]
    Map {
        /// What was being done.
        action: &'static str,
        /// What the kernel said.
        source: libbpf_rs::Error,
    },
    /// More interfaces than the program knows.
    #[error("{0} interfaces; at most {max} can be used", max = layout::MAX_INTERFACES)]
    TooManyInterfaces(usize),
    /// The services list more ports than the map holds.
    #[error("the services list {0} ports, counted once per prefix and protocol; at most {max} can be steered", max = maps::MAX_LISTED_PORTS)]
    TooManyPorts(usize),
    /// The program could not be attached.
    #[error("attaching the steering program to {interface} in {mode} mode failed{hint}", hint = attach_hint(.source))]
    Attach {
        /// Name of the interface.
        interface: String,
        /// `native` or `generic`.
        mode: Attachment,
        /// What the kernel said.
        source: io::Error,
    },
}

fn attach_hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EBUSY | libc::EEXIST) => ": another XDP program is attached there",
        Some(libc::EOPNOTSUPP) => ": its driver does not know this mode",
        Some(libc::ENOSPC) => ": a veth needs as many receive queues as its peer has transmit queues",
        _ => "",
    }
}

/// Frames that the steering program saw on one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameCounts {
    /// Left to the kernel.
    pub passed: u64,
    /// Sent to a worker's socket; some of them may have found its fill ring empty, see
    /// [`SocketStatistics`](crate::SocketStatistics).
    pub redirected: u64,
}

/// The loaded steering program.
#[derive(Debug)]
pub struct Steering {
    object: Object,
    maps: Maps,
    interfaces: Vec<Interface>,
    /// Attached for as long as these are open.
    links: Vec<OwnedFd>,
}

impl Steering {
    /// Loads the program for these interfaces, which are ports 0, 1, … in this order. Nothing is attached yet.
    ///
    /// # Errors
    /// [`SteeringError::Load`] without the capabilities or on a kernel without AF_XDP, and what
    /// [`set_services`](Self::set_services) says.
    pub fn load(interfaces: &[Interface], services: &[ServiceSpec]) -> Result<Self, SteeringError> {
        if interfaces.len() > layout::MAX_INTERFACES {
            return Err(SteeringError::TooManyInterfaces(interfaces.len()));
        }
        let queues = interfaces.iter().map(|interface| interface.queues).max().unwrap_or(1);
        let mut builder = ObjectBuilder::default();
        let mut open =
            builder.name("steer").and_then(|b| b.open_memory(&PROGRAM.0)).map_err(SteeringError::Load)?;
        maps::size(&mut open, interfaces.len() as u32 * queues).map_err(SteeringError::Load)?;
        let object = open.load().map_err(SteeringError::Load)?;
        let maps = Maps::of(&object, queues).map_err(SteeringError::Load)?;
        let mut steering = Self { object, maps, interfaces: interfaces.to_vec(), links: Vec::new() };
        for (slot, interface) in interfaces.iter().enumerate() {
            steering.maps.set_interface(interface.index, interface.mac, slot as u16)?;
        }
        steering.set_services(services)?;
        Ok(steering)
    }

    /// Steers for these services from now on. At every moment meanwhile, a packet of a VIP is judged by the old
    /// services of its address family or by the new ones: what both sets serve is never left to the kernel.
    ///
    /// # Errors
    /// [`SteeringError::TooManyPorts`], or what the kernel says about memory. The old services stay in force, but if
    /// the kernel fails between the two families, IPv4 has the new ones and IPv6 the old ones.
    pub fn set_services(&mut self, services: &[ServiceSpec]) -> Result<(), SteeringError> {
        self.maps.set_services(services)
    }

    /// Whether these services are within the limits; the kernel is not asked.
    ///
    /// # Errors
    /// [`SteeringError::TooManyPorts`].
    pub fn check_services(services: &[ServiceSpec]) -> Result<(), SteeringError> {
        maps::check_services(services)
    }

    /// Detaches the program from every interface: no more packets come.
    pub fn detach(&mut self) {
        self.links.clear();
    }

    /// Follows an interface whose own MAC has changed.
    ///
    /// # Errors
    /// What the kernel says. A port that isn't there is no error.
    pub fn set_own_mac(&mut self, port: PortId, mac: Mac) -> Result<(), SteeringError> {
        let Some(interface) = self.interfaces.get_mut(port.index()) else { return Ok(()) };
        interface.mac = mac;
        self.maps.set_interface(interface.index, mac, port.0)
    }

    /// Sends packets to the sockets of this worker's queue from now on.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn connect(&mut self, queue: &Queue) -> Result<(), SteeringError> {
        for (slot, socket) in queue.descriptors() {
            self.maps.set_socket(slot, queue.number(), socket)?;
        }
        Ok(())
    }

    /// Attaches the program to every interface and says how, in the order of the interfaces. A program that the last
    /// process left behind is waited for, two seconds at most.
    ///
    /// # Errors
    /// [`SteeringError::Attach`]; then it is attached nowhere.
    pub fn attach(&mut self) -> Result<Vec<Attachment>, SteeringError> {
        let program = self.program()?;
        let attached = self.interfaces.iter().map(|interface| attach(&program, interface));
        let (links, modes) = attached.collect::<Result<(Vec<_>, Vec<_>), _>>()?;
        self.links = links;
        Ok(modes)
    }

    /// Frames seen so far, in the order of the interfaces.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn counts(&self) -> Result<Vec<FrameCounts>, SteeringError> {
        (0..self.interfaces.len()).map(|slot| self.maps.counts(slot as u32)).collect()
    }

    fn program(&self) -> Result<Program<'_>, SteeringError> {
        let missing = || SteeringError::Load(libbpf_rs::Error::from_raw_os_error(libc::ENOENT));
        self.object.progs().next().ok_or_else(missing)
    }
}

/// Attaches in the modes that the interface is configured for, the first that its driver knows.
fn attach(program: &Program<'_>, interface: &Interface) -> Result<(OwnedFd, Attachment), SteeringError> {
    let try_mode = |mode: Attachment| {
        let flags = match mode {
            Attachment::Native => XDP_FLAGS_DRV_MODE,
            Attachment::Generic => XDP_FLAGS_SKB_MODE,
        };
        retry_while_busy(|| link::attach(program.as_fd(), interface.index, flags))
            .map(|link| (link, mode))
            .map_err(|source| SteeringError::Attach { interface: interface.name.clone(), mode, source })
    };
    match (interface.mode, try_mode(interface.mode.first_attachment())) {
        (Mode::Auto, Err(SteeringError::Attach { source, .. }))
            if source.raw_os_error() == Some(libc::EOPNOTSUPP) =>
        {
            try_mode(Attachment::Generic)
        }
        (_, result) => result,
    }
}
