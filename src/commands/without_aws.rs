//! Commands that this program cannot do on a target, because it was built without the feature `aws`; they say so.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::without::without;
use super::{Exit, fail};
use crate::address::Target;
use crate::cli::Run;
use crate::kinesis::{InjectedFaults, Profile};
use crate::measure::{Ending, Measurement};
use crate::result::RunResult;
use crate::scenario::Scenario;
use crate::search::SearchError;

fn no_target() -> String {
    without("aws", "leave out --target, which then simulates")
}

/// Nothing can be measured.
pub(super) fn run(_: &Run) -> Exit {
    fail(&without("aws", "use `simulate`, which makes the same report in virtual time"));
    Exit::BadInput
}

/// Whether commands can be given a target.
///
/// # Errors
/// They cannot.
pub(super) fn check(_: &Target) -> Result<(), String> {
    Err(no_target())
}

/// A trial of a search.
///
/// # Errors
/// It cannot be made.
pub(super) fn trial(_: &Target, _: &Scenario, _: &Profile, _: &Arc<AtomicBool>) -> Result<RunResult, SearchError> {
    Err(SearchError::Trial(no_target()))
}

/// A run against the embedded emulator.
///
/// # Errors
/// It cannot be made.
pub(super) fn self_test(_: &Scenario, _: &Profile) -> Result<(Ending, InjectedFaults, Measurement), String> {
    Err(without("aws", "use --simulated"))
}
