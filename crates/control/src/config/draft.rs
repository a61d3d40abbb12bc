//! A configuration between tree and types: each part as far as it could be read, for the checks between the parts.

use super::fields::Fields;
use super::group::{GroupDraft, NexthopDraft};
use super::interface::InterfaceDraft;
use super::report::Report;
use super::service::ServiceDraft;
use super::{ApiConfig, Config, DataplaneConfig, InterfaceConfig, api, dataplane, port_named};
use evenkeel_nexthop::{GroupSpec, NexthopSpec, PortId, Timeouts};
use toml::de::DeTable;

/// A configuration as far as it could be read.
pub(super) struct Draft {
    pub(super) dataplane: DataplaneConfig,
    pub(super) timeouts: Timeouts,
    pub(super) remove_ms: u64,
    pub(super) api: Option<ApiConfig>,
    pub(super) interfaces: Vec<InterfaceDraft>,
    pub(super) services: Vec<ServiceDraft>,
    pub(super) groups: Vec<GroupDraft>,
    /// False if something stands in the place of an interface or of a group that is no table.
    pub(super) all_interfaces: bool,
    pub(super) all_groups: bool,
}

impl Draft {
    pub(super) fn read<'t>(tree: &'t DeTable<'t>, report: &mut Report<'_>) -> Self {
        let mut root = Fields::root("the file", tree);
        let dataplane = root.table("dataplane", "[dataplane]", report);
        let timeouts = root.table("timeouts", "[timeouts]", report);
        let (timeouts, remove_ms) = dataplane::timeouts(timeouts, report);
        let api = root.table("api", "[api]", report);
        let interfaces = root.tables("interface", "[[interface]]", report);
        let services = root.tables("service", "[[service]]", report);
        let groups = root.tables("group", "[[group]]", report);
        root.finish(report);
        Self {
            dataplane: dataplane::dataplane(dataplane, report),
            timeouts,
            remove_ms,
            api: api::api(api, report),
            all_interfaces: interfaces.complete,
            all_groups: groups.complete,
            interfaces: interfaces
                .list
                .into_iter()
                .map(|fields| InterfaceDraft::read(fields, report))
                .collect(),
            services: services
                .list
                .into_iter()
                .map(|fields| ServiceDraft::read(fields, timeouts, report))
                .collect(),
            groups: groups.list.into_iter().map(|fields| GroupDraft::read(fields, report)).collect(),
        }
    }

    fn port_of(&self, name: &str) -> Option<PortId> {
        let names = self.interfaces.iter().map(|interface| interface.name.as_ref());
        port_named(names.map(|name| name.map_or("", |name| name.get_ref())), name)
    }

    /// The configuration, if nothing is missing.
    pub(super) fn config(self, warnings: Vec<String>) -> Option<Config> {
        let groups = self.groups.iter().map(|group| self.group_spec(group)).collect::<Option<_>>()?;
        let interface = |draft: InterfaceDraft| {
            Some(InterfaceConfig { name: draft.name?.into_inner(), mac: draft.mac, mode: draft.mode })
        };
        Some(Config {
            dataplane: self.dataplane,
            timeouts: self.timeouts,
            remove_ms: self.remove_ms,
            api: self.api,
            interfaces: self.interfaces.into_iter().map(interface).collect::<Option<_>>()?,
            services: self.services.into_iter().map(ServiceDraft::spec).collect::<Option<_>>()?,
            groups,
            warnings,
        })
    }

    fn group_spec(&self, group: &GroupDraft) -> Option<GroupSpec> {
        Some(GroupSpec {
            name: group.name.as_ref()?.get_ref().clone(),
            buckets: group.buckets?,
            nexthops: group
                .nexthops
                .iter()
                .map(|nexthop| self.nexthop_spec(nexthop))
                .collect::<Option<_>>()?,
        })
    }

    fn nexthop_spec(&self, nexthop: &NexthopDraft) -> Option<NexthopSpec> {
        let port = match &nexthop.interface {
            Some(name) => Some(self.port_of(name.get_ref())?),
            None => None,
        };
        Some(NexthopSpec {
            name: nexthop.name.as_ref()?.get_ref().clone(),
            address: *nexthop.address.as_ref()?.get_ref(),
            weight: nexthop.weight,
            state: nexthop.state,
            port,
            mac: nexthop.mac.as_ref().map(|mac| *mac.get_ref()),
        })
    }
}
