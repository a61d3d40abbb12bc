//! Where packets go: seen behind the running daemon.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use evenkeel_testbed::frames::build::{Seen, client};
use evenkeel_testbed::frames::{FrameSender, FrameTap};
use evenkeel_testbed::lab::daemon::Daemon;

use super::Pair;
use super::bench::{Bench, DEADLINE, FLOWS, Part, Ways, note};

impl Bench {
    /// Where the running daemon sends each frame.
    pub(super) fn run(&self, pair: &Pair, parts: &[Part; 3]) -> Ways {
        let mut daemon = Daemon::start(&self.lab, &self.config(pair.old)).unwrap();
        let tap = self.lab.switch().within(|| FrameTap::open("lb")).unwrap().unwrap();
        let sender = self.lab.client().within(|| FrameSender::open("eth0")).unwrap().unwrap();
        let mut ways = Ways::new();
        for (part, (_, frames)) in parts.iter().enumerate() {
            match part {
                1 => self.reload_under_traffic(pair, &mut daemon, &tap, &ways),
                2 => thread::sleep(DEADLINE + Duration::from_millis(300)),
                _ => {}
            }
            // In pieces that fit the ring of the far end.
            for piece in frames.chunks(128) {
                let sent = sender.send(piece.iter().map(Vec::as_slice)).unwrap();
                assert_eq!(sent, piece.len(), "{}", pair.name);
                see(&tap, &mut ways, part, piece.len());
            }
        }
        let report = daemon.stop().unwrap();
        assert_eq!(report.number("/packets/dropped").unwrap(), 0, "{}", report.json());
        ways
    }

    /// Reloads while packets of all flows come: whatever snapshot they meet, none goes elsewhere.
    fn reload_under_traffic(&self, pair: &Pair, daemon: &mut Daemon, tap: &FrameTap, before: &Ways) {
        let sender = self.lab.client().within(|| FrameSender::open("eth0")).unwrap().unwrap();
        let frames = self.frames(0..FLOWS, false);
        let reloaded = AtomicBool::new(false);
        let sent = thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let mut sent = 0;
                for piece in frames.chunks(64).cycle() {
                    if reloaded.load(Ordering::Relaxed) {
                        break;
                    }
                    sent += sender.send(piece.iter().map(Vec::as_slice)).unwrap();
                    thread::sleep(Duration::from_millis(2));
                }
                sent
            });
            let said = daemon.reload(&self.config(pair.new));
            reloaded.store(true, Ordering::Relaxed);
            assert!(said.unwrap().starts_with("configuration reloaded"), "{}: {}", pair.name, daemon.log());
            sending.join().unwrap()
        });
        let mut during = Ways::new();
        // On a busy machine some find the ring full.
        let came = see_until(tap, &mut during, 0, sent, Duration::from_millis(200));
        assert!(came > 0, "{}: none of {sent} frames came during the reload", pair.name);
        for (flow, way) in &during {
            assert!(
                way.iter().all(|to| *to == before[flow][0]),
                "{}: {} during the reload",
                pair.name,
                flow.1
            );
        }
    }
}

/// Takes frames from the tap until so many came.
fn see(tap: &FrameTap, ways: &mut Ways, part: usize, count: usize) {
    let came = see_until(tap, ways, part, count, Duration::from_secs(5));
    assert_eq!(came, count, "frames that arrived in part {part}");
}

/// Takes frames from the tap until `most` came, or none for so long; how many came.
fn see_until(tap: &FrameTap, ways: &mut Ways, part: usize, most: usize, patience: Duration) -> usize {
    let mut deadline = Instant::now() + patience;
    let mut buffer = [0; 2048];
    let mut came = 0;
    while came < most && Instant::now() < deadline {
        match tap.next(&mut buffer).unwrap().map(Seen::of) {
            Some(Some(seen)) if seen.source == client(seen.destination.ip(), number_of(seen.source)) => {
                note(ways, part, seen);
                came += 1;
                deadline = Instant::now() + patience;
            }
            Some(_) => {}
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
    came
}

/// The client's number, from its port.
fn number_of(source: SocketAddr) -> u32 {
    u32::from(source.port()).wrapping_sub(1024)
}
