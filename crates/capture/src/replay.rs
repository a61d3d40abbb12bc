//! A replay: inputs are read, one worker walks their frames on virtual time; captures and report are written, or the flows
//! told that live at the end.

use crate::output::{self, Output, WriteError};
use crate::port::{CapturePort, Exits};
use crate::read::{Capture, ReadError};
use crate::report::Report;
use crate::timeline::Input;
use crate::write::CaptureWriter;
use evenkeel_dataplane::FlowRecord;
use evenkeel_nexthop::{Change, Desired, PortId};
use evenkeel_packet::Mac;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

mod error;
mod run;
#[cfg(test)]
mod tests;

pub use error::ReplayError;
use run::Run;

/// What is replayed.
#[derive(Debug)]
pub struct Replay {
    /// Services and groups, with the adjacency of every nexthop that is to be used and the deadline of removals that
    /// don't say theirs.
    pub desired: Desired,
    /// The interfaces, by [`PortId`].
    pub ports: Vec<Port>,
    /// Captures and the interfaces on which their frames came in.
    pub inputs: Vec<(PortId, PathBuf)>,
    /// Changes and their times in nanoseconds from the first frame; those of one time act in this order.
    pub changes: Vec<(u64, Change)>,
    /// Flows that the table holds.
    pub flow_capacity: usize,
    /// Most frames of a burst.
    pub burst: usize,
}

/// An interface of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name, and that of its capture.
    pub name: String,
    /// Its own MAC; needed if an input has it.
    pub mac: Option<Mac>,
}

/// Replays captures and writes what becomes of their frames, and the report, into the output directory, which is made if
/// there is none.
///
/// Inputs are read and checked as a whole before anything is written; the output appears at the end, all of it or
/// nothing. The same replay gives the same bytes.
///
/// # Errors
/// If an input can't be replayed, a change can't be applied or the output can't be written; if the counters
/// contradict each other, which is a fault of the program.
pub fn replay(replay: Replay, out_dir: &Path) -> Result<Report, ReplayError> {
    check_macs(&replay)?;
    let mut stems: Vec<String> = replay.ports.iter().map(|port| port.name.clone()).collect();
    stems.extend([output::PUNT, output::DROP].map(str::to_owned));
    check_files(&replay, &stems, out_dir)?;
    let inputs = read(&replay)?;

    let output = Output::in_dir(out_dir)?;
    let port = CapturePort::new(inputs, exits(&replay.ports, |stem| output.capture(stem))?);
    let (report, exits) = Run::new(replay, port)?.play()?.into_report()?;
    exits.and_then(Exits::finish).map_err(|source| WriteError { file: out_dir.to_owned(), source })?;
    output.publish(&stems, &report.to_json())?;
    Ok(report)
}

/// Replays captures and gives the flows that live at their last frame. Nothing is written.
///
/// # Errors
/// If an input can't be replayed or a change can't be applied.
pub fn live_flows(replay: Replay) -> Result<Vec<FlowRecord>, ReplayError> {
    check_macs(&replay)?;
    let nowhere = |_: &str| {
        let written = CaptureWriter::new(io::sink());
        written.map_err(|source| WriteError { file: PathBuf::new(), source })
    };
    let port = CapturePort::new(read(&replay)?, exits(&replay.ports, nowhere)?);
    Ok(Run::new(replay, port)?.play()?.flows())
}

fn read(replay: &Replay) -> Result<Vec<Input>, ReadError> {
    let read = |(port, file): &(PortId, PathBuf)| Ok(Input { port: *port, capture: Capture::read(file)? });
    replay.inputs.iter().map(read).collect()
}

/// An interface with an input needs its MAC: frames for another one are the kernel's.
fn check_macs(replay: &Replay) -> Result<(), ReplayError> {
    let has_input = |id: usize| replay.inputs.iter().any(|(port, _)| port.index() == id);
    let without = replay.ports.iter().enumerate().filter(|(id, port)| port.mac.is_none() && has_input(*id));
    let names: Vec<_> = without.map(|(_, port)| port.name.clone()).collect();
    if names.is_empty() { Ok(()) } else { Err(ReplayError::MissingMac(names)) }
}

/// Every capture of the output needs a file of its own, and none of them may be an input.
fn check_files(replay: &Replay, stems: &[String], out_dir: &Path) -> Result<(), ReplayError> {
    for (index, stem) in stems.iter().enumerate() {
        if stem.contains('/') || stems[..index].contains(stem) {
            return Err(ReplayError::Name(stem.clone()));
        }
    }
    if out_dir.exists() && !out_dir.is_dir() {
        return Err(ReplayError::NotADirectory(out_dir.to_owned()));
    }
    let written = stems.iter().map(|stem| output::capture_name(stem)).chain([output::REPORT.to_owned()]);
    for file in written.map(|name| out_dir.join(name)) {
        if file.is_dir() {
            return Err(ReplayError::IsADirectory(file));
        }
        let Ok(written) = file.canonicalize() else { continue };
        if let Some((_, input)) =
            replay.inputs.iter().find(|(_, input)| input.canonicalize().is_ok_and(|input| input == written))
        {
            return Err(ReplayError::OverwritesInput(input.clone()));
        }
    }
    Ok(())
}

/// Starts the captures, each by its name.
fn exits<W: Write>(
    ports: &[Port],
    start: impl Fn(&str) -> Result<CaptureWriter<W>, WriteError>,
) -> Result<Exits<W>, WriteError> {
    Ok(Exits {
        ports: ports.iter().map(|port| start(&port.name)).collect::<Result<_, _>>()?,
        punt: start(output::PUNT)?,
        drop: start(output::DROP)?,
    })
}
