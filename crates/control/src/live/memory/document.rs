//! The state file: what is in it, read and written whole.

use super::pin::RememberedPin;
use super::writer::Picture;
use crate::live::change::NexthopState;
use evenkeel_nexthop::{AdminState, GroupSpec, MemberInfo, NexthopSpec};
use evenkeel_packet::Mac;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// The form of the file that this program reads and writes.
const VERSION: u32 = 1;
/// Longest file that is read, in bytes: that of a configuration.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Everything that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    version: u32,
    /// Members that are otherwise than the configuration says.
    pub(super) nexthops: Vec<Remembered>,
    /// The static pins, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) pins: Vec<RememberedPin>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remembered {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) address: IpAddr,
    /// What the configuration said of it; none if it didn't name it.
    pub(super) configured: Option<Configured>,
    pub(super) state: NexthopState,
    pub(super) weight: u16,
    /// Of an added member.
    pub(super) interface: Option<String>,
    /// Of an added member.
    pub(super) mac: Option<String>,
    /// When it is gone, in milliseconds since 1970.
    pub(super) removed_at_unix_ms: Option<u64>,
    /// The deadline that the operator gave then.
    pub(super) asked_deadline_ms: Option<u64>,
}

/// What a configuration says of a member, as far as an operator can change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Configured {
    pub(super) state: NexthopState,
    pub(super) weight: u16,
}

impl Configured {
    pub(super) fn of(spec: &NexthopSpec) -> Self {
        let state = match spec.state {
            AdminState::Active => NexthopState::Active,
            AdminState::Draining => NexthopState::Draining,
        };
        Self { state, weight: spec.weight }
    }
}

impl Document {
    /// What of a state is to be remembered.
    pub(super) fn of(picture: &Picture) -> Self {
        let mut present: HashMap<(&str, IpAddr), MemberInfo<'_>> = HashMap::new();
        for member in picture.desired.members().filter(|member| !member.gone) {
            present.insert((member.group, member.address), member);
        }
        let mut nexthops = Vec::new();
        for group in picture.desired.configured_groups() {
            nexthops.extend(of_configured(group, &mut present, picture));
        }
        // those that are left are of no configuration; members of groups that went with it are not remembered
        let is_known = |group: &str| picture.desired.configured_groups().iter().any(|one| one.name == group);
        let mut added: Vec<_> = present.into_values().filter(|member| is_known(member.group)).collect();
        added.sort_by_key(|member| member.id);
        nexthops.extend(added.iter().map(|member| of_member(member, None, picture)));
        let pins = picture.desired.pins().into_iter().map(|info| RememberedPin::of(info, picture));
        Self { version: VERSION, nexthops, pins: pins.collect() }
    }

    /// Reads a state file; `None` if there is none.
    ///
    /// # Errors
    /// It can't be read, or isn't what this program writes.
    pub(super) fn read(file: &Path) -> io::Result<Option<Self>> {
        let opened = match File::open(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut text = Vec::new();
        opened.take(MAX_FILE_BYTES + 1).read_to_end(&mut text)?;
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(io::Error::other("it is longer than 64 MiB"));
        }
        let document: Self = serde_json::from_slice(&text)?;
        match document.version {
            VERSION => Ok(Some(document)),
            other => Err(io::Error::other(format!("its version is {other}, not {VERSION}"))),
        }
    }

    /// Writes it in the place of the file that is there: after a crash there is the old one or the new one.
    ///
    /// # Errors
    /// The old one stays.
    pub(super) fn write(&self, file: &Path) -> io::Result<()> {
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let mut written = tempfile::NamedTempFile::new_in(directory)?;
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        written.write_all(&text)?;
        written.as_file().sync_all()?;
        written.persist(file)?;
        File::open(directory)?.sync_all()
    }
}

/// The members of a group that are otherwise than it says. They leave `present`.
fn of_configured<'d>(
    group: &'d GroupSpec,
    present: &mut HashMap<(&'d str, IpAddr), MemberInfo<'d>>,
    picture: &Picture,
) -> Vec<Remembered> {
    let of = |spec: &'d NexthopSpec| {
        let configured = Configured::of(spec);
        match present.remove(&(group.name.as_str(), spec.address)) {
            None => Some(Remembered {
                group: group.name.clone(),
                name: spec.name.clone(),
                address: spec.address,
                configured: Some(configured),
                state: NexthopState::Removed,
                weight: spec.weight,
                interface: None,
                mac: None,
                removed_at_unix_ms: None,
                asked_deadline_ms: None,
            }),
            Some(member) => {
                let is = Configured { state: NexthopState::of(&member), weight: member.weight };
                (is != configured).then(|| of_member(&member, Some(configured), picture))
            }
        }
    };
    group.nexthops.iter().filter_map(of).collect()
}

fn of_member(member: &MemberInfo<'_>, configured: Option<Configured>, picture: &Picture) -> Remembered {
    let in_ms = member.removed_at_ms.map(|at_ms| at_ms.saturating_sub(picture.now_ms));
    let port = member.port.and_then(|port| picture.ports.at(port));
    Remembered {
        group: member.group.to_owned(),
        name: member.name.to_owned(),
        address: member.address,
        configured,
        state: NexthopState::of(member),
        weight: member.weight,
        interface: port.map(|port| port.name.clone()),
        mac: member.mac.as_ref().map(Mac::to_string),
        removed_at_unix_ms: in_ms.map(|in_ms| picture.unix_ms.saturating_add(in_ms)),
        asked_deadline_ms: picture.asked_deadlines.get(&(member.group.to_owned(), member.address)).copied(),
    }
}

/// Where the state of a daemon with this configuration file is kept unless it is told otherwise: in `$STATE_DIRECTORY`,
/// which systemd sets, else in `/var/lib/evenkeel`, under the XXH3-64 of the file's canonical path.
#[must_use]
pub fn default_state_file(config: &Path) -> PathBuf {
    let directories = std::env::var_os("STATE_DIRECTORY").filter(|directories| !directories.is_empty());
    let first = directories.and_then(|directories| std::env::split_paths(&directories).next());
    let config = config.canonicalize().or_else(|_| std::path::absolute(config));
    let name = config.map_or(0, |config| xxh3_64(config.as_os_str().as_encoded_bytes()));
    first.unwrap_or_else(|| "/var/lib/evenkeel".into()).join(format!("{name:016x}.json"))
}
