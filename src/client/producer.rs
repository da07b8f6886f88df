//! The producer: it batches records into calls, bounds what is under way, and retries record by record.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Backoff, ProducerSettings};
use crate::time::Time;
use crate::workload::Arrival;

/// Number of a call of one producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A PutRecords call to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its number, to answer it with.
    pub id: CallId,
    /// The records; the answer has one outcome for each, in this order.
    pub entries: Vec<Entry>,
}

/// One record of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The partition key.
    pub key: Arc<str>,
    /// The data blob.
    pub data: Bytes,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum CallOutcome {
    /// The service answered with one outcome per record.
    Answered(Vec<EntryOutcome>),
    /// The call failed as a whole.
    Failed(Failure),
}

/// What the service says of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryOutcome {
    /// It is stored, in the shard of this number.
    Accepted {
        /// Index into the shard map, if the shard is known.
        shard: Option<usize>,
    },
    /// Its shard takes no more at the moment.
    Throttled,
    /// The service failed on it; it may succeed later.
    InternalFailure,
}

/// Why a call failed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// The service refused the rate of the calls or the records; nothing is stored.
    Throttled,
    /// The service failed; it may succeed later.
    InternalFailure,
    /// The connection could not be made; nothing was sent.
    Unreachable,
    /// No answer came: the records are stored or not.
    Unanswered,
    /// The service does not take this request, now or later.
    Rejected,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Acknowledged.
    Accepted,
    /// Refused for good, or all attempts used up.
    Failed,
    /// Given up without an attempt under way.
    Abandoned,
    /// Sent and never answered.
    Unknown,
}

/// A record that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Number of the arrival.
    pub index: u64,
    /// When it was due.
    pub intended: Time,
    /// When the producer took it up.
    pub released: Time,
    /// When its last attempt was sent; `None` if there was none.
    pub sent: Option<Time>,
    /// When its fate was known.
    pub done: Time,
    /// Attempts made.
    pub attempts: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// Index of its shard in the shard map.
    pub shard: usize,
    /// Bytes of data and partition key.
    pub bytes: u32,
}

/// An attempt that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempt {
    /// Index of the shard in the shard map.
    pub shard: usize,
    /// When it was sent.
    pub sent: Time,
    /// When the answer came, or was given up.
    pub answered: Time,
    /// Why it was not accepted.
    pub failure: Failure,
}

/// A producer of one stream.
#[derive(Debug)]
pub struct Producer {
    settings: ProducerSettings,
    backoff: Backoff,
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Records to send, in the order of their deadlines.
    ready: VecDeque<Ready>,
    ready_bytes: u64,
    /// Records that wait before their next attempt.
    waiting: BinaryHeap<Reverse<(Time, usize)>>,
    in_flight: BTreeMap<CallId, Vec<usize>>,
    next_call: u64,
    buffered: u64,
    samples: VecDeque<Sample>,
    failed_attempts: VecDeque<FailedAttempt>,
}

#[derive(Debug)]
struct Slot {
    index: u64,
    intended: Time,
    released: Time,
    key: Arc<str>,
    data: Bytes,
    shard: usize,
    attempts: u32,
    sent: Option<Time>,
    /// An attempt was never answered, so the record may be stored whatever later attempts say.
    perhaps_stored: bool,
}

#[derive(Debug, Clone, Copy)]
struct Ready {
    slot: usize,
    /// When its batch must go out at the latest.
    deadline: Time,
}

impl Producer {
    /// An idle producer.
    pub fn new(settings: ProducerSettings, backoff: Backoff) -> Self {
        Self {
            settings,
            backoff,
            slots: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            ready_bytes: 0,
            waiting: BinaryHeap::new(),
            in_flight: BTreeMap::new(),
            next_call: 0,
            buffered: 0,
            samples: VecDeque::new(),
            failed_attempts: VecDeque::new(),
        }
    }

    /// Takes up a record that is due; `shard` is the index of its shard in the shard map.
    pub fn handle_arrival(&mut self, now: Time, arrival: &Arrival, data: Bytes, shard: usize) {
        let slot = Slot {
            index: arrival.index,
            intended: arrival.intended,
            released: now,
            key: arrival.key.clone(),
            data,
            shard,
            attempts: 0,
            sent: None,
            perhaps_stored: false,
        };
        if self.buffered + slot.bytes() > self.settings.buffer.0 {
            self.samples.push_back(slot.sample(now, Outcome::Abandoned));
            return;
        }
        self.buffered += slot.bytes();
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
        self.make_ready(now, number);
    }

    /// Takes the outcome of a call that was sent at `sent`. An outcome of a call that is not under way is ignored.
    pub fn handle_outcome(&mut self, now: Time, sent: Time, id: CallId, outcome: &CallOutcome) {
        let Some(numbers) = self.in_flight.remove(&id) else { return };
        for (position, number) in numbers.into_iter().enumerate() {
            let slot = &mut self.slots[number];
            slot.attempts += 1;
            slot.sent = Some(sent);
            let failure = match outcome {
                CallOutcome::Failed(failure) => *failure,
                CallOutcome::Answered(entries) => match entries.get(position) {
                    Some(EntryOutcome::Accepted { shard }) => {
                        slot.shard = shard.unwrap_or(slot.shard);
                        self.finish(now, number, Outcome::Accepted);
                        continue;
                    }
                    Some(EntryOutcome::Throttled) => Failure::Throttled,
                    Some(EntryOutcome::InternalFailure) => Failure::InternalFailure,
                    // An answer that says nothing of a record leaves its fate open.
                    None => Failure::Unanswered,
                },
            };
            self.handle_failure(now, sent, number, failure);
        }
    }

    /// Takes note that time has passed: records whose delay is over are ready again.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(Reverse((due, number))) = self.waiting.peek().copied() {
            if due > now {
                break;
            }
            self.waiting.pop();
            self.make_ready(now, number);
        }
    }

    /// Gives up every record that is not under way. What is under way stays until its outcome is handled.
    pub fn abandon(&mut self, now: Time) {
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|Reverse((_, number))| number);
        let ready = std::mem::take(&mut self.ready).into_iter().map(|ready| ready.slot);
        self.ready_bytes = 0;
        for number in ready.chain(waiting) {
            self.finish(now, number, Outcome::Abandoned);
        }
    }

    /// The next call to make now.
    pub fn poll_call(&mut self, now: Time) -> Option<Call> {
        if self.in_flight.len() >= self.settings.max_in_flight || self.due() > now {
            return None;
        }
        let (mut entries, mut numbers, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(ready) = self.ready.front().copied() {
            let slot = &self.slots[ready.slot];
            let full =
                numbers.len() >= self.settings.batch_records || bytes + slot.bytes() > self.settings.batch_bytes.0;
            if full && !numbers.is_empty() {
                break;
            }
            self.ready.pop_front();
            bytes += slot.bytes();
            entries.push(Entry { key: slot.key.clone(), data: slot.data.clone() });
            numbers.push(ready.slot);
        }
        self.ready_bytes -= bytes;
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.in_flight.insert(id, numbers);
        Some(Call { id, entries })
    }

    /// The next record that is done.
    pub fn poll_sample(&mut self) -> Option<Sample> {
        self.samples.pop_front()
    }

    /// The next attempt that was not accepted.
    pub fn poll_failed_attempt(&mut self) -> Option<FailedAttempt> {
        self.failed_attempts.pop_front()
    }

    /// When to call [`Self::handle_timeout`] and [`Self::poll_call`] again; `None` while only an outcome or an arrival can
    /// change anything.
    pub fn poll_timeout(&self) -> Option<Time> {
        let retry = self.waiting.peek().map(|Reverse((due, _))| *due);
        let room = self.in_flight.len() < self.settings.max_in_flight;
        let batch = (room && !self.ready.is_empty()).then(|| self.due());
        retry.into_iter().chain(batch).min()
    }

    /// Records that are not done: waiting, ready or under way.
    pub fn open_records(&self) -> u64 {
        let under_way: usize = self.in_flight.values().map(Vec::len).sum();
        (self.ready.len() + self.waiting.len() + under_way) as u64
    }

    /// Calls under way.
    pub fn open_calls(&self) -> usize {
        self.in_flight.len()
    }

    /// When the next batch goes out: at once if it is full, else when its oldest record has lingered.
    fn due(&self) -> Time {
        let Some(oldest) = self.ready.front() else { return Time::NEVER };
        let full = self.ready.len() >= self.settings.batch_records || self.ready_bytes >= self.settings.batch_bytes.0;
        if full { Time::ZERO } else { oldest.deadline }
    }

    /// Retries linger like new records, so that they share batches instead of making many small calls.
    fn make_ready(&mut self, now: Time, number: usize) {
        self.ready.push_back(Ready { slot: number, deadline: now + self.settings.linger });
        self.ready_bytes += self.slots[number].bytes();
    }

    fn handle_failure(&mut self, now: Time, sent: Time, number: usize, failure: Failure) {
        let slot = &mut self.slots[number];
        slot.perhaps_stored |= failure == Failure::Unanswered;
        self.failed_attempts.push_back(FailedAttempt { shard: slot.shard, sent, answered: now, failure });
        let delay: Option<Duration> =
            if failure == Failure::Rejected { None } else { self.backoff.delay(slot.index, slot.attempts) };
        match delay {
            Some(delay) => self.waiting.push(Reverse((now + delay, number))),
            None => self.finish(now, number, Outcome::Failed),
        }
    }

    fn finish(&mut self, now: Time, number: usize, outcome: Outcome) {
        let slot = &mut self.slots[number];
        let unproven = slot.perhaps_stored && outcome != Outcome::Accepted;
        let outcome = if unproven { Outcome::Unknown } else { outcome };
        self.buffered -= slot.bytes();
        self.samples.push_back(slot.sample(now, outcome));
        slot.data = Bytes::new();
        self.free.push(number);
    }
}

impl Slot {
    fn bytes(&self) -> u64 {
        (self.key.len() + self.data.len()) as u64
    }

    fn sample(&self, now: Time, outcome: Outcome) -> Sample {
        Sample {
            index: self.index,
            intended: self.intended,
            released: self.released,
            sent: self.sent,
            done: now,
            attempts: self.attempts,
            outcome,
            shard: self.shard,
            bytes: u32::try_from(self.bytes()).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::RetryPolicy;
    use crate::seed::Seed;
    use crate::units;

    fn settings() -> ProducerSettings {
        ProducerSettings {
            batch_records: 3,
            batch_bytes: units::Bytes(1_000),
            linger: Duration::from_millis(50),
            max_in_flight: 2,
            buffer: units::Bytes(2_000),
            timeout: Duration::from_secs(5),
            retry: RetryPolicy::Exponential {
                base: Duration::from_millis(10),
                cap: Duration::from_millis(10),
                attempts: 2,
            },
        }
    }

    fn producer(settings: ProducerSettings) -> Producer {
        let backoff = Backoff::new(settings.retry, Seed(1), "test");
        Producer::new(settings, backoff)
    }

    /// Offers records of 100 bytes, key included, one per millisecond from `from` on.
    fn offer(producer: &mut Producer, from: u64, records: u64) {
        for index in from..from + records {
            let due = Time::from_millis(index);
            let arrival = Arrival { index, intended: due, key: "1234567890".into(), size: 90 };
            producer.handle_arrival(due, &arrival, Bytes::from(vec![0; 90]), 0);
        }
    }

    fn outcomes(producer: &mut Producer) -> Vec<(u64, Outcome, u32)> {
        std::iter::from_fn(|| producer.poll_sample()).map(|s| (s.index, s.outcome, s.attempts)).collect()
    }

    fn answer(producer: &mut Producer, at: u64, call: &Call, entries: Vec<EntryOutcome>) {
        let at = Time::from_millis(at);
        producer.handle_outcome(at, at, call.id, &CallOutcome::Answered(entries));
    }

    const ACCEPTED: EntryOutcome = EntryOutcome::Accepted { shard: None };

    #[test]
    fn a_full_batch_goes_out_at_once() {
        let mut producer = producer(settings());
        offer(&mut producer, 0, 4);
        assert_eq!(producer.poll_call(Time::from_millis(3)).unwrap().entries.len(), 3);
        assert_eq!(producer.poll_call(Time::from_millis(3)), None);
    }

    #[test]
    fn a_part_of_a_batch_goes_out_when_its_oldest_record_has_lingered() {
        let mut producer = producer(settings());
        offer(&mut producer, 0, 2);
        assert_eq!(producer.poll_timeout(), Some(Time::from_millis(50)));
        assert_eq!(producer.poll_call(Time::from_millis(49)), None);
        assert_eq!(producer.poll_call(Time::from_millis(50)).unwrap().entries.len(), 2);
        assert_eq!(producer.poll_timeout(), None);
    }

    #[test]
    fn bytes_bound_a_batch_and_a_large_record_goes_alone() {
        let mut producer = producer(ProducerSettings { batch_bytes: units::Bytes(150), ..settings() });
        offer(&mut producer, 0, 2);
        assert_eq!(producer.poll_call(Time::from_millis(1)).unwrap().entries.len(), 1);
    }

    #[test]
    fn calls_under_way_are_bounded() {
        let mut producer = producer(settings());
        offer(&mut producer, 0, 9);
        let now = Time::from_millis(9);
        let first = producer.poll_call(now).unwrap();
        assert!(producer.poll_call(now).is_some());
        assert_eq!((producer.poll_call(now), producer.poll_timeout()), (None, None));
        answer(&mut producer, 20, &first, vec![ACCEPTED; 3]);
        assert!(producer.poll_call(now).is_some());
    }

    #[test]
    fn three_refused_of_five_are_retried_alone() {
        let mut producer = producer(ProducerSettings { batch_records: 5, ..settings() });
        offer(&mut producer, 0, 5);
        let call = producer.poll_call(Time::from_millis(5)).unwrap();
        let entries =
            vec![EntryOutcome::Throttled, ACCEPTED, EntryOutcome::InternalFailure, ACCEPTED, EntryOutcome::Throttled];
        answer(&mut producer, 20, &call, entries);
        assert_eq!(outcomes(&mut producer), [(1, Outcome::Accepted, 1), (3, Outcome::Accepted, 1)]);
        assert_eq!(producer.open_records(), 3);

        let retry_at = Time::from_millis(30);
        producer.handle_timeout(retry_at);
        let call = producer.poll_call(retry_at + Duration::from_millis(50)).unwrap();
        assert_eq!(call.entries.len(), 3);
        answer(&mut producer, 90, &call, vec![ACCEPTED, EntryOutcome::Throttled, ACCEPTED]);
        let mut done = outcomes(&mut producer);
        done.sort_unstable();
        let mut kinds: Vec<_> = done.iter().map(|(_, outcome, attempts)| (*outcome, *attempts)).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, [(Outcome::Accepted, 2), (Outcome::Accepted, 2), (Outcome::Failed, 2)]);
        assert_eq!((producer.open_records(), producer.buffered), (0, 0));
        assert_eq!(std::iter::from_fn(|| producer.poll_failed_attempt()).count(), 4);
    }

    #[test]
    fn a_record_that_was_never_answered_stays_unknown_unless_accepted_later() {
        let mut producer = producer(settings());
        offer(&mut producer, 0, 3);
        let call = producer.poll_call(Time::from_millis(3)).unwrap();
        let at = Time::from_millis(10);
        producer.handle_outcome(at, at, call.id, &CallOutcome::Failed(Failure::Unanswered));
        let later = Time::from_millis(20);
        producer.handle_timeout(later);
        let call = producer.poll_call(later).unwrap();
        answer(&mut producer, 30, &call, vec![ACCEPTED, EntryOutcome::Throttled, EntryOutcome::InternalFailure]);
        let mut done: Vec<_> = outcomes(&mut producer).into_iter().map(|(_, outcome, _)| outcome).collect();
        done.sort_unstable();
        assert_eq!(done, [Outcome::Accepted, Outcome::Unknown, Outcome::Unknown]);
    }

    #[test]
    fn a_rejected_call_is_not_retried() {
        let mut producer = producer(settings());
        offer(&mut producer, 0, 3);
        let call = producer.poll_call(Time::from_millis(3)).unwrap();
        let at = Time::from_millis(10);
        producer.handle_outcome(at, at, call.id, &CallOutcome::Failed(Failure::Rejected));
        assert!(
            outcomes(&mut producer).iter().all(|(_, outcome, attempts)| (*outcome, *attempts) == (Outcome::Failed, 1))
        );
        assert_eq!(producer.open_records(), 0);
    }

    #[test]
    fn a_record_that_finds_no_room_is_abandoned_and_counted() {
        let mut producer = producer(settings());
        offer(&mut producer, 0, 25);
        assert_eq!(outcomes(&mut producer).len(), 5);
        assert_eq!(producer.open_records(), 20);
    }

    #[test]
    fn giving_up_leaves_only_what_is_under_way() {
        let mut producer = producer(settings());
        offer(&mut producer, 0, 5);
        let call = producer.poll_call(Time::from_millis(5)).unwrap();
        producer.abandon(Time::from_millis(6));
        assert_eq!(outcomes(&mut producer).len(), 2);
        assert_eq!((producer.open_records(), producer.open_calls()), (3, 1));
        answer(&mut producer, 20, &call, vec![ACCEPTED; 3]);
        assert_eq!(outcomes(&mut producer).len(), 3);
        assert_eq!(producer.open_records(), 0);
    }
}
