//! What a card does to frames: sizes, rings, offloads.

use super::super::facts::{Deferral, Facts, Nic};
use super::super::finding::{Finding, each, if_seen, if_there};
use super::veth::is_veth;
use evenkeel_afxdp::MAX_MTU;
use evenkeel_control::config::{Idle, Mode};

/// Largest MTU whose packets fit the smaller frames, in bytes.
const SMALL_FRAME_MTU: u32 = 1770;
/// Frames that a ring should hold, if it can; our own rings hold as many.
const RING_LEN: u32 = 2048;
/// How long interrupts stay away after a poll: longer than a burst takes, in nanoseconds.
const DEFERRAL_NS: u32 = 200_000;
/// Longer waits are felt, in microseconds.
const FELT_US: u32 = 50;

pub(super) fn mtu(facts: &Facts) -> Vec<Finding> {
    each(facts, |interface, nic| {
        let mtu = nic.link.mtu;
        Some(match mtu {
            _ if mtu > MAX_MTU => Finding::problem(format!("{mtu}; a frame holds {MAX_MTU}"))
                .advise(format!("ip link set {} mtu {MAX_MTU}", interface.name)),
            _ if mtu > SMALL_FRAME_MTU => Finding::note(format!(
                "{mtu}: frames of 4096 bytes, with {SMALL_FRAME_MTU} half of that would do"
            )),
            _ => Finding::ok(mtu.to_string()),
        })
    })
}

pub(super) fn hash_fields(facts: &Facts) -> Vec<Finding> {
    each(facts, |interface, nic| {
        let queues = nic.queues.as_ref().ok()?.as_ref()?;
        if queues.current < 2 || is_veth(nic) {
            return None;
        }
        let told =
            nic.hash.iter().map(|(kind, fields)| Some((*kind, fields.as_ref().ok()?.as_ref().copied()?)));
        let Some(told) = told.collect::<Option<Vec<_>>>() else {
            return Some(Finding::unknown("the driver doesn't say by what it spreads packets over queues"));
        };
        let lumped: Vec<_> = told.iter().filter(|(_, fields)| !fields.addresses).collect();
        let coarse: Vec<_> = told.iter().filter(|(_, fields)| !fields.ports).collect();
        let words = |kinds: &[&(evenkeel_afxdp::ethtool::FlowKind, _)]| {
            kinds.iter().map(|(kind, _)| kind.word()).collect::<Vec<_>>()
        };
        let finding = match (lumped.as_slice(), coarse.as_slice()) {
            ([], []) => return Some(Finding::ok("addresses and ports")),
            ([], coarse) => Finding::note(format!("addresses alone for {}", words(coarse).join(", "))),
            (lumped, _) => {
                Finding::warning(format!("not by both addresses for {}", words(lumped).join(", ")))
            }
        };
        let advise = |finding: Finding, kind: &str| {
            finding.advise(format!("ethtool -N {} rx-flow-hash {kind} sdfn", interface.name))
        };
        Some(words(&coarse).into_iter().fold(finding, advise))
    })
}

pub(super) fn ring(facts: &Facts) -> Vec<Finding> {
    each(facts, |interface, nic| {
        if_there(&nic.ring, |ring| {
            let want = ring.max.min(RING_LEN);
            let seen = format!("{} of at most {}", ring.current, ring.max);
            if ring.current >= want {
                return Finding::ok(seen);
            }
            Finding::warning(seen).advise(format!("ethtool -G {} rx {want}", interface.name))
        })
    })
}

pub(super) fn coalescing(facts: &Facts) -> Vec<Finding> {
    each(facts, |interface, nic| {
        if_there(&nic.coalescing, |coalescing| {
            let seen = match (coalescing.is_adaptive, coalescing.receive_us) {
                (true, _) => "adaptive".to_owned(),
                (false, us) if us <= FELT_US => return Finding::ok(format!("{us} us")),
                (false, us) => format!("{us} us"),
            };
            Finding::note(seen).advise(format!("ethtool -C {} adaptive-rx off rx-usecs 8", interface.name))
        })
    })
}

pub(super) fn deferral(facts: &Facts) -> Vec<Finding> {
    if facts.intent.dataplane.idle != Idle::BusyPoll {
        return Vec::new();
    }
    each(facts, |interface, nic| {
        // a veth has no interrupts
        (!is_veth(nic)).then(|| {
            if_seen(&nic.deferral, |&Deferral { polls, time_ns }| {
                let seen = format!("{polls} polls, {} us", time_ns / 1000);
                if polls > 0 && time_ns > 0 {
                    return Finding::ok(seen);
                }
                let directory = format!("/sys/class/net/{}", interface.name);
                Finding::warning(format!("interrupts are not put off ({seen})"))
                    .advise(format!("echo 2 > {directory}/napi_defer_hard_irqs"))
                    .advise(format!("echo {DEFERRAL_NS} > {directory}/gro_flush_timeout"))
            })
        })
    })
}

pub(super) fn vlan(facts: &Facts) -> Vec<Finding> {
    each(facts, |interface, nic| {
        // a veth takes off nothing: there it is the sender that leaves tags out of frames, see `veth`
        (!is_veth(nic)).then(|| {
            if_seen(&nic.offloads, |offloads| {
                if !offloads.receive_vlan {
                    return Finding::ok("tags stay in frames");
                }
                Finding::warning("the card takes VLAN tags off")
                    .advise(format!("ethtool -K {} rxvlan off", interface.name))
            })
        })
    })
    .into_iter()
    .chain(super::veth::tags(facts))
    .collect()
}

pub(super) fn merging(facts: &Facts) -> Vec<Finding> {
    each(facts, |interface, nic| {
        Some(if_seen(&nic.offloads, |offloads| {
            let is_generic = is_generic(facts, &interface.name, interface.mode, nic);
            match (offloads.large_receive, offloads.generic_receive && is_generic) {
                (true, _) => {
                    Finding::warning("LRO is on").advise(format!("ethtool -K {} lro off", interface.name))
                }
                (false, true) => {
                    Finding::warning("GRO is on, which comes before the XDP program in generic mode")
                        .advise(format!("ethtool -K {} gro off", interface.name))
                }
                (false, false) => Finding::ok("packets come as they were sent"),
            }
        }))
    })
}

/// True if the XDP program is, or would be, behind the driver.
fn is_generic(facts: &Facts, name: &str, mode: Mode, nic: &Nic) -> bool {
    match facts.told(name) {
        Some(told) => told.xdp == "generic",
        None => mode == Mode::Generic || nic.xdp.as_ref().is_ok_and(|xdp| !xdp.is_native),
    }
}
