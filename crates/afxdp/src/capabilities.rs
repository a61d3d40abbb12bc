//! Capabilities that the process needs (capabilities(7)).

use std::fmt;
use std::fs;
use std::io;

/// A capability that forwarding needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// `CAP_NET_ADMIN`: attach the program, make the punt device.
    NetAdmin,
    /// `CAP_NET_RAW`: AF_XDP sockets.
    NetRaw,
    /// `CAP_BPF`: load the program and its maps. `CAP_SYS_ADMIN`, which includes it, will do.
    Bpf,
}

/// Numbers of capabilities (`linux/capability.h`).
const CAP_NET_ADMIN: u32 = 12;
const CAP_NET_RAW: u32 = 13;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_BPF: u32 = 39;

/// Which of the capabilities the calling thread lacks.
///
/// # Errors
/// If `/proc/thread-self/status` can't be read or doesn't tell.
pub fn check_capabilities() -> io::Result<Vec<Capability>> {
    let status = fs::read_to_string("/proc/thread-self/status")?;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let untold = || io::Error::new(io::ErrorKind::InvalidData, "/proc/thread-self/status tells no CapEff");
    Ok(missing(effective.ok_or_else(untold)?))
}

fn missing(effective: u64) -> Vec<Capability> {
    let has = |capability: u32| effective & (1 << capability) != 0;
    let mut missing = Vec::new();
    if !has(CAP_NET_ADMIN) {
        missing.push(Capability::NetAdmin);
    }
    if !has(CAP_NET_RAW) {
        missing.push(Capability::NetRaw);
    }
    if !has(CAP_BPF) && !has(CAP_SYS_ADMIN) {
        missing.push(Capability::Bpf);
    }
    missing
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::NetRaw => "CAP_NET_RAW",
            Self::Bpf => "CAP_BPF",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_one_is_named() {
        let name = |effective: u64| missing(effective).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(name(0), ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_BPF"]);
        assert_eq!(name(1 << CAP_NET_RAW | 1 << CAP_BPF), ["CAP_NET_ADMIN"]);
        assert_eq!(name(1 << CAP_NET_ADMIN | 1 << CAP_SYS_ADMIN), ["CAP_NET_RAW"]);
        assert_eq!(name(u64::MAX), [""; 0]);
    }

    #[test]
    fn this_thread_can_be_asked() {
        check_capabilities().unwrap();
    }
}
