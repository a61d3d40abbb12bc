//! Who forwards in a lab, and how it is told that servers leave and come back.
//!
//! The three have the same members, the same servers and the same client. The kernel knows members only: whatever
//! the way in which a server leaves, it is taken out there.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::lab::config::{self, Draining};
use crate::lab::daemon::{Daemon, Report};
use crate::lab::plan::{WEB4, WEB6};
use crate::lab::{Lab, kernel};

/// Those that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The kernel's multipath route, with the ports in its hash.
    Kernel,
    /// The kernel's resilient nexthop group.
    Resilient,
    /// `evenkeel run`.
    Evenkeel,
}

impl Kind {
    /// All of them, Evenkeel last.
    pub const ALL: [Self; 3] = [Self::Kernel, Self::Resilient, Self::Evenkeel];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Kernel => "kernel multipath",
            Kind::Resilient => "kernel resilient",
            Kind::Evenkeel => "evenkeel",
        })
    }
}

/// How a server leaves, and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `drain`, then `activate`.
    Drain,
    /// `remove` with its default deadline, before which `activate` takes it back.
    Remove,
    /// `weight` 0, then 1.
    Weight,
}

/// One of them at work for the lab's web service.
#[derive(Debug)]
pub struct Forwarder {
    work: Work,
    /// Servers by index that take new flows, in order.
    active: Vec<usize>,
}

#[derive(Debug)]
enum Work {
    Kernel,
    Resilient,
    Evenkeel(Box<Daemon>),
}

impl Forwarder {
    /// Starts it with the first `members` servers of the lab.
    ///
    /// # Errors
    /// When the kernel refuses, or `evenkeel run` isn't ready.
    pub fn start(kind: Kind, lab: &Lab, members: usize) -> Result<Self> {
        let members: Vec<_> = (0..members).map(|server| (server, Draining::No)).collect();
        Self::start_with(kind, lab, members.len(), || config::web_of(lab, &members))
    }

    /// As [`start`](Self::start), Evenkeel with a configuration that has the web service among others.
    ///
    /// # Errors
    /// When the kernel refuses, or `evenkeel run` isn't ready.
    pub fn start_with(
        kind: Kind,
        lab: &Lab,
        members: usize,
        config: impl FnOnce() -> String,
    ) -> Result<Self> {
        let active: Vec<_> = (0..members).collect();
        let work = match kind {
            Kind::Kernel => {
                kernel::route(lab, &active)?;
                Work::Kernel
            }
            Kind::Resilient => {
                kernel::lay_resilient(lab, &active)?;
                Work::Resilient
            }
            Kind::Evenkeel => Work::Evenkeel(Box::new(Daemon::start(lab, &config())?)),
        };
        Ok(Self { work, active })
    }

    /// From now on the server (by index) gets no new flows.
    ///
    /// # Errors
    /// When it is refused.
    pub fn leave(&mut self, lab: &Lab, server: usize, way: Way) -> Result<()> {
        self.active.retain(|&active| active != server);
        let name = lab.servers()[server].name();
        self.apply(lab, |daemon, (group, _)| match way {
            Way::Drain => daemon.command(&["drain", group, name]),
            Way::Remove => daemon.command(&["remove", group, name]),
            Way::Weight => daemon.command(&["weight", group, name, "0"]),
        })
    }

    /// A server (by index) comes for the first time.
    ///
    /// # Errors
    /// When it is refused.
    pub fn come(&mut self, lab: &Lab, server: usize) -> Result<()> {
        self.activate(server);
        let name = lab.servers()[server].name();
        self.apply(lab, |daemon, (group, vip)| {
            daemon.command(&["add", group, name, &lab.nexthop(server, vip).0.to_string()])
        })
    }

    /// The server (by index) that left in this way takes new flows again.
    ///
    /// # Errors
    /// When it is refused.
    pub fn come_back(&mut self, lab: &Lab, server: usize, way: Way) -> Result<()> {
        self.activate(server);
        let name = lab.servers()[server].name();
        self.apply(lab, |daemon, (group, _)| match way {
            Way::Drain | Way::Remove => daemon.command(&["activate", group, name]),
            Way::Weight => daemon.command(&["weight", group, name, "1"]),
        })
    }

    /// Which server (by name) a TCP flow between these ends would get now, as the forwarder itself says.
    ///
    /// # Errors
    /// When it can't say.
    pub fn path(&self, lab: &Lab, (source, destination): (SocketAddr, SocketAddr)) -> Result<String> {
        if let Work::Evenkeel(daemon) = &self.work {
            return daemon.path(source, destination);
        }
        let address = kernel::path(lab, source, destination)?;
        let server =
            (0..lab.servers().len()).find(|&server| lab.nexthop(server, destination.ip()).0 == address);
        let server = server.with_context(|| format!("{address} is no server's"))?;
        Ok(lab.servers()[server].name().to_owned())
    }

    /// The daemon, when it is Evenkeel that forwards.
    pub fn daemon(&self) -> Option<&Daemon> {
        match &self.work {
            Work::Evenkeel(daemon) => Some(daemon),
            Work::Kernel | Work::Resilient => None,
        }
    }

    /// Ends it; the report of the daemon.
    ///
    /// # Errors
    /// When the daemon doesn't end in order.
    pub fn stop(self) -> Result<Option<Report>> {
        match self.work {
            Work::Evenkeel(daemon) => daemon.stop().map(Some),
            Work::Kernel | Work::Resilient => Ok(None),
        }
    }

    fn activate(&mut self, server: usize) {
        self.active.push(server);
        self.active.sort_unstable();
    }

    /// Gives the kernel the servers that are active, or Evenkeel a command for each of its groups.
    fn apply(&self, lab: &Lab, command: impl Fn(&Daemon, (&str, IpAddr)) -> Result<String>) -> Result<()> {
        match &self.work {
            Work::Kernel => kernel::route(lab, &self.active),
            Work::Resilient => kernel::change_resilient(lab, &self.active),
            Work::Evenkeel(daemon) => {
                let groups = [("web4", IpAddr::from(WEB4)), ("web6", IpAddr::from(WEB6))];
                groups.into_iter().try_for_each(|group| command(daemon, group).map(drop))
            }
        }
    }
}
