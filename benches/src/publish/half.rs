//! That no packet sees half a change: two groups change together, and pairs of packets tell whether they agree.
//!
//! Both groups have the same members, weights and buckets, so that equal buckets belong to equal servers in every whole
//! snapshot. A burst sees one snapshot: the two packets of a pair, one for each group and of the same bucket, must go to
//! one server.

use super::site::{Extent, Site, add};
use super::worker::{set_vip, worker};
use crate::frames::Kind;
use evenkeel_nexthop::{GroupId, PortId, Snapshot, Verb};
use evenkeel_packet::FlowKey;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const EXTENT: Extent = Extent { groups: 2, buckets: 256, nexthops: 8 };

/// What was seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Halves {
    /// Snapshots published.
    pub changes: u64,
    /// Snapshots that the worker has seen, at the most.
    pub bursts: u64,
    /// Packets that were looked at.
    pub packets: u64,
    /// Packets that saw half a change.
    pub half: u64,
}

/// Publishes as fast as it goes for this long, under a worker.
#[must_use]
pub fn watch(time: Duration) -> Halves {
    let mut site = Site::new(EXTENT);
    let (mut worker, mut port) = worker(&site, true);
    let pairs = pairs(site.published.load(&crossbeam::epoch::pin()));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| publish(&mut site, &stop));
        let (began, mut seen) = (Instant::now(), Halves::default());
        let mut now_ms = 0;
        for pairs in pairs.chunks_exact(32).cycle() {
            if began.elapsed() >= time {
                break;
            }
            // every flow is a new one each time: its bucket decides
            now_ms += 600_000;
            for frame in pairs.iter().flatten() {
                port.put(PortId(0), frame);
            }
            worker.poll(now_ms, &mut port);
            let left: Vec<_> = port.take_kept().into_iter().map(|(_, frame)| frame[..6].to_vec()).collect();
            let half = left.chunks(2).filter(|pair| pair[0] != pair[1]).count();
            seen.bursts += 1;
            seen.packets += left.len() as u64;
            seen.half += 2 * half as u64;
        }
        stop.store(true, Ordering::Relaxed);
        seen.changes = publisher.join().unwrap_or(0);
        seen
    })
}

/// Changes both groups alike, and shows it, until told to stop.
fn publish(site: &mut Site, stop: &AtomicBool) -> u64 {
    let newcomer = EXTENT.nexthops;
    let both = [
        (3, Verb::Drain),
        (newcomer, add(newcomer)),
        (5, Verb::Weight(7)),
        (3, Verb::Activate),
        (newcomer, Verb::Remove { deadline_ms: Some(0) }),
        (5, Verb::Weight(1)),
    ];
    let mut changes = 0;
    for (nexthop, verb) in both.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        site.change(0..EXTENT.groups, *nexthop, verb);
        site.publish();
        changes += 1;
    }
    changes
}

/// Pairs of frames, one for each group, whose flows have the same bucket.
fn pairs(snapshot: &Snapshot) -> Vec<[Vec<u8>; 2]> {
    let mut frame = Kind::Udp4.template(0);
    let mut of_group = |group: u8, bucket: u32| {
        (0..).find_map(|flow| {
            Kind::Udp4.set_flow(&mut frame, flow);
            set_vip(&mut frame, group);
            let address = |at: usize| [frame[at], frame[at + 1], frame[at + 2], frame[at + 3]].into();
            let source_port = u16::from_be_bytes([frame[34], frame[35]]);
            let key = FlowKey::new(address(26), address(30), source_port, 53, 17)?;
            let is_there = snapshot.bucket_of(GroupId(u16::from(group)), snapshot.flow_hash(&key)) == bucket;
            is_there.then(|| frame.clone())
        })
    };
    (0..EXTENT.buckets).filter_map(|bucket| Some([of_group(0, bucket)?, of_group(1, bucket)?])).collect()
}
