//! Where `--report` goes: a regular file is replaced whole, a device or a pipe is written to.

use super::Refused;
use anyhow::{Context, Result};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A place for the report, found before any packet.
#[derive(Debug)]
pub(super) enum ReportFile {
    /// A device, a pipe, or one of this process's own descriptors.
    Direct(PathBuf),
    /// A regular file, there or not yet; symbolic links are followed.
    Replaced(PathBuf),
}

impl ReportFile {
    /// Finds out whether the report can be written at the end. Leaves nothing behind, and an old report as it is.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub(super) fn check(path: &Path) -> Result<Self> {
        let found = Self::find(path).and_then(|file| file.try_part().map(|()| file));
        found
            .map_err(|error| Refused(format!("--report {}: {error}", path.display())))
            .context("the report can't be written")
    }

    fn find(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            // below /dev and /proc, names of this process's own descriptors, which must not be replaced
            Ok(metadata) if !metadata.is_file() || path.starts_with("/dev") || path.starts_with("/proc") => {
                Ok(Self::Direct(path.to_owned()))
            }
            Ok(_) => path.canonicalize().map(Self::Replaced),
            Err(_) if path.is_symlink() => Err(io::Error::other("a symbolic link that leads nowhere")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Replaced(path.to_owned())),
            Err(error) => Err(error),
        }
    }

    fn try_part(&self) -> io::Result<()> {
        let Self::Replaced(path) = self else { return Ok(()) };
        let part = part(path);
        fs::write(&part, "")?;
        fs::remove_file(part)
    }

    /// Writes the report; a regular file whole or not at all.
    ///
    /// # Errors
    /// What the kernel says, with the path.
    pub(super) fn write(&self, json: &str) -> Result<()> {
        let (path, written) = match self {
            Self::Direct(path) => (path, append(path, json)),
            Self::Replaced(path) => (path, replace(path, json)),
        };
        written.with_context(|| format!("can't write {}", path.display()))
    }
}

fn append(path: &Path, json: &str) -> io::Result<()> {
    OpenOptions::new().append(true).open(path)?.write_all(json.as_bytes())
}

fn replace(path: &Path, json: &str) -> io::Result<()> {
    let part = part(path);
    let replaced = fs::write(&part, json).and_then(|()| fs::rename(&part, path));
    if replaced.is_err() {
        // the first failure is the one that is told
        let _ = fs::remove_file(&part);
    }
    replaced
}

fn part(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

#[cfg(test)]
mod tests {
    use super::ReportFile;
    use std::path::Path;

    #[test]
    fn a_check_leaves_nothing_and_a_link_stays_one() {
        let dir = std::env::temp_dir().join(format!("ek-report-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let (file, link) = (dir.join("report.json"), dir.join("link"));
        ReportFile::check(&file).unwrap();
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let report = ReportFile::check(&link).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
        report.write("new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 2);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_device_is_written_to_and_a_directory_refused() {
        let null = ReportFile::check(Path::new("/dev/null")).unwrap();
        assert!(matches!(null, ReportFile::Direct(_)));
        null.write("{}").unwrap();
        assert!(ReportFile::check(&std::env::temp_dir()).is_err());
    }
}
