//! The interfaces: whether they are there, what the driver can do, who else is on them.

use super::super::facts::{Daemon, Facts, Interface, Nic, Peer, queues_command};
use super::super::finding::{Finding, each, if_seen, if_there};
use super::kernel::number;
use super::veth::is_veth;
use evenkeel_afxdp::XdpState;
use evenkeel_afxdp::ethtool::ReceiveQueues;
use evenkeel_control::config::Mode;

/// From this kernel on a driver says what it can do for XDP.
const TELLS_FEATURES: (u32, u32) = (6, 3);
/// Drivers of interfaces that stand on others.
const ON_OTHERS: [&str; 5] = ["bridge", "802.1Q VLAN Support", "macvlan", "ipvlan", "team"];

pub(super) fn there(facts: &Facts) -> Vec<Finding> {
    let judged = facts.interfaces.iter().map(|interface| {
        let finding = if_seen(&interface.nic, |nic| match nic {
            None => Finding::problem("there is no such interface").advise("ip link"),
            Some(nic) => is_up(&interface.name, nic),
        });
        finding.about(&interface.name)
    });
    let judged: Vec<_> = judged.collect();
    match judged.as_slice() {
        [] => {
            vec![Finding::unknown("no interface was looked at: --config FILE or --interface NAME says which")]
        }
        _ => judged,
    }
}

fn is_up(name: &str, nic: &Nic) -> Finding {
    match &nic.link {
        link if link.mac.is_none() => Finding::problem("it is not an Ethernet interface").advise("ip link"),
        link if !link.is_admin_up => {
            Finding::problem("it is set down").advise(format!("ip link set {name} up"))
        }
        link if !link.has_carrier => {
            Finding::warning("it has no carrier").advise("look at the cable, or at the other end")
        }
        _ => Finding::ok("it is up"),
    }
}

pub(super) fn queues(facts: &Facts) -> Vec<Finding> {
    let least = match facts.queues() {
        Ok(least) => least,
        Err(_) if facts.nics().next().is_none() => return Vec::new(),
        Err(reason) => return vec![Finding::unknown(reason)],
    };
    each(facts, |interface, nic| {
        if_there(&nic.queues, |ReceiveQueues { current, .. }| match *current as usize {
            count if count == least => Finding::ok(count.to_string()),
            count => Finding::problem(format!("{count} receive queues, another interface has {least}"))
                .advise(queues_command(&interface.name, nic, least)),
        })
    })
}

pub(super) fn stacked(facts: &Facts) -> Vec<Finding> {
    each(facts, |_, nic| {
        Some(if_seen(&nic.driver, |driver| {
            if driver.name == "bonding" {
                // the frame's queue is the member's, and the kernel compares it with the socket's
                return Finding::problem("it is a bond: sockets that are bound to it receive nothing")
                    .advise("[[interface]] for each of its members in place of the bond");
            }
            if ON_OTHERS.contains(&driver.name.as_str()) {
                return Finding::warning(format!("it stands on another interface ({})", driver.name))
                    .advise("[[interface]] for the one below");
            }
            if_seen(&nic.master, |master| match master {
                Some(master) => Finding::warning(format!(
                    "it belongs to {master}, which doesn't see what the workers take"
                ))
                .advise(format!("ip link set {} nomaster  # unless that is meant", nic.link.name)),
                None => Finding::ok("it stands by itself"),
            })
        }))
    })
}

pub(super) fn mode(facts: &Facts) -> Vec<Finding> {
    each(facts, |interface, nic| {
        Some(match facts.told(&interface.name) {
            Some(told) => got(interface, nic, &told.xdp, &told.access),
            None => if_seen(&nic.xdp, |xdp| would_get(facts, interface, nic, xdp)),
        })
    })
}

/// What the daemon got.
fn got(interface: &Interface, nic: &Nic, attachment: &str, access: &str) -> Finding {
    let seen = format!("{attachment}, {access}");
    let is_zero_copy = nic.xdp.as_ref().is_ok_and(|xdp| xdp.is_zero_copy);
    match (attachment, access) {
        ("generic", _) => generic(&seen, interface.mode, nic),
        (_, "zero-copy") => Finding::ok(seen),
        _ if is_zero_copy => Finding::warning(format!("{seen}, though the driver can do without a copy"))
            .advise("mode = \"zero-copy\"  # makes `run` say what is refused; all interfaces get it or none"),
        _ => Finding::note(format!("{seen}: the driver {} has no zero-copy", driver(nic))),
    }
}

/// What `run` would get.
fn would_get(facts: &Facts, interface: &Interface, nic: &Nic, xdp: &XdpState) -> Finding {
    let tells = facts.kernel.release.as_ref().ok().and_then(|release| number(release));
    let driver = driver(nic);
    match interface.mode {
        Mode::Generic => generic("configured as generic", Mode::Generic, nic),
        _ if tells.is_none_or(|version| version < TELLS_FEATURES) => {
            Finding::unknown("this kernel doesn't say what a driver can do; `run` says what it got")
        }
        _ if !xdp.is_native && is_veth(nic) => without_program(nic),
        Mode::ZeroCopy if !xdp.is_zero_copy => {
            Finding::problem(format!("the driver {driver} has no zero-copy, which mode demands"))
                .advise("mode = \"auto\"")
        }
        Mode::Copy if !xdp.is_native => {
            Finding::problem(format!("the driver {driver} runs no XDP program, which mode demands"))
                .advise("mode = \"auto\"")
        }
        Mode::Auto if !xdp.is_native => {
            Finding::warning(format!("the driver {driver} runs no XDP program: generic mode"))
                .advise("a card whose driver does, see docs/tuning.md")
        }
        _ if xdp.is_zero_copy => Finding::ok("the driver can do zero-copy"),
        _ => Finding::note(format!("native, with a copy: the driver {driver} has no zero-copy")),
    }
}

/// Of a veth that takes no program now.
fn without_program(nic: &Nic) -> Finding {
    let peer = match &nic.peer {
        Some(Ok(Peer::Here { name, .. })) => name,
        _ => "NAME",
    };
    let queues = nic.queues.as_ref().ok().and_then(|queues| *queues).map_or(1, |queues| queues.current);
    Finding::problem(format!("the other end has more transmit queues than the {queues} that receive here"))
        .advise(format!("ethtool -L {peer} tx {queues}  # at the other end"))
}

fn generic(seen: &str, mode: Mode, nic: &Nic) -> Finding {
    let finding = match (is_veth(nic), mode) {
        (true, _) => Finding::problem(format!("{seen}: a veth sends nothing in this mode")),
        (false, Mode::Generic) => Finding::warning(seen),
        (false, _) => Finding::warning(format!("{seen}: it has fallen back")),
    };
    match mode {
        Mode::Generic => finding.advise("mode = \"auto\""),
        _ => finding
            .advise("mode = \"copy\"  # makes `run` say what the driver refuses: often the MTU, or LRO"),
    }
}

fn driver(nic: &Nic) -> &str {
    nic.driver.as_ref().map_or("?", |driver| driver.name.as_str())
}

pub(super) fn program(facts: &Facts) -> Vec<Finding> {
    each(facts, |interface, nic| {
        Some(if_seen(&nic.xdp, |xdp| match (xdp.program, &facts.daemon) {
            (None, _) => Finding::ok("none is attached"),
            (Some(_), Daemon::Running(_)) if facts.told(&interface.name).is_some() => {
                Finding::ok("the daemon's is attached")
            }
            (Some(program), Daemon::Unseen(_)) => {
                Finding::unknown(format!("program {program} is attached, maybe the daemon's"))
            }
            (Some(program), _) => {
                Finding::problem(format!("program {program} is attached, of somebody else")).advise(format!(
                    "ip link set {} xdp off  # or end whose it is: bpftool prog show id {program}",
                    interface.name
                ))
            }
        }))
    })
}

pub(super) fn reverse_path(facts: &Facts) -> Vec<Finding> {
    each(facts, |interface, nic| {
        Some(if_seen(&nic.rp_filter, |filter| match filter {
            1 => Finding::note("rp_filter is strict").advise(format!(
                "sysctl -w net.ipv4.conf.{}.rp_filter=2  # if ways to clients differ",
                interface.name
            )),
            _ => Finding::ok("rp_filter is not strict"),
        }))
    })
}
