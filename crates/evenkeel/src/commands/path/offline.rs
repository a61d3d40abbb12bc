//! Which nexthop a new flow takes under a configuration, every nexthop counting as up.

use crate::print::word;
use evenkeel_control::api::model::Protocol;
use evenkeel_nexthop::{Desired, Liveness, ServiceId, Snapshot};
use evenkeel_packet::FlowKey;
use serde::Serialize;
use std::net::IpAddr;

/// What `--json` prints; null is what there isn't.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    /// As in the report of replay.
    verdict: &'static str,
    service: Option<&'a str>,
    group: Option<&'a str>,
    bucket: Option<u32>,
    nexthop: Option<&'a str>,
    address: Option<IpAddr>,
    why: String,
}

impl<'a> Answer<'a> {
    pub(super) fn of(
        key: &FlowKey,
        protocol: Protocol,
        snapshot: &'a Snapshot,
        desired: &'a Desired,
    ) -> Self {
        match snapshot.classify(key) {
            Some(service) => Self::of_service(key, service, snapshot, desired),
            None => Self::punt(key, protocol, snapshot),
        }
    }

    fn punt(key: &FlowKey, protocol: Protocol, snapshot: &Snapshot) -> Self {
        let (address, protocol, port) = (key.destination(), word(protocol), key.destination_port());
        let why = if snapshot.is_vip(address) {
            format!("punt: no service of {address} takes {protocol} port {port}, so it is left to the kernel")
        } else {
            format!("punt: {address} is no VIP, so it is left to the kernel")
        };
        Self { verdict: "punt", service: None, group: None, bucket: None, nexthop: None, address: None, why }
    }

    fn of_service(key: &FlowKey, service: ServiceId, snapshot: &'a Snapshot, desired: &'a Desired) -> Self {
        let hash = snapshot.flow_hash(key);
        let group_id = snapshot.group_of(service);
        let group = group_id.and_then(|group| snapshot.group(group)).map(|group| &*group.name);
        let bucket = group_id.map(|group| snapshot.bucket_of(group, hash));
        let taker = group_id.and_then(|group| snapshot.select(group, hash, &Liveness::new()));
        let taker = taker.and_then(|taker| desired.members().find(|member| member.id == taker));
        let (named, number) = (group.unwrap_or_default(), bucket.unwrap_or_default());
        let (verdict, why) = match &taker {
            Some(taker) => ("forward", format!("bucket {number} of group {named} belongs to {}", taker.name)),
            None => ("drop", format!("no_nexthop: nobody in group {named} takes new flows")),
        };
        Self {
            verdict,
            service: snapshot.services.get(service.index()).map(|service| &*service.name),
            group,
            bucket,
            nexthop: taker.as_ref().map(|taker| taker.name),
            address: taker.as_ref().map(|taker| taker.address),
            why,
        }
    }

    /// One line: what becomes of the flow, and why.
    pub(super) fn text(&self) -> String {
        let Self { service, nexthop, address, why, .. } = self;
        super::sentence(*service, nexthop.zip(*address), why)
    }
}
