//! Commands that this program cannot do on a target, because it was built without the feature `aws`; they say so.

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

/// What trials on a target need, which are never made.
pub(super) enum Measuring {}

impl Measuring {
    /// There is none.
    ///
    /// # Errors
    /// There is no target.
    pub fn new(_: &Target) -> Result<Self, String> {
        Err(no_target())
    }

    /// Never called.
    pub fn is_stopped(&self) -> bool {
        match *self {}
    }

    /// Never called.
    pub fn conclude(&self, _: Exit) -> Exit {
        match *self {}
    }

    /// Never called.
    pub fn trial(&self, _: &Scenario, _: &Profile) -> Result<RunResult, SearchError> {
        match *self {}
    }
}

/// Nothing is created by this program, and so nothing is left behind.
pub(super) const fn mention_leftovers() {}

/// A run against the embedded emulator.
///
/// # Errors
/// It cannot be made.
pub(super) fn self_test(_: &Scenario, _: &Profile) -> Result<(Ending, InjectedFaults, Measurement), String> {
    Err(without("aws", "use --simulated"))
}
