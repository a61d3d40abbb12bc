//! A plan from two configurations, without a daemon and without a kernel: every nexthop can be reached and is up.

use super::{Planner, SOMEHOW};
use crate::api::model::Plan;
use crate::config::{Config, InterfaceConfig};
use crate::live::{LivePort, Ports, Side, differences};
use evenkeel_dataplane::FlowRecord;
use evenkeel_nexthop::{Desired, DesiredError, Liveness, PortId};
use std::sync::Arc;

/// What taking up `new` in place of `old` does. `flows` gives the flows that are live then, from the state of `old`; none if
/// nothing is known of them.
///
/// # Errors
/// A configuration that can't be made a desired state; what `flows` fails with.
pub fn of_files<E: From<DesiredError>>(
    old: &Config,
    new: &Config,
    flows: impl FnOnce(&Desired) -> Result<Option<Vec<FlowRecord>>, E>,
) -> Result<Plan, E> {
    let ports_before = ports(old, old);
    let ports_after = ports(old, new);
    let before = reachable(old, &ports_after)?;
    let mut after = before.clone();
    after.reconcile(new.services.clone(), ports_after.bind(&new.groups), 0, new.remove_ms)?;
    let differences = {
        let before = Side { config: old, desired: &before, ports: &ports_before };
        differences(&before, &Side { config: new, desired: &after, ports: &ports_after }, 0)
    };
    let flows = flows(&before)?;
    let mut planner = Planner::new(before, after, Arc::new(Liveness::new()), 0);
    if let Some(flows) = &flows {
        planner.judge(flows);
    }
    Ok(planner.plan(differences.into_iter().map(Into::into).collect()))
}

/// The interfaces of `config`, by numbers that those of `first` have too.
fn ports(first: &Config, config: &Config) -> Ports {
    let known = first.interfaces.iter().map(|interface| interface.name.as_str());
    let new = config.interfaces.iter().map(|interface| interface.name.as_str());
    let mut names: Vec<&str> = known.collect();
    names.extend(new.filter(|name| first.port(name).is_none()));
    let number = |name: &str| names.iter().position(|known| *known == name).unwrap_or(0) as u16;
    let port = |interface: &InterfaceConfig| LivePort {
        port: PortId(number(&interface.name)),
        name: interface.name.clone(),
        ifindex: 0,
        mac: interface.mac.unwrap_or_default(),
    };
    Ports::new(config.interfaces.iter().map(port).collect())
}

/// The state of a configuration, with room for the interfaces of another one too.
fn reachable(config: &Config, others: &Ports) -> Result<Desired, DesiredError> {
    let ports = config.interfaces.len().max(others.end());
    let macs =
        (0..ports).map(|index| config.interfaces.get(index).and_then(|port| port.mac).unwrap_or_default());
    let mut desired = config.desired(macs.collect())?;
    let nexthops: Vec<_> = desired.members().map(|member| member.nexthop).collect();
    for nexthop in nexthops {
        desired.set_adjacency(nexthop, Some(SOMEHOW));
    }
    Ok(desired)
}
