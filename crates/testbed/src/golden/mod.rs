//! Golden captures: replays each case of `pcaps/` with the built program and compares every byte of what it writes.
//!
//! Knows how a case is laid out (`pcaps/README.md`) and nothing of what it is about. Never writes under `pcaps/`.

mod difference;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::workspace;
use difference::{capture_difference, report_differences};

/// One directory of `pcaps/`.
#[derive(Debug)]
pub struct Case {
    /// Name of the directory.
    pub name: String,
    /// One sentence: what the case shows.
    pub sentence: String,
    directory: PathBuf,
    /// Names of the configured interfaces, in order of the configuration.
    interfaces: Vec<String>,
}

/// All cases of `pcaps/`, in order of name.
///
/// # Errors
/// When a directory of a case cannot be read, or there is no case.
pub fn cases() -> Result<Vec<Case>> {
    let pcaps = workspace::root().join("pcaps");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&pcaps).with_context(|| pcaps.display().to_string())? {
        let directory = entry?.path();
        if directory.join("case.txt").is_file() {
            cases.push(Case::read(directory)?);
        }
    }
    ensure!(!cases.is_empty(), "{}: no case; pcaps/make.py makes them", pcaps.display());
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

impl Case {
    fn read(directory: PathBuf) -> Result<Self> {
        let name = directory.file_name().context("a case without a name")?.to_string_lossy().into_owned();
        let sentence = read_text(&directory.join("case.txt"))?.trim().to_owned();
        let config: toml::Table =
            read_text(&directory.join("config.toml"))?.parse().context("config.toml")?;
        let interfaces = config.get("interface").and_then(toml::Value::as_array).context("no interface")?;
        let interfaces = interfaces.iter().filter_map(|interface| interface.get("name")?.as_str());
        let interfaces = interfaces.map(str::to_owned).collect();
        Ok(Self { name, sentence, directory, interfaces })
    }

    /// A file of the case, by its path in the directory.
    #[must_use]
    pub fn file(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// What the report is expected to say.
    ///
    /// # Errors
    /// When the case has no report, or one that isn't JSON.
    pub fn expected_report(&self) -> Result<Value> {
        read_report(&self.file("expected/report.json"))
    }

    /// Its captures with the interface where they came in: `IFACE.in.pcap` in order of the configuration, or
    /// `in.pcap` of the first interface.
    ///
    /// # Errors
    /// When there is none.
    pub fn inputs(&self) -> Result<Vec<(&str, PathBuf)>> {
        let named = self.interfaces.iter().map(|name| (name.as_str(), self.file(&format!("{name}.in.pcap"))));
        let mut inputs: Vec<_> = named.filter(|(_, file)| file.is_file()).collect();
        let single = self.file("in.pcap");
        if let (Some(first), true) = (self.interfaces.first(), single.is_file()) {
            inputs.insert(0, (first, single));
        }
        ensure!(!inputs.is_empty(), "{}: no in.pcap", self.name);
        Ok(inputs)
    }

    /// Replays the case with this program into `out_dir`.
    ///
    /// # Errors
    /// When the program can't be started or doesn't end with 0; what it said is in the error.
    pub fn replay(&self, evenkeel: &Path, out_dir: &Path) -> Result<()> {
        let mut command = Command::new(evenkeel);
        command.arg("replay").arg("--config").arg(self.file("config.toml"));
        for (interface, file) in self.inputs()? {
            let mut input = OsString::from(format!("{interface}="));
            input.push(file);
            command.arg("--in").arg(input);
        }
        let events = self.file("events.toml");
        if events.is_file() {
            command.arg("--events").arg(events);
        }
        command.arg("--out-dir").arg(out_dir);
        let output = command.output().with_context(|| evenkeel.display().to_string())?;
        if !output.status.success() {
            bail!("replay: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
        }
        Ok(())
    }

    /// Everything in which `out_dir` differs from what is expected, a line or two each; empty if nothing does.
    ///
    /// # Errors
    /// When an expected file cannot be read.
    pub fn differences(&self, out_dir: &Path) -> Result<Vec<String>> {
        let expected = self.file("expected");
        let mut differences = Vec::new();
        let captures = self.interfaces.iter().map(String::as_str).chain(["punt", "drop"]);
        for name in captures.map(|stem| format!("{stem}.pcap")) {
            let want =
                std::fs::read(expected.join(&name)).with_context(|| format!("{}/{name}", self.name))?;
            match std::fs::read(out_dir.join(&name)) {
                Ok(got) => {
                    differences.extend(capture_difference(&want, &got).map(|text| format!("{name}: {text}")));
                }
                Err(error) => differences.push(format!("{name}: {error}")),
            }
        }
        match read_report(&out_dir.join("report.json")) {
            Ok(report) => differences.extend(report_differences(&self.expected_report()?, &report)),
            Err(error) => differences.push(format!("{error:#}")),
        }
        Ok(differences)
    }
}

fn read_text(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| file.display().to_string())
}

fn read_report(file: &Path) -> Result<Value> {
    serde_json::from_str(&read_text(file)?).with_context(|| file.display().to_string())
}
