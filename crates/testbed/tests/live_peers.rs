//! The comparison with peers works, whatever its figures: frames arrive, and Evenkeel accounts for each.

use std::process::Command;

use evenkeel_testbed::lab;
use serde_json::Value;

#[test]
fn peers_are_measured_and_no_packet_is_unaccounted_for() {
    if !lab::available("peers_are_measured_and_no_packet_is_unaccounted_for") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rows.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_peers"));
    command.args(["--short", "--json"]).arg(&file);
    for contender in ["bare-loop", "evenkeel/64k", "kernel-resilient"] {
        command.args(["--only", contender]);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
    assert!(said.contains("packets unaccounted for, any load: 0"));

    let rows: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let cases: Vec<_> = rows.iter().map(|row| row["case"].as_str().unwrap()).collect();
    let expected =
        ["peers/bare-loop", "peers/evenkeel/64k", "peers/kernel-resilient", "peers/evenkeel/64k/load-20"];
    assert_eq!(cases, expected);
    for row in &rows {
        assert!(row["packets_per_second"].as_f64().unwrap() > 0.0, "{row}");
    }
}

#[test]
fn idle_modes_are_measured_and_sleeping_leaves_the_core_to_others() {
    if !lab::available("idle_modes_are_measured_and_sleeping_leaves_the_core_to_others") {
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_peers")).args(["idle", "--short"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
    let cells = |row: &str| -> Vec<f64> {
        let line = said.lines().find_map(|line| line.strip_prefix(row)).unwrap();
        line.split_whitespace().filter_map(|cell| cell.parse().ok()).collect()
    };
    let asleep = cells("nothing, sleep")[0];
    assert!(asleep < 20.0, "a worker without packets has {asleep} % of a core");
    for mode in ["sleep", "spin", "busy-poll"] {
        let low = cells(&format!("1000 per second, {mode}"));
        let [in_box_p50_us, whole_way_p50_us] = [low[1], low[5]];
        assert!(in_box_p50_us > 0.0 && whole_way_p50_us > 0.0, "{mode}: {low:?}");
    }
}
