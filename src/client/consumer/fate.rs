//! What becomes of the records that a consumer reads.

use serde::{Deserialize, Serialize};

/// What became of a record that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// The application has processed it.
    Processed,
    /// All attempts at its batch failed: it was skipped, or went to the on-failure destination.
    Failed,
    /// It was older than the maximum record age before an attempt.
    TooOld,
    /// It does not fit into an invocation of Lambda.
    TooLarge,
}

/// Why a batch was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureReason {
    /// All attempts failed.
    AttemptsExhausted,
    /// The records were older than the maximum record age before an attempt.
    RecordAgeExceeded,
    /// The record does not fit into an invocation.
    TooLarge,
}

impl FailureReason {
    /// Why records with this fate were given up; `None` for those that were processed.
    pub(super) const fn of(fate: Fate) -> Option<Self> {
        match fate {
            Fate::Processed => None,
            Fate::Failed => Some(Self::AttemptsExhausted),
            Fate::TooOld => Some(Self::RecordAgeExceeded),
            Fate::TooLarge => Some(Self::TooLarge),
        }
    }
}

/// A batch for the on-failure destination.
#[derive(Debug)]
pub(super) struct GivenUp<S> {
    pub first: S,
    pub last: S,
    pub records: u64,
    pub attempts: u32,
    pub reason: FailureReason,
}
