//! What must hold of services and groups before anything is made of them.

use super::error::DesiredError;
use super::ports::Ports;
use crate::id::PortId;
use crate::spec::{GroupSpec, MAX_BUCKETS, MAX_WEIGHT, MIN_BUCKETS, NexthopSpec, ServiceSpec};
use evenkeel_packet::Mac;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// MACs that are given, by nexthop, over all groups.
pub(super) type Macs = HashMap<(IpAddr, Option<PortId>), Mac>;

/// Checks services and groups for a box with these ports.
pub(super) fn check(
    services: &[ServiceSpec],
    groups: &[GroupSpec],
    ports: &Ports,
) -> Result<Macs, DesiredError> {
    if services.len().max(groups.len()) > usize::from(u16::MAX) {
        return Err(DesiredError::TooManyServices);
    }
    let mut names = HashSet::new();
    if let Some(group) = groups.iter().find(|group| !names.insert(group.name.as_str())) {
        return Err(DesiredError::DuplicateGroup { group: group.name.clone() });
    }
    check_services(services, &names)?;
    let mut macs = HashMap::new();
    for group in groups {
        check_group(group)?;
        for nexthop in &group.nexthops {
            check_nexthop(group, nexthop, ports, &mut macs)?;
        }
    }
    Ok(macs)
}

fn check_services(services: &[ServiceSpec], groups: &HashSet<&str>) -> Result<(), DesiredError> {
    let mut names = HashSet::new();
    for service in services {
        if !names.insert(service.name.as_str()) {
            return Err(DesiredError::DuplicateService { service: service.name.clone() });
        }
        if !groups.contains(service.group.as_str()) {
            let (service, group) = (service.name.clone(), service.group.clone());
            return Err(DesiredError::UnknownGroup { service, group });
        }
    }
    Ok(())
}

fn check_group(spec: &GroupSpec) -> Result<(), DesiredError> {
    let (group, buckets) = (spec.name.clone(), spec.buckets);
    if !buckets.is_power_of_two() || !(MIN_BUCKETS..=MAX_BUCKETS).contains(&buckets) {
        return Err(DesiredError::Buckets { group, buckets });
    }
    if spec.nexthops.iter().filter(|nexthop| nexthop.weight > 0).count() > buckets as usize {
        return Err(DesiredError::TooFewBuckets { group, buckets });
    }
    let (mut names, mut addresses) = (HashSet::new(), HashSet::new());
    for nexthop in &spec.nexthops {
        if !names.insert(nexthop.name.as_str()) {
            return Err(DesiredError::DuplicateNexthop { group, nexthop: nexthop.name.clone() });
        }
        if !addresses.insert(nexthop.address) {
            return Err(DesiredError::DuplicateAddress { group, address: nexthop.address });
        }
    }
    Ok(())
}

fn check_nexthop(
    group: &GroupSpec,
    nexthop: &NexthopSpec,
    ports: &Ports,
    macs: &mut Macs,
) -> Result<(), DesiredError> {
    let names = || (group.name.clone(), nexthop.name.clone());
    if nexthop.weight > MAX_WEIGHT {
        let (group, name) = names();
        return Err(DesiredError::Weight { group, nexthop: name, weight: nexthop.weight });
    }
    if let Some(port) = nexthop.port.filter(|port| !ports.is_open(*port)) {
        let (group, nexthop) = names();
        return Err(DesiredError::UnknownPort { group, nexthop, port });
    }
    let Some(second) = nexthop.mac else { return Ok(()) };
    let first = *macs.entry((nexthop.address, nexthop.port)).or_insert(second);
    if first == second {
        Ok(())
    } else {
        Err(DesiredError::TwoMacs { address: nexthop.address, first, second })
    }
}
