//! How long an answer takes: one session that asks all the time.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::session::Session;
use crate::lab::Lab;
use crate::lab::plan;

/// From an answer to the next request.
const PAUSE: Duration = Duration::from_millis(1);
/// Away from those of the load.
const PORT: u16 = 22_000;

/// A session that asks all the time.
#[derive(Debug)]
pub struct Probe {
    ending: Arc<AtomicBool>,
    asking: JoinHandle<Result<Vec<Duration>>>,
}

/// How long answers took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delays {
    /// Answers.
    pub answers: usize,
    /// Median, in microseconds.
    pub p50_us: u128,
    /// 99 of 100 are not above.
    pub p99_us: u128,
    /// The longest.
    pub max_us: u128,
}

impl Probe {
    /// Opens the session and begins to ask.
    ///
    /// # Errors
    /// When the session can't be opened.
    pub fn start(lab: &Lab, vip: IpAddr, number: u16) -> Result<Self> {
        let source = SocketAddr::new(plan::source(vip, number.into()), PORT + number);
        let session = lab.client().within(|| Session::open(source, SocketAddr::new(vip, 80)))?;
        let mut session = session.context("the probe's session")?;
        let ending = Arc::new(AtomicBool::new(false));
        let told = ending.clone();
        let ask = move || {
            let mut delays = Vec::new();
            while !told.load(Ordering::Relaxed) {
                let asked = Instant::now();
                session.ask().context("the probe was lost")?;
                delays.push(asked.elapsed());
                thread::sleep(PAUSE);
            }
            Ok(delays)
        };
        Ok(Self { ending, asking: thread::Builder::new().name("probe".into()).spawn(ask)? })
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the session was lost.
    pub fn finish(self) -> Result<Delays> {
        self.ending.store(true, Ordering::Relaxed);
        let mut delays = self.asking.join().unwrap_or_else(|_| bail!("the probe panicked"))?;
        delays.sort_unstable();
        let at =
            |share: f64| delays.get((delays.len() as f64 * share) as usize).map_or(0, Duration::as_micros);
        let max_us = delays.last().map_or(0, Duration::as_micros);
        Ok(Delays { answers: delays.len(), p50_us: at(0.5), p99_us: at(0.99), max_us })
    }
}
