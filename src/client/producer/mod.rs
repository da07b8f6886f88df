//! The producer: it batches records into calls, bounds what is under way, and retries record by record.
//!
//! What it sends is a unit: a record, or an aggregate of records for one shard. A unit is retried, accepted and throttled as a
//! whole; each record in it has its own fate and its own sample.

mod aggregate;
mod batching;
mod outcomes;
mod record;
mod sequence;
#[cfg(test)]
mod tests;
mod unit;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use self::aggregate::Aggregates;
use self::unit::{Slot, Unit, Waiting};
use super::{Backoff, ProducerSettings};
use crate::time::Time;
use crate::workload::{Arrival, Data};

pub use sequence::PackedSequence;

pub use record::{Call, CallId, CallOutcome, Entry, EntryOutcome, FailedAttempt, Failure, Outcome, Reason, Sample};

/// A producer of one stream.
#[derive(Debug)]
pub struct Producer {
    settings: ProducerSettings,
    backoff: Backoff,
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Units to send, in the order of their deadlines but for retries.
    ready: VecDeque<Unit>,
    ready_bytes: u64,
    /// Units that wait before their next attempt.
    waiting: BinaryHeap<Reverse<Waiting>>,
    aggregates: Aggregates,
    /// With order per key: the keys of which a record is on its way, and the slots that wait behind it.
    keys: HashMap<Arc<str>, VecDeque<usize>>,
    in_flight: BTreeMap<CallId, Vec<Unit>>,
    next_call: u64,
    buffered: u64,
    open: u64,
    /// Records of which an attempt is under way.
    under_way: u64,
    /// First attempts, and further ones, of units.
    first_attempts: u64,
    retries: u64,
    samples: VecDeque<Sample>,
    failed_attempts: VecDeque<FailedAttempt>,
}

impl Producer {
    /// An idle producer.
    pub fn new(settings: ProducerSettings, backoff: Backoff) -> Self {
        Self {
            aggregates: Aggregates::new(settings.aggregation),
            settings,
            backoff,
            slots: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            ready_bytes: 0,
            waiting: BinaryHeap::new(),
            keys: HashMap::new(),
            in_flight: BTreeMap::new(),
            next_call: 0,
            buffered: 0,
            open: 0,
            under_way: 0,
            first_attempts: 0,
            retries: 0,
            samples: VecDeque::new(),
            failed_attempts: VecDeque::new(),
        }
    }

    /// Takes up a record that is due; `shard` is the index of its shard in the shard map. Only data that are made are aggregated.
    pub fn handle_arrival(&mut self, now: Time, arrival: Arrival, data: Data, shard: usize) {
        let slot = Slot::new(now, arrival, data, shard);
        if self.buffered + slot.bytes() > self.settings.buffer.0 {
            self.samples.push_back(slot.sample(now, Outcome::Abandoned, Some(Reason::NoRoom), true));
            return;
        }
        self.buffered += slot.bytes();
        self.open += 1;
        let key = self.settings.ordered.then(|| slot.key.clone());
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number] = slot;
                number
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        if let Some(key) = key {
            if let Some(behind) = self.keys.get_mut(&key) {
                behind.push_back(number);
                return;
            }
            self.keys.insert(key, VecDeque::new());
        }
        self.enqueue(now, number);
    }

    /// Gives up a record that is due, without taking it up: the backlog is larger than the scenario allows.
    pub fn refuse_arrival(&mut self, now: Time, arrival: &Arrival, shard: usize) {
        let slot = Slot::new(now, arrival.clone(), Data::EMPTY, shard);
        self.samples.push_back(slot.sample(now, Outcome::Abandoned, Some(Reason::Overload), true));
    }

    /// Takes note that time has passed: what has waited long enough is ready.
    pub fn handle_timeout(&mut self, now: Time) {
        while self.waiting.peek().is_some_and(|Reverse(waiting)| waiting.due <= now) {
            let Some(Reverse(Waiting { unit, .. })) = self.waiting.pop() else { break };
            // Retries linger like new records, so that they share batches instead of making many small calls.
            self.make_ready(Unit { deadline: now + self.settings.linger, ..unit });
        }
        while let Some(full) = self.aggregates.pop_due(now) {
            self.make_aggregate_ready(full);
        }
    }

    /// Gives up every record that is not under way. What is under way stays until its outcome is handled.
    pub fn abandon(&mut self, now: Time) {
        let waiting = std::mem::take(&mut self.waiting).into_iter().flat_map(|Reverse(waiting)| waiting.unit.slots);
        let ready = std::mem::take(&mut self.ready).into_iter().flat_map(|unit| unit.slots);
        let aggregates = self.aggregates.take_all().into_iter().flat_map(|full| full.slots);
        let behind = self.keys.values_mut().flat_map(std::mem::take);
        let mut given_up: Vec<usize> = waiting.chain(ready).chain(aggregates).chain(behind).collect();
        self.ready_bytes = 0;
        given_up.sort_by_key(|number| self.slots[*number].index);
        for number in given_up {
            self.finish(now, number, Outcome::Abandoned, Some(Reason::RunEnded), true);
        }
    }

    /// Gives up waiting for the calls that are under way: nobody can say any more whether their records are stored. Returns how many
    /// records that are.
    pub fn give_up_unanswered(&mut self, now: Time) -> u64 {
        let before = self.under_way;
        for units in std::mem::take(&mut self.in_flight).into_values() {
            for unit in units {
                for number in &unit.slots {
                    let slot = &mut self.slots[*number];
                    slot.attempts += 1;
                    slot.perhaps_stored = true;
                }
                self.finish_unit(now, &unit, Outcome::Unknown, Reason::RunEnded);
            }
        }
        self.under_way = 0;
        before
    }

    /// The next record that is done.
    pub fn poll_sample(&mut self) -> Option<Sample> {
        self.samples.pop_front()
    }

    /// Whether [`Self::poll_sample`] has something.
    pub fn has_samples(&self) -> bool {
        !self.samples.is_empty()
    }

    /// The next attempt that was not accepted.
    pub fn poll_failed_attempt(&mut self) -> Option<FailedAttempt> {
        self.failed_attempts.pop_front()
    }

    /// When to call [`Self::handle_timeout`] and [`Self::poll_call`] again; `None` while only an outcome or an arrival can
    /// change anything.
    pub fn poll_timeout(&self) -> Option<Time> {
        let retry = self.waiting.peek().map(|Reverse(waiting)| waiting.due);
        let room = self.in_flight.len() < self.settings.max_in_flight;
        let batch = (room && !self.ready.is_empty()).then(|| self.due());
        let expiry = self.ready.front().and_then(|unit| self.expiry(unit));
        retry.into_iter().chain(batch).chain(expiry).chain(self.aggregates.due()).min()
    }

    /// Records that are not done: waiting, ready or under way.
    pub const fn open_records(&self) -> u64 {
        self.open
    }

    /// Records that are not done and of which no attempt is under way.
    pub const fn backlog(&self) -> u64 {
        self.open - self.under_way
    }

    /// Calls under way.
    pub fn open_calls(&self) -> usize {
        self.in_flight.len()
    }
}
