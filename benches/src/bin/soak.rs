//! Many packets through the walk in memory: none may be lost, none may allocate, every one ends in one counter.
//!
//! `soak [PACKETS]`, 10^6 by default. Flows of all kinds open, go on, close; frames are mutated and cut.

use anyhow::{Result, ensure};
use evenkeel_benches::count::allocations;
use evenkeel_benches::frames::{Kind, SplitMix};
use evenkeel_benches::rig::{AREA, Rig};
use evenkeel_benches::traffic::Taker;
use std::time::{Duration, Instant};

const KINDS: [Kind; 4] = [Kind::Tcp4, Kind::Tcp6, Kind::Udp4, Kind::Vlan];
const FLAGS: [u8; 6] = [0x02, 0x10, 0x18, 0x11, 0x04, 0x12];
/// Flows that the packets belong to; many times the capacity of the table.
const FLOWS: u32 = 1 << 20;

fn main() -> Result<()> {
    let packets: u64 = std::env::args().nth(1).as_deref().unwrap_or("1000000").parse()?;
    // a table this small is full all the time
    let mut rig = Rig::new(60_000);
    let mut random = SplitMix(20_240_101);
    let mut frames: Vec<Vec<u8>> = (0..AREA).map(|_| Vec::with_capacity(128)).collect();
    // the first look at the snapshot enters the thread with crossbeam-epoch
    rig.drain();
    let (mut sent, mut time, mut allocated) = (0, Duration::ZERO, 0);
    while sent < packets {
        for frame in &mut frames {
            hostile(frame, &mut random);
        }
        let before = allocations();
        frames.iter().for_each(|frame| rig.write_frame(frame));
        let begin = Instant::now();
        rig.drain();
        time += begin.elapsed();
        allocated += allocations() - before;
        sent += AREA as u64;
        rig.now_ms += 7;
    }
    rig.finish();
    let totals = rig.totals();
    println!(
        "{sent} packets, {:.1} ns each, {allocated} allocations\n{:?}\n{:?}\n{} frames outstanding",
        time.as_nanos() as f64 / sent as f64,
        totals.packets,
        totals.flows,
        rig.outstanding()
    );
    let p = totals.packets;
    ensure!(
        p.received == sent && p.received == p.forwarded + p.punted + p.dropped,
        "the counters don't add up"
    );
    ensure!(p.held == 0 && rig.outstanding() == 0, "frames are lost");
    let f = totals.flows;
    ensure!(f.created + f.adopted == f.expired + f.closed + f.evicted + f.live, "flows don't add up");
    ensure!(allocated == 0, "packets allocated");
    Ok(())
}

/// A frame of some flow, every other one with bytes changed, some cut.
fn hostile(frame: &mut Vec<u8>, random: &mut SplitMix) {
    let dice = random.draw();
    let kind = KINDS[(dice & 3) as usize];
    frame.clear();
    kind.write(frame, FLAGS[(dice >> 8) as usize % FLAGS.len()]);
    kind.set_flow(frame, (dice >> 16) as u32 % FLOWS);
    if dice >> 60 < 8 {
        for _ in 0..=(dice >> 56 & 1) {
            let change = random.draw();
            let at = 12 + change as usize % (frame.len() - 12);
            frame[at] = (change >> 32) as u8;
        }
    }
    if dice >> 60 == 15 {
        frame.truncate(random.draw() as usize % frame.len());
    }
}
