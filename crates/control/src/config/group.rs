//! `[[group]]` and `[[group.nexthop]]`.

use super::address;
use super::fields::{Field, Fields};
use super::name::{self, Names};
use super::report::Report;
use evenkeel_nexthop::AdminState;
use evenkeel_packet::Mac;
use std::collections::HashMap;
use std::net::IpAddr;
use toml::Spanned;

const DEFAULT_BUCKETS: u32 = 65_536;
/// What messages say is allowed as a number of buckets.
const BUCKETS: &str = "a power of two from 64 to 1048576";

/// A group as far as it could be read.
pub(super) struct GroupDraft {
    pub(super) header: usize,
    pub(super) name: Option<Spanned<String>>,
    /// `None` if it is wrong.
    pub(super) buckets: Option<u32>,
    pub(super) nexthops: Vec<NexthopDraft>,
}

impl GroupDraft {
    pub(super) fn read(mut fields: Fields<'_>, report: &mut Report<'_>) -> Self {
        let name = fields.required("name", name::NAME, report);
        let name = name.and_then(|field| name::name(&field, report));
        let buckets = fields.optional("buckets");
        let buckets_offset = buckets.as_ref().map_or(fields.header, Field::offset);
        let buckets = buckets.map_or(Some(DEFAULT_BUCKETS), |field| buckets_of(&field, report));
        let nexthops = fields.tables("nexthop", "[[group.nexthop]]", report);
        let nexthops = nexthops.list.into_iter().map(|fields| NexthopDraft::read(fields, report)).collect();
        let group = Self { header: fields.header, name, buckets, nexthops };
        fields.finish(report);
        group.check_nexthops(buckets_offset, report);
        group
    }

    fn check_nexthops(&self, buckets_offset: usize, report: &mut Report<'_>) {
        let names = self.nexthops.iter().map(|nexthop| nexthop.name.as_ref());
        Names::unique(names, "a name of its own for each nexthop of a group", report);
        let mut first: HashMap<IpAddr, usize> = HashMap::new();
        for address in self.nexthops.iter().filter_map(|nexthop| nexthop.address.as_ref()) {
            let offset = address.span().start;
            let before = *first.entry(*address.get_ref()).or_insert(offset);
            if before != offset {
                let (quoted, line) = (report.quote(&address.span()), report.line(before));
                let text = "allowed: an address of its own for each nexthop of a group";
                report.mistake(offset, format!("`address = {quoted}` is also on {line}; {text}"));
            }
        }
        let weighted = self.nexthops.iter().filter(|nexthop| nexthop.weight > 0).count();
        if let Some(buckets) = self.buckets.filter(|buckets| weighted > *buckets as usize) {
            let text = format!(
                "`buckets = {buckets}` is less than the {weighted} nexthops with a weight; allowed: at least one bucket \
                 for each, {BUCKETS}"
            );
            report.mistake(buckets_offset, text);
        }
    }

    /// True if a new flow could go to one of its nexthops.
    pub(super) fn can_serve(&self) -> bool {
        self.nexthops.iter().any(|nexthop| nexthop.weight > 0 && nexthop.state == AdminState::Active)
    }
}

fn buckets_of(field: &Field<'_>, report: &mut Report<'_>) -> Option<u32> {
    let buckets = field.integer(64..=1_048_576, report)?;
    if !buckets.is_power_of_two() {
        field.wrong("is not a power of two", BUCKETS, report);
        return None;
    }
    u32::try_from(buckets).ok()
}

/// A nexthop as far as it could be read.
pub(super) struct NexthopDraft {
    pub(super) header: usize,
    pub(super) name: Option<Spanned<String>>,
    pub(super) address: Option<Spanned<IpAddr>>,
    pub(super) weight: u16,
    pub(super) state: AdminState,
    pub(super) interface: Option<Spanned<String>>,
    pub(super) mac: Option<Spanned<Mac>>,
}

impl NexthopDraft {
    fn read(mut fields: Fields<'_>, report: &mut Report<'_>) -> Self {
        let name = fields.required("name", name::NAME, report);
        let name = name.and_then(|field| name::name(&field, report));
        let address = fields.required("address", address::NEXTHOP, report);
        let address = address.and_then(|field| address::nexthop(&field, report));
        let weight = fields.optional("weight").and_then(|field| weight(&field, report));
        let words = [("active", AdminState::Active), ("draining", AdminState::Draining)];
        let state = fields.optional("state").and_then(|field| field.choice(&words, report));
        let interface = fields.optional("interface");
        if let (None, Some(address)) = (&interface, &address) {
            check_scope(address, report);
        }
        let interface = interface.and_then(|field| name::interface(&field, report));
        let mac = fields.optional("mac").and_then(|field| address::mac(&field, report));
        let header = fields.header;
        fields.finish(report);
        let (weight, state) = (weight.unwrap_or(1), state.unwrap_or(AdminState::Active));
        Self { header, name, address, weight, state, interface, mac }
    }

    /// Address and interface: in whatever group they are, they mean one server.
    pub(super) fn identity(&self) -> Option<(IpAddr, Option<String>)> {
        let interface = self.interface.as_ref().map(|name| name.get_ref().clone());
        Some((*self.address.as_ref()?.get_ref(), interface))
    }
}

/// Reads a weight.
pub(crate) fn weight(field: &Field<'_>, report: &mut Report<'_>) -> Option<u16> {
    field.integer(0..=1000, report).and_then(|weight| u16::try_from(weight).ok())
}

/// Checks that the address of a nexthop without an interface says where it is.
pub(crate) fn check_scope(address: &Spanned<IpAddr>, report: &mut Report<'_>) {
    if address::needs_interface(*address.get_ref()) {
        let quoted = report.quote(&address.span());
        let text = format!(
            "`address = {quoted}` is link-local and so needs an `interface`; allowed: the name of an [[interface]] \
             beside it"
        );
        report.mistake(address.span().start, text);
    }
}
