//! Two network namespaces, the balancer's and the server's, with two wires between them; removed when dropped.
//!
//! Needs root and fails aloud without it.

use evenkeel_routing::{Change, Keeping, Link, Reach, Routing, Target, Unresolved};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::IpAddr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for something that should happen.
const PATIENCE: Duration = Duration::from_secs(10);
/// The server's addresses on the first wire, `lb0` to `sv0`.
pub(crate) const SERVER4: &str = "198.51.100.1";
pub(crate) const SERVER6: &str = "2001:db8:1::1";
/// The server's MAC on each wire.
pub(crate) const MAC0: &str = "02:00:00:00:02:00";
pub(crate) const MAC1: &str = "02:00:00:00:02:01";

static LABS: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Lab {
    balancer: String,
    server: String,
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in [&self.balancer, &self.server] {
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}

impl Lab {
    /// `lb0` (198.51.100.254/24, `2001:db8:1::fe/64`) to `sv0`, and `lb1` (203.0.113.254/24) to `sv1`, all up; the kernel
    /// gives up on a silent neighbour after about two seconds.
    pub(crate) fn new() -> Self {
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let name = |role: &str| format!("ek-routing-{}-{number}-{role}", std::process::id());
        let lab = Self { balancer: name("lb"), server: name("sv") };
        for namespace in [&lab.balancer, &lab.server] {
            run(&["ip", "netns", "add", namespace]);
        }
        for (wire, mac) in [(0, MAC0), (1, MAC1)] {
            let (near, far) = (format!("lb{wire}"), format!("sv{wire}"));
            let pair = ["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &lab.server];
            run(&[&["ip", "-n", &lab.balancer], &pair[..]].concat());
            lab.server(&["ip", "link", "set", &far, "address", mac, "up"]);
            lab.hurry(&near);
            lab.balancer(&["ip", "link", "set", &near, "up"]);
        }
        for address in ["198.51.100.254/24", "2001:db8:1::fe/64"] {
            lab.balancer(&["ip", "address", "add", address, "dev", "lb0", "nodad"]);
        }
        lab.balancer(&["ip", "address", "add", "203.0.113.254/24", "dev", "lb1"]);
        lab.server(&["ip", "address", "add", "198.51.100.1/24", "dev", "sv0"]);
        lab.server(&["ip", "address", "add", "2001:db8:1::1/64", "dev", "sv0", "nodad"]);
        lab.server(&["ip", "address", "add", "203.0.113.1/24", "dev", "sv1"]);
        lab
    }

    fn hurry(&self, interface: &str) {
        for family in ["ipv4", "ipv6"] {
            for setting in [
                "base_reachable_time_ms=500",
                "delay_first_probe_time=1",
                "retrans_time_ms=100",
                "interval_probe_time_ms=300",
            ] {
                self.balancer(&["sysctl", "-qw", &format!("net.{family}.neigh.{interface}.{setting}")]);
            }
        }
        // link-down must not take the address away, or coming up again would be another test
        self.balancer(&["sysctl", "-qw", &format!("net.ipv6.conf.{interface}.keep_addr_on_down=1")]);
    }

    /// Runs a command in the balancer's namespace; returns what it prints.
    pub(crate) fn balancer(&self, command: &[&str]) -> String {
        run(&[&["ip", "netns", "exec", &self.balancer], command].concat())
    }

    /// Runs a command in the server's namespace.
    pub(crate) fn server(&self, command: &[&str]) -> String {
        run(&[&["ip", "netns", "exec", &self.server], command].concat())
    }

    /// The balancer's entry for a neighbour on `lb0`, as `ip` prints it; empty if there is none.
    pub(crate) fn neighbour(&self, address: &str) -> String {
        self.balancer(&["ip", "-d", "neighbour", "show", "to", address, "dev", "lb0"])
    }

    /// Neighbour entries of the balancer that bear our mark or that the kernel manages.
    pub(crate) fn marked_neighbours(&self) -> Vec<String> {
        let table = self.balancer(&["ip", "-d", "neighbour", "show"]);
        let is_marked = |line: &&str| line.contains("managed") || line.contains("proto 201");
        table.lines().filter(is_marked).map(str::to_owned).collect()
    }

    /// Watches from the balancer's namespace; only `lb0` is listed.
    pub(crate) fn watch(&self, keeping: Keeping, targets: Vec<Target>) -> Watch {
        let (changes, told) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (list, listed) = tokio::sync::mpsc::unbounded_channel();
        let first = self.ifindex("lb0");
        let thread = self.inside(move || watch(first, keeping, targets, &changes, listed, stopped));
        Watch { told, reaches: BTreeMap::new(), list, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn ifindex(&self, interface: &str) -> u32 {
        self.links().into_iter().find(|link| link.name == interface).unwrap().ifindex
    }

    /// The balancer's interfaces.
    pub(crate) fn links(&self) -> Vec<Link> {
        self.inside(|| evenkeel_routing::read_links().unwrap()).join().unwrap()
    }

    /// Runs work on a thread in the balancer's namespace.
    pub(crate) fn inside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let namespace = File::open(format!("/run/netns/{}", self.balancer)).unwrap();
        std::thread::spawn(move || {
            nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            work()
        })
    }
}

/// A [`Routing`] at work in a thread.
pub(crate) struct Watch {
    told: mpsc::Receiver<Change>,
    reaches: BTreeMap<IpAddr, Reach>,
    list: tokio::sync::mpsc::UnboundedSender<Vec<u32>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Waits until a target's answer is `want`, or fails. Returns how long it took.
    pub(crate) fn expect(&mut self, address: &str, want: &Reach) -> Duration {
        let address: IpAddr = address.parse().unwrap();
        let begin = Instant::now();
        while self.reaches.get(&address) != Some(want) {
            match self.told.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())) {
                Ok(Change::Reach { target, reach }) => drop(self.reaches.insert(target.address, reach)),
                Ok(Change::Link { .. }) => {}
                Err(_) => panic!("{address} is not {want:?} after {PATIENCE:?}: {:#?}", self.reaches),
            }
        }
        begin.elapsed()
    }

    /// Fails if a target's answer changes within `time`.
    pub(crate) fn expect_no_change(&self, time: Duration) {
        let begin = Instant::now();
        while let Ok(change) = self.told.recv_timeout(time.saturating_sub(begin.elapsed())) {
            assert!(!matches!(change, Change::Reach { .. }), "{change:?}");
        }
    }

    /// Lists other interfaces.
    pub(crate) fn list(&self, listed: &[u32]) {
        self.list.send(listed.to_vec()).unwrap();
    }

    /// Ends it, which removes its neighbour entries.
    pub(crate) fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn watch(
    listed: u32,
    keeping: Keeping,
    targets: Vec<Target>,
    changes: &mpsc::Sender<Change>,
    mut other: tokio::sync::mpsc::UnboundedReceiver<Vec<u32>>,
    mut stopped: tokio::sync::oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut routing = Routing::open(&[listed], keeping).unwrap();
        routing.set_targets(BTreeSet::from_iter(targets));
        loop {
            tokio::select! {
                due = routing.due() => due.unwrap(),
                Some(listed) = other.recv() => routing.set_listed(&listed),
                // an error is a test that failed and dropped the sender
                end = &mut stopped => return if end.is_ok() { routing.close().await.unwrap() },
            }
            for change in routing.refresh().await.unwrap() {
                let _ = changes.send(change);
            }
        }
    });
}

/// A target whose way and MAC are the kernel's business.
pub(crate) fn by_route(address: &str) -> Target {
    Target { address: address.parse().unwrap(), ifindex: None, mac: None }
}

pub(crate) fn resolved(ifindex: u32, mac: &str) -> Reach {
    Reach::Resolved { ifindex, mac: mac.parse().unwrap() }
}

pub(crate) fn no_answer() -> Reach {
    Reach::Unresolved(Unresolved::NoAnswer { name: "lb0".to_owned() })
}

fn run(command: &[&str]) -> String {
    let output = Command::new(command[0]).args(&command[1..]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} (this test needs root): {errors}");
    String::from_utf8(output.stdout).unwrap()
}
