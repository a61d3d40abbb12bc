//! Whether events can be applied, each when its turn comes.

use super::TimedChange;
use super::draft::EventDraft;
use crate::config::Config;
use crate::config::report::Report;
use evenkeel_nexthop::{Change, ChangeError, Desired, Liveness, PortId, Verb};
use evenkeel_packet::Mac;
use std::collections::HashMap;
use std::net::IpAddr;

/// Applies events in their order to the desired state of `config`; what is refused is a mistake and not applied.
pub(super) fn apply(drafts: &[EventDraft], config: &Config, report: &mut Report<'_>) -> Vec<TimedChange> {
    let macs = config.interfaces.iter().map(|interface| interface.mac.unwrap_or_default()).collect();
    let mut desired = match config.desired(macs) {
        Ok(desired) => desired,
        Err(error) => {
            report.mistake(
                0,
                format!("the configuration has no state to change: {error}; allowed: one that is checked"),
            );
            return Vec::new();
        }
    };
    let liveness = Liveness::new();
    let mut macs = KnownMacs::of(config);
    let mut changes = Vec::new();
    for draft in drafts {
        let now_ms = draft.at_ns / 1_000_000;
        desired.expire_removals(now_ms);
        let mut change = draft.change.clone();
        macs.fill_in(&mut change, draft, report);
        match desired.apply(&change, now_ms, &liveness) {
            Ok(()) => changes.push(TimedChange { at_ns: draft.at_ns, change }),
            Err(error) => refuse(draft, &error, &desired, report),
        }
    }
    changes
}

/// MACs by address and interface: one nexthop has one, wherever it is said.
struct KnownMacs(HashMap<(IpAddr, Option<PortId>), Mac>);

impl KnownMacs {
    fn of(config: &Config) -> Self {
        let nexthops = config.groups.iter().flat_map(|group| &group.nexthops);
        Self(nexthops.filter_map(|nexthop| Some(((nexthop.address, nexthop.port), nexthop.mac?))).collect())
    }

    /// Gives an added nexthop the MAC that is known of it.
    fn fill_in(&mut self, change: &mut Change, draft: &EventDraft, report: &mut Report<'_>) {
        let Verb::Add { address, port, mac, .. } = &mut change.verb else { return };
        match (*mac, self.0.get(&(*address, *port))) {
            (Some(mac), _) => drop(self.0.insert((*address, *port), mac)),
            (None, Some(known)) => *mac = Some(*known),
            (None, None) => {
                let text = "[[event]] has no `mac`; required to add a nexthop: the MAC of the server";
                report.mistake(draft.header, text.to_owned());
            }
        }
    }
}

/// Notes why an event can't be applied, at the value that is the cause.
fn refuse(draft: &EventDraft, error: &ChangeError, desired: &Desired, report: &mut Report<'_>) {
    let nexthop = || ("nexthop", draft.nexthop.clone());
    let or_nexthop =
        |key, span: &Option<std::ops::Range<usize>>| span.clone().map_or_else(nexthop, |span| (key, span));
    let (place, allowed) = match error {
        ChangeError::NamePresent { .. } => (nexthop(), "a name that the group doesn't have then".to_owned()),
        ChangeError::AddressPresent { .. } => (
            or_nexthop("address", &draft.address),
            "an address of its own for each nexthop of a group".to_owned(),
        ),
        ChangeError::OtherMac { mac, .. } => (or_nexthop("mac", &draft.mac), format!("\"{mac}\"")),
        ChangeError::NoBucket { .. } => {
            (nexthop(), "at most one nexthop with a weight for each bucket".to_owned())
        }
        _ => (nexthop(), present(&draft.change.group, desired)),
    };
    let ((key, span), at) = (place, std::time::Duration::from_nanos(draft.at_ns));
    let quoted = report.quote(&span);
    report
        .mistake(span.start, format!("`{key} = {quoted}` is refused at {at:?}: {error}; allowed: {allowed}"));
}

/// The members of a group that can be changed.
fn present(group: &str, desired: &Desired) -> String {
    let members = desired.members().filter(|member| member.group == group && !member.gone);
    let names: Vec<_> = members.map(|member| format!("\"{}\"", member.name)).collect();
    if names.is_empty() { "none, the group is empty then".to_owned() } else { names.join(", ") }
}
