//! The consumers of a simulation.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use rand::RngExt;
use smallvec::{SmallVec, smallvec};

use super::heap::{ForConsumer, Happening, Heap};
use super::run_time;
use super::service::{EPOCH, STREAM, Service, lead, words};
use crate::client::{
    Answer, Consumer as Machine, Interruption, Lineage, ReadCall, ReadOutcome, Received, ShardMap, Start, Ticket, Wire,
    aggregation, key_hash,
};
use crate::kinesis::{
    ChildShard, ConsumerName, ErrorKind, IteratorToken, Position, Profile, ReadRecord, Request, Response,
    SequenceNumber, ServiceError, ShardId, SubscriptionId, SubscriptionPoll,
};
use crate::measure::{
    self, Attendances, ConsumerRecord, FaultPlace, LatencyLog, PutRecorder, PutRecording, ReadRecorder, Receipts,
    RecordSet,
};
use crate::run::application;
use crate::scenario::{Consumer, Scenario};
use crate::seed::NamedSeed;
use crate::time::{Time, nanos};

/// How many receipts are looked at each time: more than a call has records.
const RECEIPTS_AT_A_TIME: usize = 1_000;

/// The longest way of a GetRecords call to the service, within its latency. Calls that came in step to the nanosecond would let whoever comes
/// first have all of a quota that he can use up alone.
const WAY_MAX: Duration = Duration::from_millis(2);

/// The types of the simulated service's answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Simulated;

impl Wire for Simulated {
    type Shard = ShardId;
    type Sequence = SequenceNumber;
    type Iterator = IteratorToken;
    type Record = ReadRecord;
}

/// The consumers, on the clock of the service.
pub(super) struct Readers {
    readers: Vec<Reader>,
    attendances: Attendances,
    /// Subscriptions that wait for a record, until the moment that is planned.
    waiting: BTreeMap<(usize, Ticket), Time>,
    /// Of how long GetRecords calls are on their way, and how many were.
    ways: NamedSeed,
    sent: u64,
}

struct Reader {
    consumer: Consumer,
    machine: Machine<Simulated>,
    recorder: ReadRecorder,
    begun: bool,
    /// The earliest wake-up that is planned.
    wake: Time,
    subscriptions: HashMap<Ticket, SubscriptionId>,
    /// The ids of the shards that records have come from, and of those before them.
    shard_names: Vec<String>,
}

impl Readers {
    pub fn new(
        scenario: &Scenario,
        profile: &Profile,
        service: &mut Service,
        shards: &ShardMap<ShardId>,
        run: u32,
        offered: u64,
        heap: &mut Heap,
    ) -> Result<Self, String> {
        let mut readers = Self {
            readers: Vec::new(),
            attendances: Attendances::default(),
            waiting: BTreeMap::new(),
            ways: scenario.seed.named("simulator.readers.ways"),
            sent: 0,
        };
        for consumer in &scenario.consumers {
            if consumer.kind.is_fan_out() {
                let (stream, tags) = (STREAM.to_owned(), crate::kinesis::Tags::new());
                let register = Request::RegisterStreamConsumer { stream, consumer: consumer.name.clone(), tags };
                service.ask(Time::ZERO, register)?;
            }
            let shard = |name: &str| name.parse().ok();
            let sequence = |number: &str| number.parse().ok();
            let application = application::<Simulated>(consumer, Start::TrimHorizon, profile, shard, sequence);
            let (joins, ago) = (scenario.joins(consumer), application.start.age_limit());
            readers.attendances.add(joins, ago, scenario.interrupts(consumer));
            readers.readers.push(Reader {
                consumer: consumer.clone(),
                machine: Machine::new(application, scenario.seed),
                recorder: ReadRecorder::new(run, offered, Time::ZERO + scenario.load.warm_up, consumer.dedupe_window),
                begun: false,
                wake: Time::NEVER,
                shard_names: Vec::new(),
                subscriptions: HashMap::new(),
            });
        }
        for (number, consumer) in scenario.consumers.iter().enumerate() {
            if scenario.joins(consumer).is_none() {
                readers.begin(Time::ZERO, number, shards);
                readers.advance(Time::ZERO, number, service, heap);
            }
        }
        Ok(readers)
    }

    fn begin(&mut self, at: Time, number: usize, shards: &ShardMap<ShardId>) {
        let reader = &mut self.readers[number];
        reader.begun = true;
        reader.machine.resolve_start(EPOCH + at.since(Time::ZERO));
        reader.machine.begin(at, lineage(shards));
    }

    pub fn have_read_all(&self, recorder: &PutRecorder) -> bool {
        let seen = |number: usize| &self.readers[number].recorder.reading().seen;
        self.attendances.have_seen_all(&recorder.ledger().accepted, |number, owed| owed.in_common(seen(number)))
    }

    /// Takes note of what is accepted at `now`, for consumers that come and go.
    pub fn note_accepted(&mut self, now: Time, recorder: &PutRecorder) {
        self.attendances.note(now, &recorder.ledger().accepted);
    }

    /// Drops receipts of records that every consumer has seen.
    pub fn drop_receipts(&self, receipts: &mut Receipts) {
        if receipts.are_many() {
            let seen = |index| self.readers.iter().all(|reader| reader.recorder.reading().seen.contains(index));
            receipts.drop_seen(RECEIPTS_AT_A_TIME, seen);
        }
    }

    /// How many of these records some consumer has seen; `None` without consumers.
    pub fn seen_of(&self, records: &RecordSet) -> Option<u64> {
        let mut seen = RecordSet::default();
        self.readers.iter().for_each(|reader| seen.extend(&reader.recorder.reading().seen));
        (!self.readers.is_empty()).then(|| records.in_common(&seen))
    }

    pub fn interrupt(
        &mut self,
        at: Time,
        name: &str,
        interruption: Interruption,
        shards: &ShardMap<ShardId>,
        service: &mut Service,
        heap: &mut Heap,
    ) {
        let Some(number) = self.readers.iter().position(|reader| reader.consumer.name == name) else { return };
        match interruption {
            Interruption::Start => self.attendances.start(run_time(at), number),
            Interruption::Stop | Interruption::Kill => self.attendances.stop(run_time(at), number),
            _ => {}
        }
        if self.readers[number].begun {
            self.readers[number].machine.handle_interruption(at, interruption);
        } else if interruption == Interruption::Start {
            self.begin(at, number, shards);
        }
        self.advance(at, number, service, heap);
    }

    /// Tells the consumers of the shards that are there now.
    pub fn follow(&mut self, at: Time, shards: &ShardMap<ShardId>, service: &mut Service, heap: &mut Heap) {
        for number in 0..self.readers.len() {
            if self.readers[number].begun {
                self.readers[number].machine.handle_shards(at, lineage(shards));
                self.advance(at, number, service, heap);
            }
        }
    }

    /// Something was put: subscriptions that wait may have something sooner.
    pub fn notice_puts(&mut self, at: Time, heap: &mut Heap) {
        for ((consumer, ticket), planned) in &mut self.waiting {
            if *planned > at {
                *planned = at;
                heap.plan(at, Happening::Consumer(*consumer, ForConsumer::Poll(*ticket)));
            }
        }
    }

    /// Lets something happen to a consumer.
    pub fn handle(&mut self, at: Time, number: usize, what: ForConsumer, service: &mut Service, heap: &mut Heap) {
        match what {
            ForConsumer::Wake if self.readers[number].wake == at => self.readers[number].wake = Time::NEVER,
            // Another wake-up was planned instead of this one.
            ForConsumer::Wake => return,
            ForConsumer::Outcome(ticket, outcome) => {
                let behind = match &*outcome {
                    ReadOutcome::Records { answer, .. } | ReadOutcome::Event { answer, .. } => Some(answer.behind),
                    _ => None,
                };
                let reader = &mut self.readers[number];
                if let Some(behind) = behind {
                    reader.recorder.handle_behind(run_time(at), behind);
                }
                reader.machine.handle_outcome(at, ticket, *outcome);
            }
            ForConsumer::Arrival(ticket, iterator, limit, way) => {
                let reply = service.call(at, Request::GetRecords { iterator, limit: limit as usize });
                // The way is part of the latency.
                let ready = at.max(Time::ZERO + reply.ready_at.since(Time::ZERO + way));
                let outcome = match reply.response {
                    Ok(Response::GetRecords(read)) => ReadOutcome::Records {
                        next: read.next,
                        answer: answer(ready, read.records, read.millis_behind_latest, read.children),
                    },
                    Ok(_) => ReadOutcome::Failed,
                    Err(error) => self.readers[number].failed(at, &error),
                };
                heap.plan(ready, Happening::Consumer(number, ForConsumer::Outcome(ticket, Box::new(outcome))));
            }
            // Another poll may have been planned instead of this one.
            ForConsumer::Poll(ticket) if self.waiting.get(&(number, ticket)) == Some(&at) => {
                self.poll(at, number, ticket, service, heap);
            }
            ForConsumer::Poll(_) => return,
        }
        self.advance(at, number, service, heap);
    }

    fn advance(&mut self, at: Time, number: usize, service: &mut Service, heap: &mut Heap) {
        self.readers[number].machine.handle_timeout(at);
        while let Some(call) = self.readers[number].machine.poll_call() {
            self.make(at, number, call, service, heap);
        }
        let reader = &mut self.readers[number];
        let lanes = u64::from(reader.machine.lanes().max(1));
        while let Some(delivery) = reader.machine.poll_delivery() {
            let (done, read) = (run_time(delivery.done), run_time(delivery.read));
            let (record, part) = (&delivery.received.record, delivery.received.part);
            let number = record.sequence_number;
            let name = |place| reader.machine.shard(place).map_or_else(String::new, ToString::to_string);
            let known = reader.shard_names.len()..=delivery.shard;
            reader.shard_names.extend(known.map(name));
            let record = measure::ReadRecord {
                shard: &reader.shard_names[delivery.shard],
                lane: (delivery.received.key_hash % lanes) as u32,
                partition_key: &record.partition_key,
                key_hash: delivery.received.key_hash,
                sequence: &number,
                order: (number.shard_created.into(), number.index.into(), part),
                data: &record.data,
            };
            reader.recorder.handle_delivery(done, read, delivery.fate, &record);
        }
        let wake = reader.machine.poll_timeout().map(|wake| wake.max(at));
        if let Some(wake) = wake.filter(|wake| *wake < reader.wake) {
            reader.wake = wake;
            heap.plan(wake, Happening::Consumer(number, ForConsumer::Wake));
        }
    }

    fn make(&mut self, at: Time, number: usize, call: ReadCall<Simulated>, service: &mut Service, heap: &mut Heap) {
        let mut end = |at: Time, ticket: Ticket, outcome: ReadOutcome<Simulated>| {
            heap.plan(at, Happening::Consumer(number, ForConsumer::Outcome(ticket, Box::new(outcome))));
        };
        let reader = &mut self.readers[number];
        match call {
            ReadCall::GetShardIterator { ticket, shard, start } => {
                let position = position(at, start);
                let request = Request::GetShardIterator { stream: STREAM.to_owned(), shard, position };
                let reply = service.call(at, request);
                let outcome = match reply.response {
                    Ok(Response::GetShardIterator(iterator)) => ReadOutcome::Iterator(iterator),
                    Ok(_) => ReadOutcome::Failed,
                    Err(error) => reader.failed(at, &error),
                };
                end(reply.ready_at, ticket, outcome);
            }
            ReadCall::GetRecords { ticket, iterator, limit } => {
                reader.recorder.handle_call(run_time(at));
                let way = WAY_MAX.mul_f64(self.ways.at(self.sent).random());
                self.sent += 1;
                let arrival = ForConsumer::Arrival(ticket, iterator, limit, way);
                heap.plan(at + way, Happening::Consumer(number, arrival));
            }
            ReadCall::Subscribe { ticket, shard, start } => {
                reader.recorder.handle_call(run_time(at));
                let consumer = reader.consumer.name.clone();
                let consumer = ConsumerName { stream: STREAM.to_owned(), consumer, created: None };
                let position = position(at, start);
                let reply = service.call(at, Request::SubscribeToShard { consumer, shard, position });
                let outcome = match reply.response {
                    Ok(Response::SubscribeToShard(id)) => {
                        reader.subscriptions.insert(ticket, id);
                        ReadOutcome::Subscribed
                    }
                    Ok(_) => ReadOutcome::Failed,
                    Err(error) => reader.failed(at, &error),
                };
                end(reply.ready_at, ticket, outcome);
            }
            ReadCall::Receive { ticket } => self.poll(at, number, ticket, service, heap),
            ReadCall::Unsubscribe { ticket } => {
                if let Some(id) = reader.subscriptions.remove(&ticket) {
                    service.close_subscription(id);
                }
                self.waiting.remove(&(number, ticket));
            }
        }
    }

    /// Looks whether a subscription has something.
    fn poll(&mut self, at: Time, number: usize, ticket: Ticket, service: &mut Service, heap: &mut Heap) {
        self.waiting.remove(&(number, ticket));
        let reader = &mut self.readers[number];
        let Some(id) = reader.subscriptions.get(&ticket).copied() else { return };
        let outcome = match service.poll_subscription(at, id) {
            SubscriptionPoll::Event(event) => ReadOutcome::Event {
                continuation: event.continuation,
                answer: answer(at, event.records, event.millis_behind_latest, event.children),
            },
            SubscriptionPoll::Wait(until) => {
                let until = until.max(at);
                self.waiting.insert((number, ticket), until);
                heap.plan(until, Happening::Consumer(number, ForConsumer::Poll(ticket)));
                return;
            }
            SubscriptionPoll::Ended => ReadOutcome::Ended,
            SubscriptionPoll::Failed(error) => {
                reader.failed(at, &error);
                ReadOutcome::Failed
            }
        };
        heap.plan(at, Happening::Consumer(number, ForConsumer::Outcome(ticket, Box::new(outcome))));
    }

    /// What the consumers have seen.
    pub fn finish(
        self,
        ended: Time,
        put: &PutRecording,
        place: &dyn Fn(u64) -> FaultPlace,
        logs: &mut Vec<(String, LatencyLog)>,
    ) -> Vec<ConsumerRecord> {
        let record = |(number, mut reader): (usize, Reader)| {
            let attendance = (&self.attendances, number);
            let (name, kind) = (&reader.consumer.name, reader.consumer.kind.word());
            let counts = reader.machine.counts(ended + lead());
            let recording = reader.recorder.finish(ended);
            ConsumerRecord::new(name, kind, &counts, recording, put, place, logs, ended, attendance)
        };
        self.readers.into_iter().enumerate().map(record).collect()
    }
}

impl Reader {
    /// Counts a call that failed.
    fn failed(&mut self, at: Time, error: &ServiceError) -> ReadOutcome<Simulated> {
        match error.kind {
            ErrorKind::ProvisionedThroughputExceeded | ErrorKind::LimitExceeded | ErrorKind::Throttling => {
                self.recorder.handle_throttle(run_time(at));
                ReadOutcome::Throttled
            }
            kind => {
                self.recorder.handle_failure(kind.name());
                tracing::debug!(error = words(error), "a reading call failed");
                if kind == ErrorKind::ExpiredIterator { ReadOutcome::ExpiredIterator } else { ReadOutcome::Failed }
            }
        }
    }
}

fn lineage(shards: &ShardMap<ShardId>) -> Vec<Lineage<Simulated>> {
    shards.lineage(false).into_iter().map(|(shard, parents)| Lineage { shard, parents }).collect()
}

fn position(at: Time, start: Start<SequenceNumber>) -> Position {
    match start {
        Start::TrimHorizon => Position::TrimHorizon,
        Start::Latest => Position::Latest,
        // The clock of the service is that of the consumers.
        Start::At(time) => Position::AtTimestamp(time),
        Start::Ago(ago) => Position::AtTimestamp(Time::from_nanos(nanos(at.since(Time::ZERO).saturating_sub(ago)))),
        Start::Timestamp(since) => Position::AtTimestamp(Time::ZERO + since.saturating_sub(EPOCH)),
        Start::AtSequence(number) => Position::AtSequenceNumber(number),
        Start::After(number) => Position::AfterSequenceNumber(number),
    }
}

/// The record, or those that are packed in it, each with its place.
fn plain(record: ReadRecord) -> SmallVec<[(u32, ReadRecord); 1]> {
    match aggregation::decode(&record.data) {
        None => smallvec![(0, record)],
        Some(packed) => {
            let unpacked = |user: aggregation::UserRecord| ReadRecord {
                partition_key: user.partition_key.into(),
                data: user.data,
                ..record.clone()
            };
            (0..).zip(packed.into_iter().map(unpacked)).collect()
        }
    }
}

fn answer(at: Time, records: Vec<ReadRecord>, behind: u64, children: Vec<ChildShard>) -> Answer<Simulated> {
    let received = |(part, record): (u32, ReadRecord)| Received {
        sequence: record.sequence_number,
        key_hash: key_hash(&record.partition_key),
        bytes: u32::try_from(record.bytes()).unwrap_or(u32::MAX),
        age: at.since(record.arrival),
        part,
        record,
    };
    let child = |child: ChildShard| Lineage { shard: child.shard, parents: child.parents };
    Answer {
        records: records.into_iter().flat_map(plain).map(received).collect(),
        behind: Duration::from_millis(behind),
        children: children.into_iter().map(child).collect(),
    }
}
