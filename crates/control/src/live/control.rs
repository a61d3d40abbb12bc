//! The control thread: owns the desired state, follows routing, publishes snapshots.

use super::event::{LiveEvent, UnresolvedNexthop};
use super::nexthops::{Nexthops, Watched, port_of};
use super::reload::{ReloadError, Summary, fixed_differences};
use crate::config::Config;
use evenkeel_nexthop::{Adjacency, Desired, Liveness, NexthopId, PortId, Snapshot};
use evenkeel_packet::Mac;
use evenkeel_routing::{Change, Link, Reach, Routing, RoutingError, Target};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep_until;

/// Until routing is tried again after an error.
const ROUTING_RETRY: Duration = Duration::from_secs(1);

/// What the control thread is asked for. An answer that nobody waits for is lost.
pub(super) enum Command {
    /// Take up another configuration.
    Reload(Box<Config>, SyncSender<Result<Summary, ReloadError>>),
    /// Copy the desired state.
    Desired(SyncSender<Desired>),
    /// Say what is unresolved as soon as nothing is being asked for any more, at the instant at the latest.
    Unresolved(Instant, SyncSender<Vec<UnresolvedNexthop>>),
}

/// What the control thread owns.
pub(super) struct Control<P, E> {
    pub(super) config: Config,
    pub(super) desired: Desired,
    /// Interface numbers by [`PortId`].
    pub(super) ports: Vec<u32>,
    pub(super) source_macs: Vec<Mac>,
    pub(super) liveness: Arc<Liveness>,
    pub(super) publish: P,
    pub(super) events: E,
    pub(super) routing: Routing,
    pub(super) nexthops: Nexthops,
    /// Instant 0 of the deadlines.
    pub(super) epoch: Instant,
    pub(super) retry_routing: Option<Instant>,
    pub(super) waiting: Vec<(Instant, SyncSender<Vec<UnresolvedNexthop>>)>,
}

/// What woke the thread.
enum Wake {
    Command(Option<Command>),
    Routing(Result<(), RoutingError>),
    Deadline,
}

impl<P: FnMut(Snapshot), E: FnMut(LiveEvent)> Control<P, E> {
    /// Works until nobody can send commands any more. Dropping the future is the other way to end it.
    pub(super) async fn serve(&mut self, mut commands: UnboundedReceiver<Command>) {
        self.watch_nexthops();
        loop {
            let deadline = self.next_deadline();
            let wake = tokio::select! {
                biased;
                due = due(&mut self.routing, self.retry_routing) => Wake::Routing(due),
                command = commands.recv() => Wake::Command(command),
                () = sleep_until(deadline.into()) => Wake::Deadline,
            };
            match wake {
                Wake::Command(Some(command)) => self.obey(command),
                Wake::Command(None) => return,
                Wake::Routing(due) => self.follow_routing(due).await,
                Wake::Deadline => self.expire(),
            }
            self.tell_owed();
            self.answer_waiting();
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Reload(config, answer) => drop(answer.send(self.reload(*config))),
            Command::Desired(answer) => drop(answer.send(self.desired.clone())),
            Command::Unresolved(until, answer) => self.waiting.push((until, answer)),
        }
    }

    fn reload(&mut self, config: Config) -> Result<Summary, ReloadError> {
        let differences = fixed_differences(&self.config, &config);
        if !differences.is_empty() {
            return Err(ReloadError::Fixed(differences));
        }
        let (services, groups) = (config.services.clone(), config.groups.clone());
        let now_ms = self.now_ms();
        let changes = self.desired.reconcile(services.clone(), groups, now_ms, config.remove_ms)?;
        self.desired.set_remove_deadline_ms(config.remove_ms);
        self.config = config;
        self.watch_nexthops();
        self.publish();
        let summary = Summary { changes, services };
        (self.events)(LiveEvent::Reloaded(summary.clone()));
        Ok(summary)
    }

    /// Removes what is over.
    fn expire(&mut self) {
        let present = |desired: &Desired| -> Vec<_> {
            let members = desired.members().filter(|member| !member.gone);
            members.map(|member| (member.id, format!("{}/{}", member.group, member.name))).collect()
        };
        let before = present(&self.desired);
        let now_ms = self.now_ms();
        if !self.desired.expire_removals(now_ms) {
            return;
        }
        self.watch_nexthops();
        self.publish();
        let after = present(&self.desired);
        let removed = before.into_iter().filter(|member| !after.contains(member));
        (self.events)(LiveEvent::Removed { members: removed.map(|(_, name)| name).collect() });
    }

    async fn follow_routing(&mut self, due: Result<(), RoutingError>) {
        let refreshed = match due {
            Ok(()) => self.routing.refresh().await,
            Err(error) => Err(error),
        };
        match refreshed {
            Ok(changes) => {
                if self.retry_routing.take().is_some() {
                    (self.events)(LiveEvent::RoutingBack);
                }
                self.follow(changes);
            }
            Err(error) => {
                if self.retry_routing.replace(Instant::now() + ROUTING_RETRY).is_none() {
                    (self.events)(LiveEvent::RoutingLost(error));
                }
            }
        }
    }

    /// Brings what routing found into effect: what is down by one store each at once, all else by the next snapshot.
    fn follow(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        for change in &changes {
            if let Change::Reach { target, reach: Reach::Unresolved(_) } = change
                && let Some(id) = self.nexthops.at(target)
            {
                self.liveness.set(id, false);
            }
        }
        let mut news = Vec::new();
        for change in changes {
            match change {
                Change::Link { ifindex, before, after } => {
                    self.follow_link(ifindex, before, after, &mut news);
                }
                Change::Reach { target, reach } => {
                    if let Some(before) = self.nexthops.answer(&target, &reach, Instant::now()) {
                        self.follow_reach(before.id, &reach);
                        news.extend(self.news(&target, before, &reach));
                    }
                }
            }
        }
        self.publish();
        news.into_iter().for_each(&mut self.events);
    }

    /// A nexthop may be set up before the snapshot that says how to reach it is published: none before it does.
    fn follow_reach(&mut self, id: NexthopId, reach: &Reach) {
        let adjacency = match reach {
            Reach::Resolved { ifindex, mac } => self.adjacency(*ifindex, *mac),
            Reach::Unresolved(_) => None,
        };
        self.desired.set_adjacency(id, adjacency);
        self.liveness.set(id, adjacency.is_some());
    }

    fn adjacency(&self, ifindex: u32, destination: Mac) -> Option<Adjacency> {
        let port = port_of(&self.ports, ifindex)?;
        Some(Adjacency { port, source: *self.source_macs.get(port.index())?, destination })
    }

    fn follow_link(
        &mut self,
        ifindex: u32,
        before: Option<Link>,
        after: Option<Link>,
        news: &mut Vec<LiveEvent>,
    ) {
        let Some(after) = after else {
            news.extend(before.map(|before| LiveEvent::LinkGone { interface: before.name }));
            return;
        };
        let interface = after.name.clone();
        if before.as_ref().map(Link::is_up) != Some(after.is_up()) {
            news.push(LiveEvent::Link { interface: interface.clone(), is_up: after.is_up() });
        }
        let port = port_of(&self.ports, ifindex);
        let (Some(port), Some(mac)) = (port, after.mac) else { return };
        if self.source_macs.get(port.index()) != Some(&mac) {
            self.set_source_mac(port, mac);
            news.push(LiveEvent::LinkMac { interface, mac });
        }
    }

    fn set_source_mac(&mut self, port: PortId, mac: Mac) {
        if let Some(source) = self.source_macs.get_mut(port.index()) {
            *source = mac;
        }
        self.desired.set_port_mac(port, mac);
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

    fn watch_nexthops(&mut self) {
        self.nexthops.update(&self.desired, &self.ports);
        self.routing.set_targets(self.nexthops.targets());
    }

    fn publish(&mut self) {
        let snapshot = self.desired.snapshot(&self.liveness);
        (self.publish)(snapshot);
    }

    fn tell_owed(&mut self) {
        let owed = self.nexthops.take_owed(Instant::now());
        owed.into_iter().map(LiveEvent::Unresolved).for_each(&mut self.events);
    }

    fn answer_waiting(&mut self) {
        let now = Instant::now();
        let is_over = !self.nexthops.is_resolving();
        let nexthops = &self.nexthops;
        self.waiting.retain(|(until, answer)| {
            let answers = is_over || *until <= now;
            if answers {
                drop(answer.send(nexthops.unresolved()));
            }
            !answers
        });
    }

    /// When something is to be done though nothing happens; far away if nothing is.
    fn next_deadline(&self) -> Instant {
        let removal = self.desired.next_deadline_ms().map(|ms| self.epoch + Duration::from_millis(ms));
        let waiting = self.waiting.iter().map(|(until, _)| *until);
        let far = Instant::now() + Duration::from_secs(3600);
        waiting.chain(removal).chain(self.nexthops.next_owed()).fold(far, Instant::min)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Waits until routing is worth a look; after an error, until it is time to try again.
async fn due(routing: &mut Routing, retry: Option<Instant>) -> Result<(), RoutingError> {
    let Some(retry) = retry else { return routing.due().await };
    sleep_until(retry.into()).await;
    routing.reopen()
}
