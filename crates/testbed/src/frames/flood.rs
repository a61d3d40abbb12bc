//! A flood of SYNs from addresses that nobody has, at the highest rate that the far end takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::FrameSender;
use super::build::{Link, Segment, client};
use crate::lab::Lab;
use crate::lab::namespace::Namespace;

/// Different SYNs; then they begin again.
const SYNS: u32 = 1 << 18;
/// SYNs between two looks at the clock.
const ROUND: usize = 1024;
/// How long the sender lets go when the far end's queue is full: else it would only measure its own drops, and keep
/// everybody else's packets out.
const BREATH: Duration = Duration::from_micros(50);

/// SYNs that are being sent from the client to the load balancer.
#[derive(Debug)]
pub struct Flood {
    ending: Arc<AtomicBool>,
    sender: JoinHandle<Result<Sent>>,
}

/// What a flood sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// Frames that the link took.
    pub frames: u64,
    /// For how long.
    pub seconds: f64,
}

impl Flood {
    /// Starts to send SYNs to these services, by turns, for `limit` at the most.
    ///
    /// # Errors
    /// When the client has no link to the load balancer of its own.
    pub fn start(lab: &Lab, services: &[SocketAddr], limit: Duration) -> Result<Self> {
        let link = Link::to_balancer(lab)?;
        let syns: Vec<Vec<u8>> = (0..SYNS)
            .zip(services.iter().cycle())
            .map(|(number, &service)| link.tcp(client(service.ip(), number), service, Segment::Syn))
            .collect::<Result<_>>()?;
        let ending = Arc::new(AtomicBool::new(false));
        let (namespace, told) = (lab.client().clone(), ending.clone());
        let send = move || send(&namespace, &syns, limit, &told);
        let sender = thread::Builder::new().name("flood".into()).spawn(send)?;
        Ok(Self { ending, sender })
    }

    /// Ends it; what was sent.
    ///
    /// # Errors
    /// When the link was gone.
    pub fn finish(self) -> Result<Sent> {
        self.ending.store(true, Ordering::Relaxed);
        self.sender.join().unwrap_or_else(|_| bail!("the flood panicked"))
    }
}

fn send(namespace: &Namespace, syns: &[Vec<u8>], limit: Duration, ending: &AtomicBool) -> Result<Sent> {
    let sender = namespace.within(|| FrameSender::open("eth0"))??;
    let began = Instant::now();
    let mut frames = 0;
    let mut rest = syns;
    while !ending.load(Ordering::Relaxed) && began.elapsed() < limit {
        let round = rest.get(..ROUND.min(rest.len())).unwrap_or_default();
        let sent = sender.send(round.iter().map(Vec::as_slice)).context("the flood")?;
        frames += sent as u64;
        if sent < round.len() {
            thread::sleep(BREATH);
        }
        rest = rest.get(round.len()..).filter(|rest| !rest.is_empty()).unwrap_or(syns);
    }
    Ok(Sent { frames, seconds: began.elapsed().as_secs_f64() })
}
