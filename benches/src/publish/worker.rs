//! A worker thread that forwards all the time, so that publishing has somebody to disturb.

use crate::frames::{Kind, permutation};
use crate::machine::table;
use crate::publish::site::Site;
use evenkeel_dataplane::memory::MemoryPort;
use evenkeel_dataplane::{FlowTable, Questions, Worker, WorkerSpec};
use evenkeel_nexthop::PortId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Flows of the worker.
const FLOWS: u32 = 1 << 16;
const AREA: usize = 1024;

/// A worker at work. Dropping it ends it.
#[derive(Debug)]
pub struct Busy {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A worker of a site, with its port.
///
/// # Panics
/// If there is no memory.
#[must_use]
pub fn worker(site: &Site, keeping: bool) -> (Worker<MemoryPort>, MemoryPort) {
    let spec = WorkerSpec {
        index: 0,
        burst: 64,
        table: Arc::new(FlowTable::new(&table(2 * FLOWS as usize)).expect("there is memory for it")),
        published: Arc::clone(&site.published),
        liveness: Arc::clone(&site.liveness),
        counters: Arc::clone(&site.counters[0]),
        questions: Questions::default(),
    };
    let port = if keeping { MemoryPort::keeping(AREA) } else { MemoryPort::new(AREA) };
    (Worker::new(spec), port)
}

impl Busy {
    /// Starts a worker of the site, on 65536 flows of its services in turn; when this returns, it forwards.
    #[must_use]
    pub fn start(site: &Site) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut worker, mut port) = worker(site, false);
        let (stopped, groups) = (Arc::clone(&stop), site.extent.groups);
        let work = move || {
            let (mut frame, flows) = (Kind::Udp4.template(0), permutation(FLOWS, 1));
            for batch in flows.chunks(AREA).cycle() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                for &flow in batch {
                    Kind::Udp4.set_flow(&mut frame, flow);
                    set_vip(&mut frame, (flow % u32::from(groups)) as u8);
                    port.put(PortId(0), &frame);
                }
                while worker.poll(1, &mut port) > 0 {}
            }
        };
        let thread = Some(std::thread::spawn(work));
        while site.counters[0].forwarded.value() == 0 {
            std::thread::yield_now();
        }
        Self { stop, thread }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // that it panicked has been said
            let _ = thread.join();
        }
    }
}

/// Makes the frame one for the service of a group.
pub fn set_vip(frame: &mut [u8], group: u8) {
    frame[33] = group;
}
