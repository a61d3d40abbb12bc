//! The workers, as the owner of the interfaces sees them: who takes up and gives up sockets when asked to.
//!
//! A worker hears what is asked between two bursts. It never waits: what takes the kernel long is done here.

use super::say;
use evenkeel_afxdp::{Binder, Closed, Closing, Joining, Parted, Queue};
use evenkeel_nexthop::PortId;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a worker is waited for; it looks at least every 10 ms while it lives.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks whether sockets are closed.
const PAUSE: Duration = Duration::from_millis(5);
/// How long a worker goes on receiving from an interface that it gives up: frames that the XDP program has sent there
/// arrive within microseconds.
const LINGER: Duration = Duration::from_millis(20);
/// How long a worker waits until what is under way at an interface that it gives up has been received and sent.
const SENDING: Duration = Duration::from_millis(500);
/// How long a port's number rests after its frames are back: longer than a fragment is held that came in on it.
const REST: Duration = Duration::from_secs(2);

/// What a worker is asked for.
enum Order {
    /// Take this socket up, and say when that is done.
    Join(Box<Joining>, SyncSender<()>),
    /// Give this port up, and hand its socket over when nothing is under way any more.
    Leave(PortId, SyncSender<Parted>),
    /// Take back the frames that were in the socket's rings.
    TakeBack(Closed),
}

/// A worker's side.
pub(super) struct Orders {
    orders: Receiver<Order>,
    leaving: Vec<(PortId, Instant, SyncSender<Parted>)>,
}

/// The owner's side.
pub(super) struct Crew {
    workers: Vec<(Binder, Sender<Order>)>,
    /// Ports whose numbers are not to be used yet.
    resting: Arc<Mutex<BTreeMap<PortId, Resting>>>,
}

/// A port that has left.
struct Resting {
    /// The kernel's number of its interface.
    ifindex: u32,
    is_closed: bool,
}

impl Crew {
    /// No workers yet.
    pub(super) fn new() -> Self {
        Self { workers: Vec::new(), resting: Arc::default() }
    }

    /// Adds the next worker; what it has to look at is returned.
    pub(super) fn enlist(&mut self, queue: &Queue) -> Orders {
        let (order, orders) = channel();
        self.workers.push((queue.binder(), order));
        Orders { orders, leaving: Vec::new() }
    }

    /// What binds sockets to each worker's memory.
    pub(super) fn binders(&self) -> impl Iterator<Item = &Binder> {
        self.workers.iter().map(|(binder, _)| binder)
    }

    /// False while a worker, a frame or the kernel may still know this number from an interface that has left.
    pub(super) fn is_free(&self, port: PortId) -> bool {
        !lock(&self.resting).contains_key(&port)
    }

    /// Waits until no worker's socket of a port that left is bound to this interface any more; false if that takes too
    /// long.
    pub(super) fn has_let_go(&self, ifindex: u32) -> bool {
        let until = Instant::now() + PATIENCE;
        let is_bound = || lock(&self.resting).values().any(|left| left.ifindex == ifindex && !left.is_closed);
        while is_bound() {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(PAUSE);
        }
        true
    }

    /// Has every worker take up its socket of a port; true when all have. `joining` is in the order of the workers.
    pub(super) fn join(&self, joining: Vec<Joining>) -> bool {
        let (done, joined) = sync_channel(joining.len());
        let count = joining.len();
        for (socket, (_, orders)) in joining.into_iter().zip(&self.workers) {
            // a worker that has ended is seen by who waits below
            let _ = orders.send(Order::Join(Box::new(socket), done.clone()));
        }
        drop(done);
        let until = Instant::now() + PATIENCE;
        (0..count).all(|_| joined.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok())
    }

    /// Has every worker give up its socket of a port, which is at the interface with this number, and closes it. Returns at once; the number is free when everything
    /// that knew it has gone.
    pub(super) fn leave(&self, port: PortId, ifindex: u32) {
        lock(&self.resting).insert(port, Resting { ifindex, is_closed: false });
        let (part, parted) = sync_channel(self.workers.len());
        for (_, orders) in &self.workers {
            // one that has ended takes its sockets along
            let _ = orders.send(Order::Leave(port, part.clone()));
        }
        drop(part);
        let orders: Vec<_> = self.workers.iter().map(|(_, orders)| orders.clone()).collect();
        let resting = Arc::clone(&self.resting);
        let closer = move || {
            let closing = close(&parted);
            if let Some(left) = lock(&resting).get_mut(&port) {
                left.is_closed = true;
            }
            take_back(closing, &orders);
            thread::sleep(REST);
            lock(&resting).remove(&port);
        };
        if let Err(error) = thread::Builder::new().name("closer".to_owned()).spawn(closer) {
            say::note(format_args!("the sockets of a port that left stay open: {error}"));
        }
    }
}

/// Closes the sockets that workers give up; by queue, what is to be waited for then.
fn close(parted: &Receiver<Parted>) -> Vec<(u32, Closing)> {
    // ends when the last worker has given its socket up, or has ended
    parted.iter().filter_map(|parted| Some((parted.queue(), parted.close()?))).collect()
}

/// Gives workers the frames back that were in the rings of closed sockets.
fn take_back(closing: Vec<(u32, Closing)>, orders: &[Sender<Order>]) {
    for (queue, closing) in closing {
        let closed = closing.wait();
        if let Some(orders) = orders.get(queue as usize) {
            // a worker that has ended needs none
            let _ = orders.send(Order::TakeBack(closed));
        }
    }
}

impl Orders {
    /// Does what is asked and what is due. Costs next to nothing while that is nothing.
    pub(super) fn look(&mut self, queue: &mut Queue, now: Instant) {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Join(socket, done) => {
                    queue.join(*socket);
                    let _ = done.try_send(());
                }
                Order::Leave(port, parted) => {
                    queue.leave(port);
                    self.leaving.push((port, now, parted));
                }
                Order::TakeBack(closed) => queue.take_back(closed),
            }
        }
        self.leaving.retain(|(port, since, to)| {
            let waited = now.saturating_duration_since(*since);
            let is_over = waited >= LINGER && (queue.is_drained(*port) || waited >= SENDING);
            if is_over && let Some(parted) = queue.part(*port) {
                // there is room for one of each worker; if nobody takes it, it is closed here
                let _ = to.try_send(parted);
            }
            !is_over
        });
    }
}

fn lock(resting: &Mutex<BTreeMap<PortId, Resting>>) -> MutexGuard<'_, BTreeMap<PortId, Resting>> {
    resting.lock().unwrap_or_else(PoisonError::into_inner)
}
