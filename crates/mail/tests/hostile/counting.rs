//! Counts the memory that this test program uses, so that tests can assert bounds by counts and not by time.

#![expect(unsafe_code, reason = "an allocator can only be wrapped with unsafe code; it passes every call on unchanged")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting.
struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    static TOTAL: Cell<usize> = const { Cell::new(0) };
}

fn grew(bytes: usize) {
    // Threads that are ending have no counters left; nothing is measured in them.
    let _ = NOW.try_with(|now| {
        now.set(now.get().saturating_add(bytes));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now.get())));
    });
    let _ = TOTAL.try_with(|total| total.set(total.get().saturating_add(bytes)));
}

fn shrank(bytes: usize) {
    let _ = NOW.try_with(|now| now.set(now.get().saturating_sub(bytes)));
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrank(layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What a piece of work used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Most memory at one time, in bytes.
    pub(crate) peak: usize,
    /// All memory ever asked for, in bytes: it grows with the work done.
    pub(crate) total: usize,
}

/// Does the work on this thread and says what it used.
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> (T, Used) {
    NOW.set(0);
    PEAK.set(0);
    TOTAL.set(0);
    let result = work();
    (result, Used { peak: PEAK.get(), total: TOTAL.get() })
}
