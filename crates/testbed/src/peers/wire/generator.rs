//! Makes frames on a core of its own: runs `bpf/generator.bpf.c` again and again, in the kernel, until told to stop.

use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use libbpf_rs::libbpf_sys::BPF_F_TEST_XDP_LIVE_FRAMES;
use libbpf_rs::{ErrorKind, MapCore, MapFlags, MapHandle, Object, ProgramInput};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::pthread::pthread_kill;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::{Aligned, ONLY, load, map};
use crate::lab::plan;
use crate::peers::rig::{CLIENT_MAC, GENERATOR_CORE, INGRESS_MAC, OUTSIDE, Rig, index_of};

static PROGRAM: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/generator.bpf.o")));

/// Length of a frame without FCS.
const FRAME_LEN_BYTES: usize = 60;
/// Runs of the program in one system call, which a signal ends; some ten minutes.
const RUNS: u32 = i32::MAX as u32;
/// The signal that ends a system call, and how often it is sent until the thread has seen it.
const WAKE: Signal = Signal::SIGUSR1;
const WAKE_INTERVAL: Duration = Duration::from_millis(5);
/// What is sent in a hurry after the generator was held up: what the receiver's rings hold, or next to nothing.
const LAG: Duration = Duration::from_millis(1);
const EVEN_LAG: Duration = Duration::from_micros(10);
/// Of so many frames one carries the time.
const STAMPED: u64 = 16;
const PORT: u16 = 80;
const FIRST_SOURCE: [u8; 4] = [198, 18, 0, 0];

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// What to send.
#[derive(Clone, Copy, Debug)]
pub(in crate::peers) struct Stream {
    /// Different flows, a power of two; a round goes through all of them once.
    pub(in crate::peers) flows: u64,
    /// Frames per second; `None`: as fast as it goes.
    pub(in crate::peers) rate: Option<u64>,
    /// Rounds, then no more; `None`: until it is stopped.
    pub(in crate::peers) rounds: Option<u64>,
    /// True: each is a SYN; false: a segment in mid-connection.
    pub(in crate::peers) is_first: bool,
    /// True: one of some frames carries the time, see [`Sink::times`](super::Sink::times), and none is hurried after others.
    pub(in crate::peers) is_stamped: bool,
}

impl Stream {
    /// Frames of all rounds.
    fn limit(self) -> u64 {
        self.rounds.map_or(u64::MAX, |rounds| rounds * self.flows)
    }
}

/// Frames that are being sent from the client's interface. Dropping it stops it.
#[derive(Debug)]
pub(in crate::peers) struct Generator {
    state: MapHandle,
    limit: u64,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Generator {
    /// Starts to send.
    ///
    /// # Errors
    /// When the kernel refuses the program.
    pub(in crate::peers) fn start(rig: &Rig, stream: Stream) -> Result<Self> {
        // Its only work is to interrupt a system call.
        signal_hook::flag::register(WAKE as i32, Arc::default()).context("SIGUSR1 can't be caught")?;
        let ending = Arc::new(AtomicBool::new(false));
        let (ready, prepared) = sync_channel(1);
        let (client, is_ending) = (rig.client().clone(), ending.clone());
        let work = move || {
            client.enter()?;
            let (object, state) = prepare(stream)?;
            // Who waits for it has nothing else to do.
            let _ = ready.send(state);
            send(&object, &is_ending)
        };
        let thread = thread::Builder::new().name("generator".into()).spawn(work)?;
        match prepared.recv() {
            Ok(state) => Ok(Self { state, limit: stream.limit(), ending, thread: Some(thread) }),
            Err(_) => Err(ended(thread).err().unwrap_or_else(|| anyhow!("the generator ended at once"))),
        }
    }

    /// Frames sent so far. Some of them may have found the wire full.
    ///
    /// # Errors
    /// When the map can't be read.
    pub(in crate::peers) fn sent(&self) -> Result<u64> {
        let state = self.state.lookup(&ONLY, MapFlags::ANY)?.context("the generator has no state")?;
        let sent =
            state.get(SENT_AT..).and_then(<[u8]>::first_chunk).context("the generator's state is cut")?;
        Ok(u64::from_ne_bytes(*sent))
    }

    /// Waits until all rounds have been sent.
    ///
    /// # Errors
    /// When that takes longer than `limit`.
    pub(in crate::peers) fn finish(self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        while self.sent()? < self.limit {
            ensure!(Instant::now() < deadline, "{} frames in {limit:?} of {}", self.sent()?, self.limit);
            thread::sleep(WAKE_INTERVAL);
        }
        self.stop().map(drop)
    }

    /// Stops it; how many frames it has sent.
    ///
    /// # Errors
    /// When it ended before, or panicked.
    pub(in crate::peers) fn stop(mut self) -> Result<u64> {
        self.end()?;
        self.sent()
    }

    fn end(&mut self) -> Result<()> {
        self.ending.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return Ok(()) };
        // A signal that comes between two system calls has no effect, so there has to be another one.
        while !thread.is_finished() {
            pthread_kill(thread.as_pthread_t(), WAKE).context("waking the generator")?;
            thread::sleep(WAKE_INTERVAL);
        }
        ended(thread)
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn ended(thread: JoinHandle<Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|_| bail!("the generator panicked"))
}

/// Takes the core and loads the program, on the thread that is going to run it.
fn prepare(stream: Stream) -> Result<(Object, MapHandle)> {
    pin(GENERATOR_CORE)?;
    let object = load(&PROGRAM.0)?;
    let state = map(&object, "generators")?;
    state.update(&ONLY, &layout(stream, index_of(OUTSIDE)?), MapFlags::ANY)?;
    Ok((object, state))
}

/// Sends until it is to end.
fn send(object: &Object, is_ending: &AtomicBool) -> Result<()> {
    let program = object.progs_mut().next().context("no program")?;
    while !is_ending.load(Ordering::Relaxed) {
        let input = ProgramInput {
            data_in: Some(&[0; FRAME_LEN_BYTES]),
            flags: BPF_F_TEST_XDP_LIVE_FRAMES,
            repeat: RUNS,
            ..ProgramInput::default()
        };
        match program.test_run(input) {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                return Err(error).context("the kernel (5.18 or later) doesn't run the generator");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Gives the calling thread a core.
pub(in crate::peers) fn pin(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &cores).with_context(|| format!("core {core}"))
}

/// Where `sent` is in `struct generator`.
const SENT_AT: usize = 72;
/// Length of `struct generator`.
const STATE_LEN_BYTES: usize = 88;

/// `struct generator` of the program.
fn layout(stream: Stream, interface: u32) -> [u8; STATE_LEN_BYTES] {
    let gap_ns = stream.rate.map_or(0, |rate| 1_000_000_000 / rate.max(1));
    let stamp_mask = if stream.is_stamped { STAMPED - 1 } else { u64::MAX };
    let flags = if stream.is_first { SYN } else { ACK };
    let max_lag = if stream.is_stamped { EVEN_LAG } else { LAG };
    let fields: [&[u8]; 12] = [
        &(stream.flows - 1).to_ne_bytes(),
        &gap_ns.to_ne_bytes(),
        &(max_lag.as_nanos() as u64).to_ne_bytes(),
        &stream.limit().to_ne_bytes(),
        &stamp_mask.to_ne_bytes(),
        &FIRST_SOURCE,
        &plan::WEB4.octets(),
        &interface.to_ne_bytes(),
        &PORT.to_be_bytes(),
        &[flags],
        &INGRESS_MAC,
        &CLIENT_MAC,
    ];
    let mut bytes = [0; STATE_LEN_BYTES];
    let mut rest = bytes.as_mut_slice();
    for field in fields {
        let (place, behind) = rest.split_at_mut(field.len());
        place.copy_from_slice(field);
        rest = behind;
    }
    bytes
}
