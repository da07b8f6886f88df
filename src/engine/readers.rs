//! The consuming half of a run: its consumers, started, watched and stopped.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::clock::RunClock;
use super::consumers::{Reader, SharedRecorder, fan_out, poll};
use super::stream::{self, ReadyStream};
use super::{Connection, Control, EngineError, POSITION_TIMEOUT};
use crate::client::{ConsumerKind, FanOutConsumer, PollingConsumer, Start};
use crate::kinesis::Profile;
use crate::measure::{ConsumerRecord, DeliveryCheck, LatencyLog, PutRecorder, PutRecording, ReadRecorder};
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
    task: JoinHandle<()>,
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
            let registration = match consumer.kind {
                ConsumerKind::Efo => {
                    let name = format!("{}-{run:08x}", consumer.name);
                    Some(stream::register(&connection.client, &stream.arn, &name).await?)
                }
                ConsumerKind::Polling { .. } => None,
            };
            let measured_from = Time::ZERO + scenario.load.warm_up;
            let recorder = SharedRecorder::new(ReadRecorder::new(run, offered, measured_from));
            let (positioned, is_positioned) = watch::channel(false);
            let reader = Reader {
                client: connection.client.clone(),
                stream: stream.name.clone(),
                shards: stream.shards.clone(),
                clock: self.clock.clone(),
                recorder: recorder.clone(),
                began: SystemTime::now(),
                positioning: Arc::new(Semaphore::new(POSITIONING_CALLS_MAX)),
                positioned,
                stop: self.stop.subscribe(),
            };
            let task = spawn(reader, consumer, registration.clone(), stream, profile);
            self.readers.push(OneReader {
                consumer: consumer.clone(),
                recorder,
                positioned: is_positioned,
                task,
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

    pub fn lag_p99(&self) -> Vec<(String, Option<Duration>)> {
        let lag = |reader: &OneReader| reader.recorder.lock().lag().p99.map(Duration::from_nanos);
        self.readers.iter().map(|reader| (reader.consumer.name.clone(), lag(reader))).collect()
    }

    /// Ends the consumers and removes their registrations. Returns what could not be removed.
    pub async fn stop(&mut self, client: &aws_sdk_kinesis::Client) -> Vec<String> {
        let mut problems = Vec::new();
        self.stop.send_replace(true);
        for reader in &mut self.readers {
            if let Err(error) = (&mut reader.task).await {
                tracing::error!(consumer = reader.consumer.name, %error, "the consumer ended badly");
            }
            if let Some(arn) = reader.registration.take() {
                problems.extend(stream::deregister(client, &arn).await.err());
            }
        }
        problems
    }

    /// What the consumers have seen; they must have been stopped.
    pub fn finish(self, ended: Time, put: &PutRecording, logs: &mut Vec<(String, LatencyLog)>) -> Vec<ConsumerRecord> {
        let mut records = Vec::new();
        for reader in self.readers {
            // The task is over, so nobody else holds the recorder.
            let Some(recorder) = reader.recorder.into_inner() else { continue };
            let recording = recorder.finish(ended);
            records.push(ConsumerRecord {
                name: reader.consumer.name.clone(),
                lag: recording.lag.total().summary(),
                lag_intervals: recording.intervals,
                calls: recording.calls,
                throttled_calls: recording.throttled_calls,
                failed_calls: recording.failed_calls,
                delivery: DeliveryCheck::new(&put.ledger, &recording.reading),
            });
            logs.push((format!("lag-{}", reader.consumer.name), recording.lag));
        }
        records
    }
}

fn spawn(
    reader: Reader,
    consumer: &Consumer,
    registration: Option<String>,
    stream: &ReadyStream,
    profile: &Profile,
) -> JoinHandle<()> {
    // A stream of the run's own is read whole; of somebody else's stream, only what comes from now on.
    let start = if stream.created { Start::TrimHorizon } else { Start::Latest };
    let shards = stream.shards.len();
    match (&consumer.kind, registration) {
        (ConsumerKind::Polling { interval, limit }, _) => {
            tokio::spawn(poll(reader, PollingConsumer::new(shards, *interval, &start), *limit))
        }
        (ConsumerKind::Efo, arn) => {
            let consumer = FanOutConsumer::new(shards, profile.fan_out.resubscribe_after, &start);
            tokio::spawn(fan_out(reader, consumer, arn.unwrap_or_default()))
        }
    }
}

/// How many iterators a consumer asks for at a time.
const POSITIONING_CALLS_MAX: usize = 64;
