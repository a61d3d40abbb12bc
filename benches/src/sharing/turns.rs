//! The traced process: two workers in turn.

use super::{MARKS, SAYS, mark};
use crate::frames::{Kind, permutation};
use crate::machine::{Machine, Spec};
use crate::rig::{AREA, Rig};
use crate::traffic::Taker;
use std::io::Write;
use std::sync::Barrier;

/// Flows of each worker.
const FLOWS: u32 = 1024;
/// Turns of each worker, an area of frames each: more bursts than crossbeam-epoch lets pass between two looks at all
/// threads.
const TURNS: usize = 3;
const BURST: usize = 64;

/// Lets two workers take turns. Before that it says into the trace where the marks are, where the program lies in memory, and
/// how many bursts each worker takes in its turns.
///
/// # Panics
/// If a worker does.
pub fn take_turns() {
    let (marks, bursts) = ((&raw const MARKS).addr(), TURNS * AREA / BURST);
    // in one piece and on a line of its own: the trace goes the same way
    let said = format!("\n{SAYS}{marks:x} {:x} {bursts}\n", program_base());
    std::io::stderr().write_all(said.as_bytes()).expect("somebody reads the trace");
    // a small bucket table: a large one takes long to build where every access is printed
    let mut machine = Machine::new(Spec { workers: 2, flow_capacity: 8192, buckets: 256, ..Spec::default() });
    let [one, other] = machine.rigs.as_mut_slice() else { unreachable!("two were asked for") };
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| turns(one, 0, &barrier));
        scope.spawn(|| turns(other, 1, &barrier));
    });
}

/// Time in which a thread gets from one barrier to the next, under valgrind.
const SETTLING: std::time::Duration = std::time::Duration::from_millis(200);

fn turns(rig: &mut Rig, worker: usize, barrier: &Barrier) {
    let flows: Vec<u32> = permutation(FLOWS, 1).iter().map(|flow| flow + FLOWS * worker as u32).collect();
    let mut frame = Kind::Tcp4.template(0x10);
    for turn in 0..2 {
        barrier.wait();
        if turn != worker {
            continue;
        }
        // the other one has to sleep at the barrier by then: what it does on its way there would count as this one's
        std::thread::sleep(SETTLING);
        rig.establish(Kind::Tcp4, &flows);
        for _ in 0..TURNS {
            for _ in 0..AREA / flows.len() {
                rig.write(Kind::Tcp4, &mut frame, &flows);
            }
            mark(2 * worker);
            rig.drain();
            mark(2 * worker + 1);
        }
    }
    barrier.wait();
}

/// Where the first page of the program's file is mapped (`proc_pid_maps(5)`).
fn program_base() -> u64 {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let program = std::env::current_exe().unwrap_or_default();
    let line = maps.lines().find(|line| line.ends_with(&*program.to_string_lossy()));
    let base = line.and_then(|line| line.split('-').next());
    base.and_then(|base| u64::from_str_radix(base, 16).ok()).unwrap_or(0)
}
