//! Two workers at once beside one alone, and flows that the NIC moves between them. `--test` makes it short.

use evenkeel_benches::figures::{self, Row, is_short};
use evenkeel_benches::workers::Pair;

fn main() {
    let (flows, size, rounds) = if is_short() { (1 << 12, "4k", 2) } else { (1 << 20, "1M", 11) };
    let mut pair = Pair::new(flows);
    let company = pair.company(rounds, flows as usize / 2);
    let moved = pair.moved(rounds.min(4));
    assert_eq!(moved.wrong, 0, "flows that the NIC moved have not stayed as they were: {moved:?}");
    let two = Row::of(
        &format!("walk/two-workers/{size}"),
        "CPU time of each of two workers; baseline: one alone, in turn",
    );
    let rss = Row::of(
        &format!("walk/moved-by-rss/{size}"),
        "CPU time of the first packet of a flow on another worker; baseline: its next packet",
    );
    let rows = [
        two.taking(company.both_ns).beside(company.alone_ns, company.ratio),
        rss.taking(moved.moved_ns)
            .beside(moved.home_ns, moved.moved_ns / moved.home_ns)
            .with("packets", moved.packets)
            .with("wrong", moved.wrong),
    ];
    println!(
        "{} packets of flows moved to another worker, {} flows lost or changed",
        moved.packets, moved.wrong
    );
    figures::write("workers", &rows);
}
