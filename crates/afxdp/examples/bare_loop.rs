//! Forwards every frame for a VIP between two interfaces and does nothing else: new MACs, no walk. What is left of its
//! rate with the walk is what the walk costs.
//!
//! `bare_loop IN OUT VIP SERVER_MAC SECONDS` prints the packets of each second and where the frames are at the end.
//! IN and OUT may be the same. Needs root.

use evenkeel_afxdp::{Interface, Mode, PuntDevice, Queue, Steering, equal_queues};
use evenkeel_dataplane::{PortIo, Received, Unsent};
use evenkeel_nexthop::{PortId, Protocol, ServiceSpec, Timeouts};
use evenkeel_packet::Mac;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const BURST: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, vip, server, seconds] = arguments.as_slice() else {
        return Err("arguments: IN OUT VIP SERVER_MAC SECONDS".into());
    };
    let names = if input == output { vec![input] } else { vec![input, output] };
    let interfaces: Vec<_> =
        names.iter().map(|name| Interface::open(name, Mode::Auto)).collect::<Result<_, _>>()?;
    let out = interfaces.len() - 1;
    let route = Route { port: PortId(out as u16), source: interfaces[out].mac, destination: server.parse()? };
    let service = ServiceSpec {
        name: "all".to_owned(),
        vip: vip.parse()?,
        protocol: Protocol::Any,
        ports: Vec::new(),
        group: "all".to_owned(),
        timeouts: Timeouts::DEFAULT,
    };

    let punt = Arc::new(PuntDevice::open(1500)?);
    let queues = equal_queues(&interfaces)?;
    let mut steering = Steering::load(queues, &[service])?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut workers = Vec::new();
    for number in 0..queues {
        let queue = Queue::open(number, &interfaces, interfaces.len(), &punt)?;
        queue.handles().iter().try_for_each(|socket| steering.connect(socket))?;
        println!("queue {number}: {:?}, huge pages {}", queue.access(), queue.is_on_huge_pages());
        let stop = Arc::clone(&stop);
        workers.push(thread::spawn(move || work(queue, route, &stop)));
    }
    let ports = || (0..).map(PortId).zip(&interfaces);
    for (port, interface) in ports() {
        println!("{}: {}", interface.name, steering.attach(port, interface)?);
        steering.open(port)?;
    }

    thread::sleep(Duration::from_secs(seconds.parse()?));
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join().map_err(|_| "a worker panicked")?;
    }
    for (port, interface) in ports() {
        println!("{}: {:?}", interface.name, steering.counts(port)?);
    }
    Ok(())
}

/// Where all frames go.
#[derive(Clone, Copy)]
struct Route {
    port: PortId,
    source: Mac,
    destination: Mac,
}

fn work(mut queue: Queue, route: Route, stop: &AtomicBool) {
    let mut burst = Vec::with_capacity(BURST);
    let (mut received, mut full, mut second) = (0_u64, 0_u64, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        queue.receive(BURST, &mut burst);
        if burst.is_empty() {
            let _ = queue.wait(10);
        }
        received += burst.len() as u64;
        for Received { mut frame, port, .. } in burst.drain(..) {
            if let Some((macs, _)) = queue.bytes_mut(&mut frame).split_first_chunk_mut::<12>() {
                macs[..6].copy_from_slice(&route.destination.0);
                macs[6..].copy_from_slice(&route.source.0);
            }
            if let Err(Unsent { frame, reason }) = queue.transmit(route.port, frame) {
                full += 1;
                queue.discard(port, frame, reason);
            }
        }
        queue.flush();
        if second.elapsed() >= Duration::from_secs(1) {
            println!("queue {}: {received} received, {full} of them found the tx ring full", queue.number());
            (received, full, second) = (0, 0, Instant::now());
        }
    }
    println!("queue {}: {:?}", queue.number(), queue.census());
    for socket in queue.handles() {
        println!("queue {}: {:?} {:?}", queue.number(), socket.port(), socket.statistics());
    }
}
