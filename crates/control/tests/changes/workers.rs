//! Two workers on threads of their own, fed with frames through channels.

use evenkeel_control::live;
use evenkeel_dataplane::{
    DropReason, FlowTable, Mailbox, PortIo, Published, Received, Sweep, TableSeeds, TableSpec, Unsent,
    Worker, WorkerCounters, WorkerSpec, mailbox,
};
use evenkeel_nexthop::{Liveness, PortId, Snapshot};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

const WORKERS: usize = 2;

pub(crate) struct Workers {
    pub(crate) counters: Vec<Arc<WorkerCounters>>,
    pub(crate) mailboxes: Vec<Mailbox>,
    /// Of frames, by worker; a worker ends when its feed is dropped.
    feeds: Vec<Sender<Vec<u8>>>,
    published: Arc<Published>,
}

impl Workers {
    pub(crate) fn start(first: Snapshot, liveness: &Arc<Liveness>, epoch: Instant) -> Self {
        let table = FlowTable::new(&TableSpec {
            capacity: 10_000,
            reserved: 10_000,
            workers: WORKERS,
            seeds: TableSeeds::Fixed,
            sweep: Sweep::Paced,
        });
        let table = Arc::new(table.unwrap());
        let mut workers = Self {
            counters: (0..WORKERS).map(|_| Arc::new(WorkerCounters::default())).collect(),
            mailboxes: Vec::new(),
            feeds: Vec::new(),
            published: Arc::new(Published::new(first)),
        };
        workers.counters.iter().for_each(|counters| counters.reserve(64));
        for index in 0..WORKERS {
            let (mailbox, questions) = mailbox();
            let (feed, fed) = channel();
            let mut worker = Worker::new(WorkerSpec {
                index,
                burst: 64,
                table: Arc::clone(&table),
                published: Arc::clone(&workers.published),
                liveness: Arc::clone(liveness),
                counters: Arc::clone(&workers.counters[index]),
                questions,
            });
            std::thread::spawn(move || {
                let mut port = Fed { frames: fed, has_ended: false };
                while !port.has_ended {
                    worker.poll(epoch.elapsed().as_millis() as u64, &mut port);
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            workers.mailboxes.push(mailbox);
            workers.feeds.push(feed);
        }
        workers
    }

    pub(crate) fn publisher(&self) -> impl FnMut(Snapshot) + Send + use<> {
        live::publisher(Arc::clone(&self.published), self.counters.clone())
    }

    /// Lets a worker take a UDP datagram, and waits until it has.
    pub(crate) fn take(&self, worker: usize, source: (Ipv4Addr, u16), destination: (Ipv4Addr, u16)) {
        let before = self.counters[worker].received.value();
        self.feeds[worker].send(datagram(source, destination)).unwrap();
        while self.counters[worker].received.value() == before {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// To the MAC of the box.
fn datagram(source: (Ipv4Addr, u16), destination: (Ipv4Addr, u16)) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 9, 9, 8, 0];
    frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend(source.0.octets());
    frame.extend(destination.0.octets());
    frame.extend(source.1.to_be_bytes());
    frame.extend(destination.1.to_be_bytes());
    frame.extend([0, 8, 0, 0]);
    frame
}

/// A port whose frames come from a channel and go nowhere.
struct Fed {
    frames: Receiver<Vec<u8>>,
    has_ended: bool,
}

impl PortIo for Fed {
    type Frame = Vec<u8>;

    fn receive(&mut self, max: usize, burst: &mut Vec<Received<Vec<u8>>>) {
        while burst.len() < max {
            match self.frames.try_recv() {
                Ok(frame) => {
                    burst.push(Received { wire_len: frame.len() as u32, frame, port: PortId(0) });
                }
                Err(error) => {
                    self.has_ended = error == std::sync::mpsc::TryRecvError::Disconnected;
                    return;
                }
            }
        }
    }

    fn bytes<'a>(&'a self, frame: &'a Vec<u8>) -> &'a [u8] {
        frame
    }

    fn bytes_mut<'a>(&'a mut self, frame: &'a mut Vec<u8>) -> &'a mut [u8] {
        frame
    }

    fn transmit(&mut self, _: PortId, _: Vec<u8>) -> Result<(), Unsent<Vec<u8>>> {
        Ok(())
    }

    fn punt(&mut self, _: PortId, _: Vec<u8>) -> bool {
        true
    }

    fn discard(&mut self, _: PortId, _: Vec<u8>, _: DropReason) {}

    fn flush(&mut self) {}
}
