//! The interfaces in use, by the numbers that snapshots know them by.

use super::plant::LivePort;
use evenkeel_nexthop::{GroupSpec, PortId};
use evenkeel_packet::Mac;

/// The interfaces in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ports {
    /// In the order of the configuration.
    list: Vec<LivePort>,
}

impl Ports {
    pub(crate) fn new(list: Vec<LivePort>) -> Self {
        Self { list }
    }

    pub(super) fn at(&self, port: PortId) -> Option<&LivePort> {
        self.list.iter().find(|live| live.port == port)
    }

    pub(super) fn of_ifindex(&self, ifindex: u32) -> Option<&LivePort> {
        self.list.iter().find(|live| live.ifindex == ifindex)
    }

    pub(super) fn named(&self, name: &str) -> Option<PortId> {
        self.list.iter().find(|live| live.name == name).map(|live| live.port)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.list.iter().map(|live| live.name.clone()).collect()
    }

    pub(super) fn ifindexes(&self) -> Vec<u32> {
        self.list.iter().map(|live| live.ifindex).collect()
    }

    /// Above all numbers.
    pub(crate) fn end(&self) -> usize {
        self.list.iter().map(|live| live.port.index() + 1).max().unwrap_or(0)
    }

    /// Notes another MAC of an interface. True if it was not known.
    pub(super) fn set_mac(&mut self, port: PortId, mac: Mac) -> bool {
        match self.list.iter_mut().find(|live| live.port == port) {
            Some(live) if live.mac != mac => {
                live.mac = mac;
                true
            }
            _ => false,
        }
    }

    /// Groups as a configuration gives them, which counts its interfaces from 0, with the numbers of the interfaces in
    /// use.
    pub(crate) fn bind(&self, groups: &[GroupSpec]) -> Vec<GroupSpec> {
        let mut groups = groups.to_vec();
        for nexthop in groups.iter_mut().flat_map(|group| &mut group.nexthops) {
            nexthop.port =
                nexthop.port.map(|port| self.list.get(port.index()).map_or(port, |live| live.port));
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_nexthop::{AdminState, NexthopSpec};

    fn port(port: u16, name: &str) -> LivePort {
        LivePort {
            port: PortId(port),
            name: name.to_owned(),
            ifindex: 10 + u32::from(port),
            mac: Mac::default(),
        }
    }

    #[test]
    fn numbers_of_the_configuration_become_those_in_use() {
        let ports = Ports::new(vec![port(3, "eth3"), port(1, "eth1")]);
        let nexthop = |port| NexthopSpec {
            name: "s1".to_owned(),
            address: [198, 51, 100, 1].into(),
            weight: 1,
            state: AdminState::Active,
            port,
            mac: None,
        };
        let nexthops = vec![nexthop(Some(PortId(0))), nexthop(Some(PortId(1))), nexthop(None)];
        let groups = [GroupSpec { name: "web".to_owned(), buckets: 64, nexthops }];
        let bound: Vec<_> = ports.bind(&groups)[0].nexthops.iter().map(|nexthop| nexthop.port).collect();
        assert_eq!(bound, [Some(PortId(3)), Some(PortId(1)), None]);
        assert_eq!(ports.named("eth1"), Some(PortId(1)));
        assert_eq!(ports.of_ifindex(13).map(|live| live.port), Some(PortId(3)));
        assert_eq!(ports.ifindexes(), [13, 11]);
    }
}
