//! Where frames are that Evenkeel was sent: each must be in one of the counters on its way.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use evenkeel_control::api::model::Counters;
use serde_json::Value;

use super::contender::Evenkeel;
use super::rig::{EGRESS, INGRESS, OUTSIDE, Rig};
use super::wire::Sink;
use crate::lab::namespace::Namespace;

/// How long after the last frame was sent all are where they belong, and the daemon shows their times. Twice and more on a
/// busy machine.
pub(super) const SETTLING: Duration = Duration::from_millis(300);
/// How long that may take on a busy machine.
const STILL_LIMIT: Duration = Duration::from_secs(3);

/// Frames by where they ended, since the rig was laid. Counters are read one after the other, so they fit only when
/// nothing is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// Dropped by the kernel between the client and the worker: the wire or the socket's rings were full.
    pub(super) before: u64,
    /// Left to the kernel by the XDP program.
    pub(super) passed: u64,
    /// Punted or dropped by workers, by their own account.
    pub(super) not_forwarded: u64,
    /// Dropped by the kernel behind the box.
    pub(super) after: u64,
    /// Arrived.
    pub(super) seen: u64,
}

impl Account {
    /// Reads all counters.
    ///
    /// # Errors
    /// When the daemon or the kernel doesn't tell.
    pub(super) fn read(rig: &Rig, sink: &Sink, evenkeel: &Evenkeel) -> Result<Self> {
        let counters: Counters = evenkeel.api()?.counters()?;
        let (client, balancer, server) = (rig.client(), rig.balancer(), rig.server());
        Ok(Self {
            before: dropped(client, OUTSIDE, "tx")? + dropped(balancer, INGRESS, "rx")?,
            passed: counters.interfaces.iter().map(|interface| interface.xdp_passed).sum(),
            not_forwarded: counters.packets.punted + counters.packets.dropped + counters.packets.held,
            after: dropped(balancer, EGRESS, "tx")? + dropped(server, OUTSIDE, "rx")?,
            seen: sink.seen()?,
        })
    }

    /// Frames that nobody accounts for, of `sent` ones since `self` was read, once nothing is under way any more. Below
    /// zero: there are more than were sent.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn unaccounted(&self, rig: &Rig, sink: &Sink, evenkeel: &Evenkeel, sent: u64) -> Result<i64> {
        let deadline = Instant::now() + STILL_LIMIT;
        loop {
            thread::sleep(SETTLING);
            let ended = Self::read(rig, sink, evenkeel)?.ended() - self.ended();
            let unaccounted = sent as i64 - ended as i64;
            if unaccounted == 0 || Instant::now() > deadline {
                return Ok(unaccounted);
            }
        }
    }

    fn ended(&self) -> u64 {
        self.before + self.passed + self.not_forwarded + self.after + self.seen
    }
}

/// Frames that an interface dropped in one direction, as the kernel counts them.
fn dropped(namespace: &Namespace, interface: &str, direction: &str) -> Result<u64> {
    let links: Value = serde_json::from_str(&namespace.run_ip(&format!("-j -s link show dev {interface}"))?)?;
    let dropped = links.pointer(&format!("/0/stats64/{direction}/dropped")).and_then(Value::as_u64);
    dropped.with_context(|| format!("no counters of {interface} in {links}"))
}
