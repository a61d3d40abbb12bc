//! Memory in use under a change every millisecond. The clock of removals goes twenty times as fast, so that ids of servers
//! that are gone for long come back within the time of a run.

use super::site::{Site, add};
use super::worker::Busy;
use evenkeel_nexthop::{Service, Verb};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What kind of change comes every millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Churn {
    /// Nexthops drain and are activated again.
    States,
    /// A new server is added and the one before it removed: ids come and go.
    Servers,
}

/// What was seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Snapshots published.
    pub changes: u64,
    /// Resident set after the first tenth, in bytes.
    pub early: u64,
    /// Largest since then.
    pub most: u64,
    /// At the end.
    pub late: u64,
    /// Ids of memberships at the end.
    pub members: usize,
    /// Most snapshots that were alive at once, the current one included.
    pub most_snapshots: usize,
}

/// Publishes a change every millisecond, or as fast as it goes, for this long while a worker forwards.
#[must_use]
pub fn watch(site: &mut Site, churn: Churn, time: Duration) -> Memory {
    let _worker = Busy::start(site);
    let services = site.published.load(&crossbeam::epoch::pin()).services.clone();
    let (began, mut memory) = (Instant::now(), Memory::default());
    let mut due = began;
    while began.elapsed() < time {
        change(site, churn, memory.changes);
        site.publish();
        site.now_ms += 20;
        memory.changes += 1;
        memory.most_snapshots = memory.most_snapshots.max(snapshots(&services));
        if began.elapsed() * 10 > time {
            memory.late = resident_bytes();
            memory.most = memory.most.max(memory.late);
            if memory.early == 0 {
                memory.early = memory.late;
            }
        }
        due += Duration::from_millis(1);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    memory.members = site.published.load(&crossbeam::epoch::pin()).member_count();
    memory
}

fn change(site: &mut Site, churn: Churn, number: u64) {
    let group = (number / 2 % u64::from(site.extent.groups)) as u16;
    match churn {
        Churn::States => {
            let verb = if number.is_multiple_of(2) { Verb::Drain } else { Verb::Activate };
            site.change([group].into_iter(), (number / 2) as u32 % site.extent.nexthops, &verb);
        }
        Churn::Servers => {
            let newcomer = site.extent.nexthops + number as u32;
            site.change([0].into_iter(), newcomer, &add(newcomer));
            if number > 0 {
                site.change([0].into_iter(), newcomer - 1, &Verb::Remove { deadline_ms: Some(0) });
            }
        }
    }
}

/// Snapshots alive: all share the services, which the desired state and the caller hold once each.
fn snapshots(services: &Arc<[Service]>) -> usize {
    Arc::strong_count(services) - 2
}

/// The resident set of this process.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages * 4096
}
