//! `evenkeel run` between the client and the server, with flows in its table.

use std::fmt::Write;
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Result, ensure};
use evenkeel_control::api::client::Client;

use crate::lab::daemon::{Daemon, Report};
use crate::lab::plan;
use crate::peers::rig::{EGRESS, FORWARDER_CORE, INGRESS, Rig};
use crate::peers::wire::{Generator, Stream};

/// Nexthops of the group; their MACs are static.
const NEXTHOPS: u8 = 100;
/// Frames per second while flows are opened: few enough that none gets lost, and enough to come to an end.
const OPENING_RATES: RangeInclusive<u64> = 50_000..=500_000;
const OPENING_LIMIT: Duration = Duration::from_secs(60);
/// Times that flows are offered again if some frames got lost all the same.
const OPENING_TRIES: u32 = 5;
/// What its workers do when they have nothing to do, unless that is measured.
pub(in crate::peers) const DEFAULT_IDLE: &str = "sleep";
/// How long after the last frame all are where they belong.
const SETTLING: Duration = Duration::from_millis(300);

/// A running Evenkeel.
#[derive(Debug)]
pub(in crate::peers) struct Evenkeel {
    daemon: Daemon,
    flows: u64,
}

impl Evenkeel {
    /// Starts it, with room for twice so many flows, and with workers that do this when they have nothing to do.
    ///
    /// # Errors
    /// When it isn't built or isn't ready in time.
    pub(in crate::peers) fn start(rig: &Rig, flows: u64, idle: &str) -> Result<Self> {
        let daemon = Daemon::start_in(rig.balancer(), &rig.directory(), &config(flows, idle))?;
        Ok(Self { daemon, flows })
    }

    /// Opens all flows, with about so many frames per second at most: a SYN each, then another segment each, until the table
    /// has all of them.
    ///
    /// # Errors
    /// When it hasn't after some tries.
    pub(in crate::peers) fn establish(&self, rig: &Rig, most: u64) -> Result<()> {
        let api = self.api()?;
        let mut is_first = true;
        for _ in 0..=OPENING_TRIES {
            let stream = Stream {
                flows: self.flows,
                rate: Some(most.clamp(*OPENING_RATES.start(), *OPENING_RATES.end())),
                rounds: Some(1),
                is_first,
                is_stamped: false,
            };
            Generator::start(rig, stream)?.finish(OPENING_LIMIT)?;
            std::thread::sleep(SETTLING);
            let flows = api.counters()?.flows;
            if flows.live >= self.flows && flows.unconfirmed == 0 {
                return Ok(());
            }
            is_first = false;
        }
        let flows = api.counters()?.flows;
        ensure!(flows.live >= self.flows, "{} of {} flows are in the table", flows.live, self.flows);
        Ok(())
    }

    /// Number of its process.
    pub(in crate::peers) fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// A client of its API.
    ///
    /// # Errors
    /// When one can't be had.
    pub(in crate::peers) fn api(&self) -> Result<Client> {
        self.daemon.api()
    }

    /// How long its worker's thread has run so far.
    ///
    /// # Errors
    /// When it has none.
    pub(in crate::peers) fn worker_time(&self) -> Result<Duration> {
        self.daemon.thread_time("worker-0")
    }

    /// Ends it; its report.
    ///
    /// # Errors
    /// When it doesn't end in time.
    pub(in crate::peers) fn stop(self) -> Result<Report> {
        self.daemon.stop()
    }
}

fn config(flows: u64, idle: &str) -> String {
    let mut text = format!(
        "[dataplane]\ncores = [{FORWARDER_CORE}]\nflow_capacity = {}\nidle = \"{idle}\"\n\n\
         [[interface]]\nname = \"{INGRESS}\"\n\n[[interface]]\nname = \"{EGRESS}\"\n\n\
         [[service]]\nname = \"web\"\nvip = \"{}\"\nprotocol = \"tcp\"\nports = [80, 443]\ngroup = \"web\"\n\n\
         [[group]]\nname = \"web\"\n\n",
        // Half of the table may be half-open.
        2 * flows,
        plan::WEB4
    );
    for number in 1..=NEXTHOPS {
        let (address, _) = plan::server_switch(number);
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "[[group.nexthop]]\nname = \"s{number}\"\naddress = \"{address}\"\ninterface = \"{EGRESS}\"\n\
             mac = \"02:00:00:00:03:{number:02x}\"\n"
        );
    }
    text
}
