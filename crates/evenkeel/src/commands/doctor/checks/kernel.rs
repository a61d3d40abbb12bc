//! The kernel: its version, and its settings for the whole box.

use super::super::facts::{Facts, OwnAddress, Seen, Thresholds};
use super::super::finding::{Finding, if_seen};
use evenkeel_nexthop::Prefix;

/// The first kernel on which everything works.
const OLDEST: (u32, u32) = (5, 18);

pub(super) fn version(facts: &Facts) -> Vec<Finding> {
    vec![if_seen(&facts.kernel.release, |release| match number(release) {
        None => Finding::unknown(format!("{release} is no version that is understood")),
        Some(version) if version < OLDEST => {
            Finding::problem(format!("Linux {release}")).advise("a kernel of 5.18 or later")
        }
        Some(_) => Finding::ok(format!("Linux {release}")),
    })]
}

/// Major and minor number of a release.
pub(super) fn number(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|character: char| !character.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

pub(super) fn jit(facts: &Facts) -> Vec<Finding> {
    vec![if_seen(&facts.kernel.jit, |jit| match jit {
        0 => Finding::warning("BPF programs are interpreted").advise("sysctl -w net.core.bpf_jit_enable=1"),
        _ => Finding::ok("BPF programs are compiled"),
    })]
}

/// Clocks that are read without a system call, or that a hypervisor answers as fast.
const FAST_CLOCKS: [&str; 6] =
    ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "xen", "arch_sys_counter", "timebase"];

pub(super) fn clock(facts: &Facts) -> Vec<Finding> {
    vec![if_seen(&facts.kernel.clock, |clock| {
        if FAST_CLOCKS.contains(&clock.as_str()) {
            return Finding::ok(clock);
        }
        Finding::warning(format!("time is read from {clock}"))
            .advise("echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource  # if it is in available_clocksource")
    })]
}

pub(super) fn forwarding(facts: &Facts) -> Vec<Finding> {
    let settings = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];
    let families = settings.iter().zip(&facts.kernel.forwards).zip([true, false]);
    let judged = families.filter_map(|((setting, forwards), is_v4)| {
        let has_vip = facts.intent.vips.iter().any(|vip| vip.address.is_ipv4() == is_v4);
        has_vip.then(|| {
            if_seen(forwards, |forwards| match forwards {
                false => Finding::ok(format!("{setting} = 0: what is left to the kernel ends there")),
                true => if_seen(&facts.kernel.routed_vips, |routed| sent_on(setting, is_v4, routed)),
            })
        })
    });
    judged.collect()
}

/// Of a kernel that forwards: whether it knows a way to VIPs of this family.
fn sent_on(setting: &str, is_v4: bool, routed: &[Prefix]) -> Finding {
    let routed = routed.iter().filter(|vip| vip.address.is_ipv4() == is_v4);
    let words: Vec<_> = routed.map(ToString::to_string).collect();
    if words.is_empty() {
        return Finding::ok(format!("{setting} = 1, without a way to a VIP"));
    }
    let ip = if is_v4 { "ip" } else { "ip -6" };
    let add: Vec<_> = words.iter().map(|vip| format!("{ip} route add unreachable {vip}")).collect();
    Finding::note(format!("{setting} = 1, and the kernel knows a way to {}", words.join(", ")))
        .advise(add.join(" && "))
        .advise(format!("sysctl -w {setting}=0  # or this: Evenkeel doesn't need it"))
}

pub(super) fn vip_local(facts: &Facts) -> Vec<Finding> {
    if facts.intent.vips.is_empty() {
        return Vec::new();
    }
    vec![if_seen(&facts.kernel.addresses, |addresses| {
        let is_vip = |own: &&OwnAddress| facts.intent.vips.iter().any(|vip| vip.contains(own.address));
        let local: Vec<_> = addresses.iter().filter(is_vip).collect();
        if local.is_empty() {
            return Finding::ok("no VIP is an address of the box");
        }
        let words: Vec<_> = local.iter().map(|own| own.address.to_string()).collect();
        let delete = |finding: Finding, own: &&OwnAddress| {
            finding.advise(format!("ip address del {}/{} dev {}", own.address, own.len, own.interface))
        };
        local.iter().fold(Finding::warning(format!("{} is an address of this box", words.join(", "))), delete)
    })]
}

pub(super) fn neighbours(facts: &Facts) -> Vec<Finding> {
    let families = ["ipv4", "ipv6"].into_iter().zip(&facts.kernel.thresholds).zip([true, false]);
    let judged = families.filter_map(|((family, thresholds), is_v4)| {
        let nexthops = facts.intent.nexthops.iter().filter(|address| address.is_ipv4() == is_v4).count();
        (nexthops > 0).then(|| room(family, thresholds, nexthops as u64))
    });
    judged.collect()
}

fn room(family: &str, thresholds: &Seen<Thresholds>, nexthops: u64) -> Finding {
    if_seen(thresholds, |Thresholds { soft, hard }| {
        let seen = format!("{family}: {nexthops} nexthops, gc_thresh2 = {soft}, gc_thresh3 = {hard}");
        let finding = match nexthops {
            _ if nexthops >= *hard => Finding::problem(seen),
            _ if nexthops >= *soft => Finding::warning(seen),
            _ => return Finding::ok(seen),
        };
        // as many again for routers and whoever else is on the links
        let (soft, hard) = (nexthops * 2, nexthops * 4);
        finding.advise(format!(
            "sysctl -w net.{family}.neigh.default.gc_thresh3={hard} net.{family}.neigh.default.gc_thresh2={soft}"
        ))
    })
}
