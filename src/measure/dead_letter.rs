//! The list of records that were not accepted.

use crate::client::{Outcome, Reason, Sample};
use crate::time::Time;

/// A record that was not accepted, and why. Its key and data are functions of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetter {
    /// Number of the arrival.
    pub index: u64,
    /// When it was due.
    pub intended: Time,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// Attempts made.
    pub attempts: u32,
    /// Index of its shard in the result's shards.
    pub shard: usize,
}

/// The first records that were not accepted, up to a limit, and how many more there were.
#[derive(Debug, Clone, Default)]
pub struct DeadLetters {
    limit: usize,
    /// The records, in the order in which they were given up.
    pub listed: Vec<DeadLetter>,
    /// Records beyond the limit.
    pub omitted: u64,
}

impl DeadLetters {
    /// An empty list for `limit` records at most.
    pub const fn new(limit: usize) -> Self {
        Self { limit, listed: Vec::new(), omitted: 0 }
    }

    /// Takes note of a record that is done; one that was accepted is passed over.
    pub fn handle_sample(&mut self, sample: &Sample) {
        if sample.outcome == Outcome::Accepted {
            return;
        }
        if self.listed.len() >= self.limit {
            self.omitted += 1;
            return;
        }
        let Sample { index, intended, outcome, reason, attempts, shard, .. } = *sample;
        self.listed.push(DeadLetter { index, intended, outcome, reason, attempts, shard });
    }
}
