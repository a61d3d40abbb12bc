//! Small files of `/proc` and `/sys`.

use super::super::facts::Seen;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where `/proc` and `/sys` are; tests have others.
pub(super) struct Files {
    proc: PathBuf,
    sys: PathBuf,
}

impl Files {
    pub(super) fn of_this_machine() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into() }
    }

    /// Both below a directory.
    #[cfg(test)]
    pub(super) fn below(root: &Path) -> Self {
        Self { proc: root.join("proc"), sys: root.join("sys") }
    }

    /// A path below `/proc`.
    pub(super) fn proc(&self, path: impl AsRef<Path>) -> PathBuf {
        self.proc.join(path)
    }

    /// A path below `/sys`.
    pub(super) fn sys(&self, path: impl AsRef<Path>) -> PathBuf {
        self.sys.join(path)
    }
}

/// The whole text of a file.
pub(super) fn text(path: &Path) -> Seen<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The text of a file without the blanks around it, as something else.
pub(super) fn value<T: FromStr>(path: &Path) -> Seen<T> {
    let text = text(path)?;
    text.trim().parse().map_err(|_| format!("{}: {:?} is not understood", path.display(), text.trim()))
}

/// A list of numbers, as `0-2,5`.
pub(super) fn numbers(path: &Path) -> Seen<BTreeSet<usize>> {
    let text = text(path)?;
    let wrong = || format!("{}: {:?} is no list of cores", path.display(), text.trim());
    let mut numbers = BTreeSet::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = first.parse::<usize>().ok().zip(last.parse::<usize>().ok()).ok_or_else(wrong)?;
        numbers.extend(first..=last);
    }
    Ok(numbers)
}

/// Names of what is in a directory; none if there is no such directory.
pub(super) fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// The numbers of all `PREFIXn` in a directory.
pub(super) fn numbered(path: &Path, prefix: &str) -> BTreeSet<usize> {
    names(path).iter().filter_map(|name| name.strip_prefix(prefix)?.parse().ok()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A machine made of these files.
    pub(crate) fn machine(files: &[(&str, &str)]) -> (TempDir, Files) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let files = Files::below(root.path());
        (root, files)
    }

    #[test]
    fn lists_of_cores_are_read() {
        let (_root, files) = machine(&[("sys/a", "0-2,5\n"), ("sys/b", "\n"), ("sys/c", "0-x\n")]);
        assert_eq!(numbers(&files.sys("a")).unwrap(), BTreeSet::from([0, 1, 2, 5]));
        assert!(numbers(&files.sys("b")).unwrap().is_empty());
        assert!(numbers(&files.sys("c")).unwrap_err().contains("0-x"));
        assert!(numbers(&files.sys("d")).unwrap_err().contains("No such file"));
    }

    #[test]
    fn values_say_where_they_are_wrong() {
        let (_root, files) = machine(&[("proc/a", "17\n"), ("proc/b", "x\n")]);
        assert_eq!(value::<u64>(&files.proc("a")), Ok(17));
        let error = value::<u64>(&files.proc("b")).unwrap_err();
        assert!(error.contains("proc/b") && error.contains("\"x\""), "{error}");
    }
}
