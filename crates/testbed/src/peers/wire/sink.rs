//! Takes frames off the wire at the server's interface, by `bpf/sink.bpf.c`, and counts them.

use anyhow::{Context, Result};
use libbpf_rs::{Link, MapCore, MapFlags, MapHandle, Object};

use super::{Aligned, load, map};
use crate::peers::rig::{OUTSIDE, Rig, index_of};

static PROGRAM: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/sink.bpf.o")));

/// `MICROSECONDS` of the program.
const MICROSECONDS: u32 = 16384;

/// The end of all frames.
#[derive(Debug)]
pub(in crate::peers) struct Sink {
    seen: MapHandle,
    under_way: MapHandle,
    _link: Link,
    _object: Object,
}

/// How long frames were under way, from the client's interface to the server's.
#[derive(Clone, Debug)]
pub(in crate::peers) struct Times {
    /// Frames by the microseconds that they took; the last one has those that took longer.
    counts: Vec<u64>,
}

impl Sink {
    /// Attaches it to the server's interface.
    ///
    /// # Errors
    /// When the kernel refuses the program.
    pub(in crate::peers) fn open(rig: &Rig) -> Result<Self> {
        rig.server().within(|| {
            let object = load(&PROGRAM.0)?;
            let (seen, under_way) = (map(&object, "seen")?, map(&object, "under_way")?);
            let program = object.progs_mut().next().context("no program")?;
            let link = program.attach_xdp(index_of(OUTSIDE)? as i32).context("the sink")?;
            Ok(Self { seen, under_way, _link: link, _object: object })
        })?
    }

    /// Frames of the generator that have arrived.
    ///
    /// # Errors
    /// When the map can't be read.
    pub(in crate::peers) fn seen(&self) -> Result<u64> {
        sum(&self.seen, 0)
    }

    /// How long the frames that carried the time were under way, since the sink was opened.
    ///
    /// # Errors
    /// When the map can't be read.
    pub(in crate::peers) fn times(&self) -> Result<Times> {
        let counts = (0..MICROSECONDS).map(|bucket| sum(&self.under_way, bucket)).collect::<Result<_>>()?;
        Ok(Times { counts })
    }
}

impl Times {
    /// Those that came after `before` was read.
    pub(in crate::peers) fn since(&self, before: &Self) -> Self {
        let counts = self.counts.iter().zip(&before.counts).map(|(now, before)| now - before).collect();
        Self { counts }
    }

    /// The time in microseconds that so large a part of the frames didn't exceed, by less than one; 0 without frames.
    pub(in crate::peers) fn quantile_us(&self, part: f64) -> u64 {
        let wanted = (self.counts.iter().sum::<u64>() as f64 * part).ceil() as u64;
        let mut below = 0;
        let found = self.counts.iter().position(|count| {
            below += count;
            below >= wanted
        });
        found.unwrap_or_default() as u64
    }
}

/// The first number of a value, summed over processors.
fn sum(map: &MapHandle, key: u32) -> Result<u64> {
    let values = map.lookup_percpu(&key.to_ne_bytes(), MapFlags::ANY)?.context("no such key")?;
    let first = |value: &Vec<u8>| value.first_chunk().copied().map(u64::from_ne_bytes);
    values.iter().map(first).sum::<Option<u64>>().context("a value is cut")
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn quantiles_are_of_frames() {
        let mut counts = vec![0; 20];
        (counts[3], counts[7], counts[19]) = (98, 1, 1);
        let times = Times { counts };
        assert_eq!([0.5, 0.98, 0.99, 1.0].map(|part| times.quantile_us(part)), [3, 3, 7, 19]);
        assert_eq!(times.since(&times).quantile_us(0.5), 0);
    }
}
