//! Arrivals that are due and not admitted yet.

use std::ops::Range;

use super::pacer::Release;
use crate::time::Time;

/// The arrivals that are due and wait to be admitted. There are none unless the generator is late.
#[derive(Debug, Default)]
pub(super) struct Backlog(Range<u64>);

impl Backlog {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what the pacer released. What is as good as on time is admitted and the rest put behind what waits already; what is
    /// beyond the promise to catch up is dealt with at once. `admit` gets until when an arrival might have waited, its number, and
    /// how many are due, itself included.
    pub fn handle_release(&mut self, release: Release, mut admit: impl FnMut(Time, u64, u64)) {
        if release.arrivals().is_empty() {
            return;
        }
        if !self.0.is_empty() {
            self.0.end = release.arrivals().end;
            return;
        }
        release.on_time.for_each(|index| admit(release.indifferent_until, index, 1));
        release.beyond.for_each(|index| admit(Time::ZERO, index, u64::MAX));
        self.0 = release.promised;
    }

    /// Puts arrivals of a closed loop behind what waits already.
    pub fn extend(&mut self, more: Range<u64>) {
        if self.0.is_empty() {
            self.0 = more;
        } else if !more.is_empty() {
            self.0.end = more.end;
        }
    }

    /// The next arrival, and how many of one of `parts` are due, itself included.
    pub fn next(&mut self, parts: u64) -> Option<(u64, u64)> {
        let due = ((self.0.end - self.0.start) / parts).max(1);
        self.0.next().map(|index| (index, due))
    }
}

#[cfg(test)]
#[path = "stall_tests.rs"]
mod tests;
