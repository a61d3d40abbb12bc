//! The corpus: every bad file is refused with exactly its expected messages, every good one resolves.
//!
//! `corpus/NAME.toml` goes with `corpus/NAME.expected`. With `EVENKEEL_REWRITE_EXPECTED=1` the messages are written
//! anew, to be read before they are committed.

use evenkeel_control::{Config, Mistakes, events};
use std::fs;
use std::path::{Path, PathBuf};

fn corpus(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(below)
}

/// The `.toml` files of a directory, in order of their names.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    files
}

/// Compares messages with those expected beside `file`.
fn compare(file: &Path, messages: &str, differing: &mut Vec<String>) {
    let beside = file.with_extension("expected");
    let messages = format!("{messages}\n");
    if std::env::var_os("EVENKEEL_REWRITE_EXPECTED").is_some() {
        fs::write(&beside, &messages).unwrap();
    }
    let expected = fs::read_to_string(&beside).unwrap_or_default();
    if messages != expected {
        differing.push(format!("{}\nexpected:\n{expected}found:\n{messages}", file.display()));
    }
}

fn name(file: &Path) -> &Path {
    Path::new(file.file_name().unwrap())
}

/// Reads all files of a directory by `read`, which must refuse each with the messages beside it.
fn refused<T>(directory: &Path, at_least: usize, read: impl Fn(&Path, &str) -> Result<T, Mistakes>) {
    let files = files(directory);
    assert!(files.len() >= at_least, "{} files", files.len());
    let mut differing = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        match read(name(file), &text) {
            Ok(_) => differing.push(format!("{} is accepted", file.display())),
            Err(mistakes) => {
                assert!(!mistakes.list().is_empty(), "{}", file.display());
                assert!(mistakes.list().iter().all(|mistake| mistake.place.is_some()), "{}", file.display());
                assert!(mistakes.list().is_sorted_by_key(|mistake| mistake.place), "{}", file.display());
                compare(file, &mistakes.to_string(), &mut differing);
            }
        }
    }
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
}

#[test]
fn bad_configurations_are_refused_with_the_expected_messages() {
    refused(&corpus(""), 100, Config::parse);
}

#[test]
fn bad_events_are_refused_with_the_expected_messages() {
    let text = fs::read_to_string(corpus("good/whole.toml")).unwrap();
    let config = Config::parse(Path::new("whole.toml"), &text).unwrap();
    refused(&corpus("events"), 20, |file, text| events::parse(file, text, &config));
}

#[test]
fn good_files_resolve_with_the_expected_warnings() {
    let mut differing = Vec::new();
    for file in &files(&corpus("good")) {
        let text = fs::read_to_string(file).unwrap();
        match Config::parse(name(file), &text) {
            Ok(config) => compare(file, &config.warnings.join("\n"), &mut differing),
            Err(mistakes) => differing.push(mistakes.to_string()),
        }
    }
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
}
