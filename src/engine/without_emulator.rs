//! There is no embedded emulator in this program, and so no value of its type.

use super::EngineError;
use crate::kinesis::{FaultRule, InjectedFaults, Settings, StorageUsage};

/// The embedded emulator, which is never there.
#[derive(Debug)]
pub enum Embedded {}

/// Starts none.
///
/// # Errors
/// There is none.
pub fn start(_: Settings) -> Result<Embedded, EngineError> {
    Err(EngineError::NoEmulator)
}

impl Embedded {
    /// Its URL.
    pub fn url(&self) -> String {
        match *self {}
    }

    /// What it holds.
    pub fn usage(&self) -> StorageUsage {
        match *self {}
    }

    /// What its faults have done.
    pub fn injected_faults(&self) -> InjectedFaults {
        match *self {}
    }

    /// Takes other faults.
    pub fn set_faults(&self, _: &[FaultRule]) {
        match *self {}
    }

    /// Takes another pace of changes.
    pub fn set_transition_scale(&self, _: f64) {
        match *self {}
    }
}
