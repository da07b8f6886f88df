//! The reading calls of a consumer through the SDK.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{ChildShard, Record, ShardIteratorType, StartingPosition, SubscribeToShardEventStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::clock::RunClock;
use super::errors::{classify, describe};
use super::sdk::Sdk;
use super::since_1970;
use crate::client::{Answer, Lineage, ReadOutcome, Start, Ticket};
use crate::run::{Read, SharedRecorder};

/// What brings the events of a subscription.
pub(super) type Events = aws_sdk_kinesis::primitives::event_stream::EventReceiver<
    SubscribeToShardEventStream,
    aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError,
>;

/// How a call ended; a subscription that goes on comes with what brings its events.
pub(super) type Done = (Ticket, ReadOutcome<Sdk>, Option<Events>);

/// What the calls of a consumer need.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    pub client: Client,
    pub stream: String,
    pub registration: String,
    pub recorder: SharedRecorder,
    pub positioning: Arc<Semaphore>,
    /// The clock of the run.
    pub clock: RunClock,
    /// When the consumer's own clock began.
    pub began: SystemTime,
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

    pub async fn get_shard_iterator(&self, shard: String, start: Start<String>) -> ReadOutcome<Sdk> {
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
            Err(error) => self.failed(&error),
        }
    }

    pub async fn get_records(&self, iterator: String, limit: u32) -> ReadOutcome<Sdk> {
        self.recorder.handle_call(self.clock.now());
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        match self.client.get_records().shard_iterator(iterator).limit(limit).send().await {
            Ok(read) => {
                let behind = read.millis_behind_latest();
                let answer = answer(read.records, behind, read.child_shards);
                ReadOutcome::Records { next: read.next_shard_iterator, answer }
            }
            Err(error) => self.failed(&error),
        }
    }

    pub async fn subscribe(&self, ticket: Ticket, shard: String, start: Start<String>) -> Done {
        self.recorder.handle_call(self.clock.now());
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
            Err(error) => (ticket, self.failed(&error), None),
        }
    }

    /// Waits for the next event of a subscription.
    pub async fn receive(&self, ticket: Ticket, mut events: Events) -> Done {
        loop {
            match timeout(SUBSCRIPTION_LIFE_MAX, events.recv()).await {
                Ok(Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)))) => {
                    let behind = Some(event.millis_behind_latest);
                    let number = event.continuation_sequence_number;
                    let continuation = (!number.is_empty()).then_some(number);
                    let answer = answer(event.records, behind, event.child_shards);
                    return (ticket, ReadOutcome::Event { continuation, answer }, Some(events));
                }
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return (ticket, ReadOutcome::Ended, None),
                Ok(Err(error)) => {
                    self.failed(&error);
                    return (ticket, ReadOutcome::Failed, None);
                }
                Err(_) => return (ticket, ReadOutcome::Failed, None),
            }
        }
    }

    /// Counts a call that failed; gives what it means.
    fn failed<E, R>(&self, error: &SdkError<E, R>) -> ReadOutcome<Sdk>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let (failure, reason) = (classify(error), describe(error));
        tracing::debug!(reason, "a reading call failed");
        // Messages name iterators and requests; the code alone keeps the number of reasons small.
        let code = reason.split(':').next().unwrap_or(&reason);
        self.recorder.handle_failure(self.clock.now(), failure, code)
    }
}

fn answer(records: Vec<Record>, behind: Option<i64>, children: Option<Vec<ChildShard>>) -> Answer<Sdk> {
    let now = SystemTime::now();
    let child = |child: ChildShard| Lineage { shard: child.shard_id, parents: child.parent_shards };
    let read = Read {
        records,
        behind: Duration::from_millis(behind.and_then(|millis| u64::try_from(millis).ok()).unwrap_or(0)),
        children: children.unwrap_or_default().into_iter().map(child).collect(),
    };
    read.answer(|record: &Record| {
        let arrived = record.approximate_arrival_timestamp().copied();
        let arrived = arrived.and_then(|at| SystemTime::try_from(at).ok());
        arrived.and_then(|at| now.duration_since(at).ok()).unwrap_or_default()
    })
}

/// How far the clock of the target may be behind.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(5);
/// A subscription that says nothing for longer than it may live is dead.
const SUBSCRIPTION_LIFE_MAX: Duration = Duration::from_secs(310);
