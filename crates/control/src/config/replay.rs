//! What a configuration must say for a replay, where no kernel knows MACs and routes.

use super::draft::Draft;
use super::group::NexthopDraft;
use super::report::Report;
use std::collections::HashSet;

/// Files that a replay writes beside those of the interfaces.
const RESERVED: [&str; 2] = ["punt", "drop"];

impl Draft {
    /// Puts nexthops without an interface at the only one.
    pub(super) fn use_only_interface(&mut self) {
        let [only] = self.interfaces.as_slice() else { return };
        for nexthop in self.groups.iter_mut().flat_map(|group| &mut group.nexthops) {
            if nexthop.interface.is_none() {
                nexthop.interface.clone_from(&only.name);
            }
        }
    }

    /// Notes what a replay needs and the file doesn't say.
    pub(super) fn check_for_replay(&self, report: &mut Report<'_>) {
        self.check_interfaces(report);
        for nexthop in self.used_nexthops() {
            if nexthop.mac.is_none() {
                let text = "[[group.nexthop]] has no `mac`; required for replay: the MAC of the server";
                report.mistake(nexthop.header, text.to_owned());
            }
            if nexthop.interface.is_none() {
                let text = "[[group.nexthop]] has no `interface`; required for replay with several interfaces: where it leaves";
                report.mistake(nexthop.header, text.to_owned());
            }
        }
    }

    fn check_interfaces(&self, report: &mut Report<'_>) {
        let egress = self.used_nexthops().filter_map(|nexthop| nexthop.interface.as_ref());
        let egress: HashSet<&str> = egress.map(|name| name.get_ref().as_str()).collect();
        for interface in &self.interfaces {
            let Some(name) = &interface.name else { continue };
            let (offset, name) = (name.span().start, name.get_ref().as_str());
            if RESERVED.contains(&name) {
                let text = format!(
                    "`name = \"{name}\"` is a file that replay writes, {name}.pcap; allowed for replay: any other name"
                );
                report.mistake(offset, text);
            }
            if egress.contains(name) && interface.mac.is_none() {
                let text = "[[interface]] has no `mac`; required for replay: the MAC that frames leave with";
                report.mistake(interface.header, text.to_owned());
            }
        }
    }

    /// Nexthops that a packet can go to.
    fn used_nexthops(&self) -> impl Iterator<Item = &NexthopDraft> {
        let used: HashSet<&str> = self.used_groups().collect();
        let is_used = move |name: &str| used.contains(name);
        let groups = self.groups.iter();
        let groups =
            groups.filter(move |group| group.name.as_ref().is_some_and(|name| is_used(name.get_ref())));
        groups.flat_map(|group| &group.nexthops)
    }
}
