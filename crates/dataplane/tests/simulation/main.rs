//! The proof that no change breaks a connection: random changes of every kind in random order, in virtual time, with
//! traffic after each, against a model that shares no code with flow table and buckets.
//!
//! After each change a random tenth of all clients sends, and each client within ten changes. Checked of every packet:
//! it goes where the model says. A flow whose nexthop is usable never moves; a flow that is new or has to move lands
//! where the page on buckets says. Checked after every change: the buckets, and all counters.
//!
//! `EVENKEEL_SIM=FLOWSxCHANGES` sets the size (`1000000x1000` is the full one, for `--release`), `EVENKEEL_SIM_SEED` the
//! seed, a number or `random`. A failing run says how to repeat it.

mod another_box;
mod buckets;
mod changes;
mod flows;
mod frames;
mod model;
mod pins;
mod rig;
mod run;
mod world;

use flows::Counts;
use run::Run;

/// How much to simulate.
#[derive(Debug, Clone, Copy)]
struct Size {
    flows: u32,
    changes: u32,
    workers: u8,
}

/// Says how to repeat a run that failed.
struct Repeat {
    size: Size,
    seed: u64,
    test: &'static str,
}

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { size: Size { flows, changes, .. }, seed, test } = self;
            let release = if cfg!(debug_assertions) { "" } else { " --release" };
            eprintln!(
                "repeat with: EVENKEEL_SIM={flows}x{changes} EVENKEEL_SIM_SEED={seed} \
                 cargo test{release} -p evenkeel-dataplane --test simulation {test}"
            );
        }
    }
}

fn simulate(test: &'static str, workers: u8) {
    let size = std::env::var("EVENKEEL_SIM").ok();
    let (flows, changes) = size.as_deref().map_or((1500, 250), |size| {
        let parts = size
            .split_once('x')
            .and_then(|(flows, changes)| Some((flows.parse().ok()?, changes.parse().ok()?)));
        parts.expect("EVENKEEL_SIM is FLOWSxCHANGES")
    });
    let seeds = match std::env::var("EVENKEEL_SIM_SEED").as_deref() {
        Ok("random") => vec![fastrand::u64(..)],
        Ok(seed) => vec![seed.parse().expect("EVENKEEL_SIM_SEED is a number, or `random`")],
        Err(_) if size.is_some() => vec![1],
        Err(_) => vec![1, 2],
    };
    for seed in seeds {
        let size = Size { flows, changes, workers };
        let _repeat = Repeat { size, seed, test };
        let counts = Run::new(size, seed).run();
        println!("{flows} flows, {changes} changes, {workers} workers, seed {seed}: {counts:?}");
        // a run in which nothing happened would prove nothing
        let Counts { created, adopted, expired, closed, moved, punted, by_pin, .. } = counts;
        let happened = [created, adopted, expired, closed, moved, punted, by_pin];
        assert!(changes < 100 || happened.iter().all(|count| *count > 0), "{counts:?}");
    }
}

#[test]
fn no_change_moves_a_flow_that_can_stay() {
    simulate("no_change_moves_a_flow_that_can_stay", 1);
}

#[test]
fn no_change_moves_a_flow_that_can_stay_while_the_nic_moves_flows_between_workers() {
    simulate("no_change_moves_a_flow_that_can_stay_while_the_nic_moves_flows_between_workers", 3);
}
