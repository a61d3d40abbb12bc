//! The bare loop: frames for a VIP get new MACs on the sockets that Evenkeel uses, and nothing else. What is left of its
//! rate with the walk is what the walk costs.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use evenkeel_afxdp::{Interface, Mode, PuntDevice, Queue, Steering};
use evenkeel_dataplane::{PortIo, Received, Unsent, prefetch};
use evenkeel_nexthop::{PortId, Protocol, ServiceSpec, Timeouts};
use evenkeel_packet::Mac;

use crate::lab::plan;
use crate::lab::process::Process;
use crate::peers::rig::{EGRESS, FORWARDER_CORE, INGRESS, Rig, SERVER_MAC};
use crate::peers::wire::pin;

/// The same as `evenkeel run` has by default.
const BURST: usize = 64;
const READY: &str = "ready";
const READY_LIMIT: Duration = Duration::from_secs(5);
/// Longest sleep without a frame in milliseconds.
const SLEEP_MS: i32 = 10;

/// Starts this program's command `bare` on the load balancer.
pub(super) fn start(rig: &Rig) -> Result<Process> {
    let program = std::env::current_exe().context("the path of this program")?;
    let mut command: Command = rig.balancer().command(&program.to_string_lossy());
    let mut process = Process::start(command.arg("bare"), &rig.directory().join("bare.log"))?;
    process.wait_for_line(0, READY_LIMIT, |line| line == READY)?;
    Ok(process)
}

/// The loop itself, between the load balancer's interfaces in the calling thread's namespace; until the process ends.
///
/// # Errors
/// Without root, or when there are no such interfaces.
pub fn run() -> Result<()> {
    pin(FORWARDER_CORE)?;
    let interfaces = [INGRESS, EGRESS].map(|name| Interface::open(name, Mode::Auto));
    let interfaces = interfaces.into_iter().collect::<Result<Vec<_>, _>>()?;
    let service = ServiceSpec {
        name: "all".to_owned(),
        vip: plan::WEB4.to_string().parse()?,
        protocol: Protocol::Any,
        ports: Vec::new(),
        group: "all".to_owned(),
        timeouts: Timeouts::DEFAULT,
    };
    let punt = Arc::new(PuntDevice::open(interfaces[0].mtu)?);
    let mut steering = Steering::load(1, &[service])?;
    let queue = Queue::open(0, &interfaces, interfaces.len(), &punt)?;
    queue.handles().iter().try_for_each(|socket| steering.connect(socket))?;
    for (port, interface) in (0..).map(PortId).zip(&interfaces) {
        steering.attach(port, interface)?;
        steering.open(port)?;
    }
    println!("{READY}");
    forward(queue, interfaces[1].mac)
}

fn forward(mut queue: Queue, source: Mac) -> ! {
    let (egress, destination) = (PortId(1), SERVER_MAC);
    let mut burst = Vec::with_capacity(BURST);
    loop {
        queue.receive(BURST, &mut burst);
        if burst.is_empty() {
            // Without memory for it, the loop goes on without sleep.
            let _ = queue.wait(SLEEP_MS);
        }
        // as a worker does: it would wait for the first byte of each
        for received in &burst {
            prefetch::line(queue.bytes(&received.frame).as_ptr());
        }
        for Received { mut frame, port, .. } in burst.drain(..) {
            if let Some((macs, _)) = queue.bytes_mut(&mut frame).split_first_chunk_mut::<12>() {
                macs[..6].copy_from_slice(&destination);
                macs[6..].copy_from_slice(&source.0);
            }
            if let Err(Unsent { frame, reason }) = queue.transmit(egress, frame) {
                queue.discard(port, frame, reason);
            }
        }
        queue.flush();
    }
}
