//! Changes of a running control thread, without a kernel's help: every nexthop is behind the loopback interface, with a
//! MAC that is given.

#[path = "../plant/mod.rs"]
mod plant;

mod atomic;
mod events;
mod flows;
mod memory;
mod pins;
mod plans;
mod refusals;
mod reloads;
mod verbs;
mod workers;

use evenkeel_control::Config;
use evenkeel_control::live::{
    self, Change, Changed, ConfigSource, LiveHandle, LivePort, LiveSpec, NexthopState, Refusal, Reloaded,
    Told, Verb,
};
use evenkeel_dataplane::WorkerCounters;
use evenkeel_nexthop::{Liveness, PortId, Snapshot};
use plant::Bare;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use workers::Workers;

/// Groups web (64 buckets: s1, s2, s3, and s4 with weight 0) and dns (s1's server under another name).
const CONFIG: &str = r#"
    [[interface]]
    name = "lo"
    [[service]]
    name = "web"
    vip = "192.0.2.10"
    protocol = "tcp"
    ports = [80]
    group = "web"
    [[service]]
    name = "dns"
    vip = "192.0.2.0/28"
    protocol = "udp"
    group = "dns"
    [[group]]
    name = "web"
    buckets = 64
    nexthop = [
        { name = "s1", address = "198.51.100.1", interface = "lo", mac = "02:00:00:00:02:01" },
        { name = "s2", address = "198.51.100.2", interface = "lo", mac = "02:00:00:00:02:02" },
        { name = "s3", address = "198.51.100.3", interface = "lo", mac = "02:00:00:00:02:03", state = "draining" },
        { name = "s4", address = "198.51.100.4", interface = "lo", mac = "02:00:00:00:02:04", weight = 0 },
    ]
    [[group]]
    name = "dns"
    buckets = 64
    nexthop = [{ name = "a", address = "198.51.100.1", interface = "lo", mac = "02:00:00:00:02:01" }]
"#;

/// A control thread under test.
struct Daemon {
    handle: LiveHandle,
    plant: Bare,
    last: Arc<Mutex<Snapshot>>,
    counters: Arc<WorkerCounters>,
    workers: Workers,
}

/// A member as a test sees it: group, name, state, weight.
type Seen = (String, String, NexthopState, u16);

impl Daemon {
    fn start() -> Self {
        Self::start_with(CONFIG, None)
    }

    fn start_with(text: &str, state_file: Option<PathBuf>) -> Self {
        let config = Config::parse(Path::new("changes.toml"), text).unwrap();
        let mac = "02:00:00:00:01:01".parse().unwrap();
        let ports = vec![LivePort { port: PortId(0), name: "lo".to_owned(), ifindex: 1, mac }];
        let plant = Bare::new(ports.clone());
        let liveness = Arc::new(Liveness::new());
        let mut desired = config.desired(vec![mac]).unwrap();
        let first = desired.snapshot(&liveness);
        let last = Arc::new(Mutex::new(first.clone()));
        let epoch = Instant::now();
        let workers = Workers::start(first, &liveness, epoch);
        let counters = Arc::clone(&workers.counters[0]);
        let spec = LiveSpec {
            config,
            config_file: None,
            state_file,
            desired,
            ports,
            liveness,
            workers: workers.counters.clone(),
            mailboxes: workers.mailboxes.clone(),
            epoch,
            plant: Box::new(plant.clone()),
        };
        let publish = {
            let last = Arc::clone(&last);
            let mut publish = workers.publisher();
            move |snapshot: Snapshot| {
                *last.lock().unwrap() = snapshot.clone();
                publish(snapshot);
            }
        };
        let handle = live::start(spec, publish).unwrap();
        assert_eq!(handle.initial_resolution(Duration::from_secs(10)), []);
        Self { handle, plant, last, counters, workers }
    }

    fn change(&self, changes: Vec<Change>) -> Result<Changed, Refusal> {
        self.handle.client().change_blocking(changes)
    }

    fn reload(&self, text: &str, dry_run: bool) -> Result<Reloaded, Refusal> {
        let source = ConfigSource::Text { name: "next.toml".to_owned(), text: text.to_owned() };
        self.handle.client().reload_blocking(source, dry_run)
    }

    fn generation(&self) -> u64 {
        self.last.lock().unwrap().generation
    }

    /// Every member, in order.
    fn seen(&self) -> Vec<Seen> {
        let desired = self.handle.desired().unwrap();
        let members = desired.members();
        members
            .map(|member| {
                (member.group.to_owned(), member.name.to_owned(), NexthopState::of(&member), member.weight)
            })
            .collect()
    }

    fn state(&self, group: &str, name: &str) -> NexthopState {
        self.seen().iter().rfind(|seen| seen.0 == group && seen.1 == name).unwrap().2
    }

    /// The texts of all events so far.
    fn told(&self) -> Vec<String> {
        let mut subscription = self.handle.client().subscribe(Some(0));
        // a refusal is an event too: the last one of this reader
        drop(self.change(vec![change("nobody", "end", Verb::Drain)]));
        let mut texts = Vec::new();
        while let Some(Told::Event(event)) = subscription.next_blocking() {
            if event.text.contains("\"nobody\"") {
                return texts;
            }
            texts.push(event.text.clone());
        }
        panic!("the log has ended: {texts:#?}");
    }
}

fn change(group: &str, nexthop: &str, verb: Verb) -> Change {
    Change { group: group.to_owned(), nexthop: nexthop.to_owned(), verb }
}

/// A nexthop of this address behind the loopback interface.
fn add(address: &str, weight: u16) -> Verb {
    let mac = Some("02:00:00:00:02:99".parse().unwrap());
    Verb::Add { address: address.parse().unwrap(), weight, interface: Some("lo".to_owned()), mac }
}

fn remove(deadline_ms: u64) -> Verb {
    Verb::Remove { deadline_ms: Some(deadline_ms) }
}
