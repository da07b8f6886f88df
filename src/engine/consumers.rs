//! Consumers of a run: the SDK calls of the polling and the enhanced fan-out consumer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{Record, ShardIteratorType, StartingPosition, SubscribeToShardEventStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::clock::RunClock;
use super::put::{classify, describe};
use super::stream::ShardMap;
use crate::client::{
    Failure, FanOutConsumer, PollCall, PollOutcome, PollingConsumer, Start, Subscribe, SubscriptionInput,
};
use crate::measure::ReadRecorder;
use crate::time::Time;

/// What every consumer of a run needs.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The client.
    pub client: Client,
    /// The stream.
    pub stream: String,
    /// Its shards.
    pub shards: ShardMap,
    /// The clock of the run, for lags. It starts when all consumers are positioned.
    pub clock: RunClock,
    /// Where the reads are recorded.
    pub recorder: SharedRecorder,
    /// When the consumer's own clock began.
    pub began: SystemTime,
    /// Bounds how many iterators are asked for at a time.
    pub positioning: Arc<Semaphore>,
    /// Set once nothing that is put from now on can be missed.
    pub positioned: watch::Sender<bool>,
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

    /// Takes the recorder out; `None` while another part still holds it.
    pub fn into_inner(self) -> Option<ReadRecorder> {
        Arc::try_unwrap(self.0).ok().map(|mutex| mutex.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reader {
    /// A time of the consumer's clock as a date, a little early: the clocks of the two sides may differ.
    fn date(&self, time: Time) -> DateTime {
        let early = Duration::from_nanos(time.as_nanos()).saturating_sub(CLOCK_DIFFERENCE);
        DateTime::from(self.began + early)
    }

    fn record(&self, records: &[Record]) {
        let now = self.clock.now();
        let mut recorder = self.recorder.lock();
        for record in records {
            recorder.handle_record(now, record.data().as_ref());
        }
    }

    /// Counts a call that failed; returns whether it was throttled.
    fn record_failure(&self, failure: Failure, reason: &str) -> bool {
        let throttled = failure == Failure::Throttled;
        let mut recorder = self.recorder.lock();
        if throttled {
            recorder.handle_throttle();
        } else {
            tracing::debug!(reason, "a reading call failed");
            // Messages name iterators and requests; the code alone keeps the number of reasons small.
            let code = reason.split(':').next().unwrap_or(reason);
            recorder.handle_failure(code);
        }
        throttled
    }
}

/// Polls every shard until the run stops.
pub async fn poll(reader: Reader, mut consumer: PollingConsumer, limit: u32) {
    let clock = RunClock::started();
    let mut calls = JoinSet::new();
    let mut stop = reader.stop.clone();
    loop {
        while let Some(call) = consumer.poll_call(clock.now()) {
            calls.spawn(poll_shard(reader.clone(), call, limit));
        }
        let due = consumer.poll_timeout();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(Ok((shard, iterator, outcome))) = calls.join_next() => {
                consumer.handle_outcome(clock.now(), shard, iterator, outcome);
                if consumer.is_positioned() {
                    reader.positioned.send_replace(true);
                }
            }
            () = sleep_until(due.map_or_else(far_future, |due| clock.instant(due).into())) => {}
        }
    }
    // The run has had its drain: what is under way now would come too late to count.
    calls.shutdown().await;
}

async fn poll_shard(reader: Reader, call: PollCall, limit: u32) -> (usize, Option<String>, PollOutcome) {
    match call {
        PollCall::GetShardIterator { shard, start } => {
            let outcome = get_shard_iterator(&reader, shard, start).await;
            (shard, None, outcome)
        }
        PollCall::GetRecords { shard, iterator } => {
            let outcome = get_records(&reader, &iterator, limit).await;
            (shard, Some(iterator), outcome)
        }
    }
}

async fn get_shard_iterator(reader: &Reader, shard: usize, start: Start) -> PollOutcome {
    // Thousands of shards at once would use up the connections that the puts need.
    let Ok(_turn) = reader.positioning.acquire().await else { return PollOutcome::Failed };
    let request = reader.client.get_shard_iterator().stream_name(&reader.stream).shard_id(reader.shards.id(shard));
    let request = match start {
        Start::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        Start::Latest => request.shard_iterator_type(ShardIteratorType::Latest),
        Start::At(time) => request.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(reader.date(time)),
        Start::After(number) => {
            request.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).starting_sequence_number(number)
        }
    };
    match request.send().await {
        Ok(answer) => answer.shard_iterator().map_or(PollOutcome::Failed, |it| PollOutcome::Iterator(it.to_owned())),
        Err(error) => failed(reader, classify(&error), &describe(&error)),
    }
}

async fn get_records(reader: &Reader, iterator: &str, limit: u32) -> PollOutcome {
    reader.recorder.lock().handle_call();
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    match reader.client.get_records().shard_iterator(iterator).limit(limit).send().await {
        Ok(answer) => {
            reader.record(answer.records());
            PollOutcome::Records {
                next: answer.next_shard_iterator().map(str::to_owned),
                last: answer.records().last().map(|record| record.sequence_number().to_owned()),
            }
        }
        Err(error) if error.code() == Some("ExpiredIteratorException") => {
            reader.record_failure(Failure::Rejected, "ExpiredIteratorException");
            PollOutcome::ExpiredIterator
        }
        Err(error) => failed(reader, classify(&error), &describe(&error)),
    }
}

fn failed(reader: &Reader, failure: Failure, reason: &str) -> PollOutcome {
    if reader.record_failure(failure, reason) { PollOutcome::Throttled } else { PollOutcome::Failed }
}

/// Keeps every shard subscribed until the run stops. `arn` is that of the registered consumer.
pub async fn fan_out(reader: Reader, mut consumer: FanOutConsumer, arn: String) {
    let clock = RunClock::started();
    let (sender, mut inputs) = mpsc::unbounded_channel();
    let mut subscriptions = JoinSet::new();
    let mut stop = reader.stop.clone();
    loop {
        while let Some(call) = consumer.poll_call(clock.now()) {
            subscriptions.spawn(subscribe(reader.clone(), call, arn.clone(), sender.clone()));
        }
        let due = consumer.poll_timeout();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some((shard, input)) = inputs.recv() => {
                consumer.handle_input(clock.now(), shard, input);
                if consumer.is_positioned() {
                    reader.positioned.send_replace(true);
                }
            }
            Some(_) = subscriptions.join_next() => {}
            () = sleep_until(due.map_or_else(far_future, |due| clock.instant(due).into())) => {}
        }
    }
    subscriptions.shutdown().await;
}

type Inputs = mpsc::UnboundedSender<(usize, SubscriptionInput)>;

/// One subscription, from its call to its end.
async fn subscribe(reader: Reader, call: Subscribe, arn: String, inputs: Inputs) {
    let shard = call.shard;
    reader.recorder.lock().handle_call();
    let position = match call.start {
        Start::TrimHorizon => StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon),
        Start::Latest => StartingPosition::builder().r#type(ShardIteratorType::Latest),
        Start::At(time) => {
            StartingPosition::builder().r#type(ShardIteratorType::AtTimestamp).timestamp(reader.date(time))
        }
        Start::After(number) => {
            StartingPosition::builder().r#type(ShardIteratorType::AfterSequenceNumber).sequence_number(number)
        }
    };
    let request = reader.client.subscribe_to_shard().consumer_arn(arn).shard_id(reader.shards.id(shard));
    // The timeout of a call must not cut a subscription short: it lives for five minutes.
    let endless = aws_sdk_kinesis::config::timeout::TimeoutConfig::builder()
        .disable_operation_timeout()
        .disable_operation_attempt_timeout()
        .build();
    let request = request.set_starting_position(position.build().ok()).customize();
    let request = request.config_override(aws_sdk_kinesis::config::Builder::new().timeout_config(endless));
    let end = match request.send().await {
        Ok(answer) => {
            let _ = inputs.send((shard, SubscriptionInput::Opened));
            receive(&reader, shard, answer.event_stream, &inputs).await
        }
        Err(error) => {
            reader.record_failure(classify(&error), &describe(&error));
            SubscriptionInput::Failed
        }
    };
    let _ = inputs.send((shard, end));
}

type Events = aws_sdk_kinesis::primitives::event_stream::EventReceiver<
    SubscribeToShardEventStream,
    aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError,
>;

async fn receive(reader: &Reader, shard: usize, mut events: Events, inputs: &Inputs) -> SubscriptionInput {
    loop {
        match timeout(SUBSCRIPTION_LIFE_MAX, events.recv()).await {
            Ok(Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(batch)))) => {
                reader.record(batch.records());
                let number = batch.continuation_sequence_number();
                let continuation = (!number.is_empty()).then(|| number.to_owned());
                let _ = inputs.send((shard, SubscriptionInput::Records { continuation }));
            }
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => return SubscriptionInput::Ended,
            Ok(Err(error)) => {
                reader.record_failure(classify(&error), &describe(&error));
                return SubscriptionInput::Failed;
            }
            Err(_) => return SubscriptionInput::Failed,
        }
    }
}

fn far_future() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

/// How far the clock of the target may be behind.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(5);
/// A subscription that says nothing for longer than it may live is dead.
const SUBSCRIPTION_LIFE_MAX: Duration = Duration::from_secs(310);
