//! The kernel's own forwarding over a resilient nexthop group, all of it on the forwarder's core: the interface's
//! receiving is a thread of the kernel that is pinned there.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::lab::namespace::succeed;
use crate::lab::plan::{self, VIP_PREFIXES};
use crate::peers::rig::{EGRESS, FORWARDER_CORE, INGRESS, Rig};

/// As many as Evenkeel's group has.
const NEXTHOPS: u8 = 100;
const BUCKETS: u32 = 1024;
const GROUP_ID: u32 = 1000;

/// Lays routes, and has the kernel receive on its core; the number of the thread that does.
pub(super) fn start(rig: &Rig) -> Result<u32> {
    let balancer = rig.balancer();
    balancer.set(&[
        ("ipv4/ip_forward", "1"),
        ("ipv4/conf/all/rp_filter", "0"),
        ("ipv4/conf/default/rp_filter", "0"),
        (&format!("ipv4/conf/{INGRESS}/rp_filter"), "0"),
        ("ipv4/fib_multipath_hash_policy", "1"),
    ])?;
    let (mut lines, mut members) = (String::new(), Vec::new());
    for number in 1..=NEXTHOPS {
        let (address, _) = plan::server_switch(number);
        // Writing to a string can't fail.
        let _ = write!(
            lines,
            "neigh add {address} lladdr 02:00:00:00:03:{number:02x} dev {EGRESS} nud permanent\n\
             nexthop add id {number} via {address} dev {EGRESS}\n"
        );
        members.push(number.to_string());
    }
    let _ = write!(
        lines,
        "nexthop add id {GROUP_ID} group {} type resilient buckets {BUCKETS}\nroute add {} nhid {GROUP_ID}\n",
        members.join("/"),
        VIP_PREFIXES[0]
    );
    balancer.ip(&lines)?;
    receive_on_its_core(rig)
}

fn receive_on_its_core(rig: &Rig) -> Result<u32> {
    let balancer = rig.balancer();
    // Redirected frames are taken only by a veth that polls, which it does for GRO.
    balancer.run(&format!("ethtool -K {INGRESS} gro on"))?;
    // The interface's directory is in a /sys of the namespace, which nsenter doesn't mount.
    let setting = format!("echo 1 > /sys/class/net/{INGRESS}/threaded");
    succeed(Command::new("ip").args(["netns", "exec", balancer.name(), "sh", "-c", &setting]))?;
    let name = format!("napi/{INGRESS}-");
    let mut cores = CpuSet::new();
    cores.set(FORWARDER_CORE)?;
    for process in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let named = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        if named.starts_with(&name) {
            sched_setaffinity(Pid::from_raw(pid), &cores).context("pinning the kernel's receiving")?;
            return Ok(pid as u32);
        }
    }
    bail!("the kernel has no thread {name}: its receiving can't be pinned")
}
