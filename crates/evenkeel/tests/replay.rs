//! `evenkeel replay` as users call it: what it writes, what it refuses, and that a refusal leaves nothing behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = r#"
[[interface]]
name = "eth1"
mac = "02:00:00:00:01:01"
[[interface]]
name = "eth2"
mac = "02:00:00:00:02:01"
[[interface]]
name = "eth3"
[[service]]
name = "web"
vip = "192.0.2.10"
protocol = "tcp"
ports = [80]
group = "web"
[[group]]
name = "web"
buckets = 64
[[group.nexthop]]
name = "s1"
address = "198.51.100.1"
interface = "eth2"
mac = "02:00:00:00:0b:01"
"#;

const SYN: u8 = 2;
const ACK: u8 = 16;

/// A nanosecond pcap of TCP segments from client ports to the VIP: (time in ms, port, flags).
fn capture(segments: &[(u32, u16, u8)]) -> Vec<u8> {
    let mut bytes = [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65535, 1].map(u32::to_le_bytes).concat();
    for &(at_ms, port, flags) in segments {
        let mut frame = vec![2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 0x63, 8, 0];
        frame.extend([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 203, 0, 113, 5, 192, 0, 2, 10]);
        frame.extend(port.to_be_bytes());
        frame.extend([0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        let length = frame.len() as u32;
        let header = [1_700_000_000 + at_ms / 1000, at_ms % 1000 * 1_000_000, length, length];
        bytes.extend(header.map(u32::to_le_bytes).concat());
        bytes.extend(frame);
    }
    bytes
}

/// A directory with a configuration, a capture and events.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        scene.write("evenkeel.toml", CONFIG);
        let segments = [(0, 1000, SYN), (10, 1000, ACK), (20, 1001, SYN), (30, 1000, ACK)];
        scene.write("in.pcap", capture(&segments));
        let event = |at, action| {
            format!("[[event]]\nat = \"{at}\"\naction = \"{action}\"\ngroup = \"web\"\nnexthop = \"s1\"\n")
        };
        scene.write("events.toml", event("20ms", "down") + &event("30ms", "up"));
        scene
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    /// `evenkeel replay --config evenkeel.toml` and the rest, called in the directory.
    fn replay(&self, rest: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
        command.current_dir(self.path()).args(["replay", "--config", "evenkeel.toml"]);
        command.args(rest.split(' ')).output().unwrap()
    }

    /// Expects exit status 2 with this on stderr, and no output.
    fn refused(&self, rest: &str, expected: &str) {
        let output = self.replay(rest);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}\nshould have: {expected}");
        assert!(!self.path().join("out").exists(), "{rest} left something");
    }
}

fn names(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

const FILES: [&str; 6] = ["drop.pcap", "eth1.pcap", "eth2.pcap", "eth3.pcap", "punt.pcap", "report.json"];

#[test]
fn writes_a_capture_per_interface_and_the_report() {
    let scene = Scene::new();
    let output = scene.replay("--in eth1=in.pcap --out-dir deep/out --events events.toml --json");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(names(&scene.path().join("deep/out")), FILES);
    assert_eq!(output.stdout, scene.read("deep/out/report.json"));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packets = serde_json::json!({"received": 4, "forwarded": 3, "punted": 0, "dropped": 1});
    assert_eq!(report["packets"], packets);
    assert_eq!(report["drops"]["no_nexthop"], 1, "the event at 20 ms acts before the packet of 20 ms");
    assert_eq!(scene.read("deep/out/eth2.pcap").len(), 24 + 3 * (16 + 54));
    assert_eq!(scene.read("deep/out/drop.pcap").len(), 24 + 16 + 54);
    for empty in ["eth1", "eth3", "punt"] {
        assert_eq!(scene.read(&format!("deep/out/{empty}.pcap")).len(), 24);
    }
}

#[test]
fn two_replays_are_equal_and_a_replay_replaces_only_its_own_files() {
    let scene = Scene::new();
    fs::create_dir(scene.path().join("b")).unwrap();
    scene.write("b/eth2.pcap", "old");
    scene.write("b/notes.txt", "mine");
    for out in ["a", "b"] {
        let output = scene.replay(&format!("--in eth1=in.pcap --out-dir {out} --events events.toml"));
        assert_eq!(output.status.code(), Some(0));
        let summary = String::from_utf8(output.stdout).unwrap();
        assert!(summary.contains("received 4, forwarded 3, punted 0, dropped 1"), "{summary}");
    }
    for name in FILES {
        assert_eq!(scene.read(&format!("a/{name}")), scene.read(&format!("b/{name}")), "{name}");
    }
    assert_eq!(scene.read("b/notes.txt"), b"mine");
    assert_eq!(names(&scene.path().join("b")).len(), FILES.len() + 1);
}

#[test]
fn faulty_inputs_are_refused_by_place() {
    let scene = Scene::new();
    let whole = scene.read("in.pcap");
    scene.write("cut.pcap", &whole[..whole.len() - 1]);
    scene.write("no.pcap", "no capture");
    scene
        .refused("--in eth1=cut.pcap --out-dir out", "cut.pcap: record 4, byte 234: the file is cut: 1 more");
    scene.refused(
        "--in eth1=in.pcap --in eth2=no.pcap --out-dir out",
        "no.pcap: before record 1, byte 0: starts",
    );
    scene.refused("--in eth1=none.pcap --out-dir out", "none.pcap: cannot be read: No such file");
}

#[test]
fn wrong_arguments_are_refused() {
    let scene = Scene::new();
    let unknown = "--in names eth8, eth9, no [[interface]] of evenkeel.toml; allowed: eth1, eth2, eth3";
    scene.refused("--in eth8=in.pcap --in eth9=in.pcap --out-dir out", unknown);
    scene.refused("--in in.pcap --out-dir out", "allowed: an interface of the configuration, `=` and a file");
    scene.refused("--out-dir out", "--in <IFACE=FILE>");
    scene.refused("--in eth3=in.pcap --out-dir out", "evenkeel.toml: no MAC for eth3");
    scene.refused("--in eth1=in.pcap --out-dir in.pcap", "in.pcap: not a directory");
}

#[test]
fn missing_macs_and_wrong_events_are_refused_with_their_lines() {
    let scene = Scene::new();
    let config = CONFIG.replace("mac = \"02:00:00:00:02:01\"", "").replace("mac = \"02:00:00:00:0b:01\"", "");
    scene.write("evenkeel.toml", config);
    scene.refused("--in eth1=in.pcap --out-dir out", "evenkeel.toml:5:1: [[interface]] has no `mac`");
    scene.refused("--in eth1=in.pcap --out-dir out", "evenkeel.toml:19:1: [[group.nexthop]] has no `mac`");
    scene.write("evenkeel.toml", CONFIG);
    scene.write(
        "events.toml",
        "[[event]]\nat = \"1s\"\naction = \"drain\"\ngroup = \"web\"\nnexthop = \"s7\"\n",
    );
    scene.refused("--in eth1=in.pcap --out-dir out --events events.toml", "events.toml:5:");
}

#[test]
fn neither_an_input_nor_a_directory_is_overwritten() {
    let scene = Scene::new();
    fs::create_dir(scene.path().join("here")).unwrap();
    scene.write("here/eth1.pcap", scene.read("in.pcap"));
    scene.refused("--in eth1=here/eth1.pcap --out-dir here", "here/eth1.pcap: is an input");
    assert_eq!(names(&scene.path().join("here")), ["eth1.pcap"]);

    fs::create_dir(scene.path().join("here/drop.pcap")).unwrap();
    scene.refused("--in eth1=in.pcap --out-dir here", "here/drop.pcap: a directory");
    assert_eq!(names(&scene.path().join("here")), ["drop.pcap", "eth1.pcap"]);
}
