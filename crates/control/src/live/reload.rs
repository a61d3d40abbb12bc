//! Taking up another configuration: whole or not at all, the box's side included.

use super::control::Control;
use super::difference::{Difference, Side, differences};
use super::event::LiveEvent;
use super::plant::LivePort;
use super::ports::Ports;
use super::refusal::Refusal;
use crate::config::Config;
use evenkeel_nexthop::Desired;
use std::fmt;

/// Where a configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigSource {
    /// The file that the daemon was started with.
    File,
    /// A text; it counts until the next reload or the end.
    Text {
        /// What messages call it.
        name: String,
        /// The configuration.
        text: String,
    },
}

/// What a reload did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// The snapshot in which it is in effect; with a dry run the present one.
    pub generation: u64,
    /// False if it was a dry run.
    pub applied: bool,
    /// What changes, in the order services, groups, nexthops, the rest.
    pub differences: Vec<Difference>,
    /// What is allowed in the configuration but probably not meant.
    pub warnings: Vec<String>,
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.differences.len() {
            0 => f.write_str("nothing differs"),
            1 => f.write_str("1 difference"),
            count => write!(f, "{count} differences"),
        }
    }
}

/// What a configuration makes of the present state.
pub(super) struct Next {
    pub(super) desired: Desired,
    pub(super) ports: Ports,
    pub(super) differences: Vec<Difference>,
}

impl Control {
    /// Takes up a configuration, or says what that would change.
    fn reload(&mut self, config: Config, dry_run: bool) -> Result<Reloaded, Refusal> {
        if dry_run {
            let (generation, differences) = (self.published.generation, self.foresee(&config)?.differences);
            return Ok(Reloaded { generation, applied: false, differences, warnings: config.warnings });
        }
        self.check_fixed(&config)?;
        let ports = self.plant.prepare(&config, &|port| self.desired.names_port(port))?;
        let reloaded = self.next(&config, ports).and_then(|next| self.reload_prepared(config, next));
        if reloaded.is_err() {
            self.plant.abort();
        }
        reloaded
    }

    /// Reads and takes up a configuration; a refusal is told.
    pub(super) fn reload_or_tell(
        &mut self,
        config: Result<Config, Refusal>,
        dry_run: bool,
    ) -> Result<Reloaded, Refusal> {
        let reloaded = config.and_then(|config| self.reload(config, dry_run));
        if let (Err(refusal), false) = (&reloaded, dry_run) {
            self.tell(&LiveEvent::refused("reload", refusal));
        }
        reloaded
    }

    /// What a configuration would make of the present state. Of the box it is only looked at.
    pub(super) fn foresee(&self, config: &Config) -> Result<Next, Refusal> {
        self.check_fixed(config)?;
        let ports = self.plant.check(config, &|port| self.desired.names_port(port))?;
        self.next(config, ports)
    }

    fn check_fixed(&self, config: &Config) -> Result<(), Refusal> {
        let fixed = fixed_differences(&self.config, config);
        if fixed.is_empty() { Ok(()) } else { Err(Refusal::Fixed(fixed)) }
    }

    fn next(&self, config: &Config, ports: Vec<LivePort>) -> Result<Next, Refusal> {
        let mut desired = self.desired.clone();
        let ports = self.ports.replaced(ports, &mut desired);
        let (groups, now_ms) = (ports.bind(&config.groups), self.now_ms());
        desired.reconcile(config.services.clone(), groups, now_ms, config.remove_ms)?;
        desired.set_remove_deadline_ms(config.remove_ms);
        let before = Side { config: &self.config, desired: &self.desired, ports: &self.ports };
        let differences = differences(&before, &Side { config, desired: &desired, ports: &ports }, now_ms);
        Ok(Next { desired, ports, differences })
    }

    fn reload_prepared(&mut self, config: Config, next: Next) -> Result<Reloaded, Refusal> {
        let Next { desired, ports, differences } = next;
        let warnings = config.warnings.clone();
        let before = std::mem::replace(&mut self.desired, desired);
        let ports_before = std::mem::replace(&mut self.ports, ports);
        self.publish();
        if let Err(error) = self.plant.commit() {
            (self.desired, self.ports) = (before, ports_before);
            self.desired.number_above(self.published.generation);
            self.publish();
            return Err(error.into());
        }
        self.config = config;
        self.routing.set_listed(&self.ports.ifindexes());
        self.watch_nexthops();
        self.remember();
        let generation = self.published.generation;
        let reloaded = Reloaded { generation, applied: true, differences, warnings };
        self.tell(&LiveEvent::Reloaded(reloaded.clone()));
        self.news_between(&before, &self.desired).iter().for_each(|event| self.tell(event));
        let others = reloaded.differences.iter().filter(|difference| !difference.is_told_of_member());
        others.for_each(|difference| self.tell(&LiveEvent::Differs(difference.clone())));
        Ok(reloaded)
    }
}

/// Names what differs and can't change without a restart. An interface's `mac` is replay's alone.
pub(super) fn fixed_differences(old: &Config, new: &Config) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, old: String, new: String| {
        if old != new {
            differences.push(format!("{what} is {old}, not {new}"));
        }
    };
    for was in &old.interfaces {
        if let Some(is) = new.interfaces.iter().find(|is| is.name == was.name) {
            let what = format!("the mode of {}", was.name);
            compare(&what, was.mode.word().to_owned(), is.mode.word().to_owned());
        }
    }
    let api = |config: &Config| config.api.as_ref().map_or("off".to_owned(), ToString::to_string);
    let (a, b) = (&old.dataplane, &new.dataplane);
    compare("dataplane.cores", format!("{:?}", a.cores), format!("{:?}", b.cores));
    compare("dataplane.flow_capacity", a.flow_capacity.to_string(), b.flow_capacity.to_string());
    compare("dataplane.burst", a.burst.to_string(), b.burst.to_string());
    compare("dataplane.max_interfaces", a.max_interfaces.to_string(), b.max_interfaces.to_string());
    compare("dataplane.idle", format!("{:?}", a.idle), format!("{:?}", b.idle));
    compare("dataplane.hash_seed", a.hash_seed.to_string(), b.hash_seed.to_string());
    compare("api", api(old), api(new));
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
    fn services_groups_interfaces_and_timeouts_may_change() {
        for (from, to) in [
            ("name = \"eth1\"", "name = \"eth2\""),
            ("192.0.2.10", "192.0.2.11"),
            ("198.51.100.1", "198.51.100.2"),
            (r#"remove = "300s""#, r#"remove = "1s""#),
            (r#"udp = "60s""#, r#"udp = "2s""#),
            (r#"protocol = "tcp""#, "protocol = \"tcp\"\ntimeouts = { tcp_syn = \"2s\" }"),
            (r#"mac = "02:00:00:00:01:01""#, ""),
        ] {
            assert_eq!(differences(from, to), Vec::<String>::new(), "{to}");
        }
    }

    #[test]
    fn what_is_fixed_is_named() {
        for (from, to, want) in [
            ("name = \"eth1\"", "name = \"eth1\"\nmode = \"copy\"", "the mode of eth1 is auto, not copy"),
            ("burst = 64", "burst = 64\nmax_interfaces = 9", "dataplane.max_interfaces is 8, not 9"),
            ("burst = 64", "burst = 32", "dataplane.burst is 64, not 32"),
            ("burst = 64", "burst = 64\nhash_seed = 7", "dataplane.hash_seed is 0, not 7"),
            ("burst = 64", "burst = 64\ncores = [1]", "dataplane.cores is None, not Some([1])"),
            ("burst = 64", "burst = 64\nflow_capacity = 9", "dataplane.flow_capacity is 1000000, not 9"),
            ("burst = 64", "burst = 64\nidle = \"spin\"", "dataplane.idle is Sleep, not Spin"),
            ("[timeouts]", "[api]\nlisten = \"[::1]:80\"\n[timeouts]", "api is off, not on [::1]:80"),
        ] {
            assert_eq!(differences(from, to), [want]);
        }
    }

    #[test]
    fn all_differences_are_named_at_once() {
        let new = config(&BASE.replace("burst = 64", "burst = 1\nhash_seed = 9"));
        assert_eq!(fixed_differences(&config(BASE), &new).len(), 2);
    }
}
