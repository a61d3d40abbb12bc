//! The snapshot that a configuration file describes, without a kernel: every nexthop can be reached and is up.

use anyhow::Context;
use evenkeel_control::Config;
use evenkeel_nexthop::{Adjacency, Desired, Liveness, PortId, Snapshot};
use evenkeel_packet::Mac;

/// The desired state of a configuration.
pub(super) fn desired(config: &Config) -> anyhow::Result<Desired> {
    let macs = config.interfaces.iter().map(|interface| interface.mac.unwrap_or_default()).collect();
    config.desired(macs).context("the configuration cannot be resolved")
}

/// The snapshot and the desired state with the names of its members.
pub(super) fn snapshot(config: &Config) -> anyhow::Result<(Snapshot, Desired)> {
    let mut desired = desired(config)?;
    // the table depends on who can be reached, not on how
    let somehow = Adjacency { port: PortId(0), source: Mac::default(), destination: Mac::default() };
    let nexthops: Vec<_> = desired.members().map(|member| member.nexthop).collect();
    for nexthop in nexthops {
        desired.set_adjacency(nexthop, Some(somehow));
    }
    Ok((desired.snapshot(&Liveness::new()), desired))
}
