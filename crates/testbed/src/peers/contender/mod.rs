//! Who forwards between the client and the server: Evenkeel, and what it is compared with.

pub mod bare;
mod evenkeel;
mod kernel;
mod testpmd;

pub(super) use evenkeel::{DEFAULT_IDLE, Evenkeel};

use std::fmt;

use anyhow::{Context, Result};

use super::rig::Rig;
use super::wire::Sink;
use crate::lab::process::Process;

/// Flows of the small case.
pub const FEW: u64 = 1 << 16;
/// Flows of the large case.
pub const MANY: u64 = 1 << 20;

/// One way to forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Contender {
    /// A loop over the same sockets that writes new MACs and does nothing else
    #[value(name = "bare-loop")]
    Bare,
    /// `evenkeel run`: the whole walk, with 65536 established flows
    #[value(name = "evenkeel/64k")]
    EvenkeelFew,
    /// The same with 1048576
    #[value(name = "evenkeel/1M")]
    EvenkeelMany,
    /// DPDK's testpmd, forwarding by MAC over `net_af_xdp`
    Testpmd,
    /// The kernel's own forwarding over a resilient nexthop group, its work on the forwarder's core
    #[value(name = "kernel-resilient")]
    Kernel,
}

/// A contender that forwards. Dropping it ends it.
#[derive(Debug)]
pub(super) enum Running {
    /// A process that needs nothing more.
    Process(Process),
    /// The kernel, by the thread that works for it.
    Kernel(u32),
    /// Evenkeel.
    Evenkeel(Box<Evenkeel>),
}

impl Contender {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Bare, Self::EvenkeelFew, Self::EvenkeelMany, Self::Testpmd, Self::Kernel];

    /// Its name in the case `peers/NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare-loop",
            Self::EvenkeelFew => "evenkeel/64k",
            Self::EvenkeelMany => "evenkeel/1M",
            Self::Testpmd => "testpmd",
            Self::Kernel => "kernel-resilient",
        }
    }

    /// Different flows among the frames that it gets.
    pub fn flows(self) -> u64 {
        if self == Self::EvenkeelMany { MANY } else { FEW }
    }

    /// Starts it; when it returns, frames are forwarded, and Evenkeel has all flows in its table.
    ///
    /// # Errors
    /// When it isn't there, ends, or isn't ready in time.
    pub(super) fn start(self, rig: &Rig, sink: &Sink) -> Result<Running> {
        let running = match self {
            Self::Bare => bare::start(rig).map(Running::Process),
            Self::Testpmd => testpmd::start(rig, sink).map(Running::Process),
            Self::Kernel => kernel::start(rig).map(Running::Kernel),
            Self::EvenkeelFew | Self::EvenkeelMany => Evenkeel::start(rig, self.flows(), DEFAULT_IDLE)
                .and_then(|evenkeel| {
                    evenkeel.establish(rig, u64::MAX).map(|()| Running::Evenkeel(Box::new(evenkeel)))
                }),
        };
        running.with_context(|| self.to_string())
    }

    /// False for programs of others.
    pub fn is_ours(self) -> bool {
        !matches!(self, Self::Testpmd | Self::Kernel)
    }

    /// Why it can't run on this machine; `None`: it can.
    pub(super) fn lacks(self) -> Option<String> {
        match self {
            Self::Testpmd => testpmd::lacks(),
            _ => None,
        }
    }
}

impl Running {
    /// Number of the process whose busiest thread forwards.
    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Process(process) => process.pid(),
            Self::Kernel(thread) => *thread,
            Self::Evenkeel(evenkeel) => evenkeel.pid(),
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// When Evenkeel doesn't end in time, or its counters don't add up.
    pub(super) fn end(self) -> Result<()> {
        match self {
            Self::Evenkeel(evenkeel) => evenkeel.stop().map(drop),
            Self::Process(mut process) => {
                process.kill();
                Ok(())
            }
            Self::Kernel(_) => Ok(()),
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
