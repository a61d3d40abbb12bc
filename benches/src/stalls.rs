//! How long a worker is held up by what else its flow table and its snapshot are there for: flows that are over all at
//! once, a listing of all of them, a new snapshot every millisecond.

use crate::frames::{Kind, permutation};
use crate::machine::{LONG, Machine, Spec};
use crate::polls::Polls;
use crate::traffic::{Taker, Traffic};
use evenkeel_dataplane::{AskError, Cursor, FlowPage, Mailbox};
use evenkeel_nexthop::{Change, Timeouts, Verb};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const UDP_MS: u32 = 1000;
/// Flows of a page, as the API asks for them at the most.
const PAGE: usize = 10_000;

/// What goes on beside the packets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disturbance {
    /// As many flows as are established end, all at once.
    pub expiry: bool,
    /// All flows are listed, again and again.
    pub listing: bool,
    /// A nexthop changes its state every millisecond.
    pub publishes: bool,
}

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// Times of polls.
    pub polls: Polls,
    /// Flows that ended.
    pub expired: u64,
    /// Flows that were listed.
    pub listed: u64,
    /// Snapshots published.
    pub published: u64,
}

/// Sends `packets` of `flows` established flows through a worker that is disturbed, and more until what disturbs it has
/// happened once.
///
/// # Panics
/// If the thread that disturbs does.
#[must_use]
pub fn measure(flows: u32, packets: u64, what: Disturbance) -> Seen {
    let timeouts = Timeouts { udp_ms: UDP_MS, ..LONG };
    let mut machine = Machine::new(Spec { flow_capacity: 3 * flows as usize, timeouts, ..Spec::default() });
    let mut rig = machine.rigs.remove(0);
    let mut traffic = Traffic::established(Kind::Tcp4, flows);
    traffic.prepare(&mut rig);
    if what.expiry {
        rig.establish(Kind::Udp4, &permutation(flows, 3));
        rig.pass(Duration::from_millis(u64::from(UDP_MS) + 1));
    }
    let (ended, listed, published) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let mailbox = machine.mailboxes.remove(0);
    let polls = std::thread::scope(|scope| {
        if what.listing {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    list(&mailbox, &listed, &ended);
                }
            });
        }
        if what.publishes {
            scope.spawn(|| publish(&mut machine, &published, &ended));
        }
        let (mut polls, mut sent) = (Polls::default(), 0);
        let has_happened = |expired: u64| {
            (!what.expiry || expired >= u64::from(flows))
                && (!what.listing || listed.load(Ordering::Relaxed) >= u64::from(flows))
                && (!what.publishes || published.load(Ordering::Relaxed) >= 10)
        };
        while sent < packets || !has_happened(rig.totals().flows.expired) {
            sent += traffic.write(&mut rig, usize::MAX) as u64;
            let time = polls.drain(&mut rig);
            rig.pass(time);
        }
        ended.store(true, Ordering::Relaxed);
        polls
    });
    let expired = rig.totals().flows.expired;
    Seen { polls, expired, listed: listed.into_inner(), published: published.into_inner() }
}

/// One listing of all flows, page by page, as the API does it.
fn list(mailbox: &Mailbox, listed: &AtomicU64, ended: &AtomicBool) {
    let mut cursor = Cursor::default();
    loop {
        let mut pending = match mailbox.ask_page(FlowPage::new(cursor, PAGE)) {
            Ok(pending) => pending,
            Err(AskError::Busy) => continue,
            Err(AskError::Ended) => return,
        };
        let page = loop {
            match pending.take() {
                Ok(Some(page)) => break page,
                Ok(None) if !ended.load(Ordering::Relaxed) => std::thread::sleep(Duration::from_micros(200)),
                _ => return,
            }
        };
        listed.fetch_add(page.records.len() as u64, Ordering::Relaxed);
        cursor = page.cursor;
        if page.is_last {
            return;
        }
    }
}

/// Drains and activates a nexthop in turn, a snapshot each.
fn publish(machine: &mut Machine, published: &AtomicU64, ended: &AtomicBool) {
    for verb in [Verb::Drain, Verb::Activate].iter().cycle() {
        if ended.load(Ordering::Relaxed) {
            return;
        }
        let change = Change { group: "web".into(), nexthop: "s5".into(), verb: verb.clone() };
        machine.desired.apply(&change, 0, &machine.liveness).expect("a good change");
        machine.published.publish(machine.desired.snapshot(&machine.liveness));
        published.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_disturbs_happens() {
        let seen = measure(5000, 1, Disturbance { expiry: true, listing: true, publishes: true });
        assert_eq!(seen.expired, 5000);
        assert!(seen.listed >= 5000 && seen.published >= 10 && !seen.polls.is_empty(), "{seen:?}");
    }
}
