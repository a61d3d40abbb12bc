//! From what is remembered to a desired state: whatever the configuration says otherwise by now is forgotten.

use super::document::{Configured, Document, Remembered};
use crate::live::change::{DEADLINE_MAX_MS, NexthopState};
use crate::live::ports::Ports;
use evenkeel_nexthop::{Change, Desired, Liveness, NexthopSpec, Verb};
use std::collections::HashMap;
use std::net::IpAddr;

/// What came of it beside the state.
#[derive(Debug, Default)]
pub(super) struct Recalled {
    /// Lines about what counts no longer.
    pub(super) forgotten: Vec<String>,
    /// As control keeps them.
    pub(super) asked_deadlines: HashMap<(String, IpAddr), u64>,
}

/// Makes a state that was just configured what it was before the restart.
pub(super) fn recall(
    desired: &mut Desired,
    document: &Document,
    ports: &Ports,
    liveness: &Liveness,
    now_ms: u64,
    unix_ms: u64,
) -> Recalled {
    let mut recalled = Recalled::default();
    for remembered in &document.nexthops {
        let member = || format!("{}/{} ({})", remembered.group, remembered.name, remembered.address);
        let changes = match changes(remembered, desired, ports, unix_ms) {
            Ok(changes) => changes,
            Err(why) => {
                recalled.forgotten.push(format!("what was changed of {} is forgotten: {why}", member()));
                continue;
            }
        };
        let mut next = desired.clone();
        let mut done = changes.iter().map(|change| next.apply(change, now_ms, liveness));
        match done.find_map(Result::err) {
            Some(error) => {
                recalled.forgotten.push(format!("what was changed of {} is forgotten: {error}", member()));
            }
            None => {
                drop(done);
                *desired = next;
                let key = (remembered.group.clone(), remembered.address);
                recalled.asked_deadlines.extend(remembered.asked_deadline_ms.map(|ms| (key, ms)));
            }
        }
    }
    recall_pins(desired, document, now_ms, unix_ms, &mut recalled.forgotten);
    recalled
}

/// Pins whose time isn't over, the oldest first as they came.
fn recall_pins(
    desired: &mut Desired,
    document: &Document,
    now_ms: u64,
    unix_ms: u64,
    forgotten: &mut Vec<String>,
) {
    for remembered in &document.pins {
        let pinned = match remembered.spec(unix_ms) {
            Ok(None) => continue,
            Ok(Some(spec)) => desired.pin(&spec, now_ms).map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        if let Err(why) = pinned {
            let (group, nexthop) = (&remembered.group, &remembered.nexthop);
            forgotten.push(format!("a static pin to {group}/{nexthop} is forgotten: {why}"));
        }
    }
}

/// What has to be done to a member; nothing if all of it is as configured.
fn changes(
    remembered: &Remembered,
    desired: &Desired,
    ports: &Ports,
    unix_ms: u64,
) -> Result<Vec<Change>, String> {
    let group = desired.configured_groups().iter().find(|group| group.name == remembered.group);
    let group = group.ok_or("the configuration no longer has the group")?;
    let spec = group.nexthops.iter().find(|nexthop| nexthop.address == remembered.address);
    let (name, verbs) = match (&remembered.configured, spec) {
        (Some(was), Some(spec)) => (&spec.name, of_configured(remembered, *was, spec, unix_ms)),
        (None, None) => (&remembered.name, of_added(remembered, ports, unix_ms)?),
        (None, Some(_)) => return Err("the configuration has it now".to_owned()),
        (Some(_), None) => return Err("the configuration no longer has it".to_owned()),
    };
    let change = |verb| Change { group: remembered.group.clone(), nexthop: name.clone(), verb };
    Ok(verbs.into_iter().map(change).collect())
}

/// State and weight, each as long as the configuration says the same of it; a removal as long as it says the same of
/// both.
fn of_configured(remembered: &Remembered, was: Configured, spec: &NexthopSpec, unix_ms: u64) -> Vec<Verb> {
    let is = Configured::of(spec);
    let mut verbs = Vec::new();
    if was.weight == is.weight && remembered.weight != is.weight {
        verbs.push(Verb::Weight(remembered.weight));
    }
    let leaves = matches!(remembered.state, NexthopState::Removing | NexthopState::Removed);
    let counts = if leaves { was == is } else { was.state == is.state };
    if counts && remembered.state != is.state {
        verbs.extend(state_verb(remembered, unix_ms));
    }
    verbs
}

/// A member that the configuration doesn't know.
fn of_added(remembered: &Remembered, ports: &Ports, unix_ms: u64) -> Result<Vec<Verb>, String> {
    let Remembered { address, weight, .. } = *remembered;
    let port = remembered.interface.as_deref().map(|name| {
        ports.named(name).ok_or_else(|| format!("the configuration no longer has the interface {name}"))
    });
    let mac = remembered.mac.as_deref().map(|mac| mac.parse().map_err(|_| format!("{mac} is no MAC")));
    let add = Verb::Add { address, weight, port: port.transpose()?, mac: mac.transpose()? };
    let state = (remembered.state != NexthopState::Active).then(|| state_verb(remembered, unix_ms)).flatten();
    Ok(std::iter::once(add).chain(state).collect())
}

fn state_verb(remembered: &Remembered, unix_ms: u64) -> Option<Verb> {
    Some(match remembered.state {
        NexthopState::Active => Verb::Activate,
        NexthopState::Draining => Verb::Drain,
        NexthopState::Removing => {
            let left_ms = remembered.removed_at_unix_ms?.saturating_sub(unix_ms);
            // a wall clock that was set back must not keep it for ever
            Verb::Remove { deadline_ms: Some(left_ms.min(DEADLINE_MAX_MS)) }
        }
        NexthopState::Removed => Verb::Remove { deadline_ms: Some(0) },
    })
}
