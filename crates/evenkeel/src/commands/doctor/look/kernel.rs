//! Version and settings of the kernel.

use super::super::facts::{Kernel, OwnAddress, Seen, Thresholds};
use super::files::{Files, names, text, value};
use evenkeel_nexthop::Prefix;
use evenkeel_routing::{has_routes, read_addresses, read_links};

pub(super) fn kernel(files: &Files, vips: &[Prefix]) -> Kernel {
    Kernel {
        release: value(&files.proc("sys/kernel/osrelease")),
        jit: value(&files.proc("sys/net/core/bpf_jit_enable")),
        clock: value(&files.sys("devices/system/clocksource/clocksource0/current_clocksource")),
        forwards: ["ipv4/ip_forward", "ipv6/conf/all/forwarding"]
            .map(|setting| value::<u64>(&files.proc("sys/net").join(setting)).map(|forwards| forwards != 0)),
        thresholds: ["ipv4", "ipv6"].map(|family| thresholds(files, family)),
        balances_interrupts: is_running(files, "irqbalance"),
        addresses: addresses(),
        routed_vips: routed(vips),
    }
}

fn addresses() -> Seen<Vec<OwnAddress>> {
    let links = read_links().map_err(|error| error.to_string())?;
    let own = |own: evenkeel_routing::OwnAddress| {
        let link = links.iter().find(|link| link.ifindex == own.ifindex)?;
        Some(OwnAddress { address: own.address, len: own.len, interface: link.name.clone() })
    };
    let addresses = read_addresses().map_err(|error| error.to_string())?;
    Ok(addresses.into_iter().filter_map(own).collect())
}

/// VIPs to which the kernel knows a way, by their first address.
fn routed(vips: &[Prefix]) -> Seen<Vec<Prefix>> {
    let first: Vec<_> = vips.iter().map(|vip| vip.address).collect();
    let is_routed = has_routes(&first).map_err(|error| error.to_string())?;
    Ok(vips.iter().zip(is_routed).filter_map(|(vip, is_routed)| is_routed.then_some(*vip)).collect())
}

fn thresholds(files: &Files, family: &str) -> Seen<Thresholds> {
    let threshold =
        |number: u8| value(&files.proc(format!("sys/net/{family}/neigh/default/gc_thresh{number}")));
    Ok(Thresholds { soft: threshold(2)?, hard: threshold(3)? })
}

/// True if a process of this name runs.
fn is_running(files: &Files, name: &str) -> Seen<bool> {
    let is_process = |entry: &String| entry.bytes().all(|byte| byte.is_ascii_digit());
    let processes: Vec<_> = names(&files.proc("")).into_iter().filter(is_process).collect();
    if !processes.iter().any(|process| process == "1") {
        return Err("the processes of others are hidden".to_owned());
    }
    // one that has ended since has no name any more
    let is_it =
        |process: &String| text(&files.proc(process).join("comm")).is_ok_and(|comm| comm.trim() == name);
    Ok(processes.iter().any(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::look::files::tests::machine;

    #[test]
    fn settings_are_read_where_the_kernel_has_them() {
        let (_root, files) = machine(&[
            ("proc/sys/kernel/osrelease", "6.18.0\n"),
            ("proc/sys/net/ipv4/ip_forward", "1\n"),
            ("proc/sys/net/ipv4/neigh/default/gc_thresh2", "512\n"),
            ("proc/sys/net/ipv4/neigh/default/gc_thresh3", "1024\n"),
        ]);
        let vip = "127.0.0.2/32".parse().unwrap();
        let kernel = kernel(&files, &[vip]);
        assert_eq!(kernel.release.as_deref(), Ok("6.18.0"));
        assert_eq!(kernel.forwards[0], Ok(true));
        assert!(kernel.forwards[1].is_err() && kernel.jit.is_err() && kernel.clock.is_err());
        let thresholds = kernel.thresholds[0].as_ref().unwrap();
        assert_eq!((thresholds.soft, thresholds.hard), (512, 1024));
        assert!(kernel.thresholds[1].is_err());
        let addresses = kernel.addresses.unwrap();
        let own = addresses.iter().find(|own| own.address.is_loopback() && own.address.is_ipv4()).unwrap();
        assert_eq!((own.len, own.interface.as_str()), (8, "lo"));
        assert_eq!(kernel.routed_vips, Ok(vec![vip]), "all of 127.0.0.0/8 is the box itself");
    }

    #[test]
    fn a_process_is_found_by_its_name() {
        let (_root, files) = machine(&[("proc/1/comm", "init\n"), ("proc/77/comm", "irqbalance\n")]);
        assert_eq!(is_running(&files, "irqbalance"), Ok(true));
        assert_eq!(is_running(&files, "irq"), Ok(false));
        let (_root, hidden) = machine(&[("proc/78/comm", "sh\n")]);
        assert!(is_running(&hidden, "irqbalance").is_err());
    }
}
