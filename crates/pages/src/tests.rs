//! The allocator is that of the tests themselves.

use super::{GRAIN_LEN, HUGE_LEN, HugePages, LINE_LEN, populate, without};
use std::alloc::{GlobalAlloc, Layout};
use std::fs;

#[global_allocator]
static ALLOCATOR: HugePages = HugePages;

/// KiB of huge pages in the mapping that an address is in (`proc_pid_smaps(5)`).
fn huge_kib(address: usize) -> usize {
    kib(address, "AnonHugePages:")
}

fn kib(address: usize, of: &str) -> usize {
    let text = fs::read_to_string("/proc/self/smaps").expect("it can be read");
    let mut is_here = false;
    for line in text.lines() {
        let first = line.split(' ').next().expect("a word");
        if let Some((from, to)) = first.split_once('-') {
            let number = |hex| usize::from_str_radix(hex, 16).expect("an address");
            is_here = (number(from)..number(to)).contains(&address);
        } else if let (true, Some(kib)) = (is_here, line.strip_prefix(of)) {
            return kib.trim().trim_end_matches(" kB").parse().expect("a number");
        }
    }
    panic!("nothing is mapped at {address:x}");
}

fn mapped_at(address: usize) -> bool {
    let text = fs::read_to_string("/proc/self/maps").expect("it can be read");
    text.lines().any(|line| {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let number = |hex| usize::from_str_radix(hex, 16).expect("an address");
        (number(from)..number(to)).contains(&address)
    })
}

#[test]
fn large_memory_begins_on_a_huge_page_and_is_zeroed() {
    for len in [HUGE_LEN, HUGE_LEN + 1, 5 * HUGE_LEN - 3] {
        let memory = vec![0_u8; len];
        assert_eq!(memory.as_ptr().addr() % HUGE_LEN, 0, "{len}");
        assert!(memory.iter().all(|&byte| byte == 0), "{len}");
    }
}

#[test]
fn what_grows_and_shrinks_across_the_border_keeps_its_content() {
    let content = |n: usize| (n * 7 % 251) as u8;
    let mut memory: Vec<u8> = (0..1000).map(content).collect();
    for len in [HUGE_LEN - 1, HUGE_LEN, 3 * HUGE_LEN, 3 * HUGE_LEN + 1, HUGE_LEN, 100, HUGE_LEN + 5] {
        let kept = memory.len().min(len);
        memory.resize(len, 1);
        memory.shrink_to_fit();
        assert!((0..kept.min(1000)).all(|n| memory[n] == content(n)), "{len}");
        (0..len.min(1000)).for_each(|n| memory[n] = content(n));
    }
}

#[test]
fn what_is_as_long_as_a_cache_line_has_lines_of_its_own() {
    let kept: Vec<Vec<u8>> = (0..200).map(|len| vec![7; len]).collect();
    for memory in kept.iter().filter(|memory| memory.len() >= LINE_LEN) {
        assert_eq!(memory.as_ptr().addr() % LINE_LEN, 0, "{}", memory.len());
    }
    let mut lines: Vec<usize> = kept
        .iter()
        .filter(|memory| memory.len() >= LINE_LEN)
        .flat_map(|memory| {
            memory.as_ptr_range().start.addr() / LINE_LEN..=(memory.as_ptr_range().end.addr() - 1) / LINE_LEN
        })
        .collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all, "two share a line");
}

#[test]
fn what_grows_and_shrinks_across_a_line_keeps_its_content() {
    let mut memory: Vec<u8> = (0..10).collect();
    for len in [63, 64, 65, 200, 64, 63, 20, 128] {
        memory.resize(len, 1);
        memory.shrink_to_fit();
        assert!((0..10).all(|n| memory[usize::from(n)] == n), "{len}");
    }
}

#[test]
fn what_is_freed_is_no_longer_mapped() {
    const LEN: usize = 1 << 30;
    let memory = Vec::<u8>::with_capacity(LEN);
    let (first, last) = (memory.as_ptr().addr(), memory.as_ptr().addr() + LEN - 1);
    assert!(mapped_at(first) && mapped_at(last));
    drop(memory);
    // other tests may have got the place, but not a gibibyte
    assert!(!mapped_at(first) || !mapped_at(last));
}

#[test]
fn there_is_no_memory_without_end() {
    let layout = Layout::from_size_align(isize::MAX as usize - GRAIN_LEN, 1).expect("a layout");
    // SAFETY: the layout isn't empty.
    assert!(unsafe { HugePages.alloc(layout) }.is_null());
    assert!(Vec::<u64>::new().try_reserve_exact(1 << 55).is_err());
}

/// KiB of the mapping that an address is in which are in memory.
fn resident_kib(address: usize) -> usize {
    kib(address, "Rss:")
}

#[test]
fn memory_is_populated_without_being_changed() {
    let mut memory = Vec::<u8>::with_capacity(64 * HUGE_LEN);
    memory.extend_from_slice(b"there");
    let begin = memory.as_ptr().addr();
    let before = resident_kib(begin);
    if !populate(begin + 3..begin + 16 * HUGE_LEN) {
        eprintln!("SKIPPED: this kernel populates no memory on request");
        return;
    }
    assert!(resident_kib(begin) >= before.max(16 * HUGE_LEN / 1024), "{} KiB", resident_kib(begin));
    assert_eq!(memory, b"there");
    assert!(!populate(GRAIN_LEN..2 * GRAIN_LEN), "nothing is mapped there");
}

#[test]
fn touched_memory_is_on_huge_pages_unless_asked_for_without() {
    let setting = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    let huge = vec![1_u8; 8 * HUGE_LEN];
    let small = without(|| vec![1_u8; 8 * HUGE_LEN]);
    if setting.contains("[madvise]") || setting.contains("[always]") {
        assert!(huge_kib(huge.as_ptr().addr()) > 0, "{setting}");
    } else {
        eprintln!("SKIPPED: this kernel gives no transparent huge pages: {setting:?}");
    }
    if setting.contains("[madvise]") {
        assert_eq!(huge_kib(small.as_ptr().addr()), 0);
    }
}
