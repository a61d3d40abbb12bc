//! Reloads between pairs of configurations while a capture is replayed through veth: each packet must go where `evenkeel
//! replay` sends it when the difference of the pair comes as events.
//!
//! Three parts: flows begin under the old configuration; after the reload they go on and others begin; after the deadline of
//! removals all go on. Servers have no route back to these clients, so nothing but these frames crosses the load balancer.

mod bench;
mod expectation;
mod run;

use evenkeel_testbed::lab;

use bench::Bench;

/// A member of the group: server by index, weight, admin state.
type Member = (usize, u16, &'static str);

struct Pair {
    name: &'static str,
    old: &'static [Member],
    new: &'static [Member],
}

const PAIRS: &[Pair] = &[
    Pair {
        name: "drain and return",
        old: &[(0, 1, "active"), (1, 1, "draining"), (2, 1, "active")],
        new: &[(0, 1, "draining"), (1, 1, "active"), (2, 1, "active")],
    },
    Pair {
        name: "one leaves and one comes",
        old: &[(0, 1, "active"), (1, 1, "active"), (2, 1, "active")],
        new: &[(0, 1, "active"), (2, 1, "active"), (3, 1, "active")],
    },
    Pair {
        name: "other weights",
        old: &[(0, 1, "active"), (1, 5, "active"), (2, 2, "active")],
        new: &[(0, 7, "active"), (1, 0, "active"), (2, 2, "active")],
    },
    Pair {
        name: "everything at once",
        old: &[(0, 3, "active"), (1, 1, "active"), (2, 1, "draining"), (3, 2, "active")],
        new: &[(4, 4, "active"), (1, 2, "draining"), (2, 1, "active"), (3, 1, "active")],
    },
    Pair {
        name: "nothing",
        old: &[(0, 1, "active"), (1, 2, "draining")],
        new: &[(0, 1, "active"), (1, 2, "draining")],
    },
];

#[test]
fn flows_move_at_a_reload_only_where_the_replay_moves_them() {
    if !lab::available("flows_move_at_a_reload_only_where_the_replay_moves_them") {
        return;
    }
    let bench = Bench::lay();
    for pair in PAIRS {
        let parts = bench.parts();
        let expected = bench.replay(pair, &parts);
        let seen = bench.run(pair, &parts);
        assert_eq!(seen.len(), expected.len(), "{}", pair.name);
        for (flow, way) in &expected {
            assert_eq!(seen.get(flow), Some(way), "{}: part {} of {} {}", pair.name, flow.0, flow.1, flow.2);
        }
        bench.judge(pair, &seen);
        bench.hold_to_plan(pair, &parts[0], &seen);
    }
}
