//! Load as ctraffic's: many connections of `evenkeel traffic`, each echoing packets all the time, over both families.
//!
//! The seed is fixed: every run has the same sources and ports.

use std::net::{IpAddr, SocketAddr};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use evenkeel_traffic::client::{self, ClientSpec, Event};
use evenkeel_traffic::source::SourceSpec;
use evenkeel_traffic::stats::Stats;
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::lab::Lab;
use crate::lab::plan::{ECHO_PORT, SOURCE_PREFIXES, WEB4, WEB6};

/// Longer than any scenario; it is ended by [`EchoLoad::finish`].
const LONGEST: Duration = Duration::from_secs(600);
/// Over all connections of a family: with 100 of them each echoes five packets of 1024 bytes a second.
const RATE_KB_PER_S: f64 = 500.0;
/// Connections opened at most, as a multiple of those that are held: each may be lost in each step.
const RETRIES: u32 = 30;

/// Load that is being sent.
#[derive(Debug)]
pub struct EchoLoad {
    clients: Vec<(IpAddr, UnboundedSender<Event>, JoinHandle<Result<Stats>>)>,
}

impl EchoLoad {
    /// Starts the servers, then so many connections over each family.
    ///
    /// # Errors
    /// When a server doesn't come up, or a thread can't be had.
    pub fn start(lab: &mut Lab, connections: u32) -> Result<Self> {
        for server in 0..lab.servers().len() {
            lab.server_mut(server).start_echo()?;
        }
        let mut clients = Vec::new();
        for (vip, sources) in [IpAddr::from(WEB4), IpAddr::from(WEB6)].into_iter().zip(SOURCE_PREFIXES) {
            let spec = ClientSpec {
                connections,
                retries: RETRIES,
                rate_kb_per_s: RATE_KB_PER_S,
                duration: LONGEST,
                sources: SourceSpec::cidr(sources)?,
                ..ClientSpec::new(SocketAddr::new(vip, ECHO_PORT))
            };
            let (events, heard) = mpsc::unbounded_channel();
            let namespace = lab.client().clone();
            let send =
                move || namespace.within(|| client::run(&spec, heard, None))?.context("evenkeel traffic");
            let sender = thread::Builder::new().name("echo".into()).spawn(send)?;
            clients.push((vip, events, sender));
        }
        Ok(Self { clients })
    }

    /// A step of this name begins now.
    pub fn step(&self, name: &str) {
        for (_, events, _) in &self.clients {
            // A client that has ended says why at the end.
            let _ = events.send(Event::Step(name.to_owned()));
        }
    }

    /// Ends the load; the statistics of each family, by its VIP.
    ///
    /// # Errors
    /// When a client failed.
    pub fn finish(self) -> Result<Vec<(IpAddr, Stats)>> {
        self.clients.iter().for_each(|(_, events, _)| drop(events.send(Event::End)));
        let end = |(vip, _, sender): (IpAddr, _, JoinHandle<Result<Stats>>)| {
            Ok((vip, sender.join().unwrap_or_else(|_| bail!("the client panicked"))?))
        };
        self.clients.into_iter().map(end).collect()
    }
}
