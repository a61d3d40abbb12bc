//! What a control thread has: the desired state, and the cell in which workers find its snapshots.

use crate::OWN;
use evenkeel_dataplane::{Published, Totals, WorkerCounters};
use evenkeel_nexthop::{
    AdminState, Change, Desired, GroupSpec, Liveness, NexthopSpec, PortId, Protocol, ServiceSpec, Timeouts,
    Verb,
};
use evenkeel_packet::Mac;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// How large a site is.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Groups, each with a service of its own; at most 250.
    pub groups: u16,
    /// Buckets of each group.
    pub buckets: u32,
    /// Nexthops of each group: the same servers in all.
    pub nexthops: u32,
}

/// A desired state and its snapshots.
#[derive(Debug)]
pub struct Site {
    /// How large it is.
    pub extent: Extent,
    /// What is to be.
    pub desired: Desired,
    /// Shared with the workers.
    pub liveness: Arc<Liveness>,
    /// Shared with the workers.
    pub published: Arc<Published>,
    /// Those of the workers.
    pub counters: Vec<Arc<WorkerCounters>>,
    /// The clock of removals.
    pub now_ms: u64,
}

impl Site {
    /// A site with its first snapshot published.
    ///
    /// # Panics
    /// If the configuration is wrong, which it is not.
    #[must_use]
    pub fn new(extent: Extent) -> Self {
        let Extent { groups, buckets, nexthops } = extent;
        let service = |group: u16| ServiceSpec {
            name: format!("s{group}"),
            vip: format!("192.0.2.{group}").parse().expect("an address"),
            protocol: Protocol::Udp,
            ports: vec![53],
            group: format!("g{group}"),
            timeouts: Timeouts::DEFAULT,
        };
        let group = |group: u16| GroupSpec {
            name: format!("g{group}"),
            buckets,
            nexthops: (0..nexthops).map(nexthop).collect(),
        };
        let (services, specs) = ((0..groups).map(service).collect(), (0..groups).map(group).collect());
        let mut desired = Desired::new(1, vec![OWN], services, specs).expect("a good configuration");
        let liveness = Arc::new(Liveness::new());
        let snapshot = desired.snapshot(&liveness);
        let counters = Arc::new(WorkerCounters::default());
        counters.reserve(snapshot.member_count());
        let published = Arc::new(Published::new(snapshot));
        Self { extent, desired, liveness, published, counters: vec![counters], now_ms: 0 }
    }

    /// Changes a nexthop of some groups, all or none as control does it: on a copy that takes the place of the desired
    /// state. Nobody sees it yet.
    ///
    /// # Panics
    /// If the change makes no sense.
    pub fn change(&mut self, groups: impl Iterator<Item = u16>, nexthop: u32, verb: &Verb) {
        let mut desired = self.desired.clone();
        for group in groups {
            let (group, nexthop) = (format!("g{group}"), format!("n{nexthop}"));
            let change = Change { group, nexthop, verb: verb.clone() };
            desired.apply(&change, self.now_ms, &self.liveness).expect("a good change");
        }
        self.desired = desired;
    }

    /// Shows the workers the desired state, as control does: when this returns, their next burst sees it.
    pub fn publish(&mut self) {
        let counters = &self.counters;
        let flows_live = |id| Totals::of_member(counters, id).flows_live;
        for id in self.desired.recycle(self.now_ms, flows_live) {
            counters.iter().for_each(|counters| counters.forget(id));
        }
        let snapshot = self.desired.snapshot(&self.liveness);
        self.counters.iter().for_each(|counters| counters.reserve(snapshot.member_count()));
        self.published.publish(snapshot);
    }
}

/// A nexthop by its number; those from `extent.nexthops` on are not configured.
fn nexthop(number: u32) -> NexthopSpec {
    NexthopSpec {
        name: format!("n{number}"),
        address: Ipv4Addr::from_bits(0xc613_0000 + number).into(),
        weight: 1,
        state: AdminState::Active,
        port: Some(PortId(0)),
        mac: Some(mac(number)),
    }
}

/// The change that adds a nexthop.
#[must_use]
pub fn add(number: u32) -> Verb {
    let NexthopSpec { address, weight, port, mac, .. } = nexthop(number);
    Verb::Add { address, weight, port, mac }
}

fn mac(number: u32) -> Mac {
    let [a, b, c, d] = number.to_be_bytes();
    Mac([2, 1, a, b, c, d])
}
