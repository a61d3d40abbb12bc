//! First packets as fast as the worker takes them, while flows end by being idle or are evicted.

use crate::frames::{Kind, permutation};
use crate::machine::{LONG, Machine, Spec};
use crate::polls::Polls;
use crate::traffic::Taker;
use evenkeel_dataplane::FlowTotals;
use evenkeel_nexthop::Timeouts;

const SYN: u8 = 0x02;
/// SYNs of a millisecond of the worker's clock: a million new flows a second. The clock counts packets, so that as many
/// flows are open on every machine.
const PER_MS: u32 = 1024;

/// What the table is like.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// What it is called.
    pub name: &'static str,
    /// Flows that the table has room for.
    pub room: u32,
    /// Established flows in it; a SYN may evict none of them.
    pub established: u32,
    /// Idle time of a half-open flow, in milliseconds.
    pub syn_ms: u32,
    /// SYNs before and in the measured part, each.
    pub syns: u32,
}

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// Times of polls in the measured part.
    pub polls: Polls,
    /// What happened to flows in the measured part.
    pub expired: u64,
    /// Half-open flows that made room for others.
    pub evicted: u64,
    /// Flows in the table at the end, by its room.
    pub fill: f64,
}

/// Sends SYNs of new flows into a table with established ones.
///
/// # Panics
/// If a SYN went untracked, an established flow has gone or the counters don't add up.
#[must_use]
pub fn measure(load: &Load) -> Seen {
    let timeouts = Timeouts { tcp_syn_ms: load.syn_ms, ..LONG };
    let mut rig =
        Machine::new(Spec { flow_capacity: load.room as usize, timeouts, ..Spec::default() }).rigs.remove(0);
    rig.establish(Kind::Tcp4, &permutation(load.established, 1));
    let mut frame = Kind::Tcp4.template(SYN);
    let mut next = load.established;
    let mut send = |polls: &mut Polls| {
        for _ in 0..load.syns / PER_MS {
            let flows: [u32; PER_MS as usize] = std::array::from_fn(|at| next + at as u32);
            rig.write(Kind::Tcp4, &mut frame, &flows);
            polls.drain(&mut rig);
            next += PER_MS;
            rig.now_ms += 1;
        }
        rig.totals().flows
    };
    let before = send(&mut Polls::default());
    let mut polls = Polls::default();
    let after = send(&mut polls);
    check(load, &after, u64::from(next));
    Seen {
        polls,
        expired: after.expired - before.expired,
        evicted: after.evicted - before.evicted,
        fill: after.live as f64 / f64::from(load.room),
    }
}

fn check(load: &Load, flows: &FlowTotals, opened: u64) {
    assert_eq!(flows.created, opened, "every SYN opens a flow");
    assert_eq!(flows.untracked_packets, 0, "there is always somebody to evict");
    assert_eq!(flows.live - flows.unconfirmed, u64::from(load.established), "an established flow stays");
    let ended = flows.expired + flows.closed + flows.evicted;
    assert_eq!(flows.created + flows.adopted, ended + flows.live, "flows add up");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_expire_where_there_is_room_and_are_evicted_where_there_is_none() {
        let load = Load { name: "", room: 1 << 16, established: 1 << 14, syn_ms: 5, syns: 1 << 20 };
        let seen = measure(&load);
        assert!(seen.expired > 0, "{seen:?}");
        let seen = measure(&Load { established: 60_000, syn_ms: 60_000, syns: 1 << 15, ..load });
        assert_eq!((seen.expired, seen.evicted), (0, 1 << 15), "{seen:?}");
    }
}
