//! How long it takes from a change until its snapshot is what workers see.

use super::site::{Extent, Site, add};
use super::worker::Busy;
use crate::clock::cpu_time;
use crate::frames::SplitMix;
use evenkeel_nexthop::Verb;
use std::time::{Duration, Instant};

/// What is measured: one nexthop in so many groups at a time.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The name of the row.
    pub name: &'static str,
    /// The site.
    pub extent: Extent,
    /// Groups that change before each snapshot.
    pub at_once: u16,
    /// The bar in milliseconds of a change of one group, and of one of all.
    pub bars_ms: [f64; 2],
    /// Changes of each kind, and back.
    pub rounds: usize,
}

/// Times of one kind of change.
#[derive(Debug, Clone)]
pub struct Times {
    /// What the change is.
    pub kind: &'static str,
    /// The bar in milliseconds.
    pub bar_ms: f64,
    /// From the change to the snapshot, each, ascending.
    pub wall: Vec<Duration>,
    /// CPU time of the same, each, ascending: what it would be with a core of one's own.
    pub cpu: Vec<Duration>,
}

/// A kind of change: there and back.
struct Kind {
    name: &'static str,
    /// The nexthop; none: any of those that are configured.
    nexthop: Option<u32>,
    verbs: [Verb; 2],
    /// A server is in every group: its liveness changes all of them, whatever group it was said of.
    is_of_all: bool,
}

fn kinds(extent: Extent) -> [Kind; 4] {
    let newcomer = extent.nexthops;
    let kind = |name, nexthop, verbs| Kind { name, nexthop, verbs, is_of_all: false };
    [
        kind("drain, activate", None, [Verb::Drain, Verb::Activate]),
        kind("add, remove", Some(newcomer), [add(newcomer), Verb::Remove { deadline_ms: Some(0) }]),
        kind("weight", None, [Verb::Weight(3), Verb::Weight(1)]),
        Kind { is_of_all: true, ..kind("down, up", None, [Verb::Down, Verb::Up]) },
    ]
}

/// Measures a case while a worker forwards.
#[must_use]
pub fn measure(case: &Case) -> Vec<Times> {
    let mut site = Site::new(case.extent);
    let _worker = Busy::start(&site);
    let mut random = SplitMix(7);
    let times = kinds(case.extent).into_iter().map(|kind| {
        let (mut wall, mut cpu) = (Vec::new(), Vec::new());
        for _ in 0..case.rounds {
            let mut draw = |below: u32| (random.draw() % u64::from(below)) as u32;
            let first = draw(u32::from(case.extent.groups)) as u16;
            let number = kind.nexthop.unwrap_or_else(|| draw(case.extent.nexthops));
            for verb in &kind.verbs {
                let (began, cpu_began) = (Instant::now(), cpu_time());
                let groups = (0..case.at_once).map(|group| (first + group) % case.extent.groups);
                site.change(groups, number, verb);
                site.publish();
                wall.push(began.elapsed());
                cpu.push(cpu_time() - cpu_began);
            }
        }
        wall.sort_unstable();
        cpu.sort_unstable();
        let bar_ms = case.bars_ms[usize::from(kind.is_of_all || case.at_once > 1)];
        Times { kind: kind.name, bar_ms, wall, cpu }
    });
    times.collect()
}

/// The value below which a part of ascending ones lies.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn quantile(ascending: &[Duration], part: f64) -> Duration {
    let place = (ascending.len() as f64 * part).ceil() as usize;
    ascending[place.clamp(1, ascending.len()) - 1]
}
