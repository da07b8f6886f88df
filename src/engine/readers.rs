//! The consuming half of a run: its consumers, started, watched and stopped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smallvec::SmallVec;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::clock::RunClock;
use super::consumers::{Message, Reader, Sdk, SharedRecorder, consume};
use super::registration::{self, Registration};
use super::stream::ReadyStream;
use super::{Connection, ConsumerProgress, Control, EngineError, POSITION_TIMEOUT, RunNumber};
use crate::client::{Consumer as Machine, ConsumerCounts, Interruption, Lineage, Start};
use crate::kinesis::Profile;
use crate::measure::{
    Attendances, ConsumerRecord, FaultPlace, LatencyLog, PutRecorder, PutRecording, ReadRecorder, Receipts, RecordSet,
};
use crate::run::application;
use crate::scenario::{Consumer, Scenario};
use crate::time::Time;

/// The consuming half of a run.
#[derive(Default)]
pub(super) struct Readers {
    readers: Vec<OneReader>,
    attendances: Mutex<Attendances>,
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
    /// The registered consumer, for enhanced fan-out.
    registration: Option<Registration>,
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
        run: RunNumber,
        offered: u64,
        control: &Control,
    ) -> Result<(), EngineError> {
        for consumer in &scenario.consumers {
            if *control.stop.borrow() {
                return Err(EngineError::Stopped);
            }
            let registration = if consumer.kind.is_fan_out() {
                let name = format!("{}-{:08x}", consumer.name, run.process);
                Some(registration::register(&connection.client, stream, &name, control).await?)
            } else {
                None
            };
            let measured_from = Time::ZERO + scenario.load.warm_up;
            let recorder = ReadRecorder::new(run.number, offered, measured_from, consumer.dedupe_window);
            let recorder = SharedRecorder::new(recorder.of_part(control.part));
            let (positioned, is_positioned) = watch::channel(false);
            let (messages, inbox) = mpsc::unbounded_channel();
            let reader = Reader {
                client: connection.client.clone(),
                stream: stream.name.clone(),
                registration: registration.as_ref().map(|registration| registration.arn.clone()),
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
            let application = application::<Sdk>(consumer, default, profile, known, known);
            // Whoever starts at the tip has no use for shards that are closed.
            let open_only = application.start == Start::Latest;
            let (joins, is_interrupted) = (scenario.joins(consumer), scenario.interrupts(consumer));
            self.attendances().add(joins, application.start.age_limit(), is_interrupted);
            let machine = Machine::new(application, scenario.seed);
            let shards = lineage(stream.shards.lineage(open_only));
            let task = tokio::spawn(consume(reader, machine, shards, joins.is_some()));
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
        let seen =
            |number: usize, owed: &RecordSet| owed.in_common(&self.readers[number].recorder.lock().reading().seen);
        self.attendances().have_seen_all(&recorder.ledger().accepted, seen)
    }

    /// Takes note of what is accepted at `now`, for consumers that come and go.
    pub fn note_accepted(&self, now: Time, recorder: &PutRecorder) {
        self.attendances().note(now, &recorder.ledger().accepted);
    }

    /// Who was there when. A panic elsewhere does not make it worse.
    fn attendances(&self) -> MutexGuard<'_, Attendances> {
        self.attendances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops receipts of records that every consumer has seen. It does not wait for a consumer that is recording an answer.
    pub fn drop_receipts(&self, receipts: &mut Receipts) {
        if !receipts.are_many() {
            return;
        }
        let recorders: Option<SmallVec<[_; 4]>> =
            self.readers.iter().map(|reader| reader.recorder.try_lock()).collect();
        let Some(recorders) = recorders else { return };
        receipts.drop_seen(RECEIPTS_AT_A_TIME, |index| {
            recorders.iter().all(|recorder| recorder.reading().seen.contains(index))
        });
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
    pub fn interrupt(&self, now: Time, consumer: &str, interruption: Interruption) {
        for (number, reader) in self.readers.iter().enumerate().filter(|(_, one)| one.consumer.name == consumer) {
            match interruption {
                Interruption::Start => self.attendances().start(now, number),
                Interruption::Stop | Interruption::Kill => self.attendances().stop(now, number),
                _ => {}
            }
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
            if let Some(registration) = reader.registration.take() {
                problems.extend(registration.remove(client).await.err());
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
        let attendances = self.attendances.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (number, reader) in self.readers.into_iter().enumerate() {
            // The task is over, so nobody else holds the recorder.
            let Some(recorder) = reader.recorder.into_inner() else { continue };
            let recording = recorder.finish(ended);
            let (name, kind) = (&reader.consumer.name, reader.consumer.kind.word());
            let (counts, attendance) = (&reader.counts, (&attendances, number));
            let record = ConsumerRecord::new(name, kind, counts, recording, put, place, logs, ended, attendance);
            records.push(record);
        }
        records
    }
}

fn lineage(shards: Vec<(String, Vec<String>)>) -> Vec<Lineage<Sdk>> {
    shards.into_iter().map(|(shard, parents)| Lineage { shard, parents }).collect()
}

/// How many receipts are looked at before others of the session's tasks get their turn: more than a call has records.
const RECEIPTS_AT_A_TIME: usize = 1_000;
/// How many iterators a consumer asks for at a time.
const POSITIONING_CALLS_MAX: usize = 64;
