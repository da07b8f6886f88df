//! The on-failure destination of a Lambda function: the batches that it was given and has not processed.

use std::fmt::Display;

use serde::Serialize;

use super::fate::{FailureReason, GivenUp};

/// A batch that went to the on-failure destination. As on AWS, it tells where the records are and does not hold them: they are still
/// in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedBatch {
    /// The shard.
    pub shard: String,
    /// Sequence number of the first record.
    pub first_sequence_number: String,
    /// Sequence number of the last record.
    pub last_sequence_number: String,
    /// How many records.
    pub records: u64,
    /// Attempts made at it.
    pub attempts: u32,
    /// Why it was given up.
    pub reason: FailureReason,
}

/// What went to an on-failure destination: the first batches, and how many there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnFailure {
    /// The batches, in the order in which they were given up.
    pub listed: Vec<FailedBatch>,
    /// All batches.
    pub batches: u64,
    /// The records of all of them.
    pub records: u64,
}

/// Most batches that are listed: a line of a file each.
const LISTED_MAX: usize = 100_000;

impl OnFailure {
    /// Takes the batches that were given up of a shard.
    pub(super) fn extend<S: Display>(&mut self, shard: &impl Display, batches: Vec<GivenUp<S>>) {
        for GivenUp { first, last, records, attempts, reason } in batches {
            self.batches += 1;
            self.records += records;
            if self.listed.len() < LISTED_MAX {
                let shard = shard.to_string();
                let (first_sequence_number, last_sequence_number) = (first.to_string(), last.to_string());
                let batch =
                    FailedBatch { shard, first_sequence_number, last_sequence_number, records, attempts, reason };
                self.listed.push(batch);
            }
        }
    }
}
