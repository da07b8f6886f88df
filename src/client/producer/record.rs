//! Calls, and what became of records.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::PackedSequence;
use crate::time::Time;
use crate::workload::Data;

/// Number of a call of one producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A call to make: PutRecords, or PutRecord with its one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its number, to answer it with.
    pub id: CallId,
    /// The records; the answer has one outcome for each, in this order.
    pub entries: Vec<Entry>,
}

/// One record of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The partition key.
    pub key: Arc<str>,
    /// The hash key that overrides the MD5 of the partition key.
    pub explicit_hash_key: Option<u128>,
    /// The data blob.
    pub data: Data,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum CallOutcome {
    /// The service answered with one outcome per record.
    Answered(Vec<EntryOutcome>),
    /// The call failed as a whole.
    Failed(Failure),
}

/// What the service says of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryOutcome {
    /// It is stored, in the shard of this number.
    Accepted {
        /// Index into the shard map, if the shard is known.
        shard: Option<usize>,
        /// Its sequence number, if it is one as AWS gives them.
        sequence: Option<PackedSequence>,
    },
    /// Its shard takes no more at the moment.
    Throttled,
    /// The service failed on it; it may succeed later.
    InternalFailure,
}

/// Why an attempt was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The service refused the rate of the calls or the records; nothing is stored.
    Throttled,
    /// The service failed; it may succeed later.
    InternalFailure,
    /// The connection could not be made; nothing was sent.
    Unreachable,
    /// No answer came in time: the records are stored or not.
    Timeout,
    /// The connection broke after the request was sent: the records are stored or not.
    ConnectionReset,
    /// The credentials are no longer valid; nothing is stored until there are new ones.
    ExpiredCredentials,
    /// The service does not take this request, now or later.
    Rejected,
}

impl Failure {
    /// Whether the records may be stored all the same.
    pub const fn perhaps_stored(self) -> bool {
        matches!(self, Self::Timeout | Self::ConnectionReset)
    }

    /// Whether the same request can succeed later.
    pub const fn may_pass(self) -> bool {
        !matches!(self, Self::Rejected)
    }

    /// Name of the distribution of the times of such attempts.
    pub const fn log_name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::InternalFailure => "failed-internal-failure",
            Self::Unreachable => "failed-unreachable",
            Self::Timeout => "failed-timeout",
            Self::ConnectionReset => "failed-connection-reset",
            Self::ExpiredCredentials => "failed-expired-credentials",
            Self::Rejected => "failed-rejected",
        }
    }

    /// The word for it in results.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::InternalFailure => "internal-failure",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::ConnectionReset => "connection-reset",
            Self::ExpiredCredentials => "expired-credentials",
            Self::Rejected => "rejected",
        }
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Acknowledged.
    Accepted,
    /// Refused for good, or all attempts used up.
    Failed,
    /// Given up without an attempt under way.
    Abandoned,
    /// Sent and never answered.
    Unknown,
}

/// Why a record was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The last attempt failed like this.
    Attempt(Failure),
    /// There was no room in the producer's buffer.
    NoRoom,
    /// Its time to live was over.
    TimeToLive,
    /// The retry budget was used up.
    RetryBudget,
    /// The backlog was larger than the scenario allows.
    Overload,
    /// The run ended.
    RunEnded,
}

impl Reason {
    /// The word for it in results.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Attempt(failure) => failure.word(),
            Self::NoRoom => "no-room",
            Self::TimeToLive => "time-to-live",
            Self::RetryBudget => "retry-budget",
            Self::Overload => "overload",
            Self::RunEnded => "run-ended",
        }
    }
}

/// A record that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Number of the arrival.
    pub index: u64,
    /// When it was due.
    pub intended: Time,
    /// When the producer took it up.
    pub released: Time,
    /// When its last attempt was sent; `None` if there was none.
    pub sent: Option<Time>,
    /// When its fate was known.
    pub done: Time,
    /// Attempts made.
    pub attempts: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, if it was not accepted.
    pub reason: Option<Reason>,
    /// Index of its shard in the shard map.
    pub shard: usize,
    /// Bytes of data and partition key.
    pub bytes: u32,
    /// Bytes of the Kinesis record that it went in, for the first one of an aggregate only; so that sums count each Kinesis
    /// record once.
    pub service_bytes: Option<u32>,
    /// The sequence number that it was acknowledged with.
    pub sequence: Option<PackedSequence>,
}

/// An attempt that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempt {
    /// Number of the arrival.
    pub index: u64,
    /// Index of the shard in the shard map.
    pub shard: usize,
    /// When it was sent.
    pub sent: Time,
    /// When the answer came, or was given up.
    pub answered: Time,
    /// Why it was not accepted.
    pub failure: Failure,
    /// It is the first record of its Kinesis record, or the only one.
    pub leads: bool,
}
