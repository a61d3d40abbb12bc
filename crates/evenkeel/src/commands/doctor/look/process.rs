//! What this process may do.

use super::super::facts::{Memlock, Process, Seen};
use super::files::{Files, text};
use evenkeel_afxdp::check_capabilities;

/// Numbers of capabilities (`linux/capability.h`).
const CAP_IPC_LOCK: u64 = 14;
const CAP_SYS_RESOURCE: u64 = 24;

pub(super) fn process(files: &Files) -> Process {
    Process { missing: check_capabilities().map_err(|error| error.to_string()), memlock: memlock(files) }
}

fn memlock(files: &Files) -> Seen<Memlock> {
    let status = text(&files.proc("self/status"))?;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let effective = effective.ok_or("/proc/self/status tells no CapEff")?;
    let limits = text(&files.proc("self/limits"))?;
    let soft =
        limits.lines().find_map(|line| line.strip_prefix("Max locked memory")?.split_whitespace().next());
    let limit_bytes = match soft.ok_or("/proc/self/limits tells no limit of locked memory")? {
        "unlimited" => None,
        bytes => Some(bytes.parse().map_err(|_| format!("a limit of {bytes:?} is not understood"))?),
    };
    let has = |capability: u64| effective & (1 << capability) != 0;
    Ok(Memlock { limit_bytes, is_exempt: has(CAP_IPC_LOCK) || has(CAP_SYS_RESOURCE) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::look::files::tests::machine;

    fn memlock_of(effective: u64, limit: &str) -> Seen<Memlock> {
        let status = format!("Name:\tx\nCapEff:\t{effective:016x}\n");
        let limits =
            format!("Limit  Soft Limit  Hard Limit  Units\nMax locked memory    {limit}   8388608   bytes\n");
        let (_root, files) = machine(&[("proc/self/status", &status), ("proc/self/limits", &limits)]);
        memlock(&files)
    }

    #[test]
    fn either_capability_lifts_the_limit() {
        let memlock = memlock_of(0, "8388608").unwrap();
        assert_eq!((memlock.limit_bytes, memlock.is_exempt), (Some(8_388_608), false));
        assert!(memlock_of(1 << CAP_IPC_LOCK, "1").unwrap().is_exempt);
        assert!(memlock_of(1 << CAP_SYS_RESOURCE, "1").unwrap().is_exempt);
        assert_eq!(memlock_of(0, "unlimited").unwrap().limit_bytes, None);
        assert!(memlock_of(0, "much").is_err());
    }
}
