//! Counts what two workers share, line by line of memory, and fails when it has become more than a model of many workers
//! bears: `sharing`.

use anyhow::{Result, ensure};
use evenkeel_benches::sharing::{Shared, take_turns, trace};
use std::collections::BTreeSet;

/// Lines that may come over from another core, per burst. One costs some 100 ns, a burst of 64 takes 2 us at the least.
const MOST_TRANSFERS: f64 = 0.1;

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("--turns") {
        take_turns();
        return Ok(());
    }
    let sharing = trace(&std::env::current_exe()?)?;
    println!(
        "two workers, {} bursts each: {} and {} lines of memory touched, {} of them written by one and touched by the other",
        sharing.bursts,
        sharing.touched[0],
        sharing.touched[1],
        sharing.shared.len()
    );
    for Shared { line, read_at, written_at } in &sharing.shared {
        println!("{} and {} reads at {}", line.reads[0], line.reads[1], words(read_at));
        println!("  {} and {} writes at {}", line.writes[0], line.writes[1], words(written_at));
    }
    let transfers = sharing.transfers_per_burst();
    println!("lines that come over from the other core per burst, at the most: {transfers:.3}");
    ensure!(transfers <= MOST_TRANSFERS, "workers share more than {MOST_TRANSFERS} lines per burst");
    Ok(())
}

fn words(places: &BTreeSet<String>) -> String {
    places.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}
