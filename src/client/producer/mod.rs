//! The producer: it batches records into calls, bounds what is under way, and retries record by record.
//!
//! What it sends is a unit: a record, or an aggregate of records for one shard. A unit is retried, accepted and throttled as a
//! whole; each record in it has its own fate and its own sample.

mod aggregate;
mod record;
mod sequence;
#[cfg(test)]
mod tests;

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

use self::aggregate::{Aggregates, Full};
use super::{Backoff, ProducerSettings, RetryPolicy, aggregation};
use crate::kinesis::HashKey;
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

#[derive(Debug)]
struct Slot {
    index: u64,
    intended: Time,
    released: Time,
    key: Arc<str>,
    explicit_hash_key: Option<u128>,
    data: Data,
    shard: usize,
    attempts: u32,
    sent: Option<Time>,
    /// An attempt was never answered, so the record may be stored whatever later attempts say.
    perhaps_stored: bool,
    /// The number that it was acknowledged with.
    sequence: Option<PackedSequence>,
}

/// What is sent as one Kinesis record.
#[derive(Debug, Clone)]
struct Unit {
    slots: SmallVec<[usize; 1]>,
    bytes: u64,
    /// When its batch must go out at the latest.
    deadline: Time,
    /// The data blob, if it is an aggregate.
    aggregate: Option<Bytes>,
}

/// A unit that waits before its next attempt. Of one moment, the one that came first is ready first.
#[derive(Debug)]
struct Waiting {
    due: Time,
    turn: u64,
    unit: Unit,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.turn).cmp(&(other.due, other.turn))
    }
}

/// Retries that a budget allows whatever its share, so that a quiet producer can retry at all.
const RETRY_BUDGET_FLOOR: u64 = 10;
/// Partition key of aggregates, whose place is given by their explicit hash key, as the KPL has it.
const AGGREGATE_KEY: &str = "a";

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

    /// Takes the outcome of a call that was sent at `sent`. An outcome of a call that is not under way is ignored.
    pub fn handle_outcome(&mut self, now: Time, sent: Time, id: CallId, outcome: &CallOutcome) {
        let Some(units) = self.in_flight.remove(&id) else { return };
        self.under_way -= units.iter().map(|unit| unit.slots.len() as u64).sum::<u64>();
        for (position, unit) in units.into_iter().enumerate() {
            for number in &unit.slots {
                let slot = &mut self.slots[*number];
                slot.attempts += 1;
                slot.sent = Some(sent);
            }
            let failure = match outcome {
                CallOutcome::Failed(failure) => *failure,
                CallOutcome::Answered(entries) => match entries.get(position) {
                    Some(EntryOutcome::Accepted { shard, sequence }) => {
                        self.accept(now, &unit, *shard, *sequence);
                        continue;
                    }
                    Some(EntryOutcome::Throttled) => Failure::Throttled,
                    Some(EntryOutcome::InternalFailure) => Failure::InternalFailure,
                    // An answer that says nothing of a record leaves its fate open.
                    None => Failure::ConnectionReset,
                },
            };
            self.handle_failure(now, sent, unit, failure);
        }
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

    /// The next call to make now.
    pub fn poll_call(&mut self, now: Time) -> Option<Call> {
        self.abandon_expired(now);
        if self.in_flight.len() >= self.settings.max_in_flight || self.due() > now {
            return None;
        }
        let most = self.ready.len().min(self.batch_records());
        let (mut entries, mut units, mut bytes) = (Vec::with_capacity(most), Vec::with_capacity(most), 0);
        while let Some(unit) = self.ready.front() {
            let full = units.len() >= self.batch_records() || bytes + unit.bytes > self.settings.batch_bytes.0;
            if full && !units.is_empty() {
                break;
            }
            let Some(unit) = self.ready.pop_front() else { break };
            bytes += unit.bytes;
            let first = unit.slots.first().is_some_and(|number| self.slots[*number].attempts == 0);
            self.first_attempts += u64::from(first);
            entries.push(self.entry(&unit));
            self.under_way += unit.slots.len() as u64;
            units.push(unit);
        }
        self.ready_bytes -= bytes;
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.in_flight.insert(id, units);
        Some(Call { id, entries })
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

    /// By how many bytes at most a record of `key` and `data` bytes, perhaps with an explicit hash key, makes grow what is ready or being
    /// put together.
    pub fn growth(&self, key: usize, explicit_hash_key: bool, data: usize) -> u64 {
        self.aggregates.growth(key, explicit_hash_key, data)
    }

    /// Until when it makes no difference whether the next records, of which `count` are known, are taken up: each call goes out
    /// when it would if they were taken up when they are due. `None` if none is known. It may be too early, and never is too late.
    ///
    /// `upcoming` gives when a record is due, and the sum of [`Self::growth`] over it and all before it, from any record on;
    /// `before` is that sum before the first one.
    pub fn indifferent_until(
        &self,
        count: usize,
        before: u64,
        upcoming: impl Fn(usize) -> (Time, u64),
    ) -> Option<Time> {
        let settings = &self.settings;
        let last = count.checked_sub(1)?;
        let (first_due, _) = upcoming(0);
        if settings.time_to_live.is_some() {
            // What is given up when depends on every moment.
            return Some(first_due);
        }
        let mut until = last;
        let room = self.in_flight.len() < settings.max_in_flight;
        if room {
            // The first record that may fill a batch.
            let records = self.batch_records().saturating_sub(self.ready.len());
            let by_records = records.div_ceil(self.aggregates.units_per_record()).saturating_sub(1);
            let room = settings.batch_bytes.0.saturating_sub(self.ready_bytes + self.aggregates.bytes());
            let (mut from, mut to) = (0, last.min(by_records));
            while from < to {
                let middle = (from + to) / 2;
                if upcoming(middle).1 - before < room { from = middle + 1 } else { to = middle }
            }
            until = to;
        }
        let due = upcoming(until).0;
        // Even without room for a call, an aggregate is closed when it has lingered.
        let lingers = room || settings.aggregation.is_some();
        Some(if lingers { due.min(first_due + settings.linger) } else { due })
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

    /// Records and bytes that make a batch full.
    pub fn largest_batch(&self) -> (usize, u64) {
        (self.batch_records(), self.settings.batch_bytes.0)
    }

    fn batch_records(&self) -> usize {
        if self.settings.single { 1 } else { self.settings.batch_records }
    }

    /// When the next batch goes out: at once if it is full, else when its oldest record has lingered.
    fn due(&self) -> Time {
        let Some(oldest) = self.ready.front() else { return Time::NEVER };
        let full = self.ready.len() >= self.batch_records() || self.ready_bytes >= self.settings.batch_bytes.0;
        if full { Time::ZERO } else { oldest.deadline }
    }

    /// Puts a record where it waits for its first attempt: into an aggregate, or among what is ready.
    fn enqueue(&mut self, now: Time, number: usize) {
        let slot = &self.slots[number];
        let deadline = now + self.settings.linger;
        let sizes = (slot.key.len(), slot.explicit_hash_key.is_some(), slot.data.len());
        let aggregable = matches!(slot.data, Data::Made(_));
        match aggregable.then(|| self.aggregates.add(slot.shard, number, sizes, deadline)).flatten() {
            Some(full) => full.into_iter().for_each(|full| self.make_aggregate_ready(full)),
            None => {
                let bytes = slot.bytes();
                self.make_ready(Unit { slots: smallvec![number], bytes, deadline, aggregate: None });
            }
        }
    }

    /// Packs an aggregate. It has lingered while it was filled; a single record goes as it is.
    fn make_aggregate_ready(&mut self, Full { slots, deadline }: Full) {
        let unit = match slots.as_slice() {
            [one] => Unit { bytes: self.slots[*one].bytes(), slots, deadline, aggregate: None },
            many => {
                let record = |number: &usize| match &self.slots[*number] {
                    Slot { key, explicit_hash_key, data: Data::Made(data), .. } => {
                        Some((key.as_ref(), *explicit_hash_key, &data[..]))
                    }
                    Slot { data: Data::Unmade(_), .. } => None,
                };
                let data = aggregation::encode(many.iter().filter_map(record));
                let bytes = (data.len() + AGGREGATE_KEY.len()) as u64;
                Unit { slots, bytes, deadline, aggregate: Some(data) }
            }
        };
        self.make_ready(unit);
    }

    fn make_ready(&mut self, unit: Unit) {
        self.ready_bytes += unit.bytes;
        self.ready.push_back(unit);
    }

    fn entry(&self, unit: &Unit) -> Entry {
        let first = unit.slots.first().map(|number| &self.slots[*number]);
        let key = first.map_or_else(|| "".into(), |slot| slot.key.clone());
        match &unit.aggregate {
            None => Entry {
                explicit_hash_key: first.and_then(|slot| slot.explicit_hash_key),
                data: first.map_or(Data::EMPTY, |slot| slot.data.clone()),
                key,
            },
            Some(data) => Entry {
                explicit_hash_key: first.and_then(|slot| slot.explicit_hash_key).or_else(|| Some(HashKey::of(&key).0)),
                data: data.clone().into(),
                key: AGGREGATE_KEY.into(),
            },
        }
    }

    /// When the last of a unit's records has outlived its time; `None` if none ever does.
    fn expiry(&self, unit: &Unit) -> Option<Time> {
        let time_to_live = self.settings.time_to_live?;
        unit.slots.iter().map(|number| self.slots[*number].intended + time_to_live).max()
    }

    /// Gives up what is ready and has outlived its time. The oldest are in front, but for retries, which come up soon.
    fn abandon_expired(&mut self, now: Time) {
        while let Some(unit) = self.ready.front()
            && self.expiry(unit).is_some_and(|expiry| expiry <= now)
            && let Some(unit) = self.ready.pop_front()
        {
            self.ready_bytes -= unit.bytes;
            self.finish_unit(now, &unit, Outcome::Abandoned, Reason::TimeToLive);
        }
    }

    fn accept(&mut self, now: Time, unit: &Unit, shard: Option<usize>, sequence: Option<PackedSequence>) {
        for (position, number) in unit.slots.iter().enumerate() {
            let slot = &mut self.slots[*number];
            slot.shard = shard.unwrap_or(slot.shard);
            slot.sequence = sequence;
            self.finish_with(now, *number, Outcome::Accepted, None, (position == 0).then_some(unit.bytes));
        }
    }

    fn handle_failure(&mut self, now: Time, sent: Time, unit: Unit, failure: Failure) {
        for (position, number) in unit.slots.iter().enumerate() {
            let slot = &mut self.slots[*number];
            slot.perhaps_stored |= failure.perhaps_stored();
            let leads = position == 0;
            let (index, shard) = (slot.index, slot.shard);
            self.failed_attempts.push_back(FailedAttempt { index, shard, sent, answered: now, failure, leads });
        }
        let reason = Reason::Attempt(failure);
        let Some(first) = unit.slots.first().map(|number| &self.slots[*number]) else { return };
        let next = if failure.may_pass() { self.backoff.delay(first.index, first.attempts) } else { None };
        let Some(delay) = next else {
            return self.finish_unit(now, &unit, Outcome::Failed, reason);
        };
        let outlived = |slot: &Slot| self.settings.time_to_live.is_some_and(|most| slot.intended + most <= now + delay);
        if unit.slots.iter().all(|number| outlived(&self.slots[*number])) {
            return self.finish_unit(now, &unit, Outcome::Abandoned, Reason::TimeToLive);
        }
        let allowed = |share: f64| RETRY_BUDGET_FLOOR + (share * self.first_attempts as f64) as u64;
        if self.settings.retry_budget.is_some_and(|share| self.retries >= allowed(share.0)) {
            return self.finish_unit(now, &unit, Outcome::Failed, Reason::RetryBudget);
        }
        self.retries += 1;
        if matches!(self.settings.retry, RetryPolicy::Immediate { .. }) {
            // As the KPL does (fact sheet, section 9.2): no pause, and half of the usual time to find company.
            self.make_ready(Unit { deadline: now + self.settings.linger / 2, ..unit });
        } else {
            self.waiting.push(Reverse(Waiting { due: now + delay, turn: self.retries, unit }));
        }
    }

    fn finish_unit(&mut self, now: Time, unit: &Unit, outcome: Outcome, reason: Reason) {
        for (position, number) in unit.slots.iter().enumerate() {
            self.finish(now, *number, outcome, Some(reason), position == 0);
        }
    }

    fn finish(&mut self, now: Time, number: usize, outcome: Outcome, reason: Option<Reason>, leads: bool) {
        let bytes = leads.then(|| self.slots[number].bytes());
        self.finish_with(now, number, outcome, reason, bytes);
    }

    fn finish_with(
        &mut self,
        now: Time,
        number: usize,
        outcome: Outcome,
        reason: Option<Reason>,
        service: Option<u64>,
    ) {
        let slot = &mut self.slots[number];
        let unproven = slot.perhaps_stored && outcome != Outcome::Accepted;
        let outcome = if unproven { Outcome::Unknown } else { outcome };
        self.buffered -= slot.bytes();
        self.open -= 1;
        let sample = slot.sample(now, outcome, reason, true);
        let service_bytes = service.map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
        self.samples.push_back(Sample { service_bytes, ..sample });
        slot.data = Data::EMPTY;
        let key = self.settings.ordered.then(|| slot.key.clone());
        self.free.push(number);
        if let Some(key) = key {
            self.let_next_go(now, &key);
        }
    }

    /// The record of a key that was on its way is done: the next one behind it may go.
    fn let_next_go(&mut self, now: Time, key: &Arc<str>) {
        match self.keys.get_mut(key).map(VecDeque::pop_front) {
            Some(Some(next)) => self.enqueue(now, next),
            Some(None) => {
                self.keys.remove(key);
            }
            None => {}
        }
    }
}

impl Slot {
    fn new(now: Time, arrival: Arrival, data: Data, shard: usize) -> Self {
        Self {
            index: arrival.index,
            intended: arrival.intended,
            released: now,
            key: arrival.key,
            explicit_hash_key: arrival.explicit_hash_key,
            data,
            shard,
            attempts: 0,
            sent: None,
            perhaps_stored: false,
            sequence: None,
        }
    }

    fn bytes(&self) -> u64 {
        (self.key.len() + self.data.len()) as u64
    }

    fn sample(&self, now: Time, outcome: Outcome, reason: Option<Reason>, leads: bool) -> Sample {
        let bytes = u32::try_from(self.bytes()).unwrap_or(u32::MAX);
        Sample {
            index: self.index,
            intended: self.intended,
            released: self.released,
            sent: self.sent,
            done: now,
            attempts: self.attempts,
            outcome,
            reason,
            shard: self.shard,
            bytes,
            service_bytes: leads.then_some(bytes),
            sequence: self.sequence,
        }
    }
}
