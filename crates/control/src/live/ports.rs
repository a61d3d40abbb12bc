//! The interfaces in use, by the numbers that snapshots know them by.

use super::plant::LivePort;
use evenkeel_nexthop::{Desired, GroupSpec, PortId};
use evenkeel_packet::Mac;

/// The interfaces in use, and those that left and are still named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ports {
    /// In the order of the configuration.
    list: Vec<LivePort>,
    /// Interfaces that a configuration no longer has while nexthops still name them.
    left: Vec<LivePort>,
}

impl Ports {
    pub(crate) fn new(list: Vec<LivePort>) -> Self {
        Self { list, left: Vec::new() }
    }

    /// Replaces the interfaces by those of another configuration, and brings the desired state along: ports are opened
    /// and closed, and nexthops that name an interface which has another number now follow it. Returns what is in use
    /// then.
    pub(super) fn replaced(&self, list: Vec<LivePort>, desired: &mut Desired) -> Self {
        let stays = |old: &LivePort| list.iter().any(|new| new.port == old.port);
        for live in &list {
            desired.open_port(live.port, live.mac);
        }
        for old in self.list.iter().filter(|old| !stays(old)) {
            desired.close_port(old.port);
        }
        let mut left: Vec<_> =
            self.list.iter().chain(&self.left).filter(|old| !stays(old)).cloned().collect();
        for old in &left {
            if let Some(new) = list.iter().find(|new| new.name == old.name) {
                desired.move_port(old.port, new.port);
            }
        }
        left.retain(|old| desired.names_port(old.port));
        Self { list, left }
    }

    pub(super) fn at(&self, port: PortId) -> Option<&LivePort> {
        self.list.iter().find(|live| live.port == port)
    }

    /// The number that the kernel has, or had, for a port that nexthops can name.
    pub(super) fn ifindex(&self, port: PortId) -> Option<u32> {
        self.list.iter().chain(&self.left).find(|live| live.port == port).map(|live| live.ifindex)
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

    /// A desired state with a nexthop of these addresses behind each of these ports, all with a MAC.
    fn desired(ports: &[(u8, u16)]) -> Desired {
        let nexthop = |&(last, port): &(u8, u16)| NexthopSpec {
            name: format!("s{last}"),
            address: [198, 51, 100, last].into(),
            weight: 1,
            state: AdminState::Active,
            port: Some(PortId(port)),
            mac: Some(Mac([2, 0, 0, 0, 2, last])),
        };
        let nexthops = ports.iter().map(nexthop).collect();
        let group = GroupSpec { name: "web".to_owned(), buckets: 64, nexthops };
        Desired::new(0, vec![Mac::default(); 2], Vec::new(), vec![group]).unwrap()
    }

    fn reached(desired: &Desired) -> Vec<Option<u16>> {
        desired.members().map(|member| member.adjacency.map(|to| to.port.0)).collect()
    }

    #[test]
    fn an_interface_that_comes_back_finds_its_nexthops() {
        let mut desired = desired(&[(1, 0), (2, 1)]);
        let both = Ports::new(vec![port(0, "eth0"), port(1, "eth1")]);
        let one = both.replaced(vec![port(0, "eth0")], &mut desired);
        assert_eq!(reached(&desired), [Some(0), None]);
        assert_eq!((one.names(), one.named("eth1")), (vec!["eth0".to_owned()], None));
        assert_eq!(one.ifindex(PortId(1)), Some(11), "what names it is looked for there and nowhere else");
        let again = one.replaced(vec![port(0, "eth0"), port(5, "eth1")], &mut desired);
        assert_eq!(reached(&desired), [Some(0), Some(5)]);
        assert_eq!(again.ifindex(PortId(1)), None);
        assert!(!desired.names_port(PortId(1)));
    }

    #[test]
    fn an_interface_that_was_made_anew_has_another_number_at_once() {
        let mut desired = desired(&[(1, 0), (2, 1)]);
        let ports = Ports::new(vec![port(0, "eth0"), port(1, "eth1")]);
        let ports = ports.replaced(vec![port(7, "eth1"), port(0, "eth0")], &mut desired);
        assert_eq!(reached(&desired), [Some(0), Some(7)]);
        assert_eq!(ports, Ports::new(vec![port(7, "eth1"), port(0, "eth0")]), "nothing is left over");
    }
}
