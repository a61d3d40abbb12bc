//! The table of checks: every question to the machine, in the order in which it is told.

mod cores;
mod daemon;
mod frames;
mod interfaces;
mod kernel;
mod memory;
mod permissions;
mod veth;

use super::finding::Check;
use super::finding::Topic::{Cores, Daemon, Interfaces, Kernel, Memory, Permissions};

/// All checks.
pub(super) const CHECKS: &[Check] = &[
    Check {
        code: "capabilities",
        topic: Permissions,
        why: "without them `run` ends at once",
        judge: permissions::capabilities,
    },
    Check {
        code: "memlock",
        topic: Permissions,
        why: "the frames are locked memory: beyond the limit `run` is refused it",
        judge: permissions::memlock,
    },
    Check {
        code: "kernel_version",
        topic: Kernel,
        why: "the XDP program and managed neighbours need 5.18",
        judge: kernel::version,
    },
    Check {
        code: "bpf_jit",
        topic: Kernel,
        why: "the XDP program looks at every frame, and is slow when it is interpreted",
        judge: kernel::jit,
    },
    Check {
        code: "clock_source",
        topic: Kernel,
        why: "the clock is read once per burst: other clocks cost a system call or a slow device",
        judge: kernel::clock,
    },
    Check {
        code: "ip_forward",
        topic: Kernel,
        why: "what goes to a VIP and is for no service is left to the kernel, which sends it on, maybe back where it came from",
        judge: kernel::forwarding,
    },
    Check {
        code: "vip_local",
        topic: Kernel,
        why: "the kernel answers what is for no service, and ARP, as if the box were the server",
        judge: kernel::vip_local,
    },
    Check {
        code: "neighbour_table",
        topic: Kernel,
        why: "every nexthop behind a link is an entry; without room it is not resolved",
        judge: kernel::neighbours,
    },
    Check {
        code: "workers",
        topic: Cores,
        why: "every receive queue has a worker, and every worker a core of its own",
        judge: cores::workers,
    },
    Check {
        code: "control_core",
        topic: Cores,
        why: "control takes time from a worker that shares its core",
        judge: cores::control,
    },
    Check {
        code: "isolation",
        topic: Cores,
        why: "other tasks on a worker's core hold up its packets for milliseconds",
        judge: cores::isolation,
    },
    Check {
        code: "smt",
        topic: Cores,
        why: "threads of one physical core share its caches and units: together they do little more than one",
        judge: cores::siblings,
    },
    Check {
        code: "interrupts",
        topic: Cores,
        why: "the kernel's part of receiving runs where the interrupt is, and holds up a worker there",
        judge: cores::interrupts,
    },
    Check {
        code: "irqbalance",
        topic: Cores,
        why: "it moves interrupts onto workers' cores again",
        judge: cores::balancer,
    },
    Check {
        code: "governor",
        topic: Cores,
        why: "a core that is slowed down when idle is slow when packets come",
        judge: cores::governor,
    },
    Check {
        code: "idle_states",
        topic: Cores,
        why: "a worker that waits for packets wakes up so much later",
        judge: cores::idle_states,
    },
    Check {
        code: "numa",
        topic: Cores,
        why: "frames cross from one node's memory to the other's",
        judge: cores::numa,
    },
    Check {
        code: "huge_pages",
        topic: Memory,
        why: "frames on huge pages need fewer entries of the TLB; too few are not used at all",
        judge: memory::huge_pages,
    },
    Check {
        code: "transparent_huge_pages",
        topic: Memory,
        why: "a large flow table on small pages misses the TLB at nearly every packet",
        judge: memory::transparent,
    },
    Check {
        code: "flow_memory",
        topic: Memory,
        why: "the flow table's memory is reserved at the start and used as flows come: without it the daemon is killed",
        judge: memory::flows,
    },
    Check {
        code: "interface",
        topic: Interfaces,
        why: "`run` needs Ethernet interfaces that are up",
        judge: interfaces::there,
    },
    Check {
        code: "queues",
        topic: Interfaces,
        why: "all interfaces must have the same number of receive queues: worker w owns queue w of each",
        judge: interfaces::queues,
    },
    Check {
        code: "stacked",
        topic: Interfaces,
        why: "AF_XDP takes frames at the interface that the driver knows",
        judge: interfaces::stacked,
    },
    Check {
        code: "xdp_mode",
        topic: Interfaces,
        why: "in generic mode the kernel builds a packet of its own of every frame; in the driver a copy is what is left",
        judge: interfaces::mode,
    },
    Check {
        code: "xdp_program",
        topic: Interfaces,
        why: "an interface has one XDP program; `run` is refused while another one is there",
        judge: interfaces::program,
    },
    Check { code: "mtu", topic: Interfaces, why: "a packet has to fit one frame", judge: frames::mtu },
    Check {
        code: "hash_fields",
        topic: Interfaces,
        why: "they decide how evenly flows spread over queues, and so over workers",
        judge: frames::hash_fields,
    },
    Check {
        code: "ring_size",
        topic: Interfaces,
        why: "a short ring overflows while a worker is held up: 512 frames last 0.5 ms at a million packets per second",
        judge: frames::ring,
    },
    Check {
        code: "coalescing",
        topic: Interfaces,
        why: "packets wait so long in the card before anybody hears of them",
        judge: frames::coalescing,
    },
    Check {
        code: "interrupt_deferral",
        topic: Interfaces,
        why: "with idle = \"busy-poll\" workers do the interrupts' work; as long as these come all the same, it is done twice",
        judge: frames::deferral,
    },
    Check {
        code: "vlan_offload",
        topic: Interfaces,
        why: "a tag that is taken off before the XDP program is lost: frames leave without it",
        judge: frames::vlan,
    },
    Check {
        code: "receive_merging",
        topic: Interfaces,
        why: "packets merged into one are larger than a frame",
        judge: frames::merging,
    },
    Check {
        code: "peer_checksum",
        topic: Interfaces,
        why: "a local sender behind a veth leaves checksums unfinished, and AF_XDP forwards them so",
        judge: veth::checksum,
    },
    Check {
        code: "peer_mtu",
        topic: Interfaces,
        why: "a veth's driver takes no XDP program while its other end may send more than a page",
        judge: veth::mtu,
    },
    Check {
        code: "rp_filter",
        topic: Interfaces,
        why: "what is left to the kernel is dropped there if the way back to its source is another interface",
        judge: interfaces::reverse_path,
    },
    Check {
        code: "daemon",
        topic: Daemon,
        why: "of a running daemon there is more to see than of a configuration",
        judge: daemon::there,
    },
    Check {
        code: "frames_lost",
        topic: Daemon,
        why: "the kernel has dropped frames that no worker took in time",
        judge: daemon::lost,
    },
    Check {
        code: "flow_table",
        topic: Daemon,
        why: "flows that find no room are forwarded by bucket, and a change may break them",
        judge: daemon::flow_table,
    },
    Check {
        code: "state_file",
        topic: Daemon,
        why: "operators' changes would be forgotten by a restart",
        judge: daemon::state_file,
    },
];

#[cfg(test)]
pub(super) mod tests;
