//! What will happen, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::client::{CallId, ReadOutcome, Ticket};
use crate::kinesis::IteratorToken;
use crate::time::Time;

use super::readers::Simulated;

/// Something that happens at a moment.
#[derive(Debug)]
pub(super) enum Happening {
    /// A put call is answered.
    PutAnswer(CallId),
    /// The producer has something to do.
    ProducerWake,
    /// An event of the scenario is due.
    Event,
    /// Something for the consumer of this number.
    Consumer(usize, ForConsumer),
}

/// Something that happens to a consumer.
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
    heap: BinaryHeap<Planned>,
    planned: u64,
}

#[derive(Debug)]
struct Planned {
    /// The earliest first, and of one moment the one that was planned first.
    order: Reverse<(Time, u64)>,
    happening: Happening,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

impl Heap {
    pub fn plan(&mut self, at: Time, happening: Happening) {
        self.heap.push(Planned { order: Reverse((at, self.planned)), happening });
        self.planned += 1;
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    pub fn pop(&mut self) -> Option<(Time, Happening)> {
        let planned = self.heap.pop()?;
        Some((planned.order.0.0, planned.happening))
    }

    /// What happens next, if it does so before `end`.
    pub fn pop_before(&mut self, end: Time) -> Option<(Time, Happening)> {
        self.heap.peek().filter(|planned| planned.order.0.0 < end)?;
        self.pop()
    }
}
