//! Counts what the program allocates, for the health of the generator.
//!
//! The program makes [`CountingAllocator`] its global allocator. It is the system's, and a count.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The allocator of the system, with a count of what is asked of it.
#[derive(Debug, Default, Clone, Copy)]
pub struct CountingAllocator;

/// What was allocated since the program began.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Allocations {
    /// Pieces of memory; one that is made larger or smaller is another one.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Threads count in turn in one of so many places, so that they do not wait for each other.
const PLACES: usize = 32;

/// A line of the processor's cache for itself.
#[repr(align(128))]
struct Place {
    count: AtomicU64,
    bytes: AtomicU64,
}

static COUNTED: [Place; PLACES] = [const { Place { count: AtomicU64::new(0), bytes: AtomicU64::new(0) } }; PLACES];
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The place of this thread. It is made without allocating, and nothing is to be done for it when the thread ends.
    static PLACE: Cell<usize> = const { Cell::new(usize::MAX) };
}

impl Allocations {
    /// The count so far; `None` in a program that has another allocator.
    pub fn so_far() -> Option<Self> {
        let sum = COUNTED.iter().fold(Self::default(), |sum, place| Self {
            count: sum.count + place.count.load(Ordering::Relaxed),
            bytes: sum.bytes + place.bytes.load(Ordering::Relaxed),
        });
        // Whoever asks has allocated before.
        (sum.count > 0).then_some(sum)
    }
}

fn count(bytes: usize) {
    let place = PLACE.try_with(|place| {
        if place.get() == usize::MAX {
            place.set(THREADS.fetch_add(1, Ordering::Relaxed) % PLACES);
        }
        place.get()
    });
    let Place { count, bytes: sum } = &COUNTED[place.unwrap_or(0)];
    count.fetch_add(1, Ordering::Relaxed);
    sum.fetch_add(bytes as u64, Ordering::Relaxed);
}

// SAFETY: each method hands its arguments on to the system's allocator as they are and gives back what that gives, so whatever holds
// for `System` holds here. Counting touches atomics and a thread-local cell that needs neither memory nor a destructor: it does not
// allocate, does not unwind, and works while a thread ends.
#[allow(unsafe_code, reason = "an allocator cannot be written without; see above")]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above; `memory` came from `System`, as all memory here does.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_counts() {
        let before = Allocations::so_far().unwrap_or_default();
        let threads = (0..2 * PLACES).map(|_| std::thread::spawn(|| (0..100).for_each(|_| count(7))));
        threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
        let after = Allocations::so_far().unwrap();
        let pieces = 2 * PLACES as u64 * 100;
        assert!(after.count - before.count >= pieces && after.bytes - before.bytes >= 7 * pieces);
    }
}
