//! The recorder of a consumer, shared between whoever drives its machine and the run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::RunWire;
use crate::client::{Failure, ReadOutcome};
use crate::measure::{ReadRecorder, RecordSet};
use crate::time::Time;

/// A recorder that is shared between a consumer's calls and its run: the drain has to know what has been read. Locked once per
/// answer.
#[derive(Debug, Clone)]
pub struct SharedRecorder(Arc<Mutex<ReadRecorder>>);

impl SharedRecorder {
    /// Shares a recorder.
    pub fn new(recorder: ReadRecorder) -> Self {
        Self(Arc::new(Mutex::new(recorder)))
    }

    /// The recorder. A panic elsewhere does not make its figures worse.
    pub fn lock(&self) -> MutexGuard<'_, ReadRecorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recorder, if nobody uses it now.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, ReadRecorder>> {
        match self.0.try_lock() {
            Ok(recorder) => Some(recorder),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Takes the recorder out; `None` while another part still holds it.
    pub(super) fn into_inner(self) -> Option<ReadRecorder> {
        Arc::try_unwrap(self.0).ok().map(|mutex| mutex.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// A reading call is made at a time of the run.
    pub fn handle_call(&self, now: Time) {
        self.lock().handle_call(now);
    }

    /// A reading call failed in this way, with this code; gives what it means for the consumer.
    pub fn handle_failure<W: RunWire>(&self, now: Time, failure: Failure, code: &str) -> ReadOutcome<W> {
        let mut recorder = self.lock();
        if failure == Failure::Throttled {
            recorder.handle_throttle(now);
        } else {
            recorder.handle_failure(code);
        }
        ReadOutcome::of_failure(failure, code)
    }

    /// An answer at a time of the run was so far behind the tip of its shard.
    pub(super) fn handle_behind(&self, now: Time, behind: Duration) {
        self.lock().handle_behind(now, behind);
    }

    /// How many of these records the consumer has seen.
    pub(super) fn seen_of(&self, records: &RecordSet) -> u64 {
        records.in_common(self.lock().seen())
    }
}
