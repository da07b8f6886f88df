//! The client half: producers and consumers as state machines.
//!
//! `handle_*` is what comes in, `poll_*` is what goes out, and time is an argument; nothing here does I/O. The engine drives
//! these machines in real time.

mod backoff;
mod consumer;
mod producer;
mod shards;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use backoff::Backoff;
pub use consumer::{
    Answer, Application, Checkpoint, Consumer, ConsumerCounts, ConsumerKind, Delivery, Fate, Interruption, LeaseCounts,
    Lineage, Outage, Processing, ProcessingCounts, ReadCall, ReadOutcome, Received, ServiceTime, Start, Ticket, Wire,
};
pub use producer::{Call, CallId, CallOutcome, Entry, EntryOutcome, FailedAttempt, Failure, Outcome, Producer, Sample};

pub use shards::{ListedShard, ShardMap};

use crate::units::Bytes;

/// How a producer turns records into API calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProducerSettings {
    /// Most records in one PutRecords call; the service takes 500.
    pub batch_records: usize,
    /// Most bytes (data and partition keys) in one call; the service takes 10 MiB.
    pub batch_bytes: Bytes,
    /// Longest wait of a record for its batch to fill.
    pub linger: Duration,
    /// Most calls under way at once.
    pub max_in_flight: usize,
    /// Most bytes of records waiting or under way; a record that finds no room is abandoned.
    pub buffer: Bytes,
    /// How long a call may take before it counts as unanswered.
    pub timeout: Duration,
    /// What happens to a record that was not accepted.
    pub retry: RetryPolicy,
}

/// What happens to a record that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "kebab-case")]
pub enum RetryPolicy {
    /// It has failed.
    None,
    /// It is sent again after an exponentially growing delay with full jitter.
    Exponential {
        /// Upper bound of the first delay; doubled for each further one.
        base: Duration,
        /// Upper bound of every delay.
        cap: Duration,
        /// Most attempts, the first one included.
        attempts: u32,
    },
}
