//! Following the kernel: links, and how nexthops are reached.

use super::control::Control;
use super::event::{LiveEvent, UnresolvedNexthop};
use super::nexthops::Watched;
use evenkeel_nexthop::{Adjacency, MemberInfo, NexthopId, PortId};
use evenkeel_packet::Mac;
use evenkeel_routing::{Change, Link, Reach, RoutingError, Target, Unresolved};
use std::time::{Duration, Instant};

/// Until routing is tried again after an error.
const ROUTING_RETRY: Duration = Duration::from_secs(1);

impl Control {
    pub(super) async fn follow_routing(&mut self, due: Result<(), RoutingError>) {
        let refreshed = match due {
            Ok(()) => self.routing.refresh().await,
            Err(error) => Err(error),
        };
        match refreshed {
            Ok(changes) => {
                if self.retry_routing.take().is_some() {
                    self.tell(&LiveEvent::RoutingBack);
                }
                self.follow(changes);
            }
            Err(error) => {
                if self.retry_routing.replace(Instant::now() + ROUTING_RETRY).is_none() {
                    self.tell(&LiveEvent::RoutingLost(error));
                }
            }
        }
    }

    /// Brings what routing found into effect: what is down by one store each at once, all else by the next snapshot.
    fn follow(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut is_changed = false;
        for change in &changes {
            if let Change::Reach { target, reach: reach @ Reach::Unresolved(_) } = change
                && let Some(id) = self.nexthops.at(target).filter(|_| !self.is_awaited(target, reach))
            {
                is_changed |= self.set_up(id, false);
            }
        }
        let (mut news, mut macs) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Link { ifindex, before, after } => {
                    macs.extend(self.follow_link(ifindex, before, after, &mut news));
                }
                Change::Reach { target, reach } => {
                    let is_awaited = self.is_awaited(&target, &reach);
                    if let Some(before) = self.nexthops.answer(&target, &reach, Instant::now()) {
                        is_changed |= !is_awaited && self.follow_reach(before.id, &reach);
                        news.extend(self.news(&target, before, &reach));
                    }
                }
            }
        }
        if is_changed || !macs.is_empty() {
            self.publish();
        }
        macs.into_iter().for_each(|(port, mac)| self.plant.set_own_mac(port, mac));
        news.iter().for_each(|event| self.tell(event));
    }

    /// True if nobody can have answered yet, of a nexthop that flows reach by the way that it had before a reload: that
    /// one holds until it has had the time to answer.
    fn is_awaited(&self, target: &Target, reach: &Reach) -> bool {
        let Some(id) = self.nexthops.at(target).filter(|_| self.nexthops.is_new(target)) else {
            return false;
        };
        let has_flows =
            |member: MemberInfo<'_>| member.nexthop == id && self.totals_of(member.id).flows_live > 0;
        matches!(reach, Reach::Unresolved(Unresolved::NoAnswer { .. }))
            && self.desired.adjacency(id).is_some()
            && self.desired.members().any(has_flows)
    }

    /// Gives up and tells the nexthops that have not answered in their time.
    pub(super) fn tell_owed(&mut self) {
        let owed = self.nexthops.take_owed(Instant::now());
        let mut is_changed = false;
        for (id, unresolved) in &owed {
            if unresolved.reason.is_some() {
                is_changed |= self.desired.set_adjacency(*id, None) | self.set_up(*id, false);
            }
        }
        if is_changed {
            self.publish();
        }
        owed.into_iter().for_each(|(_, unresolved)| self.tell(&LiveEvent::Unresolved(unresolved)));
    }

    /// A nexthop may be set up before the snapshot that says how to reach it is published: none before it does. True if
    /// something changed.
    fn follow_reach(&mut self, id: NexthopId, reach: &Reach) -> bool {
        let adjacency = match reach {
            Reach::Resolved { ifindex, mac } => self.adjacency(*ifindex, *mac),
            Reach::Unresolved(_) => None,
        };
        let is_moved = self.desired.set_adjacency(id, adjacency);
        self.set_up(id, adjacency.is_some()) || is_moved
    }

    /// One store. True if something changed.
    fn set_up(&self, id: NexthopId, is_up: bool) -> bool {
        let was_up = self.liveness.is_up(id);
        self.liveness.set(id, is_up);
        was_up != is_up
    }

    fn adjacency(&self, ifindex: u32, destination: Mac) -> Option<Adjacency> {
        let live = self.ports.of_ifindex(ifindex)?;
        Some(Adjacency { port: live.port, source: live.mac, destination })
    }

    /// Follows an interface; returns its own MAC if that is another one now.
    fn follow_link(
        &mut self,
        ifindex: u32,
        before: Option<Link>,
        after: Option<Link>,
        news: &mut Vec<LiveEvent>,
    ) -> Option<(PortId, Mac)> {
        let Some(after) = after else {
            news.extend(before.map(|before| LiveEvent::LinkGone { interface: before.name }));
            return None;
        };
        let interface = after.name.clone();
        if before.as_ref().map(Link::is_up) != Some(after.is_up()) {
            news.push(LiveEvent::Link { interface: interface.clone(), is_up: after.is_up() });
        }
        let (port, mac) = (self.ports.of_ifindex(ifindex)?.port, after.mac?);
        if !self.ports.set_mac(port, mac) {
            return None;
        }
        self.desired.open_port(port, mac);
        news.push(LiveEvent::LinkMac { interface, mac });
        Some((port, mac))
    }

    /// The line about an answer; none for a new nexthop that can't have answered yet.
    fn news(&self, target: &Target, before: Watched, reach: &Reach) -> Option<LiveEvent> {
        let nexthop = before.name;
        match reach {
            Reach::Resolved { ifindex, mac } => {
                let interface =
                    self.routing.link(*ifindex).map_or_else(String::new, |link| link.name.clone());
                let was = before.last_mac.filter(|was| was != mac);
                Some(LiveEvent::Resolved { nexthop, interface, mac: *mac, before: was })
            }
            Reach::Unresolved(_) if self.nexthops.is_owed(target) => None,
            Reach::Unresolved(reason) => {
                Some(LiveEvent::Unresolved(UnresolvedNexthop { nexthop, reason: Some(reason.clone()) }))
            }
        }
    }
}
