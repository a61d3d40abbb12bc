//! Memory per flow at full tables, everything counted: resident memory (`VmRSS`, `proc_pid_status(5)`) of a process of its own
//! for every figure. Rows go where `EVENKEEL_FIGURES` says.
//!
//! By itself a table is compared with none. Opened by packets, flows are compared with the same
//! packets through a worker whose table has room for 64 flows.

use anyhow::{Context, Result, ensure};
use evenkeel_benches::figures::{self, Row, has_room_for_10m};
use evenkeel_benches::frames::Kind;
use evenkeel_benches::machine::table;
use evenkeel_benches::rig::{AREA, Rig};
use evenkeel_benches::traffic::Taker;
use evenkeel_dataplane::{FlowEntry, FlowState, FlowTable, WorkerCounters};
use evenkeel_nexthop::{MemberId, TimeoutSets, TimeoutsId};
use std::process::Command;

/// Flows of a full table: those that fit 2^20 and 2^24 slots of which an eighth is free.
const SIZES: [(u32, &str); 2] = [(917_504, "1M"), (14_680_064, "16M")];
/// Bytes of a flow at the most, by family.
const FAMILIES: [(&str, Kind, f64); 2] = [("ipv4", Kind::Tcp4, 64.0), ("ipv6", Kind::Tcp6, 96.0)];
/// Flows of a table that is nearly empty.
const SPARSE: u32 = 10_000;
const MIB: f64 = 1024.0 * 1024.0;
/// Capacity of the table that isn't to be seen in the figures.
const FEW: usize = 64;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--of", how, family, flows, room, pages] => {
            let kind = FAMILIES.iter().find(|(name, ..)| *name == family).context("no such family")?.1;
            let (flows, room) = (flows.parse()?, room.parse()?);
            let work = || if how == "table" { of_table(kind, flows, room) } else { of_packets(kind, flows) };
            println!("{}", if pages == "small" { evenkeel_pages::without(work) } else { work() }?);
            Ok(())
        }
        _ => measure(if has_room_for_10m("memory/16M") { &SIZES } else { &SIZES[..1] }),
    }
}

fn measure(sizes: &[(u32, &str)]) -> Result<()> {
    println!(
        "{:<22} {:>12} {:>12} {:>12} {:>12} {:>6}  met",
        "bytes per flow", "flows", "table alone", "small pages", "by packets", "bar"
    );
    let mut rows = Vec::new();
    for &(flows, size) in sizes {
        for (family, _, bar) in FAMILIES {
            let of = |how: &str, pages: &str| child(how, family, flows, flows, pages);
            let (huge, small, packets) =
                (of("table", "huge")?, of("table", "small")?, of("packets", "huge")?);
            let case = format!("memory/{family}/{size}");
            let met = if huge.max(packets) <= bar { "yes" } else { "no" };
            println!("{case:<22} {flows:>12} {huge:>12.1} {small:>12.1} {packets:>12.1} {bar:>6}  {met}");
            let row = Row::of(&case, "resident bytes per flow at a full table");
            let row = row.with("bytes_per_flow", packets).with("table_alone", huge);
            rows.push(row.with("table_on_small_pages", small).with("bar", bar).with("flows", flows));
        }
    }
    for &(room, size) in sizes {
        let of = |pages: &str| {
            Ok::<_, anyhow::Error>(child("table", "ipv4", SPARSE, room, pages)? * f64::from(SPARSE) / MIB)
        };
        let (huge, small) = (of("huge")?, of("small")?);
        println!("a table for {room} flows with {SPARSE} in it: {huge:.1} MiB, on small pages {small:.1}");
        let row = Row::of(&format!("memory/sparse/{size}"), "resident MiB with few flows in the table");
        rows.push(row.with("mib", huge).with("mib_on_small_pages", small).with("flows", SPARSE));
    }
    figures::write("memory", &rows);
    Ok(())
}

/// Bytes per flow, measured in a process of its own.
fn child(how: &str, family: &str, flows: u32, room: u32, pages: &str) -> Result<f64> {
    let program = std::env::current_exe()?;
    let out = Command::new(program)
        .args(["--of", how, family, &flows.to_string(), &room.to_string(), pages])
        .output()?;
    ensure!(out.status.success(), "{how} {family} {flows}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout)?.trim().parse().context("the child says a number")
}

/// A table by itself.
fn of_table(kind: Kind, flows: u32, room: usize) -> Result<f64> {
    let (counters, timeouts) = (WorkerCounters::default(), TimeoutSets::default());
    let before = resident_bytes()?;
    let table = FlowTable::new(&table(room))?;
    let mut shard = table.lock(0, &counters, &timeouts).context("there is a worker 0")?;
    for flow in 0..flows {
        let key = kind.key(flow);
        let entry = FlowEntry::new(MemberId(0), FlowState::Established, TimeoutsId(0), 0, 60);
        let link = shard.insert(&key, table.hash(&key), entry, 0).context("there is room")?;
        shard.confirm(link);
    }
    ensure!(shard.len() == flows as usize, "{} flows", shard.len());
    Ok((resident_bytes()? - before) / f64::from(flows))
}

/// A full table whose flows were opened by packets.
fn of_packets(kind: Kind, flows: u32) -> Result<f64> {
    let mut few = Rig::new(FEW);
    open(&mut few, kind, flows);
    let before = resident_bytes()?;
    drop(few);
    let mut rig = Rig::new(flows as usize);
    open(&mut rig, kind, flows);
    let live = rig.totals().flows.in_shards;
    ensure!(live == u64::from(flows), "{live} flows");
    Ok((resident_bytes()? - before) / f64::from(flows))
}

fn open(rig: &mut Rig, kind: Kind, flows: u32) {
    for begin in (0..flows).step_by(AREA) {
        let batch: Vec<u32> = (begin..flows.min(begin + AREA as u32)).collect();
        rig.establish(kind, &batch);
    }
}

fn resident_bytes() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}
