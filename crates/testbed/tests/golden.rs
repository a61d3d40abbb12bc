//! The golden captures of `pcaps/`: each is replayed and compared, they cover everything that can be counted, and
//! they are what their script makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use evenkeel_dataplane::DropReason;
use evenkeel_testbed::{golden, workspace};

/// The program under test: what `EVENKEEL` names, else the one of this build, built anew when its sources changed.
fn evenkeel() -> Result<PathBuf> {
    if std::env::var_os("EVENKEEL").is_some() {
        return workspace::evenkeel();
    }
    let test = std::env::current_exe()?;
    let profile = test.ancestors().nth(2).context("a test lies in TARGET/PROFILE/deps")?;
    let target = profile.parent().context("a profile lies in TARGET")?;
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--package", "evenkeel", "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let status = build.current_dir(workspace::root()).status().context("cargo build")?;
    ensure!(status.success(), "cargo build --package evenkeel: {status}");
    Ok(profile.join("evenkeel"))
}

#[test]
fn every_case_replays_as_expected() -> Result<()> {
    let evenkeel = evenkeel()?;
    let cases = golden::cases()?;
    let mut failed = Vec::new();
    for case in &cases {
        let out = tempfile::tempdir()?;
        let differences = match case.replay(&evenkeel, out.path()) {
            Ok(()) => case.differences(out.path())?,
            Err(error) => vec![format!("{error:#}")],
        };
        if !differences.is_empty() {
            failed.push(format!("{}: {}\n    {}", case.name, case.sentence, differences.join("\n    ")));
        }
    }
    ensure!(failed.is_empty(), "{} of {} cases differ\n\n{}", failed.len(), cases.len(), failed.join("\n\n"));
    Ok(())
}

#[test]
fn every_verdict_drop_reason_and_flow_counter_has_a_case() -> Result<()> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for case in golden::cases()? {
        let report = case.expected_report()?;
        for table in ["packets", "drops", "flows"] {
            for (counter, value) in report[table].as_object().context(table)? {
                *sums.entry(format!("{table}.{counter}")).or_default() +=
                    value.as_u64().context("not a count")?;
            }
        }
    }
    let drops = DropReason::ALL.iter().filter(|reason| !reason.is_live_only());
    let drops = drops.map(|reason| format!("drops.{}", reason.name()));
    let verdicts = ["forwarded", "punted", "dropped"].map(|verdict| format!("packets.{verdict}"));
    let flows = ["created", "adopted", "expired", "closed", "evicted", "moved", "untracked_packets", "live"];
    let flows = flows.map(|counter| format!("flows.{counter}"));
    let all = drops.chain(verdicts).chain(flows);
    let missing: Vec<_> = all.filter(|counter| sums.get(counter).is_none_or(|&sum| sum == 0)).collect();
    ensure!(missing.is_empty(), "no case of pcaps/ counts {}", missing.join(", "));
    Ok(())
}

#[test]
fn every_case_says_what_it_shows() -> Result<()> {
    for case in golden::cases()? {
        let lines = case.sentence.lines().count();
        ensure!(lines == 1 && case.sentence.ends_with('.'), "{}: case.txt is not one sentence", case.name);
    }
    Ok(())
}

#[test]
fn the_cases_are_what_their_script_makes() -> Result<()> {
    let made = tempfile::tempdir()?;
    let script = workspace::root().join("pcaps/make.py");
    let run = Command::new("/usr/bin/python3").arg(&script).arg(made.path()).output();
    let run = run.context("/usr/bin/python3: this test needs Debian's python3 and python3-scapy")?;
    let said = String::from_utf8_lossy(&run.stderr);
    ensure!(!said.contains("No module named 'scapy'"), "this test needs Debian's python3-scapy\n{said}");
    ensure!(run.status.success(), "{}: {}\n{said}", script.display(), run.status);

    let (want, got) = (tree(made.path())?, cases_tree(&workspace::root().join("pcaps"))?);
    let differs = |file: &&PathBuf| want.get(*file) != got.get(*file);
    let mut names: Vec<_> =
        want.keys().chain(got.keys()).filter(differs).map(|file| file.display().to_string()).collect();
    names.sort();
    names.dedup();
    ensure!(
        names.is_empty(),
        "pcaps/ is not what pcaps/make.py makes; run it. Other, missing or too many: {names:#?}"
    );
    Ok(())
}

/// Every file below a directory, by its path from there.
fn tree(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
            } else {
                files.insert(path.strip_prefix(root)?.to_owned(), std::fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

/// The files of the cases alone: not the script, the oracle or the page that explains them.
fn cases_tree(pcaps: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let is_case = |path: &Path| {
        let first = path.components().next();
        first.is_some_and(|name| pcaps.join(name).join("case.txt").is_file())
    };
    Ok(tree(pcaps)?.into_iter().filter(|(path, _)| is_case(path)).collect())
}
