//! What the traffic commands have in common: times, sources, and how they are ended.

use crate::commands::Refused;
use crate::commands::arguments::duration;
use anyhow::Context;
use evenkeel_traffic::source::SourceSpec;
use evenkeel_traffic::{Transport, source};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::path::PathBuf;
use std::time::Duration;

/// From where, and how.
#[derive(clap::Args)]
pub(super) struct From {
    /// Use the host addresses of this prefix, each once before one comes again. They need a local route:
    /// ip route add local CIDR dev lo.
    #[arg(long, value_name = "CIDR", conflicts_with = "srcfile")]
    srccidr: Option<String>,
    #[arg(
        long,
        value_name = "FILE",
        help = "Use the addresses in this file, in their order: one ADDR, ADDR:PORT or [ADDR]:PORT a line"
    )]
    srcfile: Option<PathBuf>,
    /// Determines source addresses and ports; 0 takes a seed from the clock. The statistics name it.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
    /// Use UDP instead of TCP.
    #[arg(long)]
    udp: bool,
}

impl From {
    pub(super) fn sources(&self) -> anyhow::Result<SourceSpec> {
        let spec = match (&self.srccidr, &self.srcfile) {
            (Some(cidr), _) => SourceSpec::cidr(cidr),
            (None, Some(file)) => SourceSpec::file(file),
            (None, None) => return Ok(SourceSpec::Any),
        };
        spec.map_err(|error| Refused(error.to_string()).into())
    }

    pub(super) fn seed(&self) -> u64 {
        source::seed_or_clock(self.seed)
    }

    pub(super) fn transport(&self) -> Transport {
        if self.udp { Transport::Udp } else { Transport::Tcp }
    }
}

/// A duration in which something can be done.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time.is_zero() { Err("allowed: more than 0".to_owned()) } else { Ok(time) }
}

/// Calls `end` at each SIGTERM and SIGINT.
pub(super) fn on_end(mut end: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    let mut caught = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).context("can't catch signals")?;
    let hear = move || caught.forever().for_each(|_| end());
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(hear).map(drop).context("can't catch signals")
}
