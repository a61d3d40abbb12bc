//! The other end of a veth, which may be in another network namespace.

use super::super::facts::{Facts, Nic, Peer};
use super::super::finding::{Finding, each, if_seen};

/// Largest MTU of the other end with which a veth takes an XDP program, in bytes: a page less its headroom, the
/// kernel's `skb_shared_info` and an Ethernet header (`veth_xdp_set`, on x86-64).
const MAX_PEER_MTU: u32 = 3506;

/// True of a veth.
pub(super) fn is_veth(nic: &Nic) -> bool {
    nic.driver.as_ref().is_ok_and(|driver| driver.name == "veth")
}

pub(super) fn checksum(facts: &Facts) -> Vec<Finding> {
    with_peer(facts, |peer| match peer {
        Peer::Elsewhere { ifindex, namespace } => {
            let seen = format!("the other end is interface {ifindex} of network namespace {namespace}");
            elsewhere(seen, *ifindex, *namespace, "ethtool -K NAME tx off")
        }
        Peer::Here { name, offloads, .. } => if_seen(offloads, |offloads| {
            if !offloads.transmit_checksum {
                return Finding::ok(format!("the other end, {name}, finishes checksums"));
            }
            Finding::problem(format!("the other end, {name}, leaves checksums unfinished"))
                .advise(format!("ethtool -K {name} tx off"))
        }),
    })
}

pub(super) fn mtu(facts: &Facts) -> Vec<Finding> {
    with_peer(facts, |peer| match peer {
        Peer::Elsewhere { ifindex, namespace } => {
            let seen = format!("the MTU of the other end; allowed: up to {MAX_PEER_MTU}");
            elsewhere(seen, *ifindex, *namespace, "ip link show NAME")
        }
        Peer::Here { name, mtu, .. } if *mtu > MAX_PEER_MTU => Finding::problem(format!(
            "the other end, {name}, has an MTU of {mtu}; allowed: up to {MAX_PEER_MTU}"
        ))
        .advise(format!("ip link set {name} mtu {MAX_PEER_MTU}")),
        Peer::Here { name, mtu, .. } => Finding::ok(format!("{mtu} at the other end, {name}")),
    })
}

/// VLAN tags that the other end's stack leaves out of its frames.
pub(super) fn tags(facts: &Facts) -> Vec<Finding> {
    with_peer(facts, |peer| match peer {
        Peer::Elsewhere { ifindex, namespace } => {
            let seen = "whether the other end puts VLAN tags into its frames";
            elsewhere(seen, *ifindex, *namespace, "ethtool -K NAME txvlan off  # where tags are used")
        }
        Peer::Here { name, offloads, .. } => if_seen(offloads, |offloads| {
            if !offloads.transmit_vlan {
                return Finding::ok(format!("the other end, {name}, puts tags into its frames"));
            }
            Finding::note(format!("the other end, {name}, leaves VLAN tags out of its frames"))
                .advise(format!("ethtool -K {name} txvlan off  # where tags are used"))
        }),
    })
}

/// Not to be seen from here, and how to look.
fn elsewhere(seen: impl Into<String>, ifindex: u32, namespace: i32, command: &str) -> Finding {
    let place = match u32::try_from(namespace) {
        Ok(id) => format!("which `ip netns list-id nsid {id}` names"),
        Err(_) => "which has no name".to_owned(),
    };
    Finding::unknown(seen)
        .advise(format!("{command}  # in its namespace, {place}; NAME is interface {ifindex} there"))
}

fn with_peer(facts: &Facts, judge: impl Fn(&Peer) -> Finding) -> Vec<Finding> {
    each(facts, |_, nic| nic.peer.as_ref().map(|peer| if_seen(peer, &judge)))
}
