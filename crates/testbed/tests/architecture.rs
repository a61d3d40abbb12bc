//! The house keeps its shape: who may use whom, what the packet path may not know, how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package};
use evenkeel_testbed::workspace;

/// Which crates each crate may use directly: everything that lies to the left of its arrows.
const ALLOWED: &[(&str, &[&str])] = &[
    ("packet", &[]),
    ("nexthop", &["packet"]),
    ("dataplane", &["packet", "nexthop"]),
    ("afxdp", &["packet", "nexthop", "dataplane"]),
    ("capture", &["packet", "nexthop", "dataplane"]),
    ("liveness", &["packet"]),
    ("routing", &["packet"]),
    ("control", &["packet", "nexthop", "dataplane", "liveness", "routing"]),
    ("pages", &[]),
    ("traffic", &[]),
    (
        "evenkeel",
        &[
            "packet",
            "nexthop",
            "dataplane",
            "afxdp",
            "capture",
            "liveness",
            "routing",
            "control",
            "pages",
            "traffic",
        ],
    ),
    ("agent", &["packet", "liveness"]),
];
/// These may use every crate, and none but these may use them.
const OUTSIDE: &[&str] = &["testbed", "benches"];

/// What the path of a packet must not use.
const PACKET_PATH: &[&str] = &["packet", "nexthop", "dataplane"];
const FORBIDDEN: &[&str] = &["tokio", "serde", "serde_json", "tracing", "libc", "socket2", "nix", "mio"];

/// Lines of a source file, at most.
const LINES: usize = 400;

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(workspace::root().join("Cargo.toml"))
        .other_options(vec!["--locked".into(), "--offline".into()])
        .exec()
        .expect("cargo metadata")
}

/// The crate's room in the house: `evenkeel-packet` lives in `packet`.
fn room(package: &str) -> &str {
    package.strip_prefix("evenkeel-").unwrap_or(package)
}

fn members(metadata: &Metadata) -> BTreeMap<&str, &Package> {
    metadata.workspace_packages().into_iter().map(|package| (room(&package.name), package)).collect()
}

#[test]
fn every_arrow_between_crates_is_allowed() {
    let metadata = metadata();
    let members = members(&metadata);
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    for (&user, package) in &members {
        if OUTSIDE.contains(&user) {
            continue;
        }
        let Some(allowed) = allowed.get(user) else {
            wrong.push(format!("{user} has no place in the house"));
            continue;
        };
        for used in package.dependencies.iter().map(|dependency| room(&dependency.name)) {
            if members.contains_key(used) && !allowed.contains(&used) {
                wrong.push(format!("{user} -> {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "not allowed: {}", wrong.join(", "));
    assert!(members.contains_key("packet") && members.contains_key("dataplane"), "{members:?}");
}

#[test]
fn the_path_of_a_packet_knows_no_runtime_and_no_system() {
    let metadata = metadata();
    let members = members(&metadata);
    for room in PACKET_PATH {
        let direct = members[room].dependencies.iter();
        let known = direct.map(|dependency| dependency.name.as_str());
        let forbidden: Vec<_> = known.filter(|name| FORBIDDEN.contains(name)).collect();
        assert!(forbidden.is_empty(), "{room} uses {forbidden:?}");
    }
}

#[test]
fn no_source_file_is_too_long() {
    let sources = ["rs", "c", "h", "sh", "py"];
    let long: Vec<_> = files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| sources.iter().any(|source| end == *source)))
        .filter_map(|path| Some((fs::read_to_string(&path).ok()?.lines().count(), path)))
        .filter(|(lines, _)| *lines > LINES)
        .collect();
    assert!(long.is_empty(), "longer than {LINES} lines: {long:?}");
}

#[test]
fn nothing_refers_to_what_is_not_in_the_repository() {
    // Put together here, so that this file isn't found.
    let outside = ["..", "shared"].join("/");
    let wrong: Vec<_> = files()
        .into_iter()
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(&outside)))
        .collect();
    assert!(wrong.is_empty(), "mention {outside}: {wrong:?}");
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let metadata = metadata();
    let wrong: BTreeSet<_> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| {
            let manifest = fs::read_to_string(&package.manifest_path).expect("a manifest");
            !manifest.contains("[lints]\nworkspace = true")
        })
        .map(|package| package.name.to_string())
        .collect();
    assert!(wrong.is_empty(), "without the workspace's lints: {wrong:?}");
}

/// Every file of the tree but what git and cargo keep there.
fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(workspace::root(), &mut files);
    assert!(files.len() > 50, "only {} files found", files.len());
    files
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let foreign = ["target", ".git", "__pycache__"].iter().any(|foreign| name == *foreign);
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !foreign => collect(&path, files),
            Ok(kind) if kind.is_file() => files.push(path),
            _ => {}
        }
    }
}
