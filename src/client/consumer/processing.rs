//! What a consumer does with the records of one shard: batches, the time they take, failures, and how far it has got.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use super::batching::Rules;
use super::fate::{FailureReason, Fate, GivenUp};
use super::service_time::ServiceTime;
use super::wire::{Received, Wire};
use crate::time::Time;

/// A record that the consumer is done with.
#[derive(Debug, PartialEq)]
pub struct Delivery<W: Wire> {
    /// Number of its shard among those that the consumer knows.
    pub shard: usize,
    /// The record.
    pub received: Received<W>,
    /// When it was read.
    pub read: Time,
    /// When the consumer was done with it.
    pub done: Time,
    /// What became of it.
    pub fate: Fate,
}

/// What the processors of a consumer did. An attempt counts when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessingCounts {
    /// Attempts at batches.
    pub batches: u64,
    /// Those that failed.
    pub failed_batches: u64,
    /// Time that all attempts took together.
    pub busy: Duration,
}

/// The work of one shard.
#[derive(Debug)]
pub(super) struct Processor<W: Wire> {
    rules: Arc<Rules>,
    shard: usize,
    lanes: Vec<Lane<W>>,
    /// What was read and not yet left behind, oldest first: its sequence number, and whether it is done.
    open: VecDeque<(W::Sequence, bool)>,
    /// Number of the first of them, counted from the beginning of the shard's reading.
    first: u64,
    answers: usize,
    batches: u64,
    /// The shard has ended: nothing will fill a batch any more.
    flush: bool,
    processed: Option<W::Sequence>,
    /// Batches for the on-failure destination that nobody has taken yet.
    failed: Vec<GivenUp<W::Sequence>>,
}

#[derive(Debug)]
struct Lane<W: Wire> {
    queue: VecDeque<Item<W>>,
    bytes: u64,
    /// Batches to try again.
    again: VecDeque<Batch<W>>,
    busy: Option<Attempt<W>>,
    /// When the last attempt ended.
    free: Time,
}

#[derive(Debug)]
struct Item<W: Wire> {
    number: u64,
    read: Time,
    ends_answer: bool,
    received: Received<W>,
}

#[derive(Debug)]
struct Batch<W: Wire> {
    items: Vec<Item<W>>,
    /// Attempts made so far.
    attempts: u32,
    due: Time,
}

#[derive(Debug)]
struct Attempt<W: Wire> {
    batch: Batch<W>,
    ends: Time,
    took: Duration,
    fails: bool,
}

impl<W: Wire> Processor<W> {
    pub fn new(rules: Arc<Rules>, shard: usize) -> Self {
        let lane = |_| Lane { queue: VecDeque::new(), bytes: 0, again: VecDeque::new(), busy: None, free: Time::ZERO };
        let lanes = (0..rules.lanes).map(lane).collect();
        Self {
            rules,
            shard,
            lanes,
            open: VecDeque::new(),
            first: 0,
            answers: 0,
            batches: 0,
            flush: false,
            processed: None,
            failed: Vec::new(),
        }
    }

    /// Records read and not done.
    pub fn pending(&self) -> usize {
        self.open.len()
    }

    /// Answers of which not all records are done.
    pub const fn pending_answers(&self) -> usize {
        self.answers
    }

    /// Takes the records of an answer.
    pub fn take(&mut self, now: Time, records: Vec<Received<W>>, deliveries: &mut VecDeque<Delivery<W>>) {
        if self.rules.is_instant() && self.open.is_empty() {
            if let Some(last) = records.last() {
                self.processed = Some(last.sequence.clone());
                self.first += records.len() as u64;
            }
            let shard = self.shard;
            let done = |received| Delivery { shard, received, read: now, done: now, fate: Fate::Processed };
            deliveries.extend(records.into_iter().map(done));
            return;
        }
        let last = records.len();
        self.answers += usize::from(last > 0);
        for (position, received) in (1..).zip(records) {
            let number = self.first + self.open.len() as u64;
            self.open.push_back((received.sequence.clone(), false));
            let lanes = self.lanes.len() as u64;
            let lane = &mut self.lanes[(received.key_hash % lanes) as usize];
            lane.bytes += u64::from(received.bytes);
            lane.queue.push_back(Item { number, read: now, ends_answer: position == last, received });
        }
    }

    /// The shard has ended: what waits for company goes on alone.
    pub const fn flush(&mut self) {
        self.flush = true;
    }

    /// Ends what is over at `now` and begins what can begin.
    pub fn step(&mut self, now: Time, deliveries: &mut VecDeque<Delivery<W>>, counts: &mut ProcessingCounts) {
        for lane in 0..self.lanes.len() {
            loop {
                if let Some(attempt) = self.lanes[lane].busy.take_if(|attempt| attempt.ends <= now) {
                    counts.batches += 1;
                    counts.failed_batches += u64::from(attempt.fails);
                    counts.busy += attempt.took;
                    self.lanes[lane].free = attempt.ends;
                    if attempt.fails {
                        self.fail(lane, attempt.batch, attempt.ends, deliveries);
                    } else {
                        self.finish(attempt.batch.items, attempt.ends, Fate::Processed, deliveries);
                    }
                }
                if self.lanes[lane].busy.is_some() {
                    break;
                }
                let Some(batch) = self.next_batch(lane, now) else { break };
                // What could begin earlier has begun then: a timer that fires late does not slow the application down.
                let at = self.lanes[lane].free.max(batch.due).min(now);
                self.begin(lane, batch, at, deliveries);
            }
        }
    }

    /// When to step again.
    pub fn wake(&self) -> Option<Time> {
        let wake = |lane: &Lane<W>| {
            let busy = lane.busy.as_ref().map(|attempt| attempt.ends);
            let again = || lane.again.front().map(|batch| batch.due);
            let waiting = || lane.queue.front().map(|oldest| oldest.read + self.rules.window);
            busy.or_else(again).or_else(waiting)
        };
        self.lanes.iter().filter_map(wake).min()
    }

    /// The last record of which everything before it is done too, if there is a new one.
    pub const fn processed_to(&mut self) -> Option<W::Sequence> {
        self.processed.take()
    }

    /// The batches for the on-failure destination since the last time.
    pub fn take_failed(&mut self) -> Vec<GivenUp<W::Sequence>> {
        std::mem::take(&mut self.failed)
    }

    /// Forgets what has not begun. What is under way goes on.
    pub fn drop_queues(&mut self) {
        for lane in &mut self.lanes {
            lane.queue.clear();
            lane.again.clear();
            lane.bytes = 0;
        }
        // What is forgotten is never done, and so nothing after it is noted as processed.
        self.answers = 0;
    }

    fn next_batch(&mut self, lane: usize, now: Time) -> Option<Batch<W>> {
        let rules = &self.rules;
        let lane = &mut self.lanes[lane];
        if let Some(again) = lane.again.front() {
            return if again.due <= now { lane.again.pop_front() } else { None };
        }
        let oldest = lane.queue.front()?;
        let full = lane.queue.len() >= rules.records || lane.bytes >= rules.bytes;
        if !(full || self.flush || oldest.read + rules.window <= now) {
            return None;
        }
        let (mut items, mut bytes) = (Vec::new(), 0);
        while let Some(next) = lane.queue.front() {
            let size = u64::from(next.received.bytes);
            if items.len() >= rules.records || (bytes + size > rules.bytes && !items.is_empty()) {
                break;
            }
            bytes += size;
            items.extend(lane.queue.pop_front());
            if rules.per_answer && items.last().is_some_and(|item: &Item<W>| item.ends_answer) {
                break;
            }
        }
        lane.bytes -= bytes;
        let (first, last) = (items.first().map_or(now, |item| item.read), items.last().map_or(now, |item| item.read));
        let due = if full || self.flush { last } else { last.max(first + rules.window) };
        Some(Batch { items, attempts: 0, due })
    }

    fn begin(&mut self, lane: usize, mut batch: Batch<W>, at: Time, deliveries: &mut VecDeque<Delivery<W>>) {
        let rules = self.rules.clone();
        let too_large = |item: &mut Item<W>| u64::from(item.received.bytes) > rules.largest;
        let age = |item: &Item<W>| item.received.age + at.since(item.read);
        let too_old = |item: &mut Item<W>| rules.maximum_age.is_some_and(|most| age(item) > most);
        let large = batch.items.extract_if(.., too_large).collect();
        self.give_up(large, batch.attempts, at, Fate::TooLarge, deliveries);
        let old = batch.items.extract_if(.., too_old).collect();
        self.give_up(old, batch.attempts, at, Fate::TooOld, deliveries);
        if batch.items.is_empty() {
            return;
        }
        let work = &rules.processing;
        let mut rng = rules.seeds.at((self.shard as u64) << 40 ^ self.batches);
        self.batches += 1;
        let each: Duration = match &work.per_record {
            ServiceTime::Constant { time } => time.saturating_mul(u32::try_from(batch.items.len()).unwrap_or(u32::MAX)),
            time if time.is_none() => Duration::ZERO,
            time => batch.items.iter().map(|_| time.draw(&mut rng)).sum(),
        };
        let took = work.per_batch.draw(&mut rng) + each;
        let by_chance = work.failure.0 > 0.0 && rng.random::<f64>() < work.failure.0;
        let fails = by_chance || batch.items.iter().any(|item| rules.is_poison(&item.received));
        self.lanes[lane].busy = Some(Attempt { batch, ends: at + took, took, fails });
    }

    fn fail(&mut self, lane: usize, mut batch: Batch<W>, now: Time, deliveries: &mut VecDeque<Delivery<W>>) {
        batch.attempts += 1;
        // A pause of nothing would repeat an attempt that takes no time for ever at one moment.
        batch.due = now + self.rules.processing.retry_delay.max(SHORTEST_PAUSE);
        if self.rules.processing.attempts.is_some_and(|most| batch.attempts >= most) {
            self.give_up(batch.items, batch.attempts, now, Fate::Failed, deliveries);
        } else if self.rules.bisect && batch.items.len() > 1 {
            let second = batch.items.split_off(batch.items.len() / 2);
            // A split does not count as an attempt.
            let (attempts, due) = (batch.attempts - 1, batch.due);
            let again = &mut self.lanes[lane].again;
            again.push_front(Batch { items: second, attempts, due });
            again.push_front(Batch { items: batch.items, attempts, due });
        } else {
            self.lanes[lane].again.push_front(batch);
        }
    }

    /// Ends records that were not processed, and tells the on-failure destination if there is one.
    fn give_up(
        &mut self,
        items: Vec<Item<W>>,
        attempts: u32,
        done: Time,
        fate: Fate,
        deliveries: &mut VecDeque<Delivery<W>>,
    ) {
        if let (true, Some(reason), Some(first), Some(last)) =
            (self.rules.on_failure, FailureReason::of(fate), items.first(), items.last())
        {
            let (first, last) = (first.received.sequence.clone(), last.received.sequence.clone());
            self.failed.push(GivenUp { first, last, records: items.len() as u64, attempts, reason });
        }
        self.finish(items, done, fate, deliveries);
    }

    fn finish(&mut self, items: Vec<Item<W>>, done: Time, fate: Fate, deliveries: &mut VecDeque<Delivery<W>>) {
        for item in items {
            if let Some(open) = item.number.checked_sub(self.first).and_then(|at| self.open.get_mut(at as usize)) {
                open.1 = true;
            }
            self.answers = self.answers.saturating_sub(usize::from(item.ends_answer));
            let (shard, received, read) = (self.shard, item.received, item.read);
            deliveries.push_back(Delivery { shard, received, read, done, fate });
        }
        while let Some((sequence, _)) = self.open.pop_front_if(|(_, done)| *done) {
            self.first += 1;
            self.processed = Some(sequence);
        }
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
