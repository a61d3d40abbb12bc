//! The control thread: the one owner of everything that changes.

use super::apply::Done;
use super::change::{Applied, Change, Changed};
use super::client::Command;
use super::event::{LiveEvent, UnresolvedNexthop};
use super::flows::Meaning;
use super::log::Log;
use super::memory::Writer;
use super::news::Drained;
use super::nexthops::Nexthops;
use super::plant::Plant;
use super::ports::Ports;
use super::rates::Sampler;
use super::refusal::Refusal;
use crate::config::Config;
use evenkeel_dataplane::{Totals, WorkerCounters};
use evenkeel_nexthop::{Desired, Liveness, MemberInfo, Snapshot};
use evenkeel_routing::{Routing, RoutingError};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::time::sleep_until;

/// Most commands that are obeyed before a snapshot shows what they did.
const BURST: usize = 64;

/// What the control thread owns.
pub(super) struct Control {
    pub(super) config: Config,
    pub(super) desired: Desired,
    pub(super) ports: Ports,
    pub(super) liveness: Arc<Liveness>,
    /// Of the workers, by number.
    pub(super) workers: Vec<Arc<WorkerCounters>>,
    pub(super) plant: Box<dyn Plant>,
    pub(super) publish: Box<dyn FnMut(Snapshot) + Send>,
    pub(super) log: Log,
    pub(super) routing: Routing,
    pub(super) nexthops: Nexthops,
    /// Instant 0 of all milliseconds, the workers' too.
    pub(super) epoch: Instant,
    pub(super) retry_routing: Option<Instant>,
    pub(super) waiting: Vec<(Instant, oneshot::Sender<Vec<UnresolvedNexthop>>)>,
    /// The snapshot that workers see.
    pub(super) published: Snapshot,
    pub(super) sampler: Sampler,
    pub(super) owed: Owed,
    pub(super) drained: Drained,
    /// Of the ids at the generation for which it was asked last.
    pub(super) meaning: Option<Arc<Meaning>>,
    /// Deadlines that operators gave to removals, in milliseconds from then, by group and address.
    pub(super) asked_deadlines: HashMap<(String, IpAddr), u64>,
    /// The snapshot at which static pins were last looked at.
    pub(super) pins_seen: u64,
    /// None if nothing is to be remembered.
    pub(super) writer: Option<Writer>,
}

/// What is in the desired state and no snapshot shows yet.
#[derive(Default)]
pub(super) struct Owed {
    is_changed: bool,
    /// Members may have come or gone.
    is_peopled: bool,
    /// Group and nexthop of each change that is to be answered.
    members: HashSet<(String, String)>,
    answers: Vec<(Applied, oneshot::Sender<Result<Changed, Refusal>>)>,
    news: Vec<LiveEvent>,
}

/// What woke the thread.
enum Wake {
    Command(Option<Command>),
    Routing(Result<(), RoutingError>),
    Deadline,
}

impl Control {
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
                Wake::Command(Some(command)) => self.obey(command, &mut commands),
                Wake::Command(None) => return,
                Wake::Routing(due) => self.follow_routing(due).await,
                Wake::Deadline => {}
            }
            self.expire();
            self.expire_pins();
            self.tell_owed();
            self.answer_waiting();
            if self.sampler.sample(&self.workers, self.published.member_count(), Instant::now()) {
                self.tell_drained();
            }
        }
    }

    /// Obeys a command, and those that came with it, in one snapshot.
    fn obey(&mut self, command: Command, commands: &mut UnboundedReceiver<Command>) {
        command(self);
        for _ in 1..BURST {
            let Ok(command) = commands.try_recv() else { break };
            command(self);
        }
        self.flush();
    }

    /// Does a batch of changes; the answer follows when a snapshot shows it.
    pub(super) fn change(&mut self, changes: Vec<Change>, answer: oneshot::Sender<Result<Changed, Refusal>>) {
        match self.apply_batch(changes) {
            Ok(applied) => {
                self.owed.members.extend(applied.members());
                self.owed.answers.push((applied, answer));
            }
            Err(refusal) => {
                self.tell(&LiveEvent::refused("change", &refusal));
                // an asker that has gone needs no answer
                let _ = answer.send(Err(refusal));
            }
        }
    }

    /// Notes what a batch did until it is published.
    pub(super) fn note_changes(&mut self, changes: &[Change], done: &[Done], news: Vec<LiveEvent>) {
        self.owed.is_changed = true;
        self.owed.news.extend(news);
        for (change, _) in changes.iter().zip(done).filter(|(_, done)| **done == Done::Something) {
            self.owed.is_peopled |= change.verb.is_about_membership();
            self.note_deadline(change);
        }
    }

    /// Notes a change of something else than members until it is published.
    pub(super) fn note_news(&mut self, event: LiveEvent) {
        self.owed.is_changed = true;
        self.owed.news.push(event);
    }

    /// True if an answer that is owed speaks of the same member.
    pub(super) fn is_owed(&self, change: &Change) -> bool {
        !self.owed.members.is_empty()
            && self.owed.members.contains(&(change.group.clone(), change.nexthop.clone()))
    }

    /// Publishes what the desired state has more than the last snapshot, and gives the answers that waited for it.
    pub(super) fn flush(&mut self) {
        let Owed { is_changed, is_peopled, answers, news, .. } = std::mem::take(&mut self.owed);
        if is_changed {
            self.publish();
            self.remember();
        }
        news.iter().for_each(|event| self.tell(event));
        for (applied, answer) in answers {
            // an asker that has gone needs no answer
            let _ = answer.send(Ok(self.changed(&applied)));
        }
        // takes its time where there are many, and is nothing that workers wait for
        if is_peopled {
            self.watch_nexthops();
        }
    }

    fn note_deadline(&mut self, change: &Change) {
        let Ok(member) = self.desired.named(&change.group, &change.nexthop) else { return };
        let key = (change.group.clone(), member.address);
        match change.verb.asked_deadline_ms() {
            Some(asked_ms) if member.removed_at_ms.is_some() => self.asked_deadlines.insert(key, asked_ms),
            _ => self.asked_deadlines.remove(&key),
        };
    }

    /// The deadline that an operator gave the removal of a member.
    pub(super) fn asked_deadline_ms(&self, member: &MemberInfo<'_>) -> Option<u64> {
        self.asked_deadlines.get(&(member.group.to_owned(), member.address)).copied()
    }

    /// Removes what is over.
    fn expire(&mut self) {
        let now_ms = self.now_ms();
        if self.desired.next_deadline_ms().is_none_or(|at_ms| at_ms > now_ms) {
            return;
        }
        let is_over = |member: &MemberInfo<'_>| member.removed_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        let over = self.desired.members().filter(is_over);
        let over = over.map(|member| (member.group.to_owned(), member.name.to_owned(), member.address));
        let over: Vec<_> = over.collect();
        self.desired.expire_removals(now_ms);
        self.publish();
        self.watch_nexthops();
        self.remember();
        for (group, name, address) in over {
            self.tell(&LiveEvent::Removed { member: format!("{group}/{name}") });
            self.asked_deadlines.remove(&(group, address));
        }
    }

    pub(super) fn watch_nexthops(&mut self) {
        self.nexthops.update(&self.desired, &self.ports);
        self.routing.set_targets(self.nexthops.targets());
    }

    pub(super) fn publish(&mut self) {
        self.recycle();
        let snapshot = self.desired.snapshot(&self.liveness);
        self.published = snapshot.clone();
        (self.publish)(snapshot);
    }

    /// Forgets members that are gone for long, if there are many.
    fn recycle(&mut self) {
        let (now_ms, workers) = (self.now_ms(), &self.workers);
        let forgotten = self.desired.recycle(now_ms, |id| Totals::of_member(workers, id).flows_live);
        for id in forgotten {
            workers.iter().for_each(|worker| worker.forget(id));
        }
    }

    fn answer_waiting(&mut self) {
        let now = Instant::now();
        let is_over = !self.nexthops.is_resolving();
        for (until, answer) in std::mem::take(&mut self.waiting) {
            if is_over || until <= now {
                let _ = answer.send(self.nexthops.unresolved());
            } else {
                self.waiting.push((until, answer));
            }
        }
    }

    /// When something is to be done though nothing happens.
    fn next_deadline(&self) -> Instant {
        let at = |ms| self.epoch + Duration::from_millis(ms);
        let removal = self.desired.next_deadline_ms().map(at);
        let pin = self.desired.next_pin_end_ms().map(at);
        let waiting = self.waiting.iter().map(|(until, _)| *until);
        waiting
            .chain(removal)
            .chain(pin)
            .chain(self.nexthops.next_owed())
            .fold(self.sampler.due(), Instant::min)
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Waits until routing is worth a look; after an error, until it is time to try again.
async fn due(routing: &mut Routing, retry: Option<Instant>) -> Result<(), RoutingError> {
    let Some(retry) = retry else { return routing.due().await };
    sleep_until(retry.into()).await;
    routing.reopen()
}
