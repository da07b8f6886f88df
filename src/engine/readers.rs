//! The consuming half of a run: its consumers, started, watched and stopped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::clock::RunClock;
use super::consumers::{Message, Reader, Sdk, SharedRecorder, consume};
use super::stream::{self, ReadyStream};
use super::{Connection, ConsumerProgress, Control, EngineError, POSITION_TIMEOUT, since_1970};
use crate::client::{Consumer as Machine, ConsumerCounts, Interruption, Lineage, Start};
use crate::kinesis::Profile;
use crate::measure::{ConsumerRecord, FaultPlace, LatencyLog, PutRecorder, PutRecording, ReadRecorder, RecordSet};
use crate::scenario::{Consumer, Scenario};
use crate::time::Time;

/// The consuming half of a run.
#[derive(Default)]
pub(super) struct Readers {
    readers: Vec<OneReader>,
    /// The clock of the run; it stands still until the load begins.
    pub clock: RunClock,
    stop: watch::Sender<bool>,
}

struct OneReader {
    consumer: Consumer,
    recorder: SharedRecorder,
    positioned: watch::Receiver<bool>,
    messages: mpsc::UnboundedSender<Message>,
    task: JoinHandle<ConsumerCounts>,
    /// What it did; known when it has ended.
    counts: ConsumerCounts,
    /// ARN of the registered consumer, for enhanced fan-out.
    registration: Option<String>,
}

impl Readers {
    /// Registers and starts the consumers. On an error, those before it are there and have to be stopped.
    #[allow(clippy::too_many_arguments, reason = "all of a run comes together here")]
    pub async fn start(
        &mut self,
        connection: &Connection,
        scenario: &Scenario,
        profile: &Profile,
        stream: &ReadyStream,
        run: u32,
        offered: u64,
        control: &Control,
    ) -> Result<(), EngineError> {
        for consumer in &scenario.consumers {
            if *control.stop.borrow() {
                return Err(EngineError::Stopped);
            }
            let registration = if consumer.kind.is_fan_out() {
                let name = format!("{}-{run:08x}", consumer.name);
                Some(stream::register(&connection.client, &stream.arn, &name).await?)
            } else {
                None
            };
            let measured_from = Time::ZERO + scenario.load.warm_up;
            let recorder = SharedRecorder::new(ReadRecorder::new(run, offered, measured_from, consumer.dedupe_window));
            let (positioned, is_positioned) = watch::channel(false);
            let (messages, inbox) = mpsc::unbounded_channel();
            let reader = Reader {
                client: connection.client.clone(),
                stream: stream.name.clone(),
                registration: registration.clone(),
                clock: self.clock.clone(),
                recorder: recorder.clone(),
                positioning: Arc::new(Semaphore::new(POSITIONING_CALLS_MAX)),
                positioned,
                messages: inbox,
                stop: self.stop.subscribe(),
            };
            // A stream of the run's own is read whole; of somebody else's stream, only what comes from now on.
            let default = if stream.created { Start::TrimHorizon } else { Start::Latest };
            let known = |text: &str| Some(text.to_owned());
            let application = consumer.application::<Sdk>(default, since_1970(), profile, known, known);
            // Whoever starts at the tip has no use for shards that are closed.
            let open_only = application.start == Start::Latest;
            let machine = Machine::new(application, scenario.seed);
            let shards = lineage(stream.shards.lineage(open_only));
            let task = tokio::spawn(consume(reader, machine, shards, scenario.joins_later(consumer)));
            self.readers.push(OneReader {
                consumer: consumer.clone(),
                recorder,
                positioned: is_positioned,
                messages,
                task,
                counts: ConsumerCounts::default(),
                registration,
            });
        }
        Ok(())
    }

    pub async fn wait_until_positioned(&mut self, control: &mut Control) -> Result<(), EngineError> {
        for reader in &mut self.readers {
            let positioned = timeout(POSITION_TIMEOUT, reader.positioned.wait_for(|positioned| *positioned));
            let in_time = tokio::select! {
                positioned = positioned => matches!(positioned, Ok(Ok(_))),
                () = control.stopped() => return Err(EngineError::Stopped),
            };
            if !in_time {
                let why = reader.recorder.lock().most_frequent_failure().unwrap_or_else(|| "no answer came".to_owned());
                return Err(EngineError::NotPositioned { consumer: reader.consumer.name.clone(), why });
            }
        }
        Ok(())
    }

    pub fn have_read_all(&self, recorder: &PutRecorder) -> bool {
        let accepted = &recorder.ledger().accepted;
        self.readers.iter().all(|reader| accepted.in_common(&reader.recorder.lock().reading().seen) == accepted.len())
    }

    /// How many of these records some consumer has seen; `None` without consumers.
    pub fn seen_of(&self, records: &RecordSet) -> Option<u64> {
        let mut seen = RecordSet::default();
        self.readers.iter().for_each(|reader| seen.extend(&reader.recorder.lock().reading().seen));
        (!self.readers.is_empty()).then(|| records.in_common(&seen))
    }

    /// How the consumers are doing; `second` is the last one that is over.
    pub fn progress(&self, second: Option<u64>) -> Vec<ConsumerProgress> {
        let progress = |reader: &OneReader| {
            let mut recorder = reader.recorder.lock();
            let (read_last_second, lag_last_second) = second.map(|second| recorder.during(second)).unwrap_or_default();
            ConsumerProgress {
                name: reader.consumer.name.clone(),
                kind: reader.consumer.kind.word(),
                read_last_second,
                lag_last_second,
                lag_p99: recorder.lag().p99.map(Duration::from_nanos),
                behind: recorder.last_behind().map(|(_, behind)| behind),
            }
        };
        self.readers.iter().map(progress).collect()
    }

    /// Interrupts the consumer of this name.
    pub fn interrupt(&self, consumer: &str, interruption: Interruption) {
        for reader in self.readers.iter().filter(|reader| reader.consumer.name == consumer) {
            // A consumer that has ended badly is told of in the log.
            let _ = reader.messages.send(Message::Interruption(interruption));
        }
    }

    /// Tells the consumers of the shards that are there now.
    pub fn follow(&self, shards: Vec<(String, Vec<String>)>) {
        let shards = lineage(shards);
        for reader in &self.readers {
            let _ = reader.messages.send(Message::Shards(shards.clone()));
        }
    }

    /// Ends the consumers and removes their registrations. Returns what could not be removed.
    pub async fn stop(&mut self, client: &aws_sdk_kinesis::Client) -> Vec<String> {
        let mut problems = Vec::new();
        self.stop.send_replace(true);
        for reader in &mut self.readers {
            match (&mut reader.task).await {
                Ok(counts) => reader.counts = counts,
                Err(error) => tracing::error!(consumer = reader.consumer.name, %error, "the consumer ended badly"),
            }
            if let Some(arn) = reader.registration.take() {
                problems.extend(stream::deregister(client, &arn).await.err());
            }
        }
        problems
    }

    /// What the consumers have seen; they must have been stopped.
    pub fn finish(
        self,
        ended: Time,
        put: &PutRecording,
        place: &dyn Fn(u64) -> FaultPlace,
        logs: &mut Vec<(String, LatencyLog)>,
    ) -> Vec<ConsumerRecord> {
        let mut records = Vec::new();
        for reader in self.readers {
            // The task is over, so nobody else holds the recorder.
            let Some(recorder) = reader.recorder.into_inner() else { continue };
            let recording = recorder.finish(ended);
            let (name, kind) = (&reader.consumer.name, reader.consumer.kind.word());
            records.push(ConsumerRecord::new(name, kind, &reader.counts, recording, put, place, logs, ended));
        }
        records
    }
}

fn lineage(shards: Vec<(String, Vec<String>)>) -> Vec<Lineage<Sdk>> {
    shards.into_iter().map(|(shard, parents)| Lineage { shard, parents }).collect()
}

/// How many iterators a consumer asks for at a time.
const POSITIONING_CALLS_MAX: usize = 64;
