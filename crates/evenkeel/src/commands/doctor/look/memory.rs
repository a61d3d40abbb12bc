//! Memory, as the kernel counts it.

use super::super::facts::{HugePages, Memory, Seen};
use super::files::{Files, text};

pub(super) fn memory(files: &Files) -> Memory {
    let meminfo = text(&files.proc("meminfo"));
    let field = |name: &str| number(meminfo.as_deref().map_err(Clone::clone)?, name);
    let bytes = |name: &str| Ok(field(name)? * 1024);
    let huge = || {
        let len_bytes = bytes("Hugepagesize")?;
        Ok(HugePages { len_bytes, total: field("HugePages_Total")?, free: field("HugePages_Free")? })
    };
    Memory {
        total_bytes: bytes("MemTotal"),
        available_bytes: bytes("MemAvailable"),
        huge: huge(),
        transparent: text(&files.sys("kernel/mm/transparent_hugepage/enabled"))
            .and_then(|text| chosen(&text)),
    }
}

/// The number behind `NAME:`, in the file's own unit.
fn number(meminfo: &str, name: &str) -> Seen<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| format!("/proc/meminfo tells no {name}"))
}

/// The word in brackets.
fn chosen(words: &str) -> Seen<String> {
    let word = words.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
    word.map(str::to_owned).ok_or_else(|| format!("{:?} chooses nothing", words.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::look::files::tests::machine;

    #[test]
    fn memory_is_counted_in_bytes_and_pages() {
        let (_root, files) = machine(&[
            (
                "proc/meminfo",
                "MemTotal:  1000 kB\nMemAvailable: 500 kB\nHugePages_Total: 9\nHugePages_Free:  4\nHugepagesize: 2048 kB\n",
            ),
            ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
        ]);
        let memory = memory(&files);
        assert_eq!((memory.total_bytes, memory.available_bytes), (Ok(1_024_000), Ok(512_000)));
        let huge = memory.huge.unwrap();
        assert_eq!((huge.len_bytes, huge.total, huge.free), (2 << 20, 9, 4));
        assert_eq!(memory.transparent.as_deref(), Ok("madvise"));
    }

    #[test]
    fn what_isnt_told_says_so() {
        let (_root, files) = machine(&[("proc/meminfo", "MemTotal: x kB\n")]);
        let memory = memory(&files);
        assert!(memory.total_bytes.unwrap_err().contains("MemTotal"));
        assert!(memory.huge.is_err() && memory.transparent.is_err());
    }
}
