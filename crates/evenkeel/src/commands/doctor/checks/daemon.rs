//! What a running daemon tells of itself.

use super::super::facts::{Daemon, Facts};
use super::super::finding::Finding;
use evenkeel_control::api::model::{Flows, Interface};

pub(super) fn there(facts: &Facts) -> Vec<Finding> {
    vec![match &facts.daemon {
        Daemon::Absent(reason) => Finding::note(format!("{reason}: judged as `run` would find it")),
        Daemon::Unseen(reason) => Finding::unknown(reason).advise("sudo evenkeel doctor"),
        Daemon::Running(running) if running.status.version != env!("CARGO_PKG_VERSION") => {
            Finding::note(format!("it is {}, this is {}", running.status.version, env!("CARGO_PKG_VERSION")))
        }
        Daemon::Running(running) => Finding::ok(format!("it runs with {}", running.status.config)),
    }]
}

pub(super) fn lost(facts: &Facts) -> Vec<Finding> {
    let Some(running) = facts.running() else { return Vec::new() };
    running.counters.interfaces.iter().map(lost_at).collect()
}

fn lost_at(interface: &Interface) -> Finding {
    let sum = |of: fn(&evenkeel_control::api::model::InterfaceQueue) -> u64| {
        interface.queues.iter().map(of).sum::<u64>()
    };
    let (ring_full, dropped) = (sum(|queue| queue.rx_ring_full), sum(|queue| queue.rx_dropped));
    let finding = match (ring_full, dropped) {
        (0, 0) => Finding::ok("none since the start"),
        (0, dropped) => Finding::warning(format!("{dropped} frames found no free frame, or didn't fit one"))
            .advise("evenkeel interfaces  # and look at the MTU of who sends here"),
        (ring_full, _) => Finding::warning(format!("{ring_full} frames found the receive ring full"))
            .advise("evenkeel counters --watch  # if it grows: more queues and cores, or fewer other tasks on the workers'"),
    };
    finding.about(&interface.name)
}

pub(super) fn flow_table(facts: &Facts) -> Vec<Finding> {
    let Some(running) = facts.running() else { return Vec::new() };
    let Flows { untracked_packets, live, capacity, .. } = running.counters.flows;
    let seen = format!("{live} of {capacity} flows, {untracked_packets} packets without room");
    vec![match () {
        () if untracked_packets > 0 || live.saturating_mul(10) >= capacity.saturating_mul(9) => {
            Finding::warning(seen)
                .advise(format!("dataplane.flow_capacity = {}  # and a restart", capacity * 2))
        }
        () => Finding::ok(seen),
    }]
}

pub(super) fn state_file(facts: &Facts) -> Vec<Finding> {
    let Some(running) = facts.running() else { return Vec::new() };
    vec![match (&running.status.state_file, &running.status.state_fault) {
        (Some(file), Some(fault)) => Finding::problem(format!("{file} can't be written: {fault}"))
            .advise("make room, or make it writable for the daemon"),
        (Some(file), None) => Finding::ok(file),
        (None, _) => Finding::note("nothing is remembered (--no-state)"),
    }]
}
