//! The program's allocator: what is large gets a mapping of its own, which begins on a huge page and asks the kernel for
//! huge pages. Everything else is the system allocator's, in whole cache lines.
//!
//! A look-up in a flow table of many megabytes else waits for the page tables about as long as for the memory itself.
//! Nobody has to have reserved anything: these are transparent huge pages (`madvise(2)`, `MADV_HUGEPAGE`), which come as
//! memory is touched. What the kernel doesn't give, or forbids in `/sys/kernel/mm/transparent_hugepage/enabled`, is small
//! pages as ever.
//!
//! This file holds `unsafe`: an allocator's trait is, and so are mappings.

use nix::libc::c_void;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};
use std::alloc::{GlobalAlloc, Layout, System};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a huge page (x86-64; aarch64 with pages of 4 KiB).
pub const HUGE_LEN: usize = 2 << 20;
/// What lengths of mappings are multiples of: the largest page that Linux has as its ordinary one.
const GRAIN_LEN: usize = 64 << 10;

/// Bytes of a cache line.
const LINE_LEN: usize = 64;

static IS_ASKED: AtomicBool = AtomicBool::new(true);

/// The allocator. One static of it with `#[global_allocator]` makes it the program's.
#[derive(Debug, Clone, Copy)]
pub struct HugePages;

/// Does something without asking for huge pages, for the whole process: to measure what they are worth.
pub fn without<T>(work: impl FnOnce() -> T) -> T {
    IS_ASKED.store(false, Ordering::Relaxed);
    let done = work();
    IS_ASKED.store(true, Ordering::Relaxed);
    done
}

/// Has the kernel find the memory of a range of addresses now (`MADV_POPULATE_WRITE`, Linux 5.14), so that whoever touches
/// it first doesn't wait for that. What is there stays. False if the kernel can't; a range where nothing is mapped is nobody's.
pub fn populate(range: Range<usize>) -> bool {
    let begin = range.start - range.start % GRAIN_LEN;
    let Some(begin) = NonNull::new(ptr::with_exposed_provenance_mut::<c_void>(begin)) else { return false };
    // SAFETY: the advice changes no content, whatever the range is.
    unsafe { madvise(begin, range.end.saturating_sub(begin.addr().get()), MmapAdvise::MADV_POPULATE_WRITE) }
        .is_ok()
}

// SAFETY: a layout says by itself whether it is mapped or the system's, so that what one gave never gets to the other. A
// mapping is as long as the layout at least, begins at a multiple of `HUGE_LEN` and is nobody else's.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_mapped(layout) {
            return map(layout.size());
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(whole_lines(layout)) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_mapped(layout) {
            // the kernel gives zeros
            return map(layout.size());
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc_zeroed(whole_lines(layout)) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if is_mapped(layout) {
            unmap(memory, mapped_len(layout.size()));
        } else {
            // SAFETY: the caller keeps the contract of `GlobalAlloc`, and what was asked for was whole lines as well.
            unsafe { System.dealloc(memory, whole_lines(layout)) };
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which the sizes of layouts are part of.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let (from, to) = (whole_lines(layout), whole_lines(new));
        if !is_mapped(layout) && !is_mapped(new) && from.align() == to.align() {
            // SAFETY: the caller keeps the contract of `GlobalAlloc`, and what was asked for was whole lines as well.
            return unsafe { System.realloc(memory, from, to.size()) };
        }
        // SAFETY: `size` isn't zero, and `memory` is of `layout`; both say the caller. What is new is nobody else's.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(memory, moved, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            moved
        }
    }
}

const fn is_mapped(layout: Layout) -> bool {
    layout.size() >= HUGE_LEN && layout.align() <= HUGE_LEN
}

/// What is as long as a cache line gets lines of its own: else a buffer that one worker writes would share its ends with what
/// others read. A layout so close to `isize::MAX` that it has no whole lines is as it was, and not to be had.
const fn whole_lines(layout: Layout) -> Layout {
    if layout.size() < LINE_LEN {
        return layout;
    }
    match layout.align_to(LINE_LEN) {
        Ok(aligned) => aligned.pad_to_align(),
        Err(_) => layout,
    }
}

/// A layout's size fits `isize`, so this doesn't overflow.
const fn mapped_len(size: usize) -> usize {
    size.next_multiple_of(GRAIN_LEN)
}

/// Zeroed memory that begins on a huge page; null if there is none.
fn map(size: usize) -> *mut u8 {
    let len = mapped_len(size);
    let Some(around) = len.checked_add(HUGE_LEN).and_then(NonZeroUsize::new) else { return ptr::null_mut() };
    let (protection, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE);
    // SAFETY: a new mapping at a place that the kernel chooses takes nothing from anybody.
    let Ok(begin) = (unsafe { mmap_anonymous(None, around, protection, flags) }) else {
        return ptr::null_mut();
    };
    let begin = begin.cast::<u8>().as_ptr();
    let before = begin.addr().next_multiple_of(HUGE_LEN) - begin.addr();
    let memory = begin.wrapping_add(before);
    unmap(begin, before);
    unmap(memory.wrapping_add(len), HUGE_LEN - before);
    if IS_ASKED.load(Ordering::Relaxed) {
        ask(memory, size);
    }
    memory
}

/// Asks for huge pages as far as `size` fills them, so that nothing is spent beyond it. A kernel that knows none says so,
/// and there is nothing to be done about it.
fn ask(memory: *mut u8, size: usize) {
    let whole = size - size % HUGE_LEN;
    if let Some(memory) = NonNull::new(memory.cast::<c_void>()) {
        // SAFETY: the range is part of a mapping that was just made, and the advice changes nothing in it.
        let _ = unsafe { madvise(memory, whole, MmapAdvise::MADV_HUGEPAGE) };
    }
}

/// Gives a part of a mapping back.
fn unmap(memory: *mut u8, len: usize) {
    if let (Some(memory), true) = (NonNull::new(memory.cast::<c_void>()), len > 0) {
        // SAFETY: the callers give what is part of a mapping of theirs, in whole pages, and use it no more.
        let given_back = unsafe { munmap(memory, len) };
        debug_assert!(given_back.is_ok());
    }
}

#[cfg(test)]
mod tests;
