//! The cores, as sysfs shows them.

use super::super::facts::{Core, Cores, IdleState, Seen};
use super::files::{Files, numbered, numbers, value};
use std::path::Path;

const CORES: &str = "devices/system/cpu";

pub(super) fn cores(files: &Files) -> Cores {
    let directory = files.sys(CORES);
    let available = core_affinity::get_core_ids().map(|cores| cores.iter().map(|core| core.id).collect());
    let isolated = numbers(&directory.join("isolated")).map(|mut isolated| {
        // those of partitions of control groups are not in the kernel's list; not every kernel has them
        isolated.extend(numbers(&files.sys("fs/cgroup/cpuset.cpus.isolated")).unwrap_or_default());
        isolated
    });
    let each = |number| (number, core(&directory.join(format!("cpu{number}"))));
    Cores {
        available: available.ok_or_else(|| "which cores this process may use isn't told".to_owned()),
        isolated,
        each: numbered(&directory, "cpu").into_iter().map(each).collect(),
    }
}

fn core(directory: &Path) -> Core {
    let node = numbered(directory, "node").first().map(|node| *node as u64);
    Core {
        siblings: numbers(&directory.join("topology/thread_siblings_list")),
        governor: governor(directory),
        idle_states: idle_states(&directory.join("cpuidle")),
        numa_node: node.ok_or_else(|| "the kernel shows no NUMA nodes".to_owned()),
    }
}

fn governor(directory: &Path) -> Seen<String> {
    if !directory.join("cpufreq").exists() {
        return Err(
            "the kernel doesn't choose frequencies here: a hypervisor or the firmware does".to_owned()
        );
    }
    value(&directory.join("cpufreq/scaling_governor"))
}

fn idle_states(directory: &Path) -> Seen<Vec<IdleState>> {
    let numbers = numbered(directory, "state");
    if numbers.is_empty() {
        return Err("the kernel shows no idle states here: a hypervisor or the firmware has them".to_owned());
    }
    let state = |number: usize| {
        let directory = directory.join(format!("state{number}"));
        Ok(IdleState {
            number,
            name: value(&directory.join("name"))?,
            exit_us: value(&directory.join("latency"))?,
            is_allowed: value::<u64>(&directory.join("disable"))? == 0,
        })
    };
    numbers.into_iter().map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::look::files::tests::machine;
    use std::collections::BTreeSet;

    #[test]
    fn cores_are_as_sysfs_shows_them() {
        let (_root, files) = machine(&[
            ("sys/devices/system/cpu/isolated", "1\n"),
            ("sys/fs/cgroup/cpuset.cpus.isolated", "3\n"),
            ("sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1,3\n"),
            ("sys/devices/system/cpu/cpu1/node0/meminfo", ""),
            ("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n"),
            ("sys/devices/system/cpu/cpu1/cpuidle/state1/name", "C6\n"),
            ("sys/devices/system/cpu/cpu1/cpuidle/state1/latency", "133\n"),
            ("sys/devices/system/cpu/cpu1/cpuidle/state1/disable", "0\n"),
            ("sys/devices/system/cpu/cpufreq/boost", "1\n"),
            ("sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "1,3\n"),
        ]);
        let cores = cores(&files);
        assert_eq!(cores.isolated, Ok(BTreeSet::from([1, 3])));
        assert_eq!(cores.each.keys().copied().collect::<Vec<_>>(), [1, 3]);
        let core = &cores.each[&1];
        assert_eq!(core.siblings, Ok(BTreeSet::from([1, 3])));
        assert_eq!(core.governor.as_deref(), Ok("powersave"));
        assert_eq!(core.numa_node, Ok(0));
        let state = IdleState { number: 1, name: "C6".into(), exit_us: 133, is_allowed: true };
        assert_eq!(core.idle_states, Ok(vec![state]));
        let bare = &cores.each[&3];
        assert!(bare.governor.is_err() && bare.idle_states.is_err() && bare.numa_node.is_err());
    }
}
