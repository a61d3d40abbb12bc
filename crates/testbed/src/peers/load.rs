//! One turn of Evenkeel at a part of its highest rate: how long frames are in the box, and how long on their whole way.

use anyhow::Result;
use evenkeel_control::api::model::Latency;

use super::Spec;
use super::account::Account;
use super::contender::{DEFAULT_IDLE, Evenkeel, FEW};
use super::measure::{self, median};
use super::rig::Rig;
use super::wire::{Generator, Sink, Stream};

/// Samples are longer than those of the rate by this: the histogram also has the frames that opened the flows.
const LONGER: usize = 2;

/// What one turn at one load gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    /// Of the highest rate.
    pub(super) percent: u32,
    /// Frames per second that arrived.
    pub(super) seen: f64,
    /// From the receipt of a burst to its transmission, by the worker's own histogram.
    pub(super) in_box: Latency,
    /// From the client's interface to the server's: half, 99 and 99.9 of 100 frames took no longer, in microseconds.
    pub(super) whole_way_us: [u64; 3],
    /// Frames that nobody accounts for.
    pub(super) unaccounted: i64,
}

/// Lays the rig, starts Evenkeel, opens flows no faster than the load, and sends.
pub(super) fn turn(spec: &Spec, most: f64, percent: u32) -> Result<At> {
    let rate = (most * f64::from(percent) / 100.0) as u64;
    let rig = Rig::lay()?;
    let sink = Sink::open(&rig)?;
    let evenkeel = Evenkeel::start(&rig, FEW, DEFAULT_IDLE)?;
    evenkeel.establish(&rig, rate)?;
    let (before, times) = (Account::read(&rig, &sink, &evenkeel)?, sink.times()?);
    let stream = Stream { flows: FEW, rate: Some(rate), rounds: None, is_first: false, is_stamped: true };
    let generator = Generator::start(&rig, stream)?;
    let samples = measure::samples(
        (&generator, &sink),
        evenkeel.pid(),
        spec.warm_up,
        LONGER * spec.samples,
        spec.sample,
    )?;
    let sent = generator.stop()?;
    let unaccounted = before.unaccounted(&rig, &sink, &evenkeel, sent)?;
    let times = sink.times()?.since(&times);
    let in_box = evenkeel.api()?.counters()?.latency;
    evenkeel.stop()?;
    Ok(At {
        percent,
        seen: median(samples.iter().map(|sample| sample.seen)),
        in_box,
        whole_way_us: [0.5, 0.99, 0.999].map(|part| times.quantile_us(part)),
        unaccounted,
    })
}
