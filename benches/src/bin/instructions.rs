//! Counts instructions per packet and holds them against the kept ones: `instructions [--keep] [CASE …]`.
//! Part of a case's name stands for all cases that have it.

use anyhow::{Context, Result, bail, ensure};
use evenkeel_benches::instructions::{CASES, Case, Kept, Release, Verdict, count};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut keep, mut wanted) = (false, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // one case, under valgrind
            "--case" => {
                let name = arguments.next().unwrap_or_default();
                let case = CASES.iter().find(|case| case.name == name).context("no such case")?;
                println!("{}", case.run());
                return Ok(());
            }
            "--keep" => keep = true,
            option if option.starts_with('-') => {
                bail!("usage: scripts/bench.sh instructions [--keep] [CASE …]")
            }
            _ => wanted.push(argument),
        }
    }
    let cases: Vec<&Case> = CASES.iter().filter(|case| is_wanted(case, &wanted)).collect();
    ensure!(!cases.is_empty(), "no case is called {}", wanted.join(" or "));
    count_all(&cases, keep)
}

fn is_wanted(case: &Case, wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|part| case.name.contains(part.as_str()))
}

fn count_all(cases: &[&Case], keep: bool) -> Result<()> {
    let program = std::env::current_exe()?;
    let dir = program.parent().context("the program lies in a directory")?.join("callgrind");
    std::fs::create_dir_all(&dir)?;
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.toml");
    let mut kept = Kept::read(&file)?;
    let (mut counts, mut more, mut fewer) = (BTreeMap::new(), Vec::new(), Vec::new());
    println!("{:<34} {:>12} {:>10} {:>8}", "instructions per packet", "now", "kept", "change");
    for case in cases {
        let now = count(&program, case, &dir)?;
        let before = kept.of(case.name);
        let change = before.map_or("-".into(), |kept| format!("{:+.1} %", (now / kept - 1.0) * 100.0));
        let shown = before.map_or("-".into(), |kept| format!("{kept:.1}"));
        println!("{:<34} {now:>12.1} {shown:>10} {change:>8}", case.name);
        match kept.judge(case.name, now) {
            Verdict::More => more.push(case.name),
            Verdict::Less | Verdict::New => fewer.push(case.name),
            Verdict::Same => {}
        }
        counts.insert(case.name.to_owned(), (now * 10.0).round() / 10.0);
    }
    println!("profiles for callgrind_annotate: {}", dir.display());
    if keep {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        kept.keep(Release { version, compiler: compiler()?, instructions: counts });
        kept.write(&file)?;
        println!("kept in {}", file.display());
        return Ok(());
    }
    if !fewer.is_empty() {
        println!("worth keeping (--keep): {}", fewer.join(", "));
    }
    ensure!(
        more.is_empty(),
        "more instructions per packet than kept: {}. If that is the price of something worth it, say so in the commit and \
         run scripts/bench.sh instructions --keep",
        more.join(", ")
    );
    Ok(())
}

fn compiler() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("can't run rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
