//! Which parts of a configuration can change while the workers run.

use crate::config::Config;
use evenkeel_nexthop::{DesiredError, Reconciled, ServiceSpec};
use std::fmt;

/// What a reload did.
#[derive(Debug, Clone)]
pub struct Summary {
    /// What changed.
    pub changes: Reconciled,
    /// The services from now on, in the order of the configuration: what the XDP program has to steer.
    ///
    /// The snapshot that serves them is published before the reload returns. A VIP that came is served from the moment
    /// at which the steering learns it; packets of one that went are punted until the steering loses it. So neither
    /// order of the steering's steps loses a packet that was served.
    pub services: Vec<ServiceSpec>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = &self.changes;
        let counts = [
            (changes.groups_added, "groups came"),
            (changes.groups_removed, "groups went"),
            (changes.groups_resized, "groups resized"),
            (changes.activated, "nexthops came or active again"),
            (changes.drained, "nexthops draining"),
            (changes.removed, "nexthops being removed"),
            (changes.reweighted, "weights"),
            (changes.rebound, "nexthops reached or named otherwise"),
        ];
        write!(f, "{} services", self.services.len())?;
        for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}

/// Why a reload changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Parts differ that are fixed while the workers run.
    #[error("needs a restart: {}", .0.join("; "))]
    Fixed(Vec<String>),
    /// The desired state refuses it.
    #[error(transparent)]
    Refused(#[from] DesiredError),
    /// The control thread has ended.
    #[error("the control thread has ended")]
    Ended,
}

/// Names what differs and can't change without a restart. An interface's `mac` is replay's alone.
pub(super) fn fixed_differences(old: &Config, new: &Config) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, old: String, new: String| {
        if old != new {
            differences.push(format!("{what} is {old}, not {new}"));
        }
    };
    let names = |config: &Config| {
        let names = config.interfaces.iter().map(|i| format!("{} ({:?})", i.name, i.mode));
        names.collect::<Vec<_>>().join(", ")
    };
    compare("interfaces", names(old), names(new));
    let (a, b) = (&old.dataplane, &new.dataplane);
    compare("dataplane.cores", format!("{:?}", a.cores), format!("{:?}", b.cores));
    compare("dataplane.flow_capacity", a.flow_capacity.to_string(), b.flow_capacity.to_string());
    compare("dataplane.burst", a.burst.to_string(), b.burst.to_string());
    compare("dataplane.idle", format!("{:?}", a.idle), format!("{:?}", b.idle));
    compare("dataplane.hash_seed", a.hash_seed.to_string(), b.hash_seed.to_string());
    let (a, b) = (&old.timeouts, &new.timeouts);
    for (what, a, b) in [
        ("timeouts.tcp_syn", a.tcp_syn_ms, b.tcp_syn_ms),
        ("timeouts.tcp_established", a.tcp_established_ms, b.tcp_established_ms),
        ("timeouts.tcp_closing", a.tcp_closing_ms, b.tcp_closing_ms),
        ("timeouts.udp", a.udp_ms, b.udp_ms),
    ] {
        compare(what, format!("{a}ms"), format!("{b}ms"));
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const BASE: &str = r#"
        [dataplane]
        burst = 64
        [timeouts]
        udp = "60s"
        remove = "300s"
        [[interface]]
        name = "eth1"
        mac = "02:00:00:00:01:01"
        [[service]]
        name = "web"
        vip = "192.0.2.10"
        protocol = "tcp"
        group = "web"
        [[group]]
        name = "web"
        [[group.nexthop]]
        name = "s1"
        address = "198.51.100.1"
    "#;

    fn config(text: &str) -> Config {
        Config::parse(Path::new("test.toml"), text).unwrap()
    }

    fn differences(from: &str, to: &str) -> Vec<String> {
        assert!(BASE.contains(from));
        fixed_differences(&config(BASE), &config(&BASE.replace(from, to)))
    }

    #[test]
    fn services_groups_and_the_deadline_may_change() {
        for (from, to) in [
            ("192.0.2.10", "192.0.2.11"),
            ("198.51.100.1", "198.51.100.2"),
            (r#"remove = "300s""#, r#"remove = "1s""#),
            (r#"mac = "02:00:00:00:01:01""#, ""),
        ] {
            assert_eq!(differences(from, to), Vec::<String>::new(), "{to}");
        }
    }

    #[test]
    fn what_is_fixed_is_named() {
        for (from, to, want) in [
            ("eth1", "eth2", "interfaces is eth1 (Auto), not eth2 (Auto)"),
            ("burst = 64", "burst = 32", "dataplane.burst is 64, not 32"),
            ("burst = 64", "burst = 64\nhash_seed = 7", "dataplane.hash_seed is 0, not 7"),
            ("burst = 64", "burst = 64\ncores = [1]", "dataplane.cores is None, not Some([1])"),
            ("burst = 64", "burst = 64\nflow_capacity = 9", "dataplane.flow_capacity is 1000000, not 9"),
            ("burst = 64", "burst = 64\nidle = \"spin\"", "dataplane.idle is Sleep, not Spin"),
            (r#"udp = "60s""#, r#"udp = "2s""#, "timeouts.udp is 60000ms, not 2000ms"),
            (r#"udp = "60s""#, r#"tcp_syn = "2s""#, "timeouts.tcp_syn is 10000ms, not 2000ms"),
        ] {
            assert_eq!(differences(from, to), [want]);
        }
    }

    #[test]
    fn all_differences_are_named_at_once() {
        let new = config(&BASE.replace("burst = 64", "burst = 1").replace("eth1", "eth9"));
        assert_eq!(fixed_differences(&config(BASE), &new).len(), 2);
    }
}
