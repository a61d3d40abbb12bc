//! One change, on a copy of the desired state: what is already so, what is wrong with it, what it does.

use super::change::{Change, DEADLINE_MAX_MS, NexthopState, Verb};
use super::ports::Ports;
use super::refusal::RefusedChange;
use crate::config::{address, duration, name};
use evenkeel_nexthop::{ChangeError, Desired, Liveness, MemberInfo, PortId, Verb as DesiredVerb};
use evenkeel_packet::Mac;
use std::fmt;
use std::net::IpAddr;

/// What a change is judged by beside the desired state.
pub(super) struct Circumstances<'c> {
    pub(super) ports: &'c Ports,
    pub(super) liveness: &'c Liveness,
    pub(super) now_ms: u64,
    /// The deadline, in milliseconds from then, that an operator gave a removal that is under way.
    pub(super) asked_deadline_ms: &'c dyn Fn(&MemberInfo<'_>) -> Option<u64>,
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// All was so before.
    Nothing,
    Something,
}

/// Does one change.
///
/// # Errors
/// What is wrong with it; nothing was done.
pub(super) fn apply(
    desired: &mut Desired,
    change: &Change,
    circumstances: &Circumstances<'_>,
) -> Result<Done, RefusedChange> {
    let verb = resolve(desired, change, circumstances.ports)?;
    if is_already(desired, change, &verb, circumstances)? {
        return Ok(Done::Nothing);
    }
    let change =
        evenkeel_nexthop::Change { group: change.group.clone(), nexthop: change.nexthop.clone(), verb };
    desired.apply(&change, circumstances.now_ms, circumstances.liveness)?;
    Ok(Done::Something)
}

/// The verb as the desired state knows it, its values checked as those of a configuration are.
fn resolve(desired: &Desired, change: &Change, ports: &Ports) -> Result<DesiredVerb, RefusedChange> {
    Ok(match &change.verb {
        Verb::Drain => DesiredVerb::Drain,
        Verb::Activate => DesiredVerb::Activate,
        Verb::Weight(weight) => DesiredVerb::Weight(*weight),
        Verb::Remove { deadline_ms } => {
            check_deadline(*deadline_ms)?;
            DesiredVerb::Remove { deadline_ms: *deadline_ms }
        }
        Verb::Add { address, weight, interface, mac } => {
            name::parse_name(&change.nexthop)
                .map_err(|problem| value("nexthop", &change.nexthop, problem, name::NAME))?;
            let port = interface.as_deref().map(|name| port(name, ports)).transpose()?;
            check_address(desired, *address, port)?;
            check_mac(*mac)?;
            DesiredVerb::Add { address: *address, weight: *weight, port, mac: *mac }
        }
    })
}

fn check_deadline(deadline_ms: Option<u64>) -> Result<(), RefusedChange> {
    match deadline_ms.filter(|ms| *ms > DEADLINE_MAX_MS) {
        None => Ok(()),
        Some(ms) => {
            let allowed = format!("from 0ms to 576h (24 days), {}", duration::ALLOWED);
            Err(value("deadline", format!("{ms}ms"), "is too long", allowed))
        }
    }
}

fn port(name: &str, ports: &Ports) -> Result<PortId, RefusedChange> {
    let known = ports.names().iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    ports.named(name).ok_or_else(|| value("interface", name, "names no interface", known))
}

fn check_address(desired: &Desired, address: IpAddr, port: Option<PortId>) -> Result<(), RefusedChange> {
    let wrong = |problem: String| value("address", address, problem, address::NEXTHOP);
    address::check_nexthop(address).map_err(wrong)?;
    if let Some(service) = desired.services().iter().find(|service| service.vip == address::alone(address)) {
        let problem = format!("is the VIP of the service \"{}\"", service.name);
        return Err(value("address", address, problem, "the server's own address"));
    }
    if port.is_none() && address::needs_interface(address) {
        return Err(value("address", address, "is link-local", "one with an interface"));
    }
    Ok(())
}

fn check_mac(mac: Option<Mac>) -> Result<(), RefusedChange> {
    let Some(mac) = mac else { return Ok(()) };
    address::check_mac(mac).map(|_| ()).map_err(|problem| value("mac", mac, problem, address::MAC))
}

fn value(
    field: &'static str,
    value: impl fmt::Display,
    problem: impl Into<String>,
    allowed: impl Into<String>,
) -> RefusedChange {
    let value = value.to_string();
    RefusedChange::Value { field, value, problem: problem.into(), allowed: allowed.into() }
}

/// True if the state already is what the change asks for.
fn is_already(
    desired: &Desired,
    change: &Change,
    verb: &DesiredVerb,
    circumstances: &Circumstances<'_>,
) -> Result<bool, RefusedChange> {
    let member = match desired.named(&change.group, &change.nexthop) {
        Ok(member) => member,
        Err(ChangeError::UnknownNexthop { .. }) if matches!(verb, DesiredVerb::Add { .. }) => {
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let state = NexthopState::of(&member);
    Ok(match verb {
        DesiredVerb::Drain => state == NexthopState::Draining,
        DesiredVerb::Activate => state == NexthopState::Active,
        DesiredVerb::Weight(weight) => !member.gone && member.weight == *weight,
        DesiredVerb::Remove { deadline_ms } => match state {
            NexthopState::Removed => true,
            NexthopState::Removing => {
                deadline_ms.is_none() || *deadline_ms == (circumstances.asked_deadline_ms)(&member)
            }
            NexthopState::Active | NexthopState::Draining => false,
        },
        DesiredVerb::Add { address, weight, port, mac } => {
            state == NexthopState::Active
                && (member.address, member.weight, member.port) == (*address, *weight, *port)
                && mac.is_none_or(|mac| member.mac == Some(mac))
        }
        DesiredVerb::Down | DesiredVerb::Up => false,
    })
}
