//! What makes each check find something.

use super::machine::{add_interface, make_veth, nic, own, told, without_daemon};
use crate::commands::doctor::facts::{
    Daemon, Deferral, Facts, HugePages, IdleState, Memlock, Peer, Thresholds,
};
use crate::commands::doctor::finding::Severity::{self, Note, Problem, Unknown, Warning};
use evenkeel_afxdp::ethtool::{Coalescing, Driver, Offloads, ReceiveQueues, ReceiveRing};
use evenkeel_afxdp::{Capability, XdpState};
use evenkeel_control::config::{Idle, Mode};
use std::collections::BTreeSet;

/// A check, what is the worst that it finds, words of that, and how the machine comes to it.
type Case = (&'static str, Severity, &'static [&'static str], fn(&mut Facts));

const OFFLOADS: Offloads = Offloads {
    transmit_checksum: false,
    receive_vlan: false,
    transmit_vlan: false,
    large_receive: false,
    generic_receive: false,
};

fn here(mtu: u32, offloads: Offloads) -> Peer {
    Peer::Here { name: "far1".into(), mtu, offloads: Ok(offloads) }
}

const ELSEWHERE: Peer = Peer::Elsewhere { ifindex: 9, namespace: 3 };

const SENDS_CHECKSUMS: Offloads = Offloads { transmit_checksum: true, ..OFFLOADS };
const SENDS_TAGS: Offloads = Offloads { transmit_vlan: true, ..OFFLOADS };

pub(super) const CASES: &[Case] = &[
    ("capabilities", Problem, &["CAP_NET_RAW, CAP_BPF", "setcap"], |facts| {
        without_daemon(facts);
        facts.process.missing = Ok(vec![Capability::NetRaw, Capability::Bpf]);
    }),
    ("capabilities", Unknown, &["whether the daemon has"], |facts| {
        facts.process.missing = Ok(vec![Capability::NetRaw]);
        facts.daemon = Daemon::Unseen("no".into());
    }),
    ("memlock", Problem, &["8.0 MiB", "ulimit -l unlimited"], |facts| {
        without_daemon(facts);
        facts.process.memlock = Ok(Memlock { limit_bytes: Some(8 << 20), is_exempt: false });
    }),
    ("memlock", Unknown, &["whether the daemon may"], |facts| {
        facts.process.memlock = Ok(Memlock { limit_bytes: Some(8 << 20), is_exempt: false });
        facts.daemon = Daemon::Unseen("no".into());
    }),
    ("kernel_version", Problem, &["5.10.0"], |facts| facts.kernel.release = Ok("5.10.0-28-amd64".into())),
    ("kernel_version", Unknown, &["odd"], |facts| facts.kernel.release = Ok("odd".into())),
    ("bpf_jit", Warning, &["sysctl -w net.core.bpf_jit_enable=1"], |facts| facts.kernel.jit = Ok(0)),
    ("clock_source", Warning, &["hpet", "current_clocksource"], |facts| {
        facts.kernel.clock = Ok("hpet".into());
    }),
    ("ip_forward", Note, &["a way to 192.0.2.10/32", "ip route add unreachable 192.0.2.10/32"], |facts| {
        facts.kernel.forwards[0] = Ok(true);
        facts.kernel.routed_vips = Ok(facts.intent.vips.clone());
    }),
    ("ip_forward", Note, &["ip -6 route add unreachable 2001:db8:1::/64"], |facts| {
        facts.kernel.forwards[1] = Ok(true);
        facts.kernel.routed_vips = Ok(facts.intent.vips.clone());
    }),
    ("vip_local", Warning, &["ip address del 192.0.2.10/32 dev lo"], |facts| {
        facts.kernel.addresses = Ok(vec![own("192.0.2.10", 32)]);
    }),
    ("neighbour_table", Warning, &["ipv4: 1 nexthops", "gc_thresh2=2"], |facts| {
        facts.kernel.thresholds[0] = Ok(Thresholds { soft: 1, hard: 1024 });
    }),
    ("neighbour_table", Problem, &["net.ipv6.neigh.default.gc_thresh3=4"], |facts| {
        facts.kernel.thresholds[1] = Ok(Thresholds { soft: 0, hard: 1 });
    }),
    ("workers", Problem, &["lists 3 cores", "ethtool -L eth1 combined"], |facts| {
        without_daemon(facts);
        facts.intent.dataplane.cores = Some(vec![1, 2, 3]);
        nic(facts).queues = Ok(Some(ReceiveQueues { current: 4, max: 64, are_separate: false }));
    }),
    ("workers", Note, &["for 3 workers", "ethtool -L eth1 combined 3"], |facts| {
        without_daemon(facts);
        facts.intent.dataplane.cores = None;
    }),
    ("control_core", Warning, &["core 2", "ethtool -L eth1 combined 1"], |facts| {
        without_daemon(facts);
        facts.cores.available = Ok(vec![2, 3]);
    }),
    ("isolation", Warning, &["core 3", "isolcpus=managed_irq,domain,2-3"], |facts| {
        facts.cores.isolated = Ok(BTreeSet::from([2]));
    }),
    ("smt", Warning, &["core 2-3 share"], |facts| {
        for core in [2, 3] {
            facts.cores.each.get_mut(&core).unwrap().siblings = Ok(BTreeSet::from([2, 3]));
        }
    }),
    ("smt", Note, &["core 1", "for core in 1; do echo 0 >"], |facts| {
        facts.cores.each.get_mut(&3).unwrap().siblings = Ok(BTreeSet::from([1, 3]));
    }),
    ("interrupts", Warning, &["cores: 40", "echo 0 > /proc/irq/$irq/smp_affinity_list"], |facts| {
        nic(facts).interrupts.as_mut().unwrap()[0].cores = BTreeSet::from([1, 3]);
    }),
    ("interrupts", Severity::Ok, &["their work"], |facts| {
        facts.intent.dataplane.idle = Idle::BusyPoll;
        nic(facts).interrupts.as_mut().unwrap()[0].cores = BTreeSet::from([3]);
    }),
    ("irqbalance", Warning, &["systemctl disable --now irqbalance"], |facts| {
        facts.kernel.balances_interrupts = Ok(true);
    }),
    ("governor", Warning, &["powersave on core 3", "for core in 3; do echo performance"], |facts| {
        facts.cores.each.get_mut(&3).unwrap().governor = Ok("powersave".into());
    }),
    ("idle_states", Warning, &["C6 takes 133 us", "for state in 2;", "for core in 2 3"], |facts| {
        let deep = IdleState { number: 2, name: "C6".into(), exit_us: 133, is_allowed: true };
        facts.cores.each.get_mut(&2).unwrap().idle_states.as_mut().unwrap().push(deep);
    }),
    ("numa", Warning, &["node 1", "core 2-3", "out of 0-1"], |facts| {
        nic(facts).numa_node = Ok(Some(1));
        for core in [0, 1] {
            facts.cores.each.get_mut(&core).unwrap().numa_node = Ok(1);
        }
    }),
    ("huge_pages", Note, &["3 of 8", "sysctl -w vm.nr_hugepages="], |facts| {
        without_daemon(facts);
        facts.memory.huge = Ok(HugePages { len_bytes: 2 << 20, total: 8, free: 3 });
    }),
    ("transparent_huge_pages", Warning, &["echo madvise >"], |facts| {
        facts.memory.transparent = Ok("never".into());
    }),
    ("flow_memory", Warning, &["flow_capacity = 745654"], |facts| {
        facts.memory.total_bytes = Ok(71_582_788);
    }),
    ("flow_memory", Problem, &["flow_capacity"], |facts| {
        without_daemon(facts);
        facts.memory.available_bytes = Ok(50_000_000);
    }),
    ("interface", Problem, &["no such interface"], |facts| facts.interfaces[0].nic = Ok(None)),
    ("interface", Problem, &["not an Ethernet"], |facts| nic(facts).link.mac = None),
    ("interface", Problem, &["ip link set eth1 up"], |facts| nic(facts).link.is_admin_up = false),
    ("interface", Warning, &["carrier"], |facts| nic(facts).link.has_carrier = false),
    ("interface", Unknown, &["--config"], |facts| facts.interfaces.clear()),
    ("queues", Problem, &["4 receive queues, another interface has 2", "ethtool -L eth2 rx 2"], |facts| {
        add_interface(facts, 4);
    }),
    ("stacked", Problem, &["bond"], |facts| {
        nic(facts).driver = Ok(Driver { name: "bonding".into(), bus_address: String::new() });
    }),
    ("stacked", Warning, &["802.1Q"], |facts| {
        nic(facts).driver = Ok(Driver { name: "802.1Q VLAN Support".into(), bus_address: String::new() });
    }),
    ("stacked", Warning, &["belongs to br0"], |facts| nic(facts).master = Ok(Some("br0".into()))),
    ("xdp_mode", Warning, &["native, copy, though"], |facts| {
        told(facts).counters.interfaces[0].access = "copy".into();
    }),
    ("xdp_mode", Note, &["native, copy: the driver ice has no"], |facts| {
        told(facts).counters.interfaces[0].access = "copy".into();
        nic(facts).xdp.as_mut().unwrap().is_zero_copy = false;
    }),
    ("xdp_mode", Warning, &["fallen back"], |facts| {
        told(facts).counters.interfaces[0].xdp = "generic".into();
    }),
    ("xdp_mode", Problem, &["a veth sends nothing"], |facts| {
        make_veth(facts, ELSEWHERE);
        told(facts).counters.interfaces[0].xdp = "generic".into();
    }),
    ("xdp_mode", Warning, &["configured as generic", "mode = \"auto\""], |facts| {
        without_daemon(facts);
        facts.interfaces[0].mode = Mode::Generic;
    }),
    ("xdp_mode", Problem, &["no zero-copy, which mode demands"], |facts| {
        without_daemon(facts);
        facts.interfaces[0].mode = Mode::ZeroCopy;
        nic(facts).xdp.as_mut().unwrap().is_zero_copy = false;
    }),
    ("xdp_mode", Problem, &["runs no XDP program, which mode demands"], |facts| {
        without_daemon(facts);
        facts.interfaces[0].mode = Mode::Copy;
        nic(facts).xdp = Ok(XdpState { is_native: false, is_zero_copy: false, program: None });
    }),
    ("xdp_mode", Warning, &["generic mode"], |facts| {
        without_daemon(facts);
        nic(facts).xdp = Ok(XdpState { is_native: false, is_zero_copy: false, program: None });
    }),
    ("xdp_mode", Problem, &["more transmit queues than the 2", "ethtool -L far1 tx 2"], |facts| {
        without_daemon(facts);
        make_veth(facts, here(1500, OFFLOADS));
        nic(facts).xdp = Ok(XdpState { is_native: false, is_zero_copy: false, program: None });
    }),
    ("xdp_mode", Note, &["native, with a copy"], |facts| {
        without_daemon(facts);
        nic(facts).xdp.as_mut().unwrap().is_zero_copy = false;
    }),
    ("xdp_mode", Unknown, &["doesn't say"], |facts| {
        without_daemon(facts);
        facts.kernel.release = Ok("6.1.0".into());
    }),
    ("xdp_program", Problem, &["program 5", "ip link set eth1 xdp off"], |facts| {
        facts.daemon = Daemon::Absent("no".into());
    }),
    ("xdp_program", Unknown, &["maybe the daemon's"], |facts| facts.daemon = Daemon::Unseen("no".into())),
    ("mtu", Problem, &["ip link set eth1 mtu 3818"], |facts| nic(facts).link.mtu = 9000),
    ("mtu", Note, &["1770"], |facts| nic(facts).link.mtu = 3000),
    ("hash_fields", Note, &["udp4", "ethtool -N eth1 rx-flow-hash udp4 sdfn"], |facts| {
        nic(facts).hash[1].1.as_mut().unwrap().as_mut().unwrap().ports = false;
    }),
    ("hash_fields", Warning, &["tcp4"], |facts| {
        let fields = nic(facts).hash[0].1.as_mut().unwrap().as_mut().unwrap();
        (fields.addresses, fields.ports) = (false, false);
    }),
    ("hash_fields", Unknown, &["doesn't say"], |facts| nic(facts).hash[0].1 = Ok(None)),
    ("ring_size", Warning, &["512 of at most 8160", "ethtool -G eth1 rx 2048"], |facts| {
        nic(facts).ring = Ok(Some(ReceiveRing { current: 512, max: 8160 }));
    }),
    ("coalescing", Note, &["adaptive", "ethtool -C eth1"], |facts| {
        nic(facts).coalescing = Ok(Some(Coalescing { receive_us: 8, is_adaptive: true }));
    }),
    ("coalescing", Note, &["100 us"], |facts| {
        nic(facts).coalescing = Ok(Some(Coalescing { receive_us: 100, is_adaptive: false }));
    }),
    ("interrupt_deferral", Warning, &["echo 2 > /sys/class/net/eth1/napi_defer_hard_irqs"], |facts| {
        facts.intent.dataplane.idle = Idle::BusyPoll;
    }),
    ("interrupt_deferral", Severity::Ok, &["2 polls, 200 us"], |facts| {
        facts.intent.dataplane.idle = Idle::BusyPoll;
        nic(facts).deferral = Ok(Deferral { polls: 2, time_ns: 200_000 });
    }),
    ("interrupt_deferral", Unknown, &["odd"], |facts| {
        facts.intent.dataplane.idle = Idle::BusyPoll;
        nic(facts).deferral = Err("odd".into());
    }),
    ("vlan_offload", Warning, &["ethtool -K eth1 rxvlan off"], |facts| {
        nic(facts).offloads.as_mut().unwrap().receive_vlan = true;
    }),
    ("vlan_offload", Note, &["ethtool -K far1 txvlan off"], |facts| make_veth(facts, here(1500, SENDS_TAGS))),
    ("vlan_offload", Unknown, &["ip netns list-id nsid 3"], |facts| make_veth(facts, ELSEWHERE)),
    ("receive_merging", Warning, &["ethtool -K eth1 lro off"], |facts| {
        nic(facts).offloads.as_mut().unwrap().large_receive = true;
    }),
    ("receive_merging", Warning, &["ethtool -K eth1 gro off"], |facts| {
        told(facts).counters.interfaces[0].xdp = "generic".into();
    }),
    ("peer_checksum", Problem, &["ethtool -K far1 tx off"], |facts| {
        make_veth(facts, here(1500, SENDS_CHECKSUMS));
    }),
    ("peer_checksum", Unknown, &["interface 9", "ethtool -K NAME tx off"], |facts| {
        make_veth(facts, ELSEWHERE);
    }),
    ("peer_mtu", Problem, &["ip link set far1 mtu 3506"], |facts| make_veth(facts, here(9000, OFFLOADS))),
    ("peer_mtu", Unknown, &["ip link show NAME"], |facts| make_veth(facts, ELSEWHERE)),
    ("rp_filter", Note, &["sysctl -w net.ipv4.conf.eth1.rp_filter=2"], |facts| nic(facts).rp_filter = Ok(1)),
    ("daemon", Note, &["as `run` would find it"], without_daemon),
    ("daemon", Note, &["it is 9.9.9"], |facts| told(facts).status.version = "9.9.9".into()),
    ("daemon", Unknown, &["denied", "sudo evenkeel doctor"], |facts| {
        facts.daemon = Daemon::Unseen("denied".into());
    }),
    ("frames_lost", Warning, &["17 frames found the receive ring full"], |facts| {
        told(facts).counters.interfaces[0].queues[0].rx_ring_full = 17;
    }),
    ("frames_lost", Warning, &["5 frames found no free frame"], |facts| {
        told(facts).counters.interfaces[0].queues[0].rx_dropped = 5;
    }),
    ("flow_table", Warning, &["3 packets without room", "flow_capacity = 2000000"], |facts| {
        told(facts).counters.flows.untracked_packets = 3;
    }),
    ("flow_table", Warning, &["900000 of 1000000"], |facts| told(facts).counters.flows.live = 900_000),
    ("state_file", Problem, &["disk full"], |facts| {
        told(facts).status.state_fault = Some("disk full".into());
    }),
    ("state_file", Note, &["--no-state"], |facts| told(facts).status.state_file = None),
];
