//! Live frames: UMEM, rings, queues and the XDP steering program.
//!
//! [`Steering`] is the kernel's side: it sends packets for a VIP to a worker's sockets and leaves the rest alone.
//! [`Queue`] is a worker's side: one queue of every interface, on memory of its own, as the dataplane's
//! [`PortIo`](evenkeel_dataplane::PortIo). [`PuntDevice`] is the way back to the kernel. Knows nothing of flows, groups
//! or nexthops.
//!
//! Two workers on two interfaces:
//!
//! ```no_run
//! use evenkeel_afxdp::{Interface, Mode, PuntDevice, Queue, Steering, equal_queues};
//! use evenkeel_dataplane::PortIo;
//! use evenkeel_nexthop::PortId;
//! use std::sync::Arc;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let services = [];
//! let interfaces = [Interface::open("eth1", Mode::Auto)?, Interface::open("eth2", Mode::Auto)?];
//! let workers = equal_queues(&interfaces)?; // 2
//! let mtu = interfaces.iter().map(|interface| interface.mtu).max().unwrap_or(1500);
//! let punt = Arc::new(PuntDevice::open(mtu)?);
//! let mut steering = Steering::load(workers, &services)?;
//! let mut threads = Vec::new();
//! for number in 0..workers {
//!     let mut queue = Queue::open(number, &interfaces, interfaces.len(), &punt)?;
//!     queue.handles().iter().try_for_each(|socket| steering.connect(socket))?;
//!     println!("queue {number}: {:?}", queue.access());
//!     threads.push(std::thread::spawn(move || {
//!         let mut burst = Vec::with_capacity(64);
//!         while !stopped() {
//!             queue.receive(64, &mut burst);
//!             if burst.is_empty() {
//!                 let _ = queue.wait(10);
//!             }
//!             for received in burst.drain(..) {
//!                 // Sent back where it came from; the real walk is evenkeel_dataplane::Worker::poll.
//!                 let _ = queue.transmit(received.port, received.frame);
//!             }
//!             queue.flush();
//!         }
//!     }));
//! }
//! for (port, interface) in (0..).map(PortId).zip(&interfaces) {
//!     println!("{}: {}", interface.name, steering.attach(port, interface)?);
//!     steering.open(port)?; // ready: packets come
//! }
//! # fn stopped() -> bool { true }
//! # Ok(())
//! # }
//! ```
//!
//! Interfaces can come and go while workers run: [`Queue::binder`] and [`Queue::join`], [`Queue::leave`] and [`Queue::part`].
//!
//! Everything is undone by dropping it, and by the kernel when the process ends in any way: the program is attached by
//! a link, sockets and the punt device live as long as their descriptors. Queues and programs that another process has
//! just left behind are waited for, so that starting again works at once.
//!
//! All of this happens in the network namespace of the calling thread. It needs `CAP_NET_ADMIN`, `CAP_NET_RAW` and
//! `CAP_BPF` ([`check_capabilities`]), and Linux 5.18 or later.
//!
//! What a network card takes off a frame, neither program nor worker sees: where VLAN tags are used, `ethtool -K IFACE
//! rxvlan off` (of a veth: `txvlan off` on its peer). And what it leaves undone stays undone: frames of a local sender
//! behind a veth carry unfinished checksums unless its end has `tx off`.

#![deny(unsafe_code)]

mod bound;
mod busy;
mod capabilities;
pub mod ethtool;
mod features;
mod interface;
mod ioctl;
mod memlock;
mod pool;
mod punt;
mod queue;
mod rings;
mod socket;
mod statistics;
mod steering;
mod umem;
mod xsk;

pub use capabilities::{Capability, check_capabilities};
pub use features::{XdpState, xdp_state};
pub use interface::{
    Attachment, Interface, InterfaceError, MAX_MTU, Mode, check_mtu, equal_queues, queues_remedy,
};
pub use punt::{PuntDevice, PuntError};
pub use queue::{
    Binder, Closed, Closing, Frame, FrameCensus, Joining, Parted, Queue, QueueError, memory_len_bytes,
};
pub use statistics::{SocketHandle, SocketStatistics};
pub use steering::{Decision, FrameCounts, MAX_PORTS, Steering, SteeringError, Trial};
pub use xsk::Access;
