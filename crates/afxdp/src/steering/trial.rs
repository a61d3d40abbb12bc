//! The steering program on single frames, by the kernel's own means for testing (`BPF_PROG_TEST_RUN`).

use super::{Steering, SteeringError};
use crate::xsk;
use evenkeel_nexthop::ServiceSpec;
use evenkeel_packet::Mac;
use libbpf_rs::ProgramInput;
use std::os::fd::{AsFd, OwnedFd};

/// Shortest frame that the kernel runs a program on, in bytes: an Ethernet header.
const SHORTEST_FRAME_LEN: usize = 14;
/// Return value of a program that redirects.
const XDP_REDIRECT: u32 = 4;
/// Index of the loopback interface, from which frames of a test run come.
const LOOPBACK: u32 = 1;

/// What the steering program does with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It goes to a worker.
    Redirect,
    /// It stays with the kernel.
    Pass,
}

/// The steering program without interfaces: no frame is sent or received. Needs `CAP_BPF` and `CAP_NET_ADMIN`.
#[derive(Debug)]
pub struct Trial {
    steering: Steering,
    /// Bound to nothing: a place to redirect to.
    _socket: OwnedFd,
}

impl Trial {
    /// Loads the program for these services.
    ///
    /// # Errors
    /// As [`Steering::load`].
    pub fn load(services: &[ServiceSpec]) -> Result<Self, SteeringError> {
        let steering = Steering::load(1, services)?;
        let socket = xsk::unbound().map_err(|error| SteeringError::Load(error.into()))?;
        steering.maps.set_socket(0, 0, socket.as_fd())?;
        Ok(Self { steering, _socket: socket })
    }

    /// As [`Steering::set_services`].
    ///
    /// # Errors
    /// As there.
    pub fn set_services(&mut self, services: &[ServiceSpec]) -> Result<(), SteeringError> {
        self.steering.set_services(services)
    }

    /// Runs the program on a frame that came in on an interface whose own MAC is `own`. A frame too short for an
    /// Ethernet header, which no network card delivers, is passed.
    ///
    /// # Errors
    /// What the kernel says, as of a frame larger than the memory that it takes for a test run.
    pub fn run(&mut self, frame: &[u8], own: Mac) -> Result<Decision, SteeringError> {
        if frame.len() < SHORTEST_FRAME_LEN {
            return Ok(Decision::Pass);
        }
        self.steering.maps.set_interface(LOOPBACK, own, 0)?;
        self.decide(frame)
    }

    fn decide(&self, frame: &[u8]) -> Result<Decision, SteeringError> {
        let input = ProgramInput { data_in: Some(frame), ..Default::default() };
        let program = self.steering.object.progs_mut().next();
        let missing = || libbpf_rs::Error::from_raw_os_error(libc::ENOENT);
        let run = program.ok_or_else(missing).and_then(|program| program.test_run(input));
        let output = run.map_err(|source| SteeringError::Map { action: "a test run", source })?;
        Ok(if output.return_value == XDP_REDIRECT { Decision::Redirect } else { Decision::Pass })
    }
}
