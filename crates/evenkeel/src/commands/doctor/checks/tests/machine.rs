//! Made-up machines.

use crate::commands::doctor::facts::{
    Core, Cores, Daemon, Deferral, Facts, HugePages, IdleState, Intent, Interface, Interrupt, Kernel,
    Memlock, Memory, Nic, OwnAddress, Peer, Process, Running, Seen, Thresholds,
};
use evenkeel_afxdp::XdpState;
use evenkeel_afxdp::ethtool::{
    Coalescing, Driver, FlowKind, HashFields, Offloads, ReceiveQueues, ReceiveRing,
};
use evenkeel_control::api::model::{
    Counters, Flows, Interface as Told, InterfaceQueue, Latency, Packets, Status, Worker,
};
use evenkeel_control::config::{DataplaneConfig, Mode};
use evenkeel_packet::Mac;
use evenkeel_routing::Link;
use std::collections::{BTreeMap, BTreeSet};

/// Four cores of which 2 and 3 are the workers', `eth1` on a card, and a daemon that runs.
pub(crate) fn healthy() -> Facts {
    Facts {
        intent: Intent {
            dataplane: DataplaneConfig { cores: Some(vec![2, 3]), ..DataplaneConfig::default() },
            vips: vec!["192.0.2.10/32".parse().unwrap(), "2001:db8:1::/64".parse().unwrap()],
            nexthops: BTreeSet::from(["198.51.100.1".parse().unwrap(), "2001:db8::1".parse().unwrap()]),
        },
        process: Process {
            missing: Ok(Vec::new()),
            memlock: Ok(Memlock { limit_bytes: Some(8 << 20), is_exempt: true }),
        },
        kernel: Kernel {
            release: Ok("6.18.0-1-amd64".into()),
            jit: Ok(1),
            clock: Ok("tsc".into()),
            forwards: [Ok(false), Ok(false)],
            thresholds: [Ok(Thresholds { soft: 512, hard: 1024 }), Ok(Thresholds { soft: 512, hard: 1024 })],
            balances_interrupts: Ok(false),
            addresses: Ok(vec![own("127.0.0.1", 8), own("198.51.100.254", 24)]),
            routed_vips: Ok(Vec::new()),
        },
        cores: Cores {
            available: Ok((0..4).collect()),
            isolated: Ok(BTreeSet::from([2, 3])),
            each: (0..4).map(|number| (number, core(number))).collect(),
        },
        memory: Memory {
            total_bytes: Ok(16 << 30),
            available_bytes: Ok(12 << 30),
            huge: Ok(HugePages { len_bytes: 2 << 20, total: 512, free: 512 }),
            transparent: Ok("madvise".into()),
        },
        interfaces: vec![Interface { name: "eth1".into(), mode: Mode::Auto, nic: Ok(Some(card())) }],
        daemon: Daemon::Running(Box::new(running())),
    }
}

/// An address of `lo`.
pub(super) fn own(address: &str, len: u8) -> OwnAddress {
    OwnAddress { address: address.parse().unwrap(), len, interface: "lo".into() }
}

fn core(number: usize) -> Core {
    let state =
        |number, name: &str, exit_us| IdleState { number, name: name.into(), exit_us, is_allowed: true };
    Core {
        siblings: Ok(BTreeSet::from([number])),
        governor: Ok("performance".into()),
        idle_states: Ok(vec![state(0, "POLL", 0), state(1, "C1", 2)]),
        numa_node: Ok(0),
    }
}

fn card() -> Nic {
    let has_all = HashFields { addresses: true, ports: true };
    Nic {
        link: Link {
            ifindex: 7,
            name: "eth1".into(),
            mac: Some(Mac([2, 0, 0, 0, 1, 1])),
            mtu: 1500,
            is_admin_up: true,
            has_carrier: true,
        },
        master: Ok(None),
        driver: Ok(Driver { name: "ice".into(), bus_address: "0000:3b:00.0".into() }),
        queues: Ok(Some(ReceiveQueues { current: 2, max: 64, are_separate: false })),
        ring: Ok(Some(ReceiveRing { current: 2048, max: 8160 })),
        coalescing: Ok(Some(Coalescing { receive_us: 8, is_adaptive: false })),
        hash: FlowKind::ALL.map(|kind| (kind, Ok(Some(has_all)))).to_vec(),
        offloads: Ok(Offloads {
            transmit_checksum: true,
            receive_vlan: false,
            transmit_vlan: true,
            large_receive: false,
            generic_receive: true,
        }),
        xdp: Ok(XdpState { is_native: true, is_zero_copy: true, program: Some(5) }),
        interrupts: Ok(vec![Interrupt { number: 40, cores: BTreeSet::from([0]) }]),
        deferral: Ok(Deferral { polls: 0, time_ns: 0 }),
        numa_node: Ok(Some(0)),
        rp_filter: Ok(2),
        peer: None,
    }
}

fn running() -> Running {
    let worker = |queue, core| {
        let json = serde_json::json!({"core": core, "queue": queue, "received": 9, "forwarded": 9});
        serde_json::from_value::<Worker>(json).unwrap()
    };
    Running {
        status: Status {
            version: env!("CARGO_PKG_VERSION").into(),
            uptime_ms: 1,
            generation: 1,
            config: "/etc/evenkeel/evenkeel.toml".into(),
            state_file: Some("/var/lib/evenkeel/state.json".into()),
            state_fault: None,
            hash_seed: 0,
            workers: 2,
            flow_capacity: 1_000_000,
            flows_live: 2,
        },
        counters: Counters {
            packets: Packets::default(),
            drops: BTreeMap::new(),
            flows: Flows { capacity: 1_000_000, live: 2, ..Flows::default() },
            nexthops: Vec::new(),
            workers: vec![worker(0, 2), worker(1, 3)],
            interfaces: vec![Told {
                name: "eth1".into(),
                ifindex: 7,
                mac: "02:00:00:00:01:01".into(),
                mtu: 1500,
                up: true,
                xdp: "native".into(),
                access: "zero-copy".into(),
                xdp_passed: 0,
                xdp_redirected: 18,
                queues: vec![InterfaceQueue::default()],
            }],
            latency: Latency::default(),
            uptime_ms: 1,
        },
    }
}

/// What `eth1` is, to change.
pub(super) fn nic(facts: &mut Facts) -> &mut Nic {
    facts.interfaces[0].nic.as_mut().unwrap().as_mut().unwrap()
}

/// What the daemon tells, to change.
pub(super) fn told(facts: &mut Facts) -> &mut Running {
    let Daemon::Running(running) = &mut facts.daemon else { panic!("no daemon runs") };
    running
}

/// Before `run`.
pub(super) fn without_daemon(facts: &mut Facts) {
    facts.daemon = Daemon::Absent("no daemon at /run/evenkeel/api.sock".into());
    nic(facts).xdp = Ok(XdpState { is_native: true, is_zero_copy: true, program: None });
}

/// `eth1` is a veth without a card's faculties.
pub(super) fn make_veth(facts: &mut Facts, peer: Peer) {
    let nic = nic(facts);
    nic.driver = Ok(Driver { name: "veth".into(), bus_address: String::new() });
    (nic.ring, nic.coalescing) = (Ok(None), Ok(None));
    nic.peer = Some(Ok(peer));
}

/// A second interface as the first, with so many queues.
pub(super) fn add_interface(facts: &mut Facts, queues: u32) {
    let mut second = facts.interfaces[0].clone();
    second.name = "eth2".into();
    let nic = second.nic.as_mut().unwrap().as_mut().unwrap();
    nic.link.name = "eth2".into();
    nic.queues = Ok(Some(ReceiveQueues { current: queues, max: 64, are_separate: true }));
    facts.interfaces.push(second);
}

fn hidden<T>() -> Seen<T> {
    Err("it is hidden".into())
}

/// A machine of which nothing could be seen.
pub(super) fn unseen() -> Facts {
    let intent = healthy().intent;
    Facts {
        intent,
        process: Process { missing: hidden(), memlock: hidden() },
        kernel: Kernel {
            release: hidden(),
            jit: hidden(),
            clock: hidden(),
            forwards: [hidden(), hidden()],
            thresholds: [hidden(), hidden()],
            balances_interrupts: hidden(),
            addresses: hidden(),
            routed_vips: hidden(),
        },
        cores: Cores { available: hidden(), isolated: hidden(), each: BTreeMap::new() },
        memory: Memory {
            total_bytes: hidden(),
            available_bytes: hidden(),
            huge: hidden(),
            transparent: hidden(),
        },
        interfaces: vec![Interface { name: "eth1".into(), mode: Mode::Auto, nic: hidden() }],
        daemon: Daemon::Unseen("/run/evenkeel/api.sock: permission denied".into()),
    }
}

/// A machine that is well, whose `eth1` has a driver that tells nothing; no daemon.
pub(super) fn silent_driver() -> Facts {
    let mut facts = healthy();
    without_daemon(&mut facts);
    let nic = nic(&mut facts);
    (nic.driver, nic.ring, nic.coalescing) = (hidden(), hidden(), hidden());
    (nic.offloads, nic.xdp, nic.interrupts) = (hidden(), hidden(), hidden());
    (nic.numa_node, nic.rp_filter, nic.master) = (hidden(), hidden(), hidden());
    nic.hash = FlowKind::ALL.map(|kind| (kind, hidden())).to_vec();
    nic.deferral = hidden();
    facts
}
