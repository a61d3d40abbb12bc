//! The steering program on every frame of the golden captures: what it leaves to the kernel, replay punts; what replay
//! forwards or drops, it sends to a worker. Needs root.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use anyhow::{Context, Result, ensure};
use evenkeel_afxdp::{Decision, Trial};
use evenkeel_capture::Capture;
use evenkeel_control::Config;
use evenkeel_packet::Mac;
use evenkeel_testbed::golden::{self, Case};

/// The longest frame that the kernel takes for a test run: a page without the room before and behind a frame.
const LONGEST_FRAME: usize = 3520;
const SHORTEST_FRAME: usize = 14;

/// Frames seen, by what became of them.
#[derive(Debug, Default)]
struct Tally {
    redirected: usize,
    passed: usize,
    /// Redirected, and then punted by the walk: what the program could not tell.
    punted_by_walk: usize,
    /// Frames that can't be tried, by case and reason.
    left_out: BTreeMap<(String, &'static str), usize>,
    wrong: Vec<String>,
}

#[test]
fn what_is_left_to_the_kernel_is_punted_and_the_rest_is_not() -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        writeln!(std::io::stderr(), "SKIPPED: the steering program can be loaded by root alone")?;
        return Ok(());
    }
    let mut tally = Tally::default();
    let cases = golden::cases()?;
    for case in &cases {
        try_case(case, &mut tally).with_context(|| case.name.clone())?;
    }
    let Tally { redirected, passed, punted_by_walk, left_out, wrong } = tally;
    println!(
        "{} cases: {redirected} frames redirected ({punted_by_walk} of them punted by the walk), {passed} passed",
        cases.len()
    );
    // not captured by the test harness: a frame that was not tried is said
    let left_out = left_out.iter().map(|((case, reason), count)| format!("  {case}: {count} {reason}\n"));
    write!(std::io::stderr(), "frames left out:\n{}", left_out.collect::<String>())?;
    ensure!(
        wrong.is_empty(),
        "{} frames are left to the kernel but not punted:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    ensure!(redirected > 0 && passed > 0 && punted_by_walk < passed, "the program decides nothing");
    Ok(())
}

fn try_case(case: &Case, tally: &mut Tally) -> Result<()> {
    let config = Config::read_for_replay(&case.file("config.toml"))?;
    let mut trial = Trial::load(&config.services)?;
    let punted = Capture::read(&case.file("expected/punt.pcap"))?;
    let punted: HashSet<_> =
        punted.records().iter().map(|record| (record.time_ns, punted.frame(record))).collect();
    for (interface, file) in case.inputs()? {
        let port = config.port(interface).context("an input of no interface")?;
        let own = config.interfaces[port.index()].mac.context("an interface without MAC")?;
        let capture = Capture::read(&file)?;
        for (number, record) in capture.records().iter().enumerate() {
            let name = format!("{}: frame {} of {interface}", case.name, number + 1);
            let frame = capture.frame(record);
            if let Some(reason) = untryable(frame, record.wire_len) {
                *tally.left_out.entry((case.name.clone(), reason)).or_default() += 1;
                continue;
            }
            let punt = punted.contains(&(record.time_ns, frame));
            tally.count(&mut trial, frame, own, punt, &name)?;
        }
    }
    Ok(())
}

/// Why a frame can't be given to the kernel as it would come from a wire.
fn untryable(frame: &[u8], wire_len: u32) -> Option<&'static str> {
    if frame.len() < wire_len as usize {
        Some("cut by the capture")
    } else if frame.len() < SHORTEST_FRAME {
        Some("without a whole Ethernet header")
    } else {
        (frame.len() > LONGEST_FRAME).then_some("longer than a test run takes")
    }
}

impl Tally {
    fn count(&mut self, trial: &mut Trial, frame: &[u8], own: Mac, punt: bool, name: &str) -> Result<()> {
        match (trial.run(frame, own)?, punt) {
            (Decision::Redirect, punt) => {
                self.redirected += 1;
                self.punted_by_walk += usize::from(punt);
            }
            (Decision::Pass, true) => self.passed += 1,
            (Decision::Pass, false) => self.wrong.push(name.to_owned()),
        }
        Ok(())
    }
}
