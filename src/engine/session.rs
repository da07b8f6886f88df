//! One run: prepare, offer load, drain, collect.

use tokio::task::block_in_place;
use tokio::time::Instant;

use super::alarm::{self, Alarm};
use super::drive::{Driver, open_shards};
use super::embedded::Embedded;
use super::readers::Readers;
use super::sdk::Sdk;
use super::stream::{self, ReadyStream};
use super::{Connection, Control, EngineError, RunNumber, since_1970};
use crate::client::Start;
use crate::kinesis::Profile;
use crate::measure::{Outcome, ProcessRecord, StorageUse};
use crate::run::{self, Reader, Setup};
use crate::scenario::Scenario;
use crate::time::Time;

/// Runs a scenario against a connection.
///
/// # Errors
/// The stream or a consumer cannot be made ready. Once load is offered, nothing is an error any more: it is a measurement.
pub async fn run(
    connection: &Connection,
    scenario: &Scenario,
    profile: &Profile,
    mut control: Control,
) -> Result<Outcome, EngineError> {
    let since_1970 = since_1970();
    let run = RunNumber::new(since_1970, scenario.seed, control.run_id.as_deref());
    let name = format!("streamgauge-{}-{:08x}", since_1970.as_secs(), run.process);
    let client = &connection.client;
    control.created = control.created.at(connection.place.clone());
    if scenario.stream.commitment {
        tokio::select! {
            there = stream::ensure_commitment(client, connection.embedded.is_some()) => there?,
            () = control.stopped() => return Err(EngineError::Stopped),
        }
    }
    let ready = stream::prepare(client, &scenario.stream, &name, &mut control).await?;
    let created = control.created.clone();
    let mut result = run_on(connection, scenario, profile, control, &ready, run).await;
    if ready.created {
        let deleted = stream::delete(client, &ready.name, Instant::now(), &created).await;
        if let Ok(outcome) = &mut result {
            outcome.measurement.warnings.extend(deleted.err());
        }
    }
    result
}

async fn run_on(
    connection: &Connection,
    scenario: &Scenario,
    profile: &Profile,
    mut control: Control,
    ready: &ReadyStream,
    number: RunNumber,
) -> Result<Outcome, EngineError> {
    let (run, machines) = run::Run::new(Setup {
        scenario,
        profile,
        stream: ready.name.clone(),
        shards: ready.shards.clone(),
        number: number.number,
        part: control.part,
        // A stream of the run's own is read whole; of somebody else's stream, only what comes from now on.
        default_start: if ready.created { Start::TrimHorizon } else { Start::Latest },
    });
    let mut readers = Readers::default();
    let started = start(&mut readers, connection, ready, number, &run, machines, &mut control).await;
    if let Err(error) = started {
        readers.stop(&connection.client).await;
        return Err(error);
    }
    control.progress.send_modify(|progress| progress.shards = open_shards(&ready.shards));
    control.wait_until_announced().await;
    let alarm = Alarm::new(readers.clock.clone());
    let mut driver = Driver::new(connection, scenario, ready, run, readers);
    let offering = driver.offer_load(&mut control, &alarm);
    block_in_place(|| alarm::block_on(&alarm, offering));
    driver.drain(&mut control).await;
    let Driver { mut run, readers, health, wake_ups, clock, .. } = driver;
    let generator = Some(health.map_or_else(Default::default, |health| health.finish(&wake_ups)));
    let ended = clock.now();
    let began = since_1970().saturating_sub(ended.since(Time::ZERO));
    let (counts, mut warnings) = readers.stop(&connection.client).await;
    for (number, counts) in counts.into_iter().enumerate() {
        run.handle_consumer_end(number, counts);
    }
    let storage = storage(connection, !scenario.consumers.is_empty(), &mut warnings);
    let injected_faults = connection.embedded.as_ref().map(Embedded::injected_faults).unwrap_or_default();
    let process = ProcessRecord { began, generator, storage, injected_faults, warnings, ..ProcessRecord::default() };
    let (recording, workload) = run.finish(ended, process);
    Ok(Outcome::new(recording, &workload))
}

/// Starts the consumers, and waits until they miss nothing.
async fn start(
    readers: &mut Readers,
    connection: &Connection,
    ready: &ReadyStream,
    number: RunNumber,
    run: &run::Run<'_, Sdk>,
    machines: Vec<Reader<Sdk>>,
    control: &mut Control,
) -> Result<(), EngineError> {
    for (consumer, machine) in run.consumers().iter().zip(machines) {
        if control.is_stopped() {
            return Err(EngineError::Stopped);
        }
        readers.start(connection, ready, number.process, consumer, machine, control).await?;
    }
    readers.wait_until_positioned(control).await
}

fn storage(connection: &Connection, is_read: bool, warnings: &mut Vec<String>) -> Option<StorageUse> {
    let usage = connection.embedded.as_ref()?.usage();
    if usage.trimmed_unread > 0 && is_read {
        warnings.push(format!(
            "The embedded emulator reached its memory budget of {} and dropped {} record(s) that not every consumer had read: \
             they count as lost. Consumers that keep up, a lower rate or a shorter run avoid this.",
            crate::units::Bytes(usage.budget),
            usage.trimmed_unread
        ));
    }
    Some(usage.into())
}
