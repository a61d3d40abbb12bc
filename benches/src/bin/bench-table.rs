//! One table of what criterion measured: `bench-table CRITERION_DIR [--json FILE]`. Publishing has printed a table of its
//! own; its rows go into the file too.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One row: a case, and beside it the plain way of doing the same in the same run.
#[derive(Debug, Serialize)]
struct Row {
    case: String,
    ns_per_packet: f64,
    allocations_per_packet: f64,
    baseline_ns: f64,
    note: String,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().context("usage: bench-table CRITERION_DIR [--json FILE]")?);
    let json = arguments.next().filter(|a| a == "--json").and_then(|_| arguments.next());
    let rows = rows(&dir)?;
    if !rows.is_empty() {
        print(&rows);
    }
    let publish = std::fs::read_to_string(dir.join("publish.json")).unwrap_or_else(|_| "[]".into());
    let publish: Vec<Value> = serde_json::from_str(&publish).context("publish.json")?;
    if let Some(file) = json {
        let rows = rows.iter().map(serde_json::to_value).chain(publish.into_iter().map(Ok));
        let rows: Vec<Value> = rows.collect::<Result<_, _>>()?;
        std::fs::write(&file, serde_json::to_string_pretty(&rows)?)
            .with_context(|| format!("can't write {file}"))?;
    }
    Ok(())
}

fn print(rows: &[Row]) {
    println!("{:<34} {:>10} {:>12} {:>8} {:>8}", "case", "ns/packet", "plain ns", "ratio", "allocs");
    for row in rows {
        let (plain, ratio) = if row.baseline_ns > 0.0 {
            (format!("{:.1}", row.baseline_ns), format!("{:.2}", row.baseline_ns / row.ns_per_packet))
        } else {
            ("-".to_owned(), "-".to_owned())
        };
        println!(
            "{:<34} {:>10.1} {plain:>12} {ratio:>8} {:>8.3}",
            row.case, row.ns_per_packet, row.allocations_per_packet
        );
    }
}

fn rows(dir: &Path) -> Result<Vec<Row>> {
    let allocations: BTreeMap<String, f64> = match std::fs::read_to_string(dir.join("allocations.json")) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => BTreeMap::new(),
    };
    let mut medians = BTreeMap::new();
    collect(dir, &mut medians)?;
    let plain = |case: &str| medians.get(&format!("{case}-plain")).copied().unwrap_or(0.0);
    let rows = medians.iter().filter(|(case, _)| !case.ends_with("-plain")).map(|(case, &ns)| Row {
        case: case.clone(),
        ns_per_packet: ns,
        allocations_per_packet: allocations.get(case).copied().unwrap_or(0.0),
        baseline_ns: plain(case),
        note: note(case).to_owned(),
    });
    Ok(rows.collect())
}

fn note(case: &str) -> &'static str {
    match case.split('/').next() {
        Some("walk") => "whole walk, one core; baseline: SlicedPacket and dashmap as they come",
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
