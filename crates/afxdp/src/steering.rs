//! The steering program: which packets go to a worker and which stay with the kernel.
//!
//! Knows services only as (prefix, protocol, ports); nothing of nexthops. It detaches when it is dropped, and when the
//! process ends in any other way. Interfaces come and go one by one, without touching the others.

mod layout;
mod link;
mod maps;
mod rules;
mod trial;

pub use layout::MAX_PORTS;
pub use trial::{Decision, Trial};

use crate::busy::retry_while_busy;
use crate::{Attachment, Interface, Mode, SocketHandle};
use evenkeel_nexthop::{PortId, ServiceSpec};
use evenkeel_packet::Mac;
use libbpf_rs::libbpf_sys::{XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};
use libbpf_rs::{Object, ObjectBuilder, Program};
use maps::Maps;
use std::collections::BTreeMap;
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
    /// A port number beyond those that the program knows.
    #[error("port {port} of {interface} is beyond the {max} that can be used", max = MAX_PORTS)]
    NoSuchPort {
        /// Name of the interface.
        interface: String,
        /// The number.
        port: u16,
    },
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
    ports: BTreeMap<PortId, Steered>,
}

/// An interface that the program is attached to.
#[derive(Debug)]
struct Steered {
    interface: Interface,
    /// Frames are sent to workers.
    is_open: bool,
    /// Attached for as long as it is there.
    _link: OwnedFd,
}

impl Steering {
    /// Loads the program for interfaces with this many receive queues each. It is attached to none yet.
    ///
    /// # Errors
    /// [`SteeringError::Load`] without the capabilities or on a kernel without AF_XDP, and what
    /// [`set_services`](Self::set_services) says.
    pub fn load(queues: u32, services: &[ServiceSpec]) -> Result<Self, SteeringError> {
        let queues = queues.max(1);
        let mut builder = ObjectBuilder::default();
        let mut open =
            builder.name("steer").and_then(|b| b.open_memory(&PROGRAM.0)).map_err(SteeringError::Load)?;
        maps::size(&mut open, MAX_PORTS as u32 * queues).map_err(SteeringError::Load)?;
        let object = open.load().map_err(SteeringError::Load)?;
        let maps = Maps::of(&object, queues).map_err(SteeringError::Load)?;
        let mut steering = Self { object, maps, ports: BTreeMap::new() };
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

    /// Attaches the program to an interface, which is this port from now on, and says how. It leaves all frames to the
    /// kernel until the port is [open](Self::open). A program that the last process left behind is waited for, two seconds
    /// at most.
    ///
    /// # Errors
    /// [`SteeringError::Attach`], [`SteeringError::NoSuchPort`], or what the kernel says of the maps; it is not attached
    /// then.
    pub fn attach(&mut self, port: PortId, interface: &Interface) -> Result<Attachment, SteeringError> {
        if port.index() >= MAX_PORTS {
            return Err(SteeringError::NoSuchPort { interface: interface.name.clone(), port: port.0 });
        }
        self.maps.clear_counts(port.0)?;
        let (link, attachment) = attach(&self.program()?, interface)?;
        self.ports.insert(port, Steered { interface: interface.clone(), is_open: false, _link: link });
        Ok(attachment)
    }

    /// Makes a worker's socket known: frames of its port and queue go there once the port is open.
    ///
    /// # Errors
    /// What the kernel says. A socket that is closed already is no error.
    pub fn connect(&mut self, socket: &SocketHandle) -> Result<(), SteeringError> {
        let Some(descriptor) = socket.descriptor.upgrade() else { return Ok(()) };
        self.maps.set_socket(socket.port.0, socket.queue, descriptor.as_fd())
    }

    /// Sends frames that come in on this port to the sockets that are connected, from now on.
    ///
    /// # Errors
    /// What the kernel says. A port that the program isn't attached to is no error.
    pub fn open(&mut self, port: PortId) -> Result<(), SteeringError> {
        let Some(steered) = self.ports.get_mut(&port) else { return Ok(()) };
        self.maps.set_interface(steered.interface.index, steered.interface.mac, port.0)?;
        steered.is_open = true;
        Ok(())
    }

    /// Detaches the program from an interface. When it returns, no frame is on its way to a worker any more but what is in
    /// the sockets' rings.
    pub fn close(&mut self, port: PortId) {
        let Some(steered) = self.ports.remove(&port) else { return };
        self.maps.forget_interface(steered.interface.index);
    }

    /// Detaches the program from every interface: no more packets come.
    pub fn detach(&mut self) {
        while let Some((port, _)) = self.ports.first_key_value() {
            self.close(*port);
        }
    }

    /// Follows an interface whose own MAC has changed.
    ///
    /// # Errors
    /// What the kernel says. A port that isn't there is no error.
    pub fn set_own_mac(&mut self, port: PortId, mac: Mac) -> Result<(), SteeringError> {
        let Some(steered) = self.ports.get_mut(&port) else { return Ok(()) };
        steered.interface.mac = mac;
        if steered.is_open { self.open(port) } else { Ok(()) }
    }

    /// Frames seen on a port since the program was attached to it; also of one that was closed since.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn counts(&self, port: PortId) -> Result<FrameCounts, SteeringError> {
        self.maps.counts(port.0)
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
