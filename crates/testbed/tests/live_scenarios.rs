//! The scenarios of `scripts/lab.sh` in their short form: what Evenkeel keeps, and that the kernel's ECMP doesn't.
//!
//! What the kernel loses is checked too: a lab in which nothing can be lost would show nothing.

use std::net::IpAddr;

use evenkeel_testbed::forwarder::Kind;
use evenkeel_testbed::lab;
use evenkeel_testbed::lab::plan::{WEB4, WEB6};
use evenkeel_testbed::scenario::{self, Length, Outcome, pinning, rolling, targets};

/// Shows all runs, and fails when Evenkeel didn't do what it should.
fn judge(outcome: &Outcome) {
    eprintln!("{}\n{}", outcome.title, outcome.table);
    assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
}

#[test]
fn targets() {
    if !lab::available("targets") {
        return;
    }
    let runs = scenario::each(&Kind::ALL, Length::Short, targets::run).unwrap();
    judge(&targets::outcome(&runs));
    for vip in [IpAddr::from(WEB4), IpAddr::from(WEB6)] {
        for run in &runs {
            let expected = match run.kind {
                // Half of them when the last of ten leaves (RFC 2992), and again at each further step.
                Kind::Kernel => 80..=400,
                // Those of the server that leaves: a tenth, then a ninth.
                Kind::Resilient => 5..=45,
                Kind::Evenkeel => 0..=0,
            };
            assert!(
                expected.contains(&run.lost_together(vip)),
                "{}: {} lost to {vip}",
                run.kind,
                run.lost_together(vip)
            );
        }
    }
}

#[test]
fn pinning() {
    if !lab::available("pinning") {
        return;
    }
    let runs = scenario::each(&Kind::ALL, Length::Short, pinning::run).unwrap();
    judge(&pinning::outcome(&runs));
    for kernel in runs.iter().filter(|run| run.kind != Kind::Evenkeel) {
        let own = kernel.facts.iter().find(|fact| fact.what.contains("survive its drain")).unwrap();
        assert!(own.seen.starts_with("0 of "), "{}: {}", own.what, own.seen);
    }
}

#[test]
fn rolling() {
    if !lab::available("rolling") {
        return;
    }
    let runs = scenario::each(&Kind::ALL, Length::Short, rolling::run).unwrap();
    judge(&rolling::outcome(&runs));
    // Twice the sessions of one of two servers, 120 in all.
    for kernel in runs.iter().filter(|run| run.kind != Kind::Evenkeel) {
        assert!(kernel.lost() >= 60, "{}: {} lost", kernel.kind, kernel.lost());
    }
}
