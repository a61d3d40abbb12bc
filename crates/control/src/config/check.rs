//! What the parts of a configuration must not do to each other.

use super::address;
use super::draft::Draft;
use super::group::NexthopDraft;
use super::name::Names;
use super::report::Report;
use super::service;
use evenkeel_nexthop::{LIVENESS_CAPACITY, TIMEOUTS_CAPACITY};
use evenkeel_packet::Mac;
use std::collections::{HashMap, HashSet};
use toml::Spanned;

/// Interfaces, services and groups are numbered by 16 bits.
const MAX_OF_A_KIND: usize = u16::MAX as usize;

impl Draft {
    /// Notes what is wrong between the parts; fills in MACs that another group gives for the same nexthop.
    pub(super) fn check(&mut self, report: &mut Report<'_>) {
        self.check_names(report);
        service::check_specific(&self.services, report);
        self.check_vips_are_nobodys(report);
        self.check_capacity(report);
        self.share_macs(report);
        self.warn(report);
    }

    fn check_names(&self, report: &mut Report<'_>) {
        if self.interfaces.is_empty() && self.all_interfaces {
            report.mistake(0, "the file has no `[[interface]]`; required: at least one".to_owned());
        }
        // what could not be read has an unknown name
        let unread = |complete: bool| (!complete).then_some(None);
        let interfaces = self.interfaces.iter().map(|interface| interface.name.as_ref());
        let interfaces = interfaces.chain(unread(self.all_interfaces));
        let interfaces = Names::unique(interfaces, "each interface once", report);
        let services = self.services.iter().map(|service| service.name.as_ref());
        Names::unique(services, "a name of its own for each service", report);
        let groups = self.groups.iter().map(|group| group.name.as_ref()).chain(unread(self.all_groups));
        let groups = Names::unique(groups, "a name of its own for each group", report);
        for group in self.services.iter().filter_map(|service| service.group.as_ref()) {
            groups.check("group", "group", group, report);
        }
        for interface in self.nexthops().filter_map(|nexthop| nexthop.interface.as_ref()) {
            interfaces.check("interface", "interface", interface, report);
        }
    }

    /// Ids are bounded; nobody writes so much by hand, but programs do.
    fn check_capacity(&self, report: &mut Report<'_>) {
        let nexthops: HashSet<_> = self.nexthops().filter_map(NexthopDraft::identity).collect();
        let timeouts: HashSet<_> = self.services.iter().map(|service| service.timeouts).collect();
        let counts = [
            ("interfaces", self.interfaces.len(), MAX_OF_A_KIND),
            ("services", self.services.len(), MAX_OF_A_KIND),
            ("groups", self.groups.len(), MAX_OF_A_KIND),
            ("nexthops", nexthops.len(), LIVENESS_CAPACITY),
            ("different sets of timeouts", timeouts.len(), TIMEOUTS_CAPACITY),
        ];
        for (kind, count, max) in counts {
            if count > max {
                report.mistake(0, format!("the file has {count} {kind}; allowed: at most {max}"));
            }
        }
    }

    fn nexthops(&self) -> impl Iterator<Item = &NexthopDraft> {
        self.groups.iter().flat_map(|group| &group.nexthops)
    }

    /// A nexthop can't be reached at an address that is routed here.
    fn check_vips_are_nobodys(&self, report: &mut Report<'_>) {
        let mut vips = HashMap::new();
        for vip in self.services.iter().filter_map(|service| service.vip.as_ref()) {
            let prefix = vip.get_ref();
            if prefix.len == address::bits(prefix.address) {
                vips.entry(prefix.address).or_insert(vip.span().start);
            }
        }
        for address in self.nexthops().filter_map(|nexthop| nexthop.address.as_ref()) {
            let Some(vip) = vips.get(address.get_ref()) else { continue };
            let (quoted, line) = (report.quote(&address.span()), report.line(*vip));
            let text = format!(
                "`address = {quoted}` is the VIP of the service on {line}; allowed: the server's own address"
            );
            report.mistake(address.span().start, text);
        }
    }

    /// Address and interface are one nexthop in all groups, with one MAC.
    fn share_macs(&mut self, report: &mut Report<'_>) {
        let mut known: HashMap<_, Spanned<Mac>> = HashMap::new();
        for nexthop in self.nexthops() {
            let (Some(identity), Some(mac)) = (nexthop.identity(), &nexthop.mac) else { continue };
            let first = known.entry(identity).or_insert_with(|| mac.clone());
            if first != mac {
                let (quoted, line) = (report.quote(&mac.span()), report.line(first.span().start));
                let text = format!(
                    "`mac = {quoted}` is not the one on {line} of the same address and interface; allowed: one MAC \
                     for one nexthop"
                );
                report.mistake(mac.span().start, text);
            }
        }
        for nexthop in self.groups.iter_mut().flat_map(|group| &mut group.nexthops) {
            if nexthop.mac.is_none() {
                nexthop.mac = nexthop.identity().and_then(|identity| known.get(&identity)).cloned();
            }
        }
    }

    fn warn(&self, report: &mut Report<'_>) {
        if self.services.is_empty() {
            report.warning(0, "no [[service]]: every packet is left to the kernel".to_owned());
        }
        let used: HashSet<&str> = self.used_groups().collect();
        for group in &self.groups {
            let Some(name) = &group.name else { continue };
            let (offset, name) = (group.header, name.get_ref().as_str());
            if !used.contains(name) {
                report.warning(offset, format!("no service uses the group \"{name}\""));
            }
            if !group.can_serve() {
                let why = if group.nexthops.is_empty() {
                    "it has no nexthop"
                } else {
                    "every nexthop has weight 0 or is draining"
                };
                report.warning(offset, format!("the group \"{name}\" takes no new flow: {why}"));
            }
        }
    }

    /// Names of the groups of services.
    pub(super) fn used_groups(&self) -> impl Iterator<Item = &str> {
        self.services
            .iter()
            .filter_map(|service| service.group.as_ref())
            .map(|group| group.get_ref().as_str())
    }
}
