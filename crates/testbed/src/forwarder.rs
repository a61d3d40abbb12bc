//! Who forwards in a lab, and how it is told that servers leave and come back.
//!
//! The three have the same members, the same servers and the same client. The kernel knows members only: whatever
//! the way in which a server leaves, it is taken out there.

use std::fmt;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::lab::config::{self, Draining};
use crate::lab::daemon::{Daemon, Report};
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
    /// `remove` with its default deadline, then `add`.
    Remove,
}

/// One of them at work.
#[derive(Debug)]
pub struct Forwarder {
    work: Work,
    /// The servers that were its members at any time: index and what it is.
    members: Vec<(usize, Member)>,
}

#[derive(Debug)]
enum Work {
    Kernel,
    Resilient,
    Evenkeel(Box<Daemon>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Active,
    Draining,
    Removed,
}

impl Forwarder {
    /// Starts it with the first `members` servers of the lab as members of the web service.
    ///
    /// # Errors
    /// When the kernel refuses, or `evenkeel run` isn't ready.
    pub fn start(kind: Kind, lab: &Lab, members: usize) -> Result<Self> {
        let all: Vec<_> = (0..members).collect();
        let work = match kind {
            Kind::Kernel => {
                kernel::route(lab, &all)?;
                Work::Kernel
            }
            Kind::Resilient => {
                kernel::lay_resilient(lab, &all)?;
                Work::Resilient
            }
            Kind::Evenkeel => {
                let members: Vec<_> = all.iter().map(|&server| (server, Draining::No)).collect();
                Work::Evenkeel(Box::new(Daemon::start(lab, &config::web_of(lab, &members))?))
            }
        };
        Ok(Self { work, members: all.into_iter().map(|server| (server, Member::Active)).collect() })
    }

    /// From now on the server (by index) gets no new flows.
    ///
    /// # Errors
    /// When it is refused.
    pub fn leave(&mut self, lab: &Lab, server: usize, way: Way) -> Result<()> {
        self.set(server, if way == Way::Drain { Member::Draining } else { Member::Removed });
        self.apply(lab)
    }

    /// The server (by index) comes, or comes back, and takes new flows.
    ///
    /// # Errors
    /// When it is refused.
    pub fn join(&mut self, lab: &Lab, server: usize) -> Result<()> {
        self.set(server, Member::Active);
        self.apply(lab)
    }

    /// Which server (by name) a TCP flow between these ends would get now, as the forwarder itself says.
    ///
    /// # Errors
    /// When it can't say.
    pub fn path(&self, lab: &Lab, (source, destination): (SocketAddr, SocketAddr)) -> Result<String> {
        match &self.work {
            Work::Evenkeel(daemon) => daemon.path(lab, source, destination),
            Work::Kernel | Work::Resilient => {
                let address = kernel::path(lab, source, destination)?;
                let of = |server: &usize| lab.nexthop(*server, destination.ip()).0 == address;
                let server = (0..lab.servers().len()).find(of);
                let server = server.with_context(|| format!("{address} is no server's"))?;
                Ok(lab.servers()[server].name().to_owned())
            }
        }
    }

    /// The daemon, when it is Evenkeel that forwards.
    pub fn daemon(&mut self) -> Option<&mut Daemon> {
        match &mut self.work {
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

    fn set(&mut self, server: usize, now: Member) {
        match self.members.iter_mut().find(|member| member.0 == server) {
            Some(member) => member.1 = now,
            None => self.members.push((server, now)),
        }
        self.members.sort_unstable_by_key(|member| member.0);
    }

    fn apply(&mut self, lab: &Lab) -> Result<()> {
        let active: Vec<_> =
            self.members.iter().filter(|member| member.1 == Member::Active).map(|member| member.0).collect();
        match &mut self.work {
            Work::Kernel => kernel::route(lab, &active),
            Work::Resilient => kernel::change_resilient(lab, &active),
            Work::Evenkeel(daemon) => {
                let present = self.members.iter().filter(|member| member.1 != Member::Removed);
                let state = |now| if now == Member::Draining { Draining::Yes } else { Draining::No };
                let present: Vec<_> = present.map(|&(server, now)| (server, state(now))).collect();
                let said = daemon.reload(&config::web_of(lab, &present))?;
                ensure!(said.starts_with("configuration reloaded"), "the change was refused: {said}");
                Ok(())
            }
        }
    }
}
