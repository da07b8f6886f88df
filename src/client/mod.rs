//! The client half: producers and consumers as state machines.
//!
//! `handle_*` is what comes in, `poll_*` is what goes out, and time is an argument; nothing here does I/O. The engine drives
//! these machines in real time.

pub mod aggregation;
mod backoff;
mod consumer;
mod errors;
mod intake;
mod producer;
mod shards;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use backoff::Backoff;
pub use consumer::{
    Answer, Application, Checkpoint, Consumer, ConsumerCounts, ConsumerKind, Delivery, FailedBatch, FailureReason,
    Fate, Interruption, LeaseCounts, Lineage, OnFailure, Outage, Processing, ProcessingCounts, ReadCall, ReadOutcome,
    Received, ServiceTime, Start, Ticket, Wire, key_hash,
};
pub use intake::{Admission, Intake, Overload, Part};
pub use producer::{
    Call, CallId, CallOutcome, Entry, EntryOutcome, FailedAttempt, Failure, Outcome, PackedSequence, Producer, Reason,
    Sample,
};

pub use shards::{ListedShard, ShardMap, hash_key};

use crate::units::{Bytes, Share};

/// How a producer turns records into API calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Retries are at most this share of the first attempts, beside a few that are always allowed; `None` sets no limit.
    #[serde(default)]
    pub retry_budget: Option<Share>,
    /// A record that is not accepted so long after it was due is abandoned; an attempt under way still decides.
    #[serde(default)]
    pub time_to_live: Option<Duration>,
    /// Records of a key are sent one after the other, each when the one before is done, so that retries keep their order.
    #[serde(default)]
    pub ordered: bool,
    /// Each record goes alone, by PutRecord.
    #[serde(default)]
    pub single: bool,
    /// How PutRecords calls are written.
    #[serde(default)]
    pub protocol: Protocol,
    /// Records for one shard are packed into one Kinesis record, in the format of the KPL.
    #[serde(default)]
    pub aggregation: Option<Aggregation>,
    /// Most records that are listed of those that were not accepted.
    #[serde(default)]
    pub dead_letters: usize,
}

/// How much goes into an aggregate (fact sheet, section 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Aggregation {
    /// Most bytes of an aggregate.
    pub max_bytes: Bytes,
    /// Most records in it.
    pub max_records: usize,
}

impl Aggregation {
    /// As the KPL packs by default: 51,200 bytes, and as many records as go in.
    pub const KPL: Self = Self { max_bytes: Bytes(51_200), max_records: usize::MAX };
}

impl Default for ProducerSettings {
    /// PutRecords calls of up to 500 records or 1 MiB, 50 ms of linger, and exponential retries.
    fn default() -> Self {
        Self {
            batch_records: 500,
            batch_bytes: Bytes(1 << 20),
            linger: Duration::from_millis(50),
            max_in_flight: 64,
            buffer: Bytes(256 << 20),
            timeout: Duration::from_secs(5),
            retry: RetryPolicy::Exponential {
                base: Duration::from_millis(50),
                cap: Duration::from_secs(2),
                attempts: 10,
            },
            retry_budget: None,
            time_to_live: None,
            ordered: false,
            single: false,
            protocol: Protocol::Json,
            aggregation: None,
            dead_letters: 100_000,
        }
    }
}

/// How a call is written on the wire (fact sheet, section 4). The service answers in the same way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// JSON 1.1 with data in base64, as most SDKs write it.
    #[default]
    Json,
    /// CBOR 1.1 with data as they are, as the AWS SDK for Java writes it: a quarter fewer bytes to send and to sign.
    Cbor,
}

/// What happens to a record that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "policy", rename_all = "kebab-case")]
pub enum RetryPolicy {
    /// It has failed.
    None,
    /// It is sent again at once, as the KPL does.
    Immediate {
        /// Most attempts, the first one included.
        attempts: u32,
    },
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
