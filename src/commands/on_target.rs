//! What commands do on a target, in real time.

use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::watch;

pub(super) use super::leftovers::mention as mention_leftovers;
use super::leftovers::{self, stop_at};
pub(super) use super::run::run;
use super::signals::Signals;
use super::{Exit, no_runtime, no_signals, note};
use crate::address::Target;
use crate::engine::{self, Control, Created, EngineError, Progress};
use crate::kinesis::{InjectedFaults, Profile};
use crate::measure::{Ending, Measurement};
use crate::result::{RunResult, TargetRecord};
use crate::scenario::Scenario;
use crate::search::SearchError;

/// Whether commands can be given a target.
///
/// # Errors
/// Why not, in words.
pub(super) const fn check(_: &Target) -> Result<(), String> {
    Ok(())
}

/// What trials on a target need.
pub(super) struct Measuring {
    target: Target,
    runtime: Runtime,
    /// Becomes true at the first signal; a second one ends the program, and says what is left behind.
    stopped: watch::Receiver<bool>,
    /// What the trials create.
    created: Created,
}

impl Measuring {
    /// Listens for signals from now on.
    ///
    /// # Errors
    /// There is no runtime, or no signal can be received, in words.
    pub fn new(target: &Target) -> Result<Self, String> {
        let runtime = Runtime::new().map_err(|error| no_runtime(&error))?;
        let (sender, stopped) = watch::channel(false);
        let created = Created::new(leftovers::directory(), Arc::new(note));
        let signals = {
            let _within = runtime.enter();
            Signals::new().map_err(|error| no_signals(&error))?
        };
        runtime.spawn(stop_at(signals, sender, created.clone()));
        Ok(Self { target: target.clone(), runtime, stopped, created })
    }

    /// Whether a signal has come.
    pub fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// How the search ends that would end with `exit`, and may leave something behind.
    pub fn conclude(&self, exit: Exit) -> Exit {
        leftovers::conclude(&self.created, exit)
    }

    /// Makes a trial. What a trial could not delete ends the search: the next one would leave more.
    ///
    /// # Errors
    /// It was interrupted, or the target cannot be used.
    pub fn trial(&self, scenario: &Scenario, profile: &Profile) -> Result<RunResult, SearchError> {
        let control = Control {
            created: self.created.clone(),
            ..Control::new(self.stopped.clone(), watch::Sender::new(Progress::default()))
        };
        let run = self.runtime.block_on(async {
            let connection = engine::connect(&self.target, scenario.producer.timeout, profile, scenario.seed).await?;
            engine::run(&connection, scenario, profile, control).await
        });
        let run = run.map_err(|error| match error {
            EngineError::Stopped => SearchError::Interrupted,
            error => SearchError::Trial(error.to_string()),
        })?;
        if let Some(leftover) = self.created.remaining().first() {
            return Err(SearchError::Trial(format!(
                "no more trials are made: {} could not be deleted",
                leftover.note.resource
            )));
        }
        let target = TargetRecord::Endpoint { url: self.target.to_string() };
        Ok(RunResult::new(scenario, target, run))
    }
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
        let signals = Signals::new().map_err(|error| no_signals(&error))?;
        tokio::spawn(stop_at(signals, stop_sender, Created::default()));
        let connection = engine::connect(&Target::Embedded, scenario.producer.timeout, profile, scenario.seed).await;
        let connection = connection.map_err(|error| error.to_string())?;
        let control = Control::new(stop, watch::Sender::new(Progress::default()));
        let run = engine::run(&connection, scenario, profile, control).await.map_err(|error| error.to_string())?;
        Ok((run.ending, run.injected_faults, run.measurement))
    })
}
