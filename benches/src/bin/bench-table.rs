//! One table of what was measured: `bench-table CRITERION_DIR [--json FILE]`. Medians are criterion's; what it doesn't know
//! lies in `CRITERION_DIR/figures`. A case may have its plain counterpart there, or as a case of criterion named `…-plain`.

use anyhow::{Context, Result};
use evenkeel_benches::figures::{Row, bar};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().context("usage: bench-table CRITERION_DIR [--json FILE]")?);
    let json = arguments.next().filter(|a| a == "--json").and_then(|_| arguments.next());
    let rows = rows(&dir)?;
    print(&rows);
    print_polls(&rows);
    if let Some(file) = json {
        std::fs::write(&file, serde_json::to_string_pretty(&rows)?)
            .with_context(|| format!("can't write {file}"))?;
    }
    Ok(())
}

/// Rows without a time, or with a table of their own, are in the file only.
fn print(rows: &[Row]) {
    let shown = rows.iter().filter(|row| row.ns_per_packet > 0.0 && !row.case.starts_with("publish/"));
    let mut shown = shown.peekable();
    if shown.peek().is_some() {
        println!(
            "{:<34} {:>10} {:>10} {:>7} {:>7}   {:<14} met",
            "case", "ns/packet", "plain ns", "ratio", "allocs", "bar"
        );
    }
    for row in shown {
        let plain = if row.baseline_ns > 0.0 { format!("{:.1}", row.baseline_ns) } else { "-".into() };
        let ratio = row.ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}"));
        let (bar, met) = match bar(&row.case) {
            Some(bar) => {
                let is_met = bar.is_met(row.ns_per_packet, row.ratio.unwrap_or(0.0));
                (bar.to_string(), if is_met { "yes" } else { "no" })
            }
            None => ("-".into(), "-"),
        };
        println!(
            "{:<34} {:>10.1} {plain:>10} {ratio:>7} {:>7.3}   {bar:<14} {met}",
            row.case, row.ns_per_packet, row.allocations_per_packet
        );
    }
}

/// Rows that say how long polls took.
fn print_polls(rows: &[Row]) {
    let mut shown = rows.iter().filter(|row| row.more.contains_key("p999_us")).peekable();
    if shown.peek().is_some() {
        println!(
            "\n{:<34} {:>8} {:>8} {:>8} {:>8} {:>9}",
            "us per poll of up to 64 packets", "p50", "p99", "p99.9", "worst", "by wall"
        );
    }
    for row in shown {
        let us = |name: &str| row.more.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        println!(
            "{:<34} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>9.1}",
            row.case,
            us("p50_us"),
            us("p99_us"),
            us("p999_us"),
            us("max_us"),
            us("wall_max_us")
        );
    }
}

fn rows(dir: &Path) -> Result<Vec<Row>> {
    let mut rows = figures(&dir.join("figures"))?;
    let mut medians = BTreeMap::new();
    collect(dir, &mut medians)?;
    for (case, &ns) in medians.iter().filter(|(case, _)| !case.ends_with("-plain")) {
        if !rows.iter().any(|row| row.case == *case) {
            rows.push(Row::of(case, note(case)));
        }
        let row = rows.iter_mut().find(|row| row.case == *case).context("a row was added")?;
        row.ns_per_packet = ns;
        if let Some(&plain) = medians.get(&format!("{case}-plain")) {
            (row.baseline_ns, row.ratio) = (plain, Some(plain / ns));
        }
    }
    rows.sort_by_key(|row| position(&row.case));
    Ok(rows)
}

/// Cases in the order of benches, then by name, sizes by size.
fn position(case: &str) -> (usize, String, u64) {
    const ORDER: [&str; 7] = ["parse", "table", "walk", "newflows", "stalls", "buckets", "publish"];
    let (bench, rest) = case.split_once('/').unwrap_or((case, ""));
    let (what, size) = rest.rsplit_once('/').unwrap_or((rest, ""));
    let digits: String = size.chars().take_while(char::is_ascii_digit).collect();
    let unit = match size[digits.len()..].chars().next() {
        Some('k') => 1000,
        Some('M') => 1_000_000,
        _ => 1,
    };
    let of = ORDER.iter().position(|name| *name == bench).unwrap_or(ORDER.len());
    (of, what.to_owned(), digits.parse().unwrap_or(0) * unit)
}

fn figures(dir: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
    files.sort();
    for file in files {
        let read = std::fs::read_to_string(&file).map_err(anyhow::Error::from);
        let of: Vec<Row> = read
            .and_then(|text| Ok(serde_json::from_str(&text)?))
            .with_context(|| file.display().to_string())?;
        rows.extend(of);
    }
    Ok(rows)
}

fn note(case: &str) -> &'static str {
    match case.split('/').next() {
        Some("table") => "look up and refresh; baseline: dashmap as it comes",
        Some("parse") => "one frame to its flow key; baseline: SlicedPacket",
        Some("buckets") => "whole time of one build or change, not per packet",
        _ => "",
    }
}

/// Medians in nanoseconds per element, by case, of all benches below `dir`.
fn collect(dir: &Path, medians: &mut BTreeMap<String, f64>) -> Result<()> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("can't read {}", dir.display()))?;
    for entry in entries {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let estimates = path.join("new/estimates.json");
        if estimates.exists() {
            let estimates: Value = serde_json::from_str(&std::fs::read_to_string(&estimates)?)?;
            let about: Value =
                serde_json::from_str(&std::fs::read_to_string(path.join("new/benchmark.json"))?)?;
            let median =
                estimates["median"]["point_estimate"].as_f64().context("an estimate without median")?;
            let elements = about["throughput"]["Elements"].as_f64().unwrap_or(1.0);
            let case = about["full_id"].as_str().context("a benchmark without id")?;
            medians.insert(case.to_owned(), median / elements);
        } else {
            collect(&path, medians)?;
        }
    }
    Ok(())
}
