//! What commands do on a target, in real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::no_runtime;
pub(super) use super::run::run;
use super::signals::Signals;
use crate::address::Target;
use crate::client::Part;
use crate::engine::{self, Control, Progress};
use crate::kinesis::{InjectedFaults, Profile};
use crate::measure::{Ending, Measurement};
use crate::result::{RunResult, SCHEMA_VERSION, ScenarioRecord, TargetRecord};
use crate::scenario::Scenario;
use crate::search::SearchError;

/// Whether commands can be given a target.
///
/// # Errors
/// Why not, in words.
pub(super) const fn check(_: &Target) -> Result<(), String> {
    Ok(())
}

/// A trial of a search.
///
/// # Errors
/// It could not be made, or `stop` has ended it.
pub(super) fn trial(
    target: &Target,
    scenario: &Scenario,
    profile: &Profile,
    stop: &Arc<AtomicBool>,
) -> Result<RunResult, SearchError> {
    let runtime = Runtime::new().map_err(|error| SearchError::Trial(no_runtime(&error)))?;
    let stop = stop.clone();
    let run = runtime.block_on(async {
        let (stop_sender, stopped) = watch::channel(false);
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            stop_sender.send_replace(true);
        });
        let connection = engine::connect(target, scenario.producer.timeout, profile, scenario.seed).await?;
        let progress = watch::Sender::new(Progress::default());
        engine::run(&connection, scenario, profile, Control::new(stopped, progress)).await
    });
    let run = run.map_err(|error| match error {
        engine::EngineError::Stopped => SearchError::Interrupted,
        error => SearchError::Trial(error.to_string()),
    })?;
    Ok(RunResult {
        schema_version: SCHEMA_VERSION,
        streamgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
        started: String::new(),
        scenario: ScenarioRecord::from(scenario),
        target: TargetRecord::Endpoint { url: target.to_string() },
        stream_name: run.stream,
        part: Part::WHOLE,
        ending: run.ending,
        load_ended: run.load_ended,
        measurement: run.measurement,
    })
}

/// A run against the embedded emulator, until a signal stops it: how it ended, what was damaged, and what was measured.
///
/// # Errors
/// It could not be made, in words.
pub(super) fn self_test(
    scenario: &Scenario,
    profile: &Profile,
) -> Result<(Ending, InjectedFaults, Measurement), String> {
    let runtime = Runtime::new().map_err(|error| format!("the asynchronous runtime cannot start: {error}"))?;
    runtime.block_on(async {
        let (stop_sender, stop) = watch::channel(false);
        tokio::spawn(async move {
            let Ok(mut signals) = Signals::new() else { return std::future::pending().await };
            signals.next().await;
            stop_sender.send_replace(true);
            std::process::exit(128 + signals.next().await);
        });
        let connection = engine::connect(&Target::Embedded, scenario.producer.timeout, profile, scenario.seed).await;
        let connection = connection.map_err(|error| error.to_string())?;
        let control = Control::new(stop, watch::Sender::new(Progress::default()));
        let run = engine::run(&connection, scenario, profile, control).await.map_err(|error| error.to_string())?;
        Ok((run.ending, run.injected_faults, run.measurement))
    })
}
