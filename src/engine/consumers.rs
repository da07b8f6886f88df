//! A consumer of a run: the SDK calls that its state machine asks for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::{Blob, DateTime};
use aws_sdk_kinesis::types::{ChildShard, Record, ShardIteratorType, StartingPosition, SubscribeToShardEventStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::clock::RunClock;
use super::put::{classify, describe};
use super::since_1970;
use crate::client::{
    Answer, Consumer, ConsumerCounts, Delivery, Failure, Interruption, Lineage, ReadCall, ReadOutcome, Received, Start,
    Ticket, Wire, aggregation, key_hash,
};
use crate::measure::{ReadRecord, ReadRecorder};
use crate::time::Time;

/// The types of the SDK's answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Sdk;

impl Wire for Sdk {
    type Shard = String;
    type Sequence = String;
    type Iterator = String;
    type Record = Record;
}

/// What a consumer of a run needs.
#[derive(Debug)]
pub struct Reader {
    /// The client.
    pub client: Client,
    /// The stream.
    pub stream: String,
    /// ARN of the registered consumer, for enhanced fan-out.
    pub registration: Option<String>,
    /// The clock of the run, for lags. It starts when all consumers are positioned.
    pub clock: RunClock,
    /// Where the reads are recorded.
    pub recorder: SharedRecorder,
    /// Bounds how many iterators are asked for at a time.
    pub positioning: Arc<Semaphore>,
    /// Set once nothing that is put from now on can be missed.
    pub positioned: watch::Sender<bool>,
    /// What happens to the consumer from outside.
    pub messages: mpsc::UnboundedReceiver<Message>,
    /// Set when the consumer is to end.
    pub stop: watch::Receiver<bool>,
}

/// A recorder that is shared between a consumer's calls; locked once per answer.
#[derive(Debug, Clone)]
pub struct SharedRecorder(Arc<Mutex<ReadRecorder>>);

impl SharedRecorder {
    /// Shares a recorder.
    pub fn new(recorder: ReadRecorder) -> Self {
        Self(Arc::new(Mutex::new(recorder)))
    }

    /// The recorder. A panic elsewhere does not make its figures worse.
    pub fn lock(&self) -> MutexGuard<'_, ReadRecorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recorder, if nobody uses it now.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, ReadRecorder>> {
        match self.0.try_lock() {
            Ok(recorder) => Some(recorder),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Takes the recorder out; `None` while another part still holds it.
    pub fn into_inner(self) -> Option<ReadRecorder> {
        Arc::try_unwrap(self.0).ok().map(|mutex| mutex.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads `shards` until the run stops; gives what the consumer did. One that joins later reads nothing before it is started.
pub async fn consume(
    mut reader: Reader,
    mut consumer: Consumer<Sdk>,
    mut shards: Vec<Lineage<Sdk>>,
    joins_later: bool,
) -> ConsumerCounts {
    let calls = Calls {
        client: reader.client.clone(),
        stream: reader.stream.clone(),
        registration: reader.registration.clone().unwrap_or_default(),
        recorder: reader.recorder.clone(),
        positioning: reader.positioning.clone(),
        clock: reader.clock.clone(),
        began: SystemTime::now(),
    };
    let clock = RunClock::started();
    let mut under_way = UnderWay { calls: JoinSet::new(), subscriptions: HashMap::new() };
    let mut begun = !joins_later;
    if begun {
        consumer.resolve_start(since_1970());
        consumer.begin(clock.now(), shards.clone());
    }
    loop {
        let now = clock.now();
        consumer.handle_timeout(now);
        while let Some(call) = consumer.poll_call() {
            under_way.make(&calls, call);
        }
        reader.record(&clock, &mut consumer);
        if consumer.is_positioned() {
            reader.positioned.send_replace(true);
        }
        let due = consumer.poll_timeout().map_or_else(far_future, |due| clock.instant(due).into());
        tokio::select! {
            _ = reader.stop.wait_for(|stop| *stop) => break,
            Some(message) = reader.messages.recv() => match message {
                Message::Interruption(Interruption::Start) if !begun => {
                    begun = true;
                    consumer.resolve_start(since_1970());
                    consumer.begin(clock.now(), shards.clone());
                }
                Message::Interruption(interruption) => consumer.handle_interruption(clock.now(), interruption),
                Message::Shards(now_there) if begun => consumer.handle_shards(clock.now(), now_there),
                Message::Shards(now_there) => shards = now_there,
            },
            Some(done) = under_way.calls.join_next() => {
                // A call that was given up says nothing.
                if let Ok((ticket, outcome, events)) = done {
                    under_way.keep(&consumer, ticket, events);
                    consumer.handle_outcome(clock.now(), ticket, outcome);
                }
            }
            () = sleep_until(due) => {}
        }
    }
    // The run has had its drain: what is under way now would come too late to count.
    under_way.calls.shutdown().await;
    reader.record(&clock, &mut consumer);
    consumer.counts(clock.now())
}

/// What a consumer is told while it runs.
#[derive(Debug, Clone)]
pub enum Message {
    /// Something happens to it.
    Interruption(Interruption),
    /// The stream was resharded; these are its shards now, parents before their children.
    Shards(Vec<Lineage<Sdk>>),
}

impl Reader {
    /// Records what the consumer is done with.
    fn record(&self, clock: &RunClock, consumer: &mut Consumer<Sdk>) {
        let Some(first) = consumer.poll_delivery() else { return };
        let mut recorder = self.recorder.lock();
        let lanes = u64::from(consumer.lanes().max(1));
        let mut delivery = Some(first);
        while let Some(Delivery { shard, received, read, done, fate }) = delivery {
            // The consumer's clock began before that of the run.
            let at = |time: Time| self.clock.at(clock.instant(time));
            let record = ReadRecord {
                shard: consumer.shard(shard).map_or("", String::as_str),
                lane: (received.key_hash % lanes) as u32,
                partition_key: received.record.partition_key().unwrap_or_default().as_bytes(),
                key_hash: received.key_hash,
                sequence: &received.sequence,
                order: order(&received.sequence, received.part),
                data: received.record.data().as_ref(),
            };
            recorder.handle_delivery(at(done), at(read), fate, &record);
            delivery = consumer.poll_delivery();
        }
    }
}

type Events = aws_sdk_kinesis::primitives::event_stream::EventReceiver<
    SubscribeToShardEventStream,
    aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError,
>;

/// How a call ended; a subscription that goes on comes with what brings its events.
type Done = (Ticket, ReadOutcome<Sdk>, Option<Events>);

/// The calls that are under way, and the subscriptions that are open.
struct UnderWay {
    calls: JoinSet<Done>,
    subscriptions: HashMap<Ticket, Subscription>,
}

enum Subscription {
    /// A task waits for its answer or its next event.
    Waiting(AbortHandle),
    /// Nobody has asked for the next event.
    Idle(Box<Events>),
}

impl UnderWay {
    fn make(&mut self, calls: &Calls, call: ReadCall<Sdk>) {
        let calls = calls.clone();
        match call {
            ReadCall::GetShardIterator { ticket, shard, start } => {
                self.calls.spawn(async move { (ticket, calls.get_shard_iterator(shard, start).await, None) });
            }
            ReadCall::GetRecords { ticket, iterator, limit } => {
                self.calls.spawn(async move { (ticket, calls.get_records(iterator, limit).await, None) });
            }
            ReadCall::Subscribe { ticket, shard, start } => {
                let task = self.calls.spawn(async move { calls.subscribe(ticket, shard, start).await });
                self.subscriptions.insert(ticket, Subscription::Waiting(task));
            }
            ReadCall::Receive { ticket } => {
                if let Some(Subscription::Idle(events)) = self.subscriptions.remove(&ticket) {
                    let task = self.calls.spawn(async move { calls.receive(ticket, *events).await });
                    self.subscriptions.insert(ticket, Subscription::Waiting(task));
                }
            }
            ReadCall::Unsubscribe { ticket } => {
                if let Some(Subscription::Waiting(task)) = self.subscriptions.remove(&ticket) {
                    task.abort();
                }
            }
        }
    }

    /// Keeps a subscription for its next event, if it still matters.
    fn keep(&mut self, consumer: &Consumer<Sdk>, ticket: Ticket, events: Option<Events>) {
        match events.filter(|_| consumer.is_current(ticket)) {
            Some(events) => {
                self.subscriptions.insert(ticket, Subscription::Idle(Box::new(events)));
            }
            None => {
                self.subscriptions.remove(&ticket);
            }
        }
    }
}

/// What the calls of a consumer need.
#[derive(Debug, Clone)]
struct Calls {
    client: Client,
    stream: String,
    registration: String,
    recorder: SharedRecorder,
    positioning: Arc<Semaphore>,
    /// The clock of the run.
    clock: RunClock,
    /// When the consumer's own clock began.
    began: SystemTime,
}

/// A starting position as the SDK takes it: its type, its sequence number and its moment.
type SdkStart = (ShardIteratorType, Option<String>, Option<DateTime>);

impl Calls {
    fn start(&self, start: Start<String>) -> SdkStart {
        match start {
            Start::TrimHorizon => (ShardIteratorType::TrimHorizon, None, None),
            Start::Latest => (ShardIteratorType::Latest, None, None),
            Start::At(time) => {
                // A little early: the clocks of the two sides may differ.
                let early = Duration::from_nanos(time.as_nanos()).saturating_sub(CLOCK_DIFFERENCE);
                (ShardIteratorType::AtTimestamp, None, Some(DateTime::from(self.began + early)))
            }
            Start::Ago(ago) => (
                ShardIteratorType::AtTimestamp,
                None,
                Some(DateTime::from(UNIX_EPOCH + since_1970().saturating_sub(ago))),
            ),
            Start::Timestamp(since_1970) => {
                (ShardIteratorType::AtTimestamp, None, Some(DateTime::from(UNIX_EPOCH + since_1970)))
            }
            Start::AtSequence(number) => (ShardIteratorType::AtSequenceNumber, Some(number), None),
            Start::After(number) => (ShardIteratorType::AfterSequenceNumber, Some(number), None),
        }
    }

    async fn get_shard_iterator(&self, shard: String, start: Start<String>) -> ReadOutcome<Sdk> {
        // Thousands of shards at once would use up the connections that the puts need.
        let Ok(_turn) = self.positioning.acquire().await else { return ReadOutcome::Failed };
        let (kind, number, timestamp) = self.start(start);
        let request = self.client.get_shard_iterator().stream_name(&self.stream).shard_id(shard);
        let request = request.shard_iterator_type(kind);
        match request.set_starting_sequence_number(number).set_timestamp(timestamp).send().await {
            Ok(answer) => match answer.shard_iterator {
                Some(iterator) => ReadOutcome::Iterator(iterator),
                None => ReadOutcome::Failed,
            },
            Err(error) => self.failed(classify(&error), &describe(&error)),
        }
    }

    async fn get_records(&self, iterator: String, limit: u32) -> ReadOutcome<Sdk> {
        self.recorder.lock().handle_call(self.clock.now());
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        match self.client.get_records().shard_iterator(iterator).limit(limit).send().await {
            Ok(read) => {
                let behind = read.millis_behind_latest();
                let answer = self.answer(read.records, behind, read.child_shards);
                ReadOutcome::Records { next: read.next_shard_iterator, answer }
            }
            Err(error) if error.code() == Some("ExpiredIteratorException") => {
                self.record_failure(Failure::Rejected, "ExpiredIteratorException");
                ReadOutcome::ExpiredIterator
            }
            Err(error) => self.failed(classify(&error), &describe(&error)),
        }
    }

    async fn subscribe(&self, ticket: Ticket, shard: String, start: Start<String>) -> Done {
        self.recorder.lock().handle_call(self.clock.now());
        let (kind, number, timestamp) = self.start(start);
        let position =
            StartingPosition::builder().r#type(kind).set_sequence_number(number).set_timestamp(timestamp).build();
        let request = self.client.subscribe_to_shard().consumer_arn(&self.registration).shard_id(shard);
        // The timeout of a call must not cut a subscription short: it lives for five minutes.
        let endless = aws_sdk_kinesis::config::timeout::TimeoutConfig::builder()
            .disable_operation_timeout()
            .disable_operation_attempt_timeout()
            .build();
        let request = request.set_starting_position(position.ok()).customize();
        let request = request.config_override(aws_sdk_kinesis::config::Builder::new().timeout_config(endless));
        match request.send().await {
            Ok(answer) => (ticket, ReadOutcome::Subscribed, Some(answer.event_stream)),
            Err(error) => {
                self.record_failure(classify(&error), &describe(&error));
                (ticket, ReadOutcome::Failed, None)
            }
        }
    }

    /// Waits for the next event of a subscription.
    async fn receive(&self, ticket: Ticket, mut events: Events) -> Done {
        loop {
            match timeout(SUBSCRIPTION_LIFE_MAX, events.recv()).await {
                Ok(Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)))) => {
                    let behind = Some(event.millis_behind_latest);
                    let number = event.continuation_sequence_number;
                    let continuation = (!number.is_empty()).then_some(number);
                    let answer = self.answer(event.records, behind, event.child_shards);
                    return (ticket, ReadOutcome::Event { continuation, answer }, Some(events));
                }
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return (ticket, ReadOutcome::Ended, None),
                Ok(Err(error)) => {
                    self.record_failure(classify(&error), &describe(&error));
                    return (ticket, ReadOutcome::Failed, None);
                }
                Err(_) => return (ticket, ReadOutcome::Failed, None),
            }
        }
    }

    fn answer(&self, records: Vec<Record>, behind: Option<i64>, children: Option<Vec<ChildShard>>) -> Answer<Sdk> {
        let behind = Duration::from_millis(behind.and_then(|millis| u64::try_from(millis).ok()).unwrap_or(0));
        self.recorder.lock().handle_behind(self.clock.now(), behind);
        let now = SystemTime::now();
        let received = |(part, record): (u32, Record)| {
            let arrived = record.approximate_arrival_timestamp().copied();
            let arrived = arrived.and_then(|at| SystemTime::try_from(at).ok());
            let key = record.partition_key().unwrap_or_default();
            Received {
                sequence: record.sequence_number().to_owned(),
                key_hash: key_hash(key.as_bytes()),
                bytes: u32::try_from(record.data().as_ref().len() + key.len()).unwrap_or(u32::MAX),
                part,
                age: arrived.and_then(|at| now.duration_since(at).ok()).unwrap_or_default(),
                record,
            }
        };
        let child = |child: ChildShard| Lineage { shard: child.shard_id, parents: child.parent_shards };
        Answer {
            records: records.into_iter().flat_map(|record| (0..).zip(plain(record))).map(received).collect(),
            behind,
            children: children.unwrap_or_default().into_iter().map(child).collect(),
        }
    }

    fn failed(&self, failure: Failure, reason: &str) -> ReadOutcome<Sdk> {
        if self.record_failure(failure, reason) { ReadOutcome::Throttled } else { ReadOutcome::Failed }
    }

    /// Counts a call that failed; returns whether it was throttled.
    fn record_failure(&self, failure: Failure, reason: &str) -> bool {
        let throttled = failure == Failure::Throttled;
        let mut recorder = self.recorder.lock();
        if throttled {
            recorder.handle_throttle(self.clock.now());
        } else {
            tracing::debug!(reason, "a reading call failed");
            // Messages name iterators and requests; the code alone keeps the number of reasons small.
            let code = reason.split(':').next().unwrap_or(reason);
            recorder.handle_failure(code);
        }
        throttled
    }
}

/// The record, or those that are packed in it.
fn plain(mut record: Record) -> Vec<Record> {
    match aggregation::decode(record.data().as_ref()) {
        None => vec![record],
        Some(packed) => {
            // Each gets its own; what they came in is not copied with them.
            record.data = Blob::new(Vec::new());
            let unpacked = |user: aggregation::UserRecord| {
                let mut one = record.clone();
                one.partition_key = Some(user.partition_key);
                one.data = Blob::new(Vec::from(user.data));
                one
            };
            packed.into_iter().map(unpacked).collect()
        }
    }
}

/// Numbers that compare as sequence numbers of up to 76 digits do, with a place in an aggregate.
fn order(sequence: &str, part: u32) -> (u128, u128, u32) {
    let (high, low) = sequence.split_at_checked(sequence.len().saturating_sub(38)).unwrap_or(("", sequence));
    // Other emulators may number their records in other ways; then nothing is told apart.
    (high.parse().unwrap_or(0), low.parse().unwrap_or(0), part)
}

/// Tells keys apart, the same way in every run.
fn far_future() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

/// How far the clock of the target may be behind.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(5);
/// A subscription that says nothing for longer than it may live is dead.
const SUBSCRIPTION_LIFE_MAX: Duration = Duration::from_secs(310);
