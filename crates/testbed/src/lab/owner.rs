//! Who laid a lab, and the removal of what is left of it.
//!
//! Every namespace carries its owner in its name (`ek-lab-PID-START-NUMBER-ROLE`), so everything that a lab
//! laid can be found and removed from the names alone: by the lab's own drop, by a signal, or by the next
//! lab when the owner was killed. Nothing else with another name is ever touched.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

const PREFIX: &str = "ek-lab-";
const NAMESPACES: &str = "/run/netns";

/// Names one lab: the process that laid it, and the lab's number in that process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabId {
    pid: u32,
    /// Start of the process in clock ticks since boot: a pid that was used again is another owner.
    start_ticks: u64,
    number: u32,
}

impl LabId {
    /// A name that no other lab on this machine has.
    ///
    /// # Errors
    /// When `/proc` can't be read.
    pub fn unused() -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let pid = std::process::id();
        let start_ticks = start_ticks(pid).context("the start of this process is not in /proc")?;
        Ok(Self { pid, start_ticks, number: NUMBER.fetch_add(1, Ordering::Relaxed) })
    }

    /// The namespace of one role (`client`, `lb`, `s1` …).
    pub fn namespace(&self, role: &str) -> String {
        format!("{self}-{role}")
    }

    /// Where the lab keeps its files.
    pub fn directory(&self) -> PathBuf {
        std::env::temp_dir().join(self.to_string())
    }

    /// The lab that a namespace or a directory of this name belongs to.
    fn of(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(PREFIX)?.split('-');
        let pid = parts.next()?.parse().ok()?;
        let start_ticks = parts.next()?.parse().ok()?;
        let number = parts.next()?.parse().ok()?;
        Some(Self { pid, start_ticks, number })
    }

    fn owner_lives(&self) -> bool {
        start_ticks(self.pid) == Some(self.start_ticks)
    }
}

impl fmt::Display for LabId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}-{}-{}", self.pid, self.start_ticks, self.number)
    }
}

/// Removes a lab: ends the processes in its namespaces, then deletes the namespaces and its files.
///
/// Never fails: what can't be removed is said on stderr and left to the next [`sweep`].
pub fn remove(lab: &LabId) {
    remove_where(|id| id == lab);
}

/// Removes what labs left whose owner is gone; returns the names of the namespaces.
pub fn sweep() -> Vec<String> {
    remove_where(|id| !id.owner_lives())
}

/// From now on SIGINT, SIGTERM and SIGHUP remove this process's labs before they end it.
///
/// # Errors
/// When the signals can't be caught.
pub fn remove_on_signals() -> Result<()> {
    static CAUGHT: Once = Once::new();
    let mut caught = Ok(());
    CAUGHT.call_once(|| caught = catch_signals());
    caught
}

fn catch_signals() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("signals can't be caught")?;
    thread::Builder::new().name("lab-signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let own = std::process::id();
            remove_where(|id| id.pid == own);
            // The default action ends the process with the status that its parent expects.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

fn remove_where(unwanted: impl Fn(&LabId) -> bool) -> Vec<String> {
    let named = |directory: &str| -> Vec<String> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| LabId::of(name).is_some_and(|id| unwanted(&id))).collect()
    };
    let namespaces = named(NAMESPACES);
    for name in &namespaces {
        end_processes(name);
    }
    for name in &namespaces {
        if let Err(error) = delete_namespace(name) {
            eprintln!("lab: namespace {name} stays: {error:#}");
        }
    }
    let temporary = std::env::temp_dir();
    for name in named(&temporary.to_string_lossy()) {
        if let Err(error) = fs::remove_dir_all(temporary.join(&name)) {
            eprintln!("lab: directory {name} stays: {error}");
        }
    }
    namespaces
}

/// Kills what still runs in a namespace of ours, and nothing else: the kernel says who that is.
fn end_processes(namespace: &str) {
    let Ok(output) = Command::new("ip").args(["netns", "pids", namespace]).output() else { return };
    for pid in String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.trim().parse().ok()) {
        if pid != std::process::id() as i32 {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

fn delete_namespace(name: &str) -> Result<()> {
    let output = Command::new("ip").args(["netns", "del", name]).stdin(Stdio::null()).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

/// Field 22 of `/proc/PID/stat`, counted behind the command, which may hold blanks.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_lab_whatever_the_role() {
        let id = LabId::unused().unwrap();
        assert_eq!(LabId::of(&id.namespace("s1")), Some(id));
        assert_eq!(LabId::of(&id.to_string()), Some(id));
        assert!(id.owner_lives());
        assert_ne!(LabId::unused().unwrap(), id);
    }

    #[test]
    fn names_of_others_are_not_ours() {
        for name in ["blue", "ek-lab-", "ek-lab-1", "ek-lab-1-2", "ek-lab-x-2-3-s1", "ek-other-1-2-3-s1"] {
            assert_eq!(LabId::of(name), None, "{name}");
        }
    }

    #[test]
    fn an_owner_with_a_used_again_pid_is_gone() {
        let id = LabId::unused().unwrap();
        assert!(!LabId { start_ticks: id.start_ticks + 1, ..id }.owner_lives());
    }
}
