//! Looking at the machine. Changes nothing, needs no privilege, and judges nothing.

mod cores;
mod daemon;
mod files;
mod interfaces;
mod interrupts;
mod kernel;
mod memory;
mod process;

pub(super) use daemon::daemon;

use super::facts::{Daemon, Facts, Intent};
use evenkeel_control::config::Mode;
use files::Files;

/// Everything that is judged; `named` are the interfaces, and how they are configured.
pub(super) fn facts(intent: Intent, named: Vec<(String, Mode)>, daemon: Daemon) -> Facts {
    let files = Files::of_this_machine();
    Facts {
        process: process::process(&files),
        kernel: kernel::kernel(&files, &intent.vips),
        cores: cores::cores(&files),
        memory: memory::memory(&files),
        interfaces: interfaces::interfaces(&files, named),
        daemon,
        intent,
    }
}
