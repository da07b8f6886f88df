//! The consumers of a run: registered, started, watched and stopped.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::clock::RunClock;
use super::consumers::ConsumerTask;
use super::reading::Calls;
use super::registration::{self, Registration};
use super::sdk::Sdk;
use super::stream::ReadyStream;
use super::{Connection, Control, EngineError, POSITION_TIMEOUT};
use crate::client::ConsumerCounts;
use crate::run::{Message, Reader, RunConsumer, SharedRecorder};

/// The consumers of a run, each with a task of its own.
#[derive(Default)]
pub(super) struct Readers {
    readers: Vec<OneReader>,
    /// The clock of the run; it stands still until the load begins.
    pub clock: RunClock,
    stop: watch::Sender<bool>,
}

struct OneReader {
    name: String,
    recorder: SharedRecorder,
    positioned: watch::Receiver<bool>,
    messages: mpsc::UnboundedSender<Message<Sdk>>,
    task: JoinHandle<ConsumerCounts>,
    /// The registered consumer, for enhanced fan-out.
    registration: Option<Registration>,
}

impl Readers {
    /// Registers a consumer and starts its task. `process` is in the name of what is registered. After an error, those that were
    /// started before have to be stopped.
    pub async fn start(
        &mut self,
        connection: &Connection,
        stream: &ReadyStream,
        process: u32,
        consumer: &RunConsumer,
        reader: Reader<Sdk>,
        control: &Control,
    ) -> Result<(), EngineError> {
        let name = consumer.consumer.name.clone();
        let registration = if consumer.consumer.kind.is_fan_out() {
            let registered = format!("{name}-{process:08x}");
            Some(registration::register(&connection.client, stream, &registered, control).await?)
        } else {
            None
        };
        let (positioned, is_positioned) = watch::channel(false);
        let (messages, inbox) = mpsc::unbounded_channel();
        let recorder = consumer.recorder.clone();
        let calls = Calls {
            client: connection.client.clone(),
            stream: stream.name.clone(),
            registration: registration.as_ref().map(|registration| registration.arn.clone()).unwrap_or_default(),
            recorder: recorder.clone(),
            positioning: Arc::new(Semaphore::new(POSITIONING_CALLS_MAX)),
            clock: self.clock.clone(),
            began: SystemTime::now(),
        };
        let task = ConsumerTask { calls, positioned, messages: inbox, stop: self.stop.subscribe() };
        let task = tokio::spawn(task.consume(reader));
        self.readers.push(OneReader { name, recorder, positioned: is_positioned, messages, task, registration });
        Ok(())
    }

    /// Waits until the consumers miss nothing that is put from then on.
    pub async fn wait_until_positioned(&mut self, control: &mut Control) -> Result<(), EngineError> {
        for reader in &mut self.readers {
            let positioned = timeout(POSITION_TIMEOUT, reader.positioned.wait_for(|positioned| *positioned));
            let in_time = tokio::select! {
                positioned = positioned => matches!(positioned, Ok(Ok(_))),
                () = control.stopped() => return Err(EngineError::Stopped),
            };
            if !in_time {
                let why = reader.recorder.lock().most_frequent_failure().unwrap_or_else(|| "no answer came".to_owned());
                return Err(EngineError::NotPositioned { consumer: reader.name.clone(), why });
            }
        }
        Ok(())
    }

    /// Tells a consumer what happens.
    pub fn tell(&self, number: usize, message: Message<Sdk>) {
        if let Some(reader) = self.readers.get(number) {
            // A consumer that has ended badly is told of in the log.
            let _ = reader.messages.send(message);
        }
    }

    /// Ends the consumers and removes their registrations. Gives what each did, and what could not be removed.
    pub async fn stop(self, client: &aws_sdk_kinesis::Client) -> (Vec<ConsumerCounts>, Vec<String>) {
        let (mut counts, mut problems) = (Vec::new(), Vec::new());
        self.stop.send_replace(true);
        for reader in self.readers {
            counts.push(reader.task.await.unwrap_or_else(|error| {
                tracing::error!(consumer = reader.name, %error, "the consumer ended badly");
                ConsumerCounts::default()
            }));
            if let Some(registration) = reader.registration {
                problems.extend(registration.remove(client).await.err());
            }
        }
        (counts, problems)
    }
}

/// How many iterators a consumer asks for at a time.
const POSITIONING_CALLS_MAX: usize = 64;
