//! A worker's thread: pinned to its core, polls until told to stop.

use super::crew::Orders;
use super::latency;
use anyhow::{Context, Result, bail};
use evenkeel_afxdp::Queue;
use evenkeel_control::config::Idle;
use evenkeel_dataplane::Worker;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Empty polls after which a worker sleeps, with `idle = "sleep"`.
const EMPTY_POLLS: u32 = 64;
/// Longest sleep of a worker in milliseconds: how late timers may act on an idle box.
const SLEEP_MS: i32 = 10;
/// How often the histogram reaches its readers.
const SHARE: Duration = Duration::from_millis(200);
/// Most polls that empty the receive rings at the end.
const LAST_POLLS: u32 = 1000;

/// What a worker's thread needs.
pub(super) struct WorkerThread {
    pub(super) core: usize,
    pub(super) index: usize,
    pub(super) idle: Idle,
    /// The clock's zero, the same for all.
    pub(super) epoch: Instant,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) latency: latency::Recorder,
    /// Interfaces to take up and to give up.
    pub(super) orders: Orders,
}

impl WorkerThread {
    /// Starts the thread. It gives back its port when it ends, with no frame held any more.
    pub(super) fn start(mut self, mut worker: Worker<Queue>, mut io: Queue) -> Result<JoinHandle<Queue>> {
        let name = format!("worker-{}", self.index);
        let (pinned, is_pinned) = std::sync::mpsc::sync_channel(1);
        let core = self.core;
        let handle = std::thread::Builder::new().name(name).spawn(move || {
            // the receiver waits for just this
            let _ = pinned.send(core_affinity::set_for_current(core_affinity::CoreId { id: core }));
            self.run(&mut worker, &mut io);
            io
        });
        let handle = handle.context("can't start a worker's thread")?;
        if !is_pinned.recv().context("a worker's thread ended at its start")? {
            bail!("can't pin a worker to core {core}");
        }
        Ok(handle)
    }

    /// The clock is read once per poll: where one ends, the next begins.
    fn run(&mut self, worker: &mut Worker<Queue>, io: &mut Queue) {
        let (mut now, mut shared_at) = (Instant::now(), self.epoch);
        let mut empty_polls = 0;
        while !self.stop.load(Ordering::Relaxed) {
            self.orders.look(io, now);
            let received = worker.poll((now - self.epoch).as_millis() as u64, io);
            let begin = mem::replace(&mut now, Instant::now());
            self.latency.record(now - begin, received);
            empty_polls = if received > 0 { 0 } else { empty_polls + 1 };
            if now - shared_at >= SHARE {
                self.latency.share();
                shared_at = now;
            }
            if self.idle == Idle::Sleep && empty_polls >= EMPTY_POLLS && !worker.is_behind() {
                // what can fail is a lack of kernel memory; polling without sleep goes on then
                let _ = io.wait(SLEEP_MS);
                now = Instant::now();
            }
        }
        self.drain(worker, io);
        worker.finish(self.epoch.elapsed().as_millis() as u64, io);
        self.latency.share();
    }

    /// Forwards what is left in the receive rings; the program is detached by now, so that little comes after it.
    fn drain(&self, worker: &mut Worker<Queue>, io: &mut Queue) {
        for _ in 0..LAST_POLLS {
            if worker.poll(self.epoch.elapsed().as_millis() as u64, io) == 0 {
                return;
            }
        }
    }
}
