//! All flows are listed while traffic runs: no connection is lost, and no flow is missing.

use evenkeel_testbed::lab;
use evenkeel_testbed::scenario::{Length, listing};

#[test]
fn a_listing_of_all_flows_disturbs_nobody() {
    if !lab::available("a_listing_of_all_flows_disturbs_nobody") {
        return;
    }
    let run = listing::run(Length::Short).unwrap();
    let outcome = listing::outcome(&run);
    eprintln!("{}\n{}", outcome.title, outcome.table);
    assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
    assert!(run.delays[1].answers > 0, "the probe had no answer while flows were listed");
}
