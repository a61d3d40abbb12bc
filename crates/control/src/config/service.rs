//! `[[service]]`, and which two services are one too many.

use super::fields::Fields;
use super::report::Report;
use super::{address, dataplane, name};
use evenkeel_nexthop::{Prefix, Protocol, ServiceSpec, Timeouts};
use std::collections::HashMap;
use std::net::IpAddr;
use toml::Spanned;

/// The words for protocols.
const PROTOCOLS: [(&str, Protocol); 3] =
    [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("any", Protocol::Any)];

/// A service as far as it could be read.
pub(super) struct ServiceDraft {
    pub(super) name: Option<Spanned<String>>,
    pub(super) vip: Option<Spanned<Prefix>>,
    protocol: Option<Protocol>,
    /// `None` if they are wrong, empty if any.
    ports: Option<Vec<Spanned<u16>>>,
    pub(super) group: Option<Spanned<String>>,
    pub(super) timeouts: Timeouts,
}

impl ServiceDraft {
    /// `general` are the timeouts of services that don't say theirs.
    pub(super) fn read(mut fields: Fields<'_>, general: Timeouts, report: &mut Report<'_>) -> Self {
        let name = fields.required("name", name::NAME, report);
        let name = name.and_then(|field| name::name(&field, report));
        let vip = fields.required("vip", address::VIP, report);
        let vip = vip.and_then(|field| address::vip(&field, report));
        let protocol = fields.required("protocol", "\"tcp\", \"udp\", \"any\"", report);
        let protocol = protocol.and_then(|field| field.choice(&PROTOCOLS, report));
        let ports = match fields.optional("ports") {
            None => Some(Vec::new()),
            Some(field) => {
                let ports = field.distinct_integers(1..=u64::from(u16::MAX), report);
                let narrow = |port: Spanned<u64>| {
                    Some(Spanned::new(port.span(), u16::try_from(port.into_inner()).ok()?))
                };
                Some(ports.into_iter().filter_map(narrow).collect())
                    .filter(|ports: &Vec<_>| !ports.is_empty())
            }
        };
        let group = fields.required("group", "the name of a [[group]]", report);
        let group = group.and_then(|field| name::name(&field, report));
        let timeouts = fields.table("timeouts", "[service.timeouts]", report);
        let timeouts = dataplane::service_timeouts(timeouts, general, report);
        fields.finish(report);
        Self { name, vip, protocol, ports, group, timeouts }
    }

    /// The service, if nothing was wrong with it.
    pub(super) fn spec(self) -> Option<ServiceSpec> {
        Some(ServiceSpec {
            name: self.name?.into_inner(),
            vip: self.vip?.into_inner(),
            protocol: self.protocol?,
            ports: self.ports?.into_iter().map(Spanned::into_inner).collect(),
            group: self.group?.into_inner(),
            timeouts: self.timeouts,
        })
    }
}

/// What decides between services: of two with the same, neither is more specific.
type Match = (IpAddr, u8, &'static str, Option<u16>);

/// Notes services that match a packet as specifically as an earlier one: one mistake each.
pub(super) fn check_specific(services: &[ServiceDraft], report: &mut Report<'_>) {
    let mut first: HashMap<Match, &ServiceDraft> = HashMap::new();
    for service in services {
        let (Some(vip), Some(protocol), Some(ports)) = (&service.vip, service.protocol, &service.ports)
        else {
            continue;
        };
        let word = PROTOCOLS.iter().find(|(_, known)| *known == protocol).map_or("", |(word, _)| word);
        let prefix = vip.get_ref();
        let mut clash = None;
        let any = ports.is_empty().then_some((None, vip.span()));
        let listed = ports.iter().map(|port| (Some(*port.get_ref()), port.span()));
        for (port, span) in any.into_iter().chain(listed) {
            let earlier = *first.entry((prefix.address, prefix.len, word, port)).or_insert(service);
            if !std::ptr::eq(earlier, service) {
                clash = clash.or(Some((earlier, port, span.start)));
            }
        }
        let Some((earlier, port, offset)) = clash else { continue };
        let ports = port.map_or("any port".to_owned(), |port| format!("port {port}"));
        let quoted = report.quote(&vip.span());
        let line = earlier.vip.as_ref().map(|vip| report.line(vip.span().start)).unwrap_or_default();
        report.mistake(
            offset,
            format!(
                "{ports} of `vip = {quoted}` with protocol {word} is the service's on {line} already; allowed: one service \
                 for each vip, protocol and port"
            ),
        );
    }
}
