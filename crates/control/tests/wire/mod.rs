//! A wire between two network namespaces, the balancer's and a server's; removed when dropped.
//!
//! Needs root and fails aloud without it.

use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The server's addresses and MAC.
pub(crate) const SERVER4: &str = "198.51.100.1";
pub(crate) const SERVER6: &str = "2001:db8:1::1";
pub(crate) const SERVER_MAC: &str = "02:00:00:00:02:01";
/// The balancer's MAC on `lb0`.
pub(crate) const OWN_MAC: &str = "02:00:00:00:01:01";

static WIRES: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Wire {
    balancer: String,
    server: String,
}

impl Drop for Wire {
    fn drop(&mut self) {
        for name in [&self.balancer, &self.server] {
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}

impl Wire {
    /// `lb0` (198.51.100.254/24, `2001:db8:1::fe/64`) to `sv0` with the server's addresses.
    pub(crate) fn new() -> Self {
        let number = WIRES.fetch_add(1, Ordering::Relaxed);
        let name = |role: &str| format!("ek-routing-live-{}-{number}-{role}", std::process::id());
        let wire = Self { balancer: name("lb"), server: name("sv") };
        for namespace in [&wire.balancer, &wire.server] {
            run(&["ip", "netns", "add", namespace]);
        }
        let pair = ["link", "add", "lb0", "address", OWN_MAC, "type", "veth"];
        let peer = ["peer", "name", "sv0", "address", SERVER_MAC, "netns", &wire.server];
        run(&[&["ip", "-n", &wire.balancer], &pair[..], &peer[..]].concat());
        wire.server(&["ip", "link", "set", "sv0", "up"]);
        wire.balancer(&["sysctl", "-qw", "net.ipv6.conf.lb0.keep_addr_on_down=1"]);
        wire.balancer(&["ip", "link", "set", "lb0", "up"]);
        for address in ["198.51.100.254/24", "2001:db8:1::fe/64"] {
            wire.balancer(&["ip", "address", "add", address, "dev", "lb0", "nodad"]);
        }
        for address in ["198.51.100.1/24", "198.51.100.2/24", "2001:db8:1::1/64"] {
            wire.server(&["ip", "address", "add", address, "dev", "sv0", "nodad"]);
        }
        wire
    }

    /// Runs a command in the balancer's namespace; returns what it prints.
    pub(crate) fn balancer(&self, command: &[&str]) -> String {
        run(&[&["ip", "netns", "exec", &self.balancer], command].concat())
    }

    /// Runs a command in the server's namespace.
    pub(crate) fn server(&self, command: &[&str]) -> String {
        run(&[&["ip", "netns", "exec", &self.server], command].concat())
    }

    /// Addresses of the balancer's neighbour entries that the kernel manages.
    pub(crate) fn managed(&self) -> Vec<String> {
        let table = self.balancer(&["ip", "-d", "neighbour", "show"]);
        let managed = table.lines().filter(|line| line.contains("managed"));
        let mut addresses: Vec<_> =
            managed.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
        addresses.sort();
        addresses
    }

    /// Works on a thread in the balancer's namespace; threads that it starts are there too.
    pub(crate) fn inside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.balancer)).unwrap();
        let work = move || {
            nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            work()
        };
        std::thread::spawn(work).join().unwrap()
    }
}

fn run(command: &[&str]) -> String {
    let output = Command::new(command[0]).args(&command[1..]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} (this test needs root): {errors}");
    String::from_utf8(output.stdout).unwrap()
}
