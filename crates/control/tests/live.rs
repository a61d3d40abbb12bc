//! The control thread against a real kernel, in network namespaces of its own.

mod plant;
mod wire;

use evenkeel_control::config::Config;
use evenkeel_control::live::{self, ConfigSource, LiveHandle, LivePort, LiveSpec, Refusal, Reloaded, Told};
use evenkeel_dataplane::WorkerCounters;
use evenkeel_nexthop::{Adjacency, Desired, Liveness, PortId, Snapshot};
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use wire::{OWN_MAC, SERVER_MAC, SERVER4, SERVER6, Wire};

const PATIENCE: Duration = Duration::from_secs(10);

/// A configuration with these nexthops: name, address, and further lines.
fn config(nexthops: &[(&str, &str, &str)]) -> Config {
    Config::parse(Path::new("live.toml"), &text(nexthops)).unwrap()
}

/// The text of it.
fn text(nexthops: &[(&str, &str, &str)]) -> String {
    let head = r#"
        [timeouts]
        remove = "1500ms"
        [[interface]]
        name = "lb0"
        [[service]]
        name = "web"
        vip = "192.0.2.10"
        protocol = "tcp"
        ports = [80]
        group = "web"
        [[group]]
        name = "web"
        buckets = 64
    "#;
    let nexthop = |(name, address, more): &(&str, &str, &str)| {
        format!("[[group.nexthop]]\nname = \"{name}\"\naddress = \"{address}\"\n{more}\n")
    };
    head.to_owned() + &nexthops.iter().map(nexthop).collect::<String>()
}

/// A control thread under test.
struct Live {
    handle: LiveHandle,
    liveness: Arc<Liveness>,
    last: Arc<Mutex<Option<Snapshot>>>,
    lines: mpsc::Receiver<String>,
}

impl Live {
    fn start(wire: &Wire, config: Config) -> Self {
        let (line, lines) = mpsc::channel();
        let last = Arc::new(Mutex::new(None));
        let liveness = Arc::new(Liveness::new());
        let publish = {
            let last = Arc::clone(&last);
            move |snapshot| *last.lock().unwrap() = Some(snapshot)
        };
        let shared = Arc::clone(&liveness);
        let handle = wire.inside(move || {
            let links = evenkeel_routing::read_links().unwrap();
            let lb0 = links.iter().find(|link| link.name == "lb0").unwrap();
            let (port, name) = (PortId(0), "lb0".to_owned());
            let ports = vec![LivePort { port, name, ifindex: lb0.ifindex, mac: lb0.mac.unwrap() }];
            let desired = config.desired(ports.iter().map(|port| port.mac).collect()).unwrap();
            let spec = LiveSpec {
                config,
                config_file: None,
                state_file: None,
                desired,
                ports: ports.clone(),
                liveness: shared,
                workers: vec![Arc::new(WorkerCounters::default())],
                mailboxes: Vec::new(),
                epoch: Instant::now(),
                plant: Box::new(plant::Bare::new(ports)),
            };
            live::start(spec, publish).unwrap()
        });
        let mut subscription = handle.client().subscribe(Some(0));
        std::thread::spawn(move || {
            while let Some(Told::Event(event)) = subscription.next_blocking() {
                drop(line.send(event.text.clone()));
            }
        });
        Self { handle, liveness, last, lines }
    }

    /// Waits for a line that has `part` in it.
    fn expect_line(&self, part: &str) -> String {
        let begin = Instant::now();
        let mut heard = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())) {
            if line.contains(part) {
                return line;
            }
            heard.push(line);
        }
        panic!("no line with {part:?}, but {heard:#?}");
    }

    /// Takes up another configuration.
    fn reload(&self, text: String) -> Result<Reloaded, Refusal> {
        let source = ConfigSource::Text { name: "next.toml".to_owned(), text };
        self.handle.client().reload_blocking(source, false)
    }

    fn desired(&self) -> Desired {
        self.handle.desired().unwrap()
    }

    /// How the published snapshot reaches a member; none if it is not usable.
    fn adjacency(&self, name: &str) -> Option<Adjacency> {
        let desired = self.desired();
        let id = desired.members().find(|member| member.name == name).unwrap().id;
        let last = self.last.lock().unwrap();
        let snapshot = last.as_ref()?;
        snapshot.is_usable(id, &self.liveness).then(|| snapshot.member(id).unwrap().adjacency)
    }

    /// Ends it, and says whether that was within a second.
    fn stop(self) -> Desired {
        let begin = Instant::now();
        let desired = self.handle.stop().unwrap();
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
        desired
    }
}

fn at(mac: &str) -> Option<Adjacency> {
    let (source, destination) = (OWN_MAC.parse().unwrap(), mac.parse().unwrap());
    Some(Adjacency { port: PortId(0), source, destination })
}

#[test]
fn nexthops_are_resolved_and_nothing_is_left() {
    let wire = Wire::new();
    let live = Live::start(&wire, config(&[("s4", SERVER4, ""), ("s6", SERVER6, "")]));
    assert_eq!(live.handle.initial_resolution(PATIENCE), []);
    assert_eq!(live.adjacency("s4"), at(SERVER_MAC));
    assert_eq!(live.adjacency("s6"), at(SERVER_MAC));
    assert_eq!(wire.managed(), [SERVER4, SERVER6]);
    let line = live.expect_line("s4");
    assert_eq!(line, format!("nexthop web/s4 ({SERVER4}) is at {SERVER_MAC} on lb0"), "the first word of it");
    live.stop();
    assert_eq!(wire.managed(), Vec::<String>::new());
}

#[test]
fn who_is_not_there_is_named_in_time_and_not_chosen() {
    let wire = Wire::new();
    let live = Live::start(
        &wire,
        config(&[("s1", SERVER4, ""), ("s9", "198.51.100.9", ""), ("far", "203.0.113.1", "")]),
    );
    let begin = Instant::now();
    let mut missing: Vec<String> =
        live.handle.initial_resolution(Duration::from_millis(400)).iter().map(ToString::to_string).collect();
    assert!(begin.elapsed() < Duration::from_secs(1));
    missing.sort();
    let want = [
        "nexthop web/far (203.0.113.1) is not resolved: no route",
        "nexthop web/s9 (198.51.100.9) is not resolved: no answer to ARP or neighbour discovery on lb0",
    ];
    assert_eq!(missing, want);
    assert_eq!(live.adjacency("s1"), at(SERVER_MAC));
    assert_eq!((live.adjacency("s9"), live.adjacency("far")), (None, None));
    live.expect_line("nexthop web/s9 (198.51.100.9) is not resolved: no answer");

    wire.server(&["ip", "address", "add", "198.51.100.9/24", "dev", "sv0"]);
    live.expect_line("nexthop web/s9 (198.51.100.9) is at");
    assert_eq!(live.adjacency("s9"), at(SERVER_MAC));
    live.stop();
}

#[test]
fn a_lost_link_is_down_and_back() {
    let wire = Wire::new();
    let given = format!("mac = \"{SERVER_MAC}\"");
    let live = Live::start(
        &wire,
        config(&[("s1", SERVER4, ""), ("fixed", SERVER6, &(given + "\ninterface = \"lb0\""))]),
    );
    assert_eq!(live.handle.initial_resolution(PATIENCE), []);
    assert_eq!(wire.managed(), [SERVER4], "a given MAC is never looked for");
    wire.server(&["ip", "link", "set", "sv0", "down"]);
    live.expect_line("interface lb0 is down");
    live.expect_line("web/s1 (198.51.100.1) is not resolved: lb0 has no carrier");
    let ids: Vec<_> = live.desired().members().map(|member| member.nexthop).collect();
    assert!(ids.iter().all(|id| !live.liveness.is_up(*id)));
    assert_eq!((live.adjacency("s1"), live.adjacency("fixed")), (None, None));

    wire.server(&["ip", "link", "set", "sv0", "up"]);
    live.expect_line("interface lb0 is up");
    assert_eq!(live.handle.initial_resolution(PATIENCE), []);
    assert_eq!((live.adjacency("s1"), live.adjacency("fixed")), (at(SERVER_MAC), at(SERVER_MAC)));
    live.stop();
}

#[test]
fn another_mac_is_published() {
    let wire = Wire::new();
    let live = Live::start(&wire, config(&[("s1", SERVER4, "")]));
    assert_eq!(live.handle.initial_resolution(PATIENCE), []);
    wire.server(&["sysctl", "-qw", "net.ipv4.conf.sv0.arp_notify=1"]);
    wire.server(&["ip", "link", "set", "sv0", "address", "02:00:00:00:02:aa"]);
    live.expect_line(&format!("is now at 02:00:00:00:02:aa on lb0 (was {SERVER_MAC})"));
    assert_eq!(live.adjacency("s1"), at("02:00:00:00:02:aa"));

    wire.balancer(&["ip", "link", "set", "lb0", "address", "02:00:00:00:01:aa"]);
    live.expect_line("interface lb0 has a new MAC, 02:00:00:00:01:aa");
    assert_eq!(live.adjacency("s1").unwrap().source, "02:00:00:00:01:aa".parse().unwrap());
    live.stop();
}

#[test]
fn a_reload_is_the_difference() {
    let wire = Wire::new();
    let live = Live::start(&wire, config(&[("s1", SERVER4, ""), ("s6", SERVER6, "")]));
    assert_eq!(live.handle.initial_resolution(PATIENCE), []);
    let other = text(&[("s1", SERVER4, ""), ("s2", "198.51.100.2", "")]);
    let other = other.replace("ports = [80]", "ports = [80]\ntimeouts = { tcp_syn = \"2s\" }");
    let reloaded = live.reload(other).unwrap();
    let differences: Vec<_> = reloaded.differences.iter().map(ToString::to_string).collect();
    let want = [
        "service web: timeouts general -> tcp_syn 2000ms",
        "nexthop web/s6: state active -> removing within 1500ms",
        "nexthop web/s2 comes: name s2, address 198.51.100.2, state active, weight 1, interface by the kernel, \
         mac by the kernel",
    ];
    assert_eq!(differences, want);
    live.expect_line("configuration reloaded");
    let tcp_syn_ms = |snapshot: &Snapshot| snapshot.timeouts.of(snapshot.services[0].timeouts).tcp_syn_ms;
    assert_eq!(live.last.lock().unwrap().as_ref().map(tcp_syn_ms), Some(2000));
    assert_eq!(live.handle.initial_resolution(PATIENCE), []);
    assert_eq!(live.adjacency("s2"), at(SERVER_MAC));
    assert_eq!(live.adjacency("s6"), at(SERVER_MAC), "drains until its deadline");

    live.expect_line("removed: web/s6");
    assert_eq!(live.adjacency("s6"), None);
    let begin = Instant::now();
    while wire.managed() != ["198.51.100.1", "198.51.100.2"] {
        assert!(begin.elapsed() < PATIENCE, "{:?}", wire.managed());
    }
    let desired = live.stop();
    let gone: Vec<_> =
        desired.members().filter(|member| member.gone).map(|member| member.name.to_string()).collect();
    assert_eq!(gone, ["s6"], "stays listed");
}

#[test]
fn a_reload_that_needs_a_restart_changes_nothing() {
    let wire = Wire::new();
    let live = Live::start(&wire, config(&[("s1", SERVER4, "")]));
    assert_eq!(live.handle.initial_resolution(PATIENCE), []);
    let generation = || live.last.lock().unwrap().as_ref().unwrap().generation;
    let before = generation();
    let other = text(&[("s2", "198.51.100.2", "")]);
    let refusal = live.reload("dataplane.burst = 7\n".to_owned() + &other).unwrap_err();
    assert_eq!(refusal.to_string(), "needs a restart: dataplane.burst is 64, not 7");
    assert_eq!(generation(), before);
    assert_eq!(live.adjacency("s1"), at(SERVER_MAC));
    live.stop();
}

#[test]
fn a_reload_that_names_the_interface_of_a_server_leaves_no_moment_without_it() {
    let wire = Wire::new();
    let live = Live::start(&wire, config(&[("s4", SERVER4, "")]));
    assert_eq!(live.handle.initial_resolution(PATIENCE), []);
    live.expect_line("is at");
    for more in ["interface = \"lb0\"", "", "interface = \"lb0\""] {
        live.reload(text(&[("s4", SERVER4, more)])).unwrap();
        assert_eq!(live.adjacency("s4"), at(SERVER_MAC), "{more}");
        live.expect_line("is at");
        assert_eq!(live.adjacency("s4"), at(SERVER_MAC), "{more}");
    }
}
