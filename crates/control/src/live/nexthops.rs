//! The nexthops that are watched: what routing is asked about each, and what it answered.

use super::event::{NexthopName, UnresolvedNexthop};
use super::ports::Ports;
use evenkeel_nexthop::{Desired, NexthopId};
use evenkeel_packet::Mac;
use evenkeel_routing::{Reach, Target, Unresolved};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Time that a new nexthop has to answer before the operator hears that it doesn't.
const GRACE: Duration = Duration::from_secs(1);

/// The number of no interface.
const NOWHERE: u32 = 0;

/// One watched nexthop.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) id: NexthopId,
    pub(super) name: NexthopName,
    /// Routing's last answer; none before the first.
    pub(super) reach: Option<Reach>,
    /// Its last MAC, also while it is unresolved.
    pub(super) last_mac: Option<Mac>,
    /// When the operator is to hear that it doesn't answer, if it still doesn't.
    owed: Option<Instant>,
}

impl Watched {
    /// What the operator hears while it isn't resolved.
    fn unresolved(&self) -> Option<UnresolvedNexthop> {
        let reason = match &self.reach {
            Some(Reach::Resolved { .. }) => return None,
            Some(Reach::Unresolved(reason)) => Some(reason.clone()),
            None => None,
        };
        Some(UnresolvedNexthop { nexthop: self.name.clone(), reason })
    }
}

/// All nexthops with a present membership. A nexthop is one address and interface, and so one target.
#[derive(Debug, Default)]
pub(super) struct Nexthops {
    watched: BTreeMap<Target, Watched>,
}

impl Nexthops {
    /// Takes up the nexthops of the desired state, keeping what is known of those that stay.
    pub(super) fn update(&mut self, desired: &Desired, ports: &Ports) {
        let known = std::mem::take(&mut self.watched);
        for member in desired.members().filter(|member| !member.gone) {
            let membership = format!("{}/{}", member.group, member.name);
            // of a port that has left, a number that routing doesn't know: it can't be reached by another way
            let ifindex = member.port.map(|port| ports.ifindex(port).unwrap_or(NOWHERE));
            let target = Target { address: member.address, ifindex, mac: member.mac };
            if let Some(watched) = self.watched.get_mut(&target) {
                watched.name.memberships += ", ";
                watched.name.memberships += &membership;
                continue;
            }
            let name = NexthopName { memberships: membership, address: member.address };
            let before = known.get(&target);
            let reach = before.and_then(|before| before.reach.clone());
            let (last_mac, owed) = before.map_or((None, None), |before| (before.last_mac, before.owed));
            self.watched.insert(target, Watched { id: member.nexthop, name, reach, last_mac, owed });
        }
    }

    /// What routing is to be asked.
    pub(super) fn targets(&self) -> BTreeSet<Target> {
        self.watched.keys().copied().collect()
    }

    /// The nexthop of a target.
    pub(super) fn at(&self, target: &Target) -> Option<NexthopId> {
        self.watched.get(target).map(|watched| watched.id)
    }

    /// True if routing has said nothing of it yet.
    pub(super) fn is_new(&self, target: &Target) -> bool {
        self.watched.get(target).is_some_and(|watched| watched.reach.is_none())
    }

    /// Why a nexthop can't be reached; none if it can, or hasn't been asked for yet.
    pub(super) fn why_unresolved(&self, id: NexthopId) -> Option<&Unresolved> {
        let watched = self.watched.values().find(|watched| watched.id == id)?;
        match &watched.reach {
            Some(Reach::Unresolved(reason)) => Some(reason),
            Some(Reach::Resolved { .. }) | None => None,
        }
    }

    /// Notes an answer; returns the nexthop as it was before.
    pub(super) fn answer(&mut self, target: &Target, reach: &Reach, now: Instant) -> Option<Watched> {
        let watched = self.watched.get_mut(target)?;
        let before = watched.clone();
        watched.reach = Some(reach.clone());
        watched.owed = None;
        match reach {
            Reach::Resolved { mac, .. } => watched.last_mac = Some(*mac),
            // nobody can have answered yet
            Reach::Unresolved(Unresolved::NoAnswer { .. }) if before.reach.is_none() => {
                watched.owed = Some(now + GRACE);
            }
            Reach::Unresolved(_) => {}
        }
        Some(before)
    }

    /// Nexthops that have not answered in their time; each is told once.
    pub(super) fn take_owed(&mut self, now: Instant) -> Vec<(NexthopId, UnresolvedNexthop)> {
        let over = |watched: &&mut Watched| watched.owed.is_some_and(|at| at <= now);
        let take = |watched: &mut Watched| {
            watched.owed = None;
            Some((watched.id, watched.unresolved()?))
        };
        self.watched.values_mut().filter(over).filter_map(take).collect()
    }

    /// True if the operator hears later that this one doesn't answer.
    pub(super) fn is_owed(&self, target: &Target) -> bool {
        self.watched.get(target).is_some_and(|watched| watched.owed.is_some())
    }

    /// When the next one has not answered in its time.
    pub(super) fn next_owed(&self) -> Option<Instant> {
        self.watched.values().filter_map(|watched| watched.owed).min()
    }

    /// Nexthops that aren't resolved.
    pub(super) fn unresolved(&self) -> Vec<UnresolvedNexthop> {
        self.watched.values().filter_map(Watched::unresolved).collect()
    }

    /// True while a nexthop may still be resolved without anybody's doing: it is being asked for.
    pub(super) fn is_resolving(&self) -> bool {
        let waits = |watched: &Watched| {
            matches!(watched.reach, None | Some(Reach::Unresolved(Unresolved::NoAnswer { .. })))
        };
        self.watched.values().any(waits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::live::plant::LivePort;
    use evenkeel_nexthop::PortId;
    use std::path::Path;

    const MAC: Mac = Mac([2, 0, 0, 0, 2, 1]);

    /// Groups a and b; s1 in both, s2 behind the second interface, s3 with a MAC.
    fn desired() -> Desired {
        let text = r#"
            interface = [{ name = "eth0" }, { name = "eth1" }]
            [[service]]
            name = "web"
            vip = "192.0.2.10"
            protocol = "tcp"
            group = "a"
            [[group]]
            name = "a"
            nexthop = [
                { name = "s1", address = "198.51.100.1" },
                { name = "s2", address = "198.51.100.2", interface = "eth1" },
                { name = "s3", address = "198.51.100.3", mac = "02:00:00:00:02:03" },
            ]
            [[group]]
            name = "b"
            nexthop = [{ name = "x", address = "198.51.100.1" }]
        "#;
        let config = Config::parse(Path::new("test.toml"), text).unwrap();
        config.desired(vec![Mac([2, 0, 0, 0, 1, 1]), Mac([2, 0, 0, 0, 1, 2])]).unwrap()
    }

    fn watched() -> Nexthops {
        let mut nexthops = Nexthops::default();
        nexthops.update(&desired(), &ports());
        nexthops
    }

    /// eth0 is the kernel's 11, eth1 its 12.
    fn ports() -> Ports {
        let port = |index: u16| LivePort {
            port: PortId(index),
            name: format!("eth{index}"),
            ifindex: 11 + u32::from(index),
            mac: Mac::default(),
        };
        Ports::new(vec![port(0), port(1)])
    }

    fn target(address: &str, ifindex: Option<u32>, mac: Option<Mac>) -> Target {
        Target { address: address.parse().unwrap(), ifindex, mac }
    }

    fn s1() -> Target {
        target("198.51.100.1", None, None)
    }

    fn no_answer() -> Reach {
        Reach::Unresolved(Unresolved::NoAnswer { name: "eth0".into() })
    }

    fn lines(unresolved: &[UnresolvedNexthop]) -> Vec<String> {
        unresolved.iter().map(|one| one.nexthop.to_string()).collect()
    }

    #[test]
    fn a_server_in_two_groups_is_one_nexthop() {
        let nexthops = watched();
        let s2 = target("198.51.100.2", Some(12), None);
        let s3 = target("198.51.100.3", None, Some(Mac([2, 0, 0, 0, 2, 3])));
        assert_eq!(nexthops.targets(), [s1(), s2, s3].into());
        let names = ["a/s1, b/x (198.51.100.1)", "a/s2 (198.51.100.2)", "a/s3 (198.51.100.3)"];
        assert_eq!(lines(&nexthops.unresolved()), names);
    }

    #[test]
    fn what_is_known_outlasts_an_update() {
        let mut nexthops = watched();
        nexthops.answer(&s1(), &Reach::Resolved { ifindex: 11, mac: MAC }, Instant::now());
        nexthops.update(&desired(), &ports());
        assert_eq!(lines(&nexthops.unresolved()).len(), 2);
        let before = nexthops.answer(&s1(), &no_answer(), Instant::now()).unwrap();
        assert_eq!(before.last_mac, Some(MAC));
        assert!(
            nexthops.take_owed(Instant::now() + GRACE).is_empty(),
            "it did answer: told at once, not later"
        );
    }

    #[test]
    fn a_new_nexthop_that_does_not_answer_is_told_once_after_its_time() {
        let (mut nexthops, now) = (watched(), Instant::now());
        nexthops.answer(&s1(), &no_answer(), now);
        assert!(nexthops.is_owed(&s1()));
        assert_eq!(nexthops.next_owed(), Some(now + GRACE));
        assert!(nexthops.take_owed(now).is_empty());
        let (_, owed): (Vec<_>, Vec<_>) = nexthops.take_owed(now + GRACE).into_iter().unzip();
        assert_eq!(lines(&owed), ["a/s1, b/x (198.51.100.1)"]);
        assert!(nexthops.take_owed(now + GRACE).is_empty());
    }

    #[test]
    fn only_missing_answers_are_waited_for() {
        let mut nexthops = watched();
        let now = Instant::now();
        for target in nexthops.targets() {
            assert!(nexthops.is_resolving());
            nexthops.answer(&target, &Reach::Unresolved(Unresolved::NoRoute), now);
        }
        assert!(!nexthops.is_resolving());
        nexthops.answer(&s1(), &no_answer(), now);
        assert!(nexthops.is_resolving());
        nexthops.answer(&s1(), &Reach::Resolved { ifindex: 11, mac: MAC }, now);
        assert!(!nexthops.is_resolving());
    }
}
