//! What is scheduled, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::wire::Simulated;
use crate::client::{CallId, ReadOutcome, Ticket};
use crate::kinesis::IteratorToken;
use crate::time::Time;

/// Something that is scheduled for a moment.
#[derive(Debug)]
pub(super) enum Scheduled {
    /// A put call is answered.
    PutAnswer(CallId),
    /// The run has something to do.
    Wake,
    /// An event of the scenario is due: of all that is scheduled for a moment, events come first.
    Event,
    /// The change of the stream that is under way may be over.
    ChangeOver,
    /// Something for the consumer of this number.
    Consumer(usize, ForConsumer),
}

/// Something that is scheduled for a consumer.
#[derive(Debug)]
pub(super) enum ForConsumer {
    /// It has something to do.
    Wake,
    /// A call of it reaches the service, this long after it was made.
    Arrival(Ticket, IteratorToken, u32, Duration),
    /// A call of it ends.
    Outcome(Ticket, Box<ReadOutcome<Simulated>>),
    /// Its subscription may have something.
    Poll(Ticket),
}

#[derive(Debug, Default)]
pub(super) struct Heap {
    heap: BinaryHeap<Entry>,
    scheduled: u64,
}

#[derive(Debug)]
struct Entry {
    /// The earliest first, and of one moment the one that was scheduled first.
    order: Reverse<(Time, u64)>,
    what: Scheduled,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

impl Heap {
    pub fn schedule(&mut self, at: Time, what: Scheduled) {
        self.heap.push(Entry { order: Reverse((at, self.scheduled)), what });
        self.scheduled += 1;
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// What is next, if that is before `end`.
    pub fn pop_before(&mut self, end: Time) -> Option<(Time, Scheduled)> {
        self.heap.peek().filter(|entry| entry.order.0.0 < end)?;
        let entry = self.heap.pop()?;
        Some((entry.order.0.0, entry.what))
    }
}
