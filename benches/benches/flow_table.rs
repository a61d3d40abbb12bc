//! The flow table alone: look flows up and refresh them, a burst at a time as the worker does it. In turn with it the same
//! table on small pages, and dashmap as it comes.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use dashmap::DashMap;
use evenkeel_benches::clock::{cpu_time, median};
use evenkeel_benches::figures::{self, Row, has_room_for_10m, is_short};
use evenkeel_benches::frames::{Kind, permutation};
use evenkeel_benches::machine::table;
use evenkeel_dataplane::{FlowEntry, FlowState, FlowTable, Shard, WorkerCounters};
use evenkeel_nexthop::{MemberId, TimeoutSets, TimeoutsId};
use evenkeel_packet::FlowKey;
use std::hint::black_box;
use std::time::Duration;

const BURST: usize = 64;
/// Look-ups of one side before it is another's turn.
const STRETCH: usize = 1 << 16;
/// Flows, how they are called, and the room for them.
const SIZES: [(u32, &str, usize); 3] =
    [(65_536, "64k", 1 << 17), (1 << 20, "1M", 2 << 20), (10_000_000, "10M", 16 << 20)];

fn look_up(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("table");
    group.throughput(Throughput::Elements(1)).sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(800));
    let mut rows = Vec::new();
    for (family, kind) in [("ipv4", Kind::Tcp4), ("ipv6", Kind::Tcp6)] {
        for (flows, size, room) in SIZES.into_iter().take(if is_short() { 1 } else { SIZES.len() }) {
            let case = format!("{family}/{size}");
            if size != "10M" || has_room_for_10m(&case) {
                rows.extend(measure(&mut group, &case, kind, flows, room));
            }
        }
    }
    group.finish();
    figures::write("table", &rows);
}

fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    case: &str,
    kind: Kind,
    flows: u32,
    room: usize,
) -> Option<Row> {
    let mut sides = None;
    group.bench_function(case, |bencher| {
        let sides = sides.get_or_insert_with(|| Sides::new(kind, flows, room));
        bencher.iter_custom(|packets| sides.run(packets));
    });
    let rounds = sides.filter(|sides| !sides.rounds.is_empty())?.rounds;
    let of = |value: fn(&[f64; 3]) -> f64| median(rounds.iter().map(value));
    let note = "look up and refresh; baseline: dashmap as it comes, in turn";
    let row = Row::of(&format!("table/{case}"), note).beside(of(|ns| ns[2]), of(|ns| ns[2] / ns[0]));
    Some(row.with("small_pages_ns", of(|ns| ns[1])).with("by_small_pages", of(|ns| ns[1] / ns[0])))
}

/// The same flows three times, and the order in which they are looked up.
struct Sides {
    kind: Kind,
    order: Vec<u32>,
    at: usize,
    huge: Ours,
    small: Ours,
    plain: DashMap<FlowKey, FlowEntry, ahash::RandomState>,
    /// Nanoseconds per look-up: on huge pages, on small pages, the plain way.
    rounds: Vec<[f64; 3]>,
}

impl Sides {
    fn new(kind: Kind, flows: u32, room: usize) -> Self {
        let order = permutation(flows, 3);
        let huge = Ours::new(kind, &order, room);
        let (small, plain) = evenkeel_pages::without(|| {
            let plain = DashMap::with_hasher(ahash::RandomState::with_seeds(1, 2, 3, 4));
            for &flow in &order {
                plain.insert(kind.key(flow), entry());
            }
            (Ours::new(kind, &order, room), plain)
        });
        Self { kind, order, at: 0, huge, small, plain, rounds: Vec::new() }
    }

    /// Looks `packets` flows up on every side; the time on huge pages.
    fn run(&mut self, packets: u64) -> Duration {
        let (mut times, mut done) = ([Duration::ZERO; 3], 0);
        while done < packets {
            let stretch = (STRETCH as u64).min(packets - done).next_multiple_of(BURST as u64) as usize;
            let stretch = stretch.min(self.order.len());
            if self.at + stretch > self.order.len() {
                self.at = 0;
            }
            let flows = &self.order[self.at..self.at + stretch];
            self.at += stretch;
            times[0] += self.huge.look_up(self.kind, flows);
            times[1] += self.small.look_up(self.kind, flows);
            times[2] += look_up_plainly(&self.plain, self.kind, flows);
            done += stretch as u64;
        }
        if done >= STRETCH as u64 {
            self.rounds.push(times.map(|time| time.as_nanos() as f64 / done as f64));
        }
        times[0].mul_f64(packets as f64 / done as f64)
    }
}

/// The flow table, its one shard locked once per burst.
struct Ours {
    table: FlowTable,
    counters: WorkerCounters,
    timeouts: TimeoutSets,
}

impl Ours {
    fn new(kind: Kind, flows: &[u32], room: usize) -> Self {
        let table = FlowTable::new(&table(room)).expect("there is memory for it");
        let ours = Self { table, counters: WorkerCounters::default(), timeouts: TimeoutSets::default() };
        let mut shard = ours.lock();
        for &flow in flows {
            let key = kind.key(flow);
            let link = shard.insert(&key, ours.table.hash(&key), entry(), 0).expect("there is room");
            shard.confirm(link);
        }
        drop(shard);
        ours
    }

    fn lock(&self) -> Shard<'_> {
        self.table.lock(0, &self.counters, &self.timeouts).expect("there is a worker 0")
    }

    fn look_up(&self, kind: Kind, flows: &[u32]) -> Duration {
        let before = cpu_time();
        for burst in flows.as_chunks::<BURST>().0 {
            let mut shard = self.lock();
            let keys = burst.map(|flow| {
                let key = kind.key(flow);
                let hash = self.table.hash(&key);
                shard.prefetch_control(hash);
                (key, hash)
            });
            let guesses = keys.map(|(_, hash)| shard.guess(hash));
            let links = guesses.map(|guess| shard.prefetch_flow(guess));
            for ((key, hash), link) in keys.iter().zip(links) {
                let link = match key {
                    FlowKey::V4(key) => shard.look_up4(link, key, *hash),
                    FlowKey::V6(key) => shard.look_up6(link, key, *hash),
                };
                if let Some(entry) = link.and_then(|link| shard.entry(link)) {
                    entry.refresh(1, 60);
                }
            }
        }
        cpu_time() - before
    }
}

fn look_up_plainly(
    table: &DashMap<FlowKey, FlowEntry, ahash::RandomState>,
    kind: Kind,
    flows: &[u32],
) -> Duration {
    let before = cpu_time();
    for &flow in flows {
        if let Some(mut entry) = table.get_mut(&black_box(kind.key(flow))) {
            entry.refresh(1, 60);
        }
    }
    cpu_time() - before
}

fn entry() -> FlowEntry {
    FlowEntry::new(MemberId(0), FlowState::Established, TimeoutsId(0), 0, 60)
}

criterion_group!(benches, look_up);
criterion_main!(benches);
