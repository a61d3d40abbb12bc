//! 10,000 established connections beside a SYN flood: none is lost, new ones are served.

use evenkeel_testbed::lab;
use evenkeel_testbed::scenario::{Length, flood};

#[test]
fn a_flood_of_syns_takes_no_connection() {
    if !lab::available("a_flood_of_syns_takes_no_connection") {
        return;
    }
    let outcome = flood::outcome(&flood::run(Length::Short).unwrap()).unwrap();
    eprintln!("{}\n{}", outcome.title, outcome.table);
    assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
}
