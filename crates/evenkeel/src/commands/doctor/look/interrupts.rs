//! The interrupts of an interface's device, and where they are handled.

use super::super::facts::{Interrupt, Seen};
use super::files::{Files, names, numbered, numbers, text, value};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The interrupts of an interface; none of one without a device, as a veth.
pub(super) fn interrupts(files: &Files, interface: &str, bus_address: &str) -> Seen<Vec<Interrupt>> {
    if bus_address.is_empty() {
        return Ok(Vec::new());
    }
    let device = device(files, bus_address)?;
    let table = text(&files.proc("interrupts"))?;
    let own: BTreeSet<_> = numbered(&device.join("msi_irqs"), "");
    // a virtio device stands below the one on the bus, and names its interrupts after itself
    let below = names(&device).into_iter().filter(|name| name.starts_with("virtio"));
    let owners: Vec<_> = below.chain([interface.to_owned()]).collect();
    let is_own = |number: usize, name: &str| {
        own.contains(&number)
            || owners.iter().any(|owner| name == owner || name.starts_with(&format!("{owner}-")))
    };
    let found: Vec<_> = lines(&table).filter(|(number, name)| is_own(*number, name)).collect();
    if found.is_empty() {
        return Err(format!("/proc/interrupts names no interrupt of {bus_address}"));
    }
    let interrupt = |(number, _)| Ok(Interrupt { number, cores: handled_on(files, number)? });
    found.into_iter().map(|(number, name)| interrupt((number as u32, name))).collect()
}

/// The NUMA node of an interface's device; none if it has none.
pub(super) fn numa_node(files: &Files, bus_address: &str) -> Seen<Option<u64>> {
    if bus_address.is_empty() {
        return Ok(None);
    }
    let node: i64 = value(&device(files, bus_address)?.join("numa_node"))?;
    Ok(u64::try_from(node).ok())
}

/// The directory of a device, on whatever bus it is. Not by `/sys/class/net`: that shows the network namespace in which
/// it was mounted.
fn device(files: &Files, bus_address: &str) -> Seen<PathBuf> {
    let buses = files.sys("bus");
    let of_bus = |bus: String| buses.join(bus).join("devices").join(bus_address);
    let found = names(&buses).into_iter().map(of_bus).find(|path| path.exists());
    found.ok_or_else(|| format!("sysfs shows no device {bus_address}"))
}

/// Number and name of each numbered interrupt.
fn lines(table: &str) -> impl Iterator<Item = (usize, &str)> {
    table.lines().filter_map(|line| {
        let (number, rest) = line.split_once(':')?;
        Some((number.trim().parse().ok()?, rest.split_whitespace().next_back()?))
    })
}

/// Where an interrupt comes to; where it may, if the kernel doesn't say more.
fn handled_on(files: &Files, number: u32) -> Seen<BTreeSet<usize>> {
    let directory = files.proc(format!("irq/{number}"));
    match numbers(&directory.join("effective_affinity_list")) {
        Ok(cores) if !cores.is_empty() => Ok(cores),
        _ => numbers(&directory.join("smp_affinity_list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::look::files::tests::machine;

    const TABLE: &str = "\
           CPU0       CPU1
 37:          0          0 PCI-MSIX-0000:00:03.0   0-edge      virtio2-config
 38:          0       8994 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0
 40:          3          0 PCI-MSIX-0000:3b:00.0   2-edge      mlx5_comp0@pci:0000:3b:00.0
 41:          3          0 IR-PCI-MSI  3-edge      eth7-TxRx-0
LOC:    4287531    4366561   Local timer interrupts
";

    fn found(files: &[(&str, &str)], interface: &str, bus_address: &str) -> Seen<Vec<(u32, Vec<usize>)>> {
        let (_root, files) = machine(&[&[("proc/interrupts", TABLE)], files].concat());
        let interrupts = interrupts(&files, interface, bus_address)?;
        Ok(interrupts.into_iter().map(|one| (one.number, one.cores.into_iter().collect())).collect())
    }

    #[test]
    fn interrupts_are_found_by_message_or_by_name() {
        let pci = [
            ("sys/bus/pci/devices/0000:3b:00.0/msi_irqs/40", "msix"),
            ("proc/irq/40/effective_affinity_list", "0\n"),
            ("proc/irq/40/smp_affinity_list", "0-1\n"),
        ];
        assert_eq!(found(&pci, "eth1", "0000:3b:00.0"), Ok(vec![(40, vec![0])]));
        let virtio = [
            ("sys/bus/platform/devices/a0.virtio_mmio/virtio2/status", ""),
            ("proc/irq/37/smp_affinity_list", "0-1\n"),
            ("proc/irq/38/smp_affinity_list", "1\n"),
        ];
        let want = vec![(37, vec![0, 1]), (38, vec![1])];
        assert_eq!(found(&virtio, "eth1", "a0.virtio_mmio"), Ok(want));
        let named = [("sys/bus/pci/devices/0000:01:00.0/irq", "0"), ("proc/irq/41/smp_affinity_list", "1")];
        assert_eq!(found(&named, "eth7", "0000:01:00.0"), Ok(vec![(41, vec![1])]));
    }

    #[test]
    fn none_of_a_veth_and_unknown_of_a_device_that_isnt_shown() {
        assert_eq!(found(&[], "eth1", ""), Ok(vec![]));
        assert!(found(&[], "eth1", "0000:3b:00.0").unwrap_err().contains("no device"));
        let silent = [("sys/bus/pci/devices/0000:02:00.0/irq", "0")];
        assert!(found(&silent, "eth1", "0000:02:00.0").unwrap_err().contains("no interrupt"));
    }

    #[test]
    fn a_node_of_minus_one_is_none() {
        let node = |text| {
            let (_root, files) = machine(&[("sys/bus/pci/devices/0000:3b:00.0/numa_node", text)]);
            numa_node(&files, "0000:3b:00.0")
        };
        assert_eq!((node("1\n"), node("-1\n")), (Ok(Some(1)), Ok(None)));
        assert!(node("?").is_err());
    }
}
