//! What was seen of the machine, the configuration and the daemon. Judges nothing.
//!
//! What could not be looked at says why, so that nothing is taken to be well only because nobody could see it.

use super::super::run::cores::Plan;
use evenkeel_afxdp::ethtool::{
    Coalescing, Driver, FlowKind, HashFields, Offloads, ReceiveQueues, ReceiveRing,
};
use evenkeel_afxdp::{Capability, XdpState};
use evenkeel_control::api::model;
use evenkeel_control::config::{DataplaneConfig, Mode};
use evenkeel_nexthop::Prefix;
use evenkeel_routing::Link;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What was seen, or why it could not be looked at.
pub(super) type Seen<T> = Result<T, String>;

/// Everything that is judged.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) intent: Intent,
    pub(super) process: Process,
    pub(super) kernel: Kernel,
    pub(super) cores: Cores,
    pub(super) memory: Memory,
    pub(super) interfaces: Vec<Interface>,
    pub(super) daemon: Daemon,
}

/// What the box is meant to do.
#[derive(Debug, Clone, Default)]
pub(super) struct Intent {
    pub(super) dataplane: DataplaneConfig,
    pub(super) vips: Vec<Prefix>,
    /// Different addresses.
    pub(super) nexthops: BTreeSet<IpAddr>,
}

/// This process.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// Those that forwarding needs and this process lacks.
    pub(super) missing: Seen<Vec<Capability>>,
    pub(super) memlock: Seen<Memlock>,
}

/// How much memory this process may lock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memlock {
    /// `None` without a limit.
    pub(super) limit_bytes: Option<u64>,
    /// It has `CAP_IPC_LOCK`, to which the limit doesn't count, or `CAP_SYS_RESOURCE`, which lifts it.
    pub(super) is_exempt: bool,
}

/// Settings of the kernel, for the whole machine or for this network namespace.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    /// As `6.18.0-1-amd64`.
    pub(super) release: Seen<String>,
    /// `net.core.bpf_jit_enable`.
    pub(super) jit: Seen<u64>,
    /// What the clock is read from.
    pub(super) clock: Seen<String>,
    /// Packets for others are forwarded: of IPv4 and of IPv6.
    pub(super) forwards: [Seen<bool>; 2],
    /// Of the neighbour table, for IPv4 and IPv6.
    pub(super) thresholds: [Seen<Thresholds>; 2],
    /// A process named irqbalance runs.
    pub(super) balances_interrupts: Seen<bool>,
    /// Addresses of this network namespace.
    pub(super) addresses: Seen<Vec<OwnAddress>>,
    /// VIPs to which the kernel knows a way.
    pub(super) routed_vips: Seen<Vec<Prefix>>,
}

/// An address of an interface.
#[derive(Debug, Clone)]
pub(super) struct OwnAddress {
    pub(super) address: IpAddr,
    /// Length of its prefix.
    pub(super) len: u8,
    /// Name of the interface.
    pub(super) interface: String,
}

/// `gc_thresh2` and `gc_thresh3` of a neighbour table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thresholds {
    /// Above, entries go after five seconds.
    pub(super) soft: u64,
    /// Above, no entry is made.
    pub(super) hard: u64,
}

/// The cores of the machine.
#[derive(Debug, Clone)]
pub(super) struct Cores {
    /// Those that this process may use.
    pub(super) available: Seen<Vec<usize>>,
    /// Those that the scheduler leaves alone.
    pub(super) isolated: Seen<BTreeSet<usize>>,
    pub(super) each: BTreeMap<usize, Core>,
}

/// One core.
#[derive(Debug, Clone)]
pub(super) struct Core {
    /// All threads of the physical core, this one included.
    pub(super) siblings: Seen<BTreeSet<usize>>,
    /// How the kernel chooses its frequency.
    pub(super) governor: Seen<String>,
    /// What it may do when it has nothing to do.
    pub(super) idle_states: Seen<Vec<IdleState>>,
    pub(super) numa_node: Seen<u64>,
}

/// A state in which a core waits, with its number in sysfs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IdleState {
    pub(super) number: usize,
    pub(super) name: String,
    /// What coming out of it takes, in microseconds.
    pub(super) exit_us: u64,
    pub(super) is_allowed: bool,
}

/// Memory of the machine, in bytes.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    pub(super) total_bytes: Seen<u64>,
    pub(super) available_bytes: Seen<u64>,
    pub(super) huge: Seen<HugePages>,
    /// The word in brackets: `always`, `madvise` or `never`.
    pub(super) transparent: Seen<String>,
}

/// Huge pages of the default size that are set aside.
#[derive(Debug, Clone, Copy)]
pub(super) struct HugePages {
    pub(super) len_bytes: u64,
    pub(super) total: u64,
    pub(super) free: u64,
}

/// An interface of the configuration.
#[derive(Debug, Clone)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) mode: Mode,
    /// None if there is no such interface.
    pub(super) nic: Seen<Option<Nic>>,
}

/// An interface that is there. A driver that has nothing of the kind that is asked for tells `None`.
#[derive(Debug, Clone)]
pub(super) struct Nic {
    pub(super) link: Link,
    /// The bridge, bond or the like to which it belongs.
    pub(super) master: Seen<Option<String>>,
    pub(super) driver: Seen<Driver>,
    pub(super) queues: Seen<Option<ReceiveQueues>>,
    pub(super) ring: Seen<Option<ReceiveRing>>,
    pub(super) coalescing: Seen<Option<Coalescing>>,
    pub(super) hash: Vec<(FlowKind, Seen<Option<HashFields>>)>,
    pub(super) offloads: Seen<Offloads>,
    pub(super) xdp: Seen<XdpState>,
    pub(super) interrupts: Seen<Vec<Interrupt>>,
    pub(super) deferral: Seen<Deferral>,
    /// None where memory is all the same.
    pub(super) numa_node: Seen<Option<u64>>,
    /// The stricter of the interface's and `all`.
    pub(super) rp_filter: Seen<u64>,
    /// The other end of a veth; none of anything else.
    pub(super) peer: Option<Seen<Peer>>,
}

/// How an interface's interrupts stay away while somebody polls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deferral {
    /// So many polls without packets, until they come again (`napi_defer_hard_irqs`).
    pub(super) polls: u64,
    /// For so long after the last poll, in nanoseconds (`gro_flush_timeout`).
    pub(super) time_ns: u64,
}

/// An interrupt of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interrupt {
    pub(super) number: u32,
    /// Where it is handled.
    pub(super) cores: BTreeSet<usize>,
}

/// The other end of a veth.
#[derive(Debug, Clone)]
pub(super) enum Peer {
    /// In this network namespace.
    Here { name: String, mtu: u32, offloads: Seen<Offloads> },
    /// In another one, by the kernel's numbers.
    Elsewhere { ifindex: u32, namespace: i32 },
}

/// The daemon.
#[derive(Debug, Clone)]
pub(super) enum Daemon {
    /// None listens there.
    Absent(String),
    /// It can't be asked.
    Unseen(String),
    Running(Box<Running>),
}

/// What a running daemon tells.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) status: model::Status,
    pub(super) counters: model::Counters,
}

/// Which cores the workers have, or would have.
pub(super) enum Workers {
    Known(Plan),
    /// `run` refuses, and says so.
    Refused(String),
    Unknown(String),
}

impl Facts {
    /// The interfaces that are there.
    pub(super) fn nics(&self) -> impl Iterator<Item = (&Interface, &Nic)> {
        self.interfaces
            .iter()
            .filter_map(|interface| Some((interface, interface.nic.as_ref().ok()?.as_ref()?)))
    }

    /// What the daemon tells, if it runs and tells.
    pub(super) fn running(&self) -> Option<&Running> {
        match &self.daemon {
            Daemon::Running(running) => Some(running),
            Daemon::Absent(_) | Daemon::Unseen(_) => None,
        }
    }

    /// The interface as the daemon tells of it.
    pub(super) fn told(&self, name: &str) -> Option<&model::Interface> {
        self.running()?.counters.interfaces.iter().find(|told| told.name == name)
    }

    /// Receive queues of every interface; their least if they differ.
    pub(super) fn queues(&self) -> Seen<usize> {
        let queues = self.nics().map(|(_, nic)| {
            nic.queues.clone().map(|queues| queues.map_or(1, |queues| queues.current as usize))
        });
        let queues = queues.collect::<Seen<Vec<_>>>()?;
        queues.into_iter().min().ok_or_else(|| "no interface was looked at".to_owned())
    }

    /// The cores of the workers, by queue, and of control: those of the running daemon, or as `run` would choose them.
    pub(super) fn workers(&self) -> Workers {
        let mut available = match &self.cores.available {
            Ok(available) => available.clone(),
            Err(reason) => return Workers::Unknown(reason.clone()),
        };
        let told = self.running().map(|running| running.counters.workers.iter().map(|worker| worker.core));
        let told: Option<Vec<_>> = told.map(Iterator::collect);
        // the daemon may use cores that this process may not
        available.extend(told.iter().flatten());
        let wanted = told.as_deref().or(self.intent.dataplane.cores.as_deref());
        let queues = match (self.queues(), &told) {
            (_, Some(told)) => told.len(),
            (Ok(queues), None) => queues,
            (Err(reason), None) => return Workers::Unknown(reason),
        };
        match Plan::new(queues, wanted, &available, |count| self.fewer_queues(count)) {
            Ok(plan) => Workers::Known(plan),
            Err(error) => Workers::Refused(error.to_string()),
        }
    }

    /// The commands that give every interface so many receive queues.
    pub(super) fn fewer_queues(&self, count: usize) -> String {
        let commands = self.nics().map(|(interface, nic)| queues_command(&interface.name, nic, count));
        commands.collect::<Vec<_>>().join(" && ")
    }
}

/// The command that gives an interface so many receive queues.
pub(super) fn queues_command(name: &str, nic: &Nic, count: usize) -> String {
    let are_separate = matches!(&nic.queues, Ok(Some(ReceiveQueues { are_separate: true, .. })));
    format!("ethtool -L {name} {} {count}", if are_separate { "rx" } else { "combined" })
}
