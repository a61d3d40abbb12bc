//! An allocator that counts, to show that the path of a packet allocates nothing.
//!
//! This file holds `unsafe`: an allocator's trait is. It hands everything to the program's own.

use evenkeel_pages::HugePages;
use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allocator of the program, counted. It is that of everything here.
#[derive(Debug)]
struct Counting;

// SAFETY: every call goes to `HugePages` with the same arguments, whose contract the caller keeps.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps `HugePages`'s contract.
        unsafe { HugePages.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps `HugePages`'s contract.
        unsafe { HugePages.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps `HugePages`'s contract.
        unsafe { HugePages.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `HugePages`'s contract.
        unsafe { HugePages.dealloc(memory, layout) }
    }
}

/// Allocations of the process so far, reallocations included.
#[must_use]
pub fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}
