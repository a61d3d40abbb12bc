//! Evenkeel's idle modes with little to do: what a worker costs, and how long a frame is in the box and on its way.
//!
//! Each turn has fresh namespaces, as all turns here; modes take turns, round by round.

use std::fmt;
use std::thread;

use anyhow::Result;
use evenkeel_control::api::model::Latency;

use super::Spec;
use super::account::SETTLING;
use super::contender::{Contender, Evenkeel, FEW};
use super::measure::median;
use super::rig::Rig;
use super::throughput;
use super::wire::{Generator, Sink, Stream};
use crate::scenario::Table;

/// The modes, as the configuration has them.
const MODES: [&str; 3] = ["sleep", "spin", "busy-poll"];
/// Frames per second of a low load, and its flows: so few that opening them doesn't count among the times.
const LOW_RATE: u64 = 1000;
const LOW_FLOWS: u64 = 16;
/// The higher load, in percent of the highest rate.
const PERCENT: f64 = 20.0;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    Nothing,
    Low,
    /// Frames per second.
    Part(u64),
}

/// What one turn gave.
#[derive(Clone, Copy, Debug)]
struct Turn {
    mode: &'static str,
    load: Load,
    /// Part of a core that the worker's thread had.
    worker: f64,
    in_box: Latency,
    /// From the client's interface to the server's: half, 99 and 99.9 of 100 frames took no longer, in microseconds.
    whole_way_us: [u64; 3],
    /// Longest poll of the worker in microseconds.
    worst_poll_us: f64,
}

/// All turns.
#[derive(Clone, Debug, Default)]
pub struct Idling {
    turns: Vec<Turn>,
}

/// Measures each mode without load, with a low one and at a part of the highest rate.
///
/// # Errors
/// Without root or a second core, or when Evenkeel doesn't work.
pub fn run(spec: &Spec) -> Result<Idling> {
    super::need_cores()?;
    eprintln!("the highest rate");
    let most = throughput::turn(spec, Contender::EvenkeelFew)?.median();
    let part = Load::Part((most * PERCENT / 100.0) as u64);
    let mut idling = Idling::default();
    for round in 1..=spec.load_rounds {
        for load in [Load::Nothing, Load::Low, part] {
            for mode in MODES {
                eprintln!("round {round} of {}: {mode}, {load}", spec.load_rounds);
                idling.turns.push(turn(spec, mode, load)?);
            }
        }
    }
    Ok(idling)
}

fn turn(spec: &Spec, mode: &'static str, load: Load) -> Result<Turn> {
    let rig = Rig::lay()?;
    let sink = Sink::open(&rig)?;
    let evenkeel = Evenkeel::start(&rig, load.flows(), mode)?;
    let generator = match load.rate() {
        None => None,
        Some(rate) => {
            evenkeel.establish(&rig, rate)?;
            Some(Generator::start(&rig, stream(load.flows(), rate))?)
        }
    };
    thread::sleep(spec.warm_up);
    let (before, times) = (evenkeel.worker_time()?, sink.times()?);
    let length = 2 * spec.sample * spec.samples as u32;
    thread::sleep(length);
    let worker = (evenkeel.worker_time()? - before).as_secs_f64() / length.as_secs_f64();
    generator.map(Generator::stop).transpose()?;
    thread::sleep(SETTLING);
    let times = sink.times()?.since(&times);
    let counters = evenkeel.api()?.counters()?;
    evenkeel.stop()?;
    Ok(Turn {
        mode,
        load,
        worker,
        in_box: counters.latency,
        whole_way_us: [0.5, 0.99, 0.999].map(|part| times.quantile_us(part)),
        worst_poll_us: counters.workers.iter().map(|worker| worker.polls.worst_us).fold(0.0, f64::max),
    })
}

fn stream(flows: u64, rate: u64) -> Stream {
    Stream { flows, rate: Some(rate), rounds: None, is_first: false, is_stamped: true }
}

impl Load {
    fn flows(self) -> u64 {
        if let Self::Part(_) = self { FEW } else { LOW_FLOWS }
    }

    fn rate(self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Low => Some(LOW_RATE),
            Self::Part(rate) => Some(rate),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Low => write!(f, "{LOW_RATE} per second"),
            Self::Part(_) => write!(f, "{PERCENT} % of its highest rate"),
        }
    }
}

impl fmt::Display for Idling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new([
            "frames, idle =",
            "worker",
            "in the box\np50 us",
            "\np99 us",
            "\np99.9 us",
            "worst\npoll us",
            "whole way\np50 us",
            "\np99 us",
            "\np99.9 us",
        ]);
        let mut done = Vec::new();
        for Turn { mode, load, .. } in &self.turns {
            if done.contains(&(mode, load)) {
                continue;
            }
            done.push((mode, load));
            let turns = || self.turns.iter().filter(|turn| (&turn.mode, &turn.load) == (mode, load));
            let middle = |value: fn(&Turn) -> f64| median(turns().map(value));
            let worker = format!("{:.1} %", 100.0 * middle(|turn| turn.worker));
            let times: [fn(&Turn) -> f64; 7] = [
                |turn| turn.in_box.p50_us,
                |turn| turn.in_box.p99_us,
                |turn| turn.in_box.p999_us,
                |turn| turn.worst_poll_us,
                |turn| turn.whole_way_us[0] as f64,
                |turn| turn.whole_way_us[1] as f64,
                |turn| turn.whole_way_us[2] as f64,
            ];
            let times = times.into_iter().map(|time_us| format!("{:.1}", middle(time_us)));
            table.push(format!("{load}, {mode}"), [worker].into_iter().chain(times));
        }
        write!(f, "{table}")
    }
}
