//! A run: changes one after the other, and traffic after each, held against the model.

use crate::Size;
use crate::another_box;
use crate::changes::{self, Step};
use crate::flows::{Arrival, Client, Counts, Signal, State};
use crate::frames::Frames;
use crate::model::{Member, Model, group_number};
use crate::rig::Rig;
use crate::world::{self, GROUPS, TARGETS};
use evenkeel_dataplane::{DropReason, FlowTotals, PacketTotals, Totals};
use evenkeel_nexthop::Verb;
use fastrand::Rng;

/// A client sends within so many changes.
const MOST_QUIET: u8 = 10;
/// Places in the table by which the NIC spreads flows over workers.
const SPREADS: usize = 64;
/// Some of the workers' clock is 32 bits wide: it turns over soon after the beginning.
const BEGIN_MS: u64 = (1 << 32) - 20_000;

pub(crate) struct Run {
    size: Size,
    random: Rng,
    now_ms: u64,
    model: Model,
    rig: Rig,
    frames: Frames,
    counts: Counts,
    /// Clients that send, and those that have gone silent and whose flows fade.
    clients: Vec<Client>,
    silent: Vec<Client>,
    next_client: u32,
    sent: u64,
    settled: u64,
    /// The change that was made last, and its number.
    last: (u32, String),
    /// By place, the worker.
    workers: [u8; SPREADS],
}

impl Run {
    pub(crate) fn new(size: Size, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let hash_seed = random.u64(..);
        let mut run = Self {
            size,
            random,
            now_ms: BEGIN_MS,
            model: Model::new(hash_seed, 0),
            rig: Rig::new(hash_seed, size.workers, size.flows as usize),
            frames: Frames::new(),
            counts: Counts::default(),
            clients: Vec::new(),
            silent: Vec::new(),
            next_client: 0,
            sent: 0,
            settled: 0,
            last: (0, String::new()),
            workers: [0; SPREADS],
        };
        run.spread();
        run.clients = (0..size.flows).map(|_| run.client()).collect();
        run
    }

    /// Runs to the end; panics where the box does something else than the model.
    pub(crate) fn run(mut self) -> Counts {
        let (services, groups) = changes::configuration(&mut self.random, &[]);
        self.change(&Step::Reload { services, groups, remove_ms: 20_000 });
        for change in 0..self.size.changes {
            self.check_buckets();
            if change % 64 == 0 {
                another_box::check(&mut self.random, &self.model, &self.rig);
            }
            self.traffic();
            self.check_counts();
            self.check_pins();
            self.pass_time();
            let step = Step::random(&mut self.random, &self.model, self.next_client);
            self.last = (change + 1, format!("{step:?}"));
            self.change(&step);
        }
        self.check_members();
        self.counts
    }

    fn pass_time(&mut self) {
        self.now_ms += match self.random.u16(..) {
            // all that say little are over
            0..100 => 35_000,
            100..1000 => 10_000,
            // multiples of a part of all timeouts, so that some packets come in the very moment
            _ => 200 * self.random.u64(0..3),
        };
        self.model.expire(self.now_ms);
        self.model.assign();
        let is_due = |at_ms: Option<u64>| at_ms.is_some_and(|at_ms| at_ms <= self.now_ms);
        let (removal, pin) = (self.rig.desired.next_deadline_ms(), self.rig.desired.next_pin_end_ms());
        let (is_removal_due, is_pin_due) = (is_due(removal), is_due(pin));
        assert_eq!(self.rig.desired.expire_removals(self.now_ms), is_removal_due);
        let pins = self.rig.expire_pins(self.now_ms);
        assert_eq!(pins, self.model.expire_pins(self.now_ms), "pins that have ended");
        assert!(is_pin_due || pins == 0, "a pin has ended before it was due");
        if is_removal_due || pins > 0 {
            self.rig.publish();
        }
    }

    fn change(&mut self, step: &Step) {
        let mut is_shown = true;
        match step {
            Step::Verb(change) => {
                let done = self.rig.desired.apply(change, self.now_ms, &self.rig.liveness);
                let expected = self.model.apply(change, self.now_ms);
                assert_eq!(done.is_ok(), expected.is_ok(), "{change:?}: {done:?}");
                // liveness is seen at once; the snapshot that writes it into the buckets may come later
                is_shown = !matches!(change.verb, Verb::Down | Verb::Up) || self.random.bool();
            }
            Step::Reload { services, groups, remove_ms } => {
                self.rig.desired.set_remove_deadline_ms(*remove_ms);
                self.model.remove_ms = *remove_ms;
                let done =
                    self.rig.desired.reconcile(services.clone(), groups.clone(), self.now_ms, *remove_ms);
                done.expect("a good configuration");
                self.model.reload(services.clone(), groups.clone(), self.now_ms);
            }
            Step::Neighbour { server, port } => {
                self.model.neighbours[usize::from(*server)] = *port;
            }
            Step::Spread => self.spread(),
            Step::Pin(spec) => {
                let done = self.rig.desired.pin(spec, self.now_ms);
                let expected = self.model.pin(spec, self.now_ms);
                assert_eq!(done.clone().ok(), expected.ok(), "{spec:?}: {done:?}");
            }
            Step::Unpin { group, matches } => {
                let expected = self.model.pins.remove(group_number(group), matches);
                assert_eq!(self.rig.desired.unpin(group, matches), expected, "{matches:?}");
            }
        }
        // a pin goes with its nexthop
        assert_eq!(self.rig.expire_pins(self.now_ms), self.model.expire_pins(self.now_ms));
        for server in (0..world::SERVERS).filter(|&server| world::is_learned(server)) {
            self.rig.set_neighbour(server, self.model.neighbours[usize::from(server)]);
        }
        self.model.assign();
        if is_shown {
            self.rig.publish();
        }
    }

    fn spread(&mut self) {
        let (random, workers) = (&mut self.random, self.size.workers);
        for place in &mut self.workers {
            if random.bool() {
                *place = random.u8(0..workers);
            }
        }
    }

    fn client(&mut self) -> Client {
        self.next_client += 1;
        Client::new(self.next_client, self.random.u8(0..TARGETS.len() as u8))
    }

    /// A random tenth of the clients sends, and those that have not for as long as allowed.
    fn traffic(&mut self) {
        for number in 0..self.clients.len() {
            let client = &mut self.clients[number];
            client.quiet += 1;
            if client.quiet < MOST_QUIET && self.random.u8(0..10) > 0 {
                client.expire(self.now_ms, &mut self.counts);
            } else {
                self.send(number);
            }
        }
        settle(&mut self.rig, self.now_ms, &mut self.clients, &mut self.settled);
        assert_eq!(self.sent, self.settled, "frames are lost");
        for client in &mut self.silent {
            client.expire(self.now_ms, &mut self.counts);
        }
        self.silent.retain(|client| client.entry.is_some());
    }

    /// A client, or the one that comes in its place, sends a packet.
    fn send(&mut self, number: usize) {
        if self.random.u8(..) == 0 {
            let newcomer = self.client();
            self.silent.push(std::mem::replace(&mut self.clients[number], newcomer));
        }
        let client = &mut self.clients[number];
        let worker = self.workers[spread(client.number)];
        let signal = signal(&mut self.random, client, worker);
        let arrival = Arrival { signal, worker, now_ms: self.now_ms };
        let fate = client.send(arrival, &mut self.model, &mut self.counts);
        (client.expected, client.quiet) = (Some((signal, fate)), 0);
        let frame = self.frames.frame(client.target, client.number, signal, number as u32);
        if !self.rig.put(worker, frame) {
            settle(&mut self.rig, self.now_ms, &mut self.clients, &mut self.settled);
            assert!(self.rig.put(worker, frame), "there is room again");
        }
        self.sent += 1;
    }

    /// What was sent in this change and by whom is as the model says.
    fn check_counts(&mut self) {
        let Totals { packets, flows, drops } = self.rig.totals(self.now_ms);
        let Counts { forwarded, punted, no_nexthop, .. } = self.counts;
        let dropped = no_nexthop;
        let received = self.sent;
        assert_eq!(packets, PacketTotals { received, forwarded, punted, dropped, held: 0 });
        assert_eq!(drops[DropReason::NoNexthop.index()], no_nexthop);
        let Counts { created, adopted, expired, closed, moved, live, .. } = self.counts;
        let (evicted, untracked_packets) = (0, 0);
        let expected = FlowTotals {
            created,
            adopted,
            expired,
            closed,
            evicted,
            moved,
            untracked_packets,
            live,
            ..flows
        };
        assert_eq!(flows, expected);
        assert_eq!(received, forwarded + punted + dropped);
        assert_eq!(created + adopted, expired + closed + evicted + live);
    }

    /// The static pins are those of the model, and what went by each.
    fn check_pins(&self) {
        let pins = self.rig.pins();
        assert_eq!(pins.len(), self.model.pins.list.len(), "pins");
        for ((info, totals), pin) in pins.iter().zip(&self.model.pins.list) {
            let member = &self.model.members[pin.member];
            let spec = &info.spec;
            assert_eq!((spec.matches, &spec.group[..]), (pin.matches, GROUPS[pin.group]));
            assert_eq!(spec.nexthop, member.name, "the member's name of today");
            assert_eq!(totals.packets, pin.packets, "packets by {spec:?}");
            assert_eq!(totals.used_ms, (pin.packets > 0).then_some(pin.used_ms), "{spec:?}");
        }
    }

    /// Every bucket of every group has the owner that the model computes, and its new flows go where the model says.
    fn check_buckets(&mut self) {
        let groups: Vec<String> = self.model.configured.iter().map(|group| group.name.clone()).collect();
        for group in groups {
            let (owners, takers) = self.rig.buckets(&group);
            assert!(owners == self.model.owners(&group), "the buckets of {group}");
            for (bucket, taker) in (0..).zip(takers) {
                let expected = self.model.taker(group_number(&group), bucket);
                let expected = expected.map(|number| self.model.members[number].address);
                assert_eq!(taker, expected, "who takes new flows of bucket {bucket} of {group}");
            }
        }
    }

    /// Every member got the packets that the model sent it.
    fn check_members(&self) {
        for info in self.rig.desired.members() {
            let is_it =
                |member: &&Member| GROUPS[member.group] == info.group && member.address == info.address;
            let member = self.model.members.iter().find(is_it).expect("the model has it");
            assert_eq!(self.rig.packets(info.id), member.packets, "{}/{}", info.group, info.name);
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("after change {}: {}", self.last.0, self.last.1);
        }
    }
}

/// The workers take what waits for them; all of it must be what the clients' models expected.
fn settle(rig: &mut Rig, now_ms: u64, clients: &mut [Client], settled: &mut u64) {
    rig.drain(now_ms, |number, fate| {
        let client = &mut clients[number as usize];
        let expected = client.expected.take();
        let is_right = expected.is_some_and(|(_, expected)| expected == fate);
        assert!(is_right, "{fate:?}, but expected of client {number} is {expected:?} {client:?}");
        *settled += 1;
    });
}

/// What a client sends, by what it has sent before.
fn signal(random: &mut Rng, client: &Client, worker: u8) -> Signal {
    let dice = random.u8(0..100);
    if !client.is_tcp() {
        let error = Signal::IcmpError;
        return if dice == 0 && error.is_possible(client.target) { error } else { Signal::Datagram };
    }
    // a SYN is looked for in the worker's own shard alone: clients don't open a flow anew while the NIC moves it
    let may_open = client.entry.is_none_or(|entry| entry.worker == worker);
    let open = match client.entry.map(|entry| entry.state) {
        None => 80,
        Some(State::Closing) => 50,
        Some(_) => 2,
    };
    match dice {
        0 => Signal::IcmpError,
        1 => Signal::Rst,
        2 | 3 => Signal::Fin,
        _ if may_open && dice < 4 + open => Signal::Syn,
        _ => Signal::Ack,
    }
}

/// Where the NIC looks up the worker of a client.
fn spread(client: u32) -> usize {
    (client.wrapping_mul(0x9e37_79b9) >> 16) as usize % SPREADS
}
