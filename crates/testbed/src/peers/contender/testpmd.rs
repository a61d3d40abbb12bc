//! DPDK's testpmd, forwarding by MAC between two interfaces over its AF_XDP driver.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::lab::process::Process;
use crate::peers::rig::{EGRESS, FORWARDER_CORE, GENERATOR_CORE, INGRESS, Rig, SERVER_MAC, mac_text};
use crate::peers::wire::{Generator, Sink, Stream};

const PROGRAM: &str = "dpdk-testpmd";
const READY_LIMIT: Duration = Duration::from_secs(20);
/// Memory in MiB, and the frames that are made of it: enough for the rings of both interfaces, twice.
const MEMORY_MIB: u32 = 256;
const FRAMES: u32 = 32768;
/// A trickle that shows when it forwards.
const TRICKLE: Stream =
    Stream { flows: 64, rate: Some(1000), rounds: None, is_first: false, is_stamped: false };
const LOOK: Duration = Duration::from_millis(50);

/// Why it can't be started.
pub(super) fn lacks() -> Option<String> {
    let found = Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.err().map(|error| format!("{PROGRAM} (Debian: dpdk-dev, librte-net-af-xdp23): {error}"))
}

/// Starts it and waits until frames come through.
pub(super) fn start(rig: &Rig, sink: &Sink) -> Result<Process> {
    let mut command = rig.balancer().command(PROGRAM);
    command.args(["--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", &MEMORY_MIB.to_string()]);
    command.args(["-l", &format!("{GENERATOR_CORE},{FORWARDER_CORE}")]);
    command.args(["--main-lcore", &GENERATOR_CORE.to_string()]);
    for (number, interface) in [INGRESS, EGRESS].iter().enumerate() {
        command.args(["--vdev", &format!("net_af_xdp{number},iface={interface},busy_budget=0")]);
    }
    command.args(["--", "--forward-mode=mac", "--auto-start", "--no-lsc-interrupt", "--stats-period=3600"]);
    command.arg(format!("--total-num-mbufs={FRAMES}"));
    command.arg(format!("--eth-peer=1,{}", mac_text(SERVER_MAC)));
    let mut process = Process::start(&mut command, &rig.directory().join("testpmd.log"))?;
    process.wait_for_line(0, READY_LIMIT, |line| line.contains("packet forwarding"))?;

    let deadline = Instant::now() + READY_LIMIT;
    let (trickle, before) = (Generator::start(rig, TRICKLE)?, sink.seen()?);
    while sink.seen()? == before {
        if Instant::now() > deadline || process.wait(Duration::ZERO).is_ok() {
            bail!("forwards nothing:\n{}", process.log());
        }
        thread::sleep(LOOK);
    }
    trickle.stop()?;
    Ok(process)
}
