//! Makes `benches/mixed.pcap` anew: the same bytes every time.

use evenkeel_benches::mixed::{file, make};

fn main() -> std::io::Result<()> {
    let (capture, expected) = make();
    std::fs::write(file(), capture)?;
    println!("{expected:?}");
    Ok(())
}
