//! The packets that a worker takes at once, stage by stage, and the fragments that it holds from one burst to the next.

use super::WorkerSpec;
use super::elsewhere::{self, Aside};
use crate::flow_table::{FlowTable, Guess, Link, Shard};
use crate::fragments::{Fates, HELD_CAPACITY, Held};
use crate::port::{PortIo, Received};
use crate::prefetch;
use crate::verdict::Verdict;
use crate::walk::egress::{Leaving, Toll, leave};
use crate::walk::lookup::Key;
use crate::walk::parse::parse;
use crate::walk::{Decision, Judged, Lookup, Matter, Table, Task, Tasks, View, fragment};
use evenkeel_packet::FragmentKey;

/// A burst on its way through the stages. All of its memory is there from the start.
pub(super) struct Burst<F> {
    pub(super) received: Vec<Received<F>>,
    tasks: Tasks,
    /// By hash of the tasks: where the flow may be.
    guesses: Vec<Guess>,
    links: Vec<Link>,
    pub(super) leaving: Vec<Leaving<F>>,
    pub(super) aside: Vec<Aside<F>>,
    fates: Fates,
    held: Held<F, Judged>,
}

/// Whether held fragments may go on waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Kept,
    Over,
}

impl<F> Burst<F> {
    /// For at most `len` packets at once.
    pub(super) fn new(len: usize) -> Self {
        Self {
            received: Vec::with_capacity(len),
            tasks: Tasks::new(len),
            guesses: Vec::with_capacity(len),
            links: Vec::with_capacity(len),
            leaving: Vec::with_capacity(len + HELD_CAPACITY),
            aside: Vec::with_capacity(elsewhere::MOST_ASIDE),
            fates: Fates::new(),
            held: Held::new(),
        }
    }

    /// Frames held: fragments that wait for their first.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Brings in the headers of every packet.
    pub(super) fn prefetch_frames<P: PortIo<Frame = F>>(&self, io: &P) {
        for received in &self.received {
            prefetch::line(io.bytes(&received.frame).as_ptr());
        }
    }

    /// Parses and classifies every packet, and begins to bring in what its look-up will touch.
    pub(super) fn parse<P: PortIo<Frame = F>>(
        &mut self,
        view: &View<'_>,
        io: &P,
        table: &FlowTable,
        shard: &Shard<'_>,
    ) {
        self.tasks.clear();
        for received in &self.received {
            parse(io, received, view, (table, shard), &mut self.tasks);
        }
    }

    /// Brings in the links of all look-ups, then their flows.
    pub(super) fn prefetch(&mut self, shard: &Shard<'_>) {
        self.guesses.clear();
        self.guesses.extend(self.tasks.hashes.iter().map(|&hash| shard.guess(hash)));
        self.links.clear();
        self.links.extend(self.guesses.iter().map(|&guess| shard.prefetch_flow(guess)));
    }

    /// Decides on every packet: it leaves, is held, or is put aside.
    pub(super) fn decide(&mut self, stage: &mut Table<'_, '_>) {
        let mut received = std::mem::take(&mut self.received);
        let tasks = std::mem::take(&mut self.tasks.all);
        let links = std::mem::take(&mut self.links);
        let mut next_link = links.iter().copied();
        let mut guess = || next_link.next().unwrap_or(Link::NONE);
        for (received, task) in received.drain(..).zip(&tasks) {
            match task {
                Task::Settled(verdict) => self.leave(received, *verdict, 0),
                Task::Flow4(lookup) => self.flow(stage, lookup, guess(), received),
                Task::Flow6(lookup) => self.flow(stage, lookup, guess(), received),
                Task::Winding(place) => {
                    if let Some(&judged) = self.tasks.few.get(usize::from(*place)) {
                        self.wind(stage, received, judged);
                    }
                }
            }
        }
        (self.received, self.tasks.all, self.links) = (received, tasks, links);
    }

    #[inline]
    fn flow<K: Key>(
        &mut self,
        stage: &mut Table<'_, '_>,
        lookup: &Lookup<K>,
        guess: Link,
        received: Received<F>,
    ) {
        let link = lookup.key.look_up(stage.shard, guess, lookup.hash);
        match stage.flow(lookup, link, received.wire_len) {
            Some(verdict) => self.leave(received, verdict, lookup.l3_offset),
            None => self.put_aside(stage, received, lookup.judged()),
        }
    }

    /// Decides on one of the few.
    pub(super) fn wind(&mut self, stage: &mut Table<'_, '_>, received: Received<F>, judged: Judged) {
        match stage.decide(&judged, received.wire_len, &self.fates) {
            Decision::Settled(verdict) => self.settle(stage.view, received, &judged, verdict),
            Decision::Hold(key) => self.hold(stage.view, key, received, judged),
            Decision::SearchElsewhere => self.put_aside(stage, received, judged),
        }
    }

    /// The packet's verdict is known. If it is a first fragment, those that waited for it leave before it, and those to
    /// come will follow.
    pub(super) fn settle(
        &mut self,
        view: &View<'_>,
        received: Received<F>,
        judged: &Judged,
        verdict: Verdict,
    ) {
        if let Some(key) = judged.first_of {
            self.fates.note(key, verdict, view.now_ms);
            while let Some((received, waiting)) = self.held.release(&key) {
                self.leave(received, verdict, waiting.l3_offset);
            }
        }
        self.leave(received, verdict, judged.l3_offset);
    }

    #[inline]
    fn leave(&mut self, received: Received<F>, verdict: Verdict, l3_offset: u8) {
        self.leaving.push(Leaving { received, verdict, l3_offset });
    }

    fn hold(&mut self, view: &View<'_>, key: FragmentKey, received: Received<F>, judged: Judged) {
        if let Err((received, judged)) = self.held.hold(key, received, judged, view.now_ms) {
            self.leave(received, fragment::by_addresses(view, &key), judged.l3_offset);
        }
    }

    /// Fragments that have waited long enough, or at the end all of them, go by addresses.
    pub(super) fn release_overdue(&mut self, view: &View<'_>, patience: Patience) {
        while let Some((received, judged)) = match patience {
            Patience::Kept => self.held.release_overdue(view.now_ms),
            Patience::Over => self.held.release_any(),
        } {
            let Matter::LaterFragment(key) = judged.matter else { continue };
            self.leave(received, fragment::by_addresses(view, &key), judged.l3_offset);
        }
    }

    /// Sends every packet that is decided on its way.
    pub(super) fn send<P: PortIo<Frame = F>>(&mut self, view: &View<'_>, io: &mut P, spec: &WorkerSpec) {
        let mut toll = Toll::default();
        for leaving in self.leaving.drain(..) {
            leave(io, leaving, view.snapshot, &spec.counters, &mut toll);
        }
        toll.pay(&spec.counters);
    }
}
