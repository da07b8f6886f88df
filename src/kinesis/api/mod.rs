//! What the service is asked and what it answers, free of any wire format.
//!
//! The shapes are those of the Kinesis 2013-12-02 API (fact sheet, section 4), already parsed: a stream is its name whether
//! the caller sent a name or an ARN, blobs are bytes, times are [`Time`].

mod error;
mod operation;
mod request;
mod response;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use error::{ErrorKind, ServiceError};
pub use operation::Operation;
pub use request::*;
pub use response::*;

pub use super::shard_id::ShardId;

use super::sequence::SequenceNumber;
use crate::time::Time;

/// Tags of a stream or consumer.
pub type Tags = BTreeMap<String, String>;

/// Number of an open subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u64);

/// How the capacity of a stream is provided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StreamMode {
    /// The caller chooses the number of shards.
    Provisioned,
    /// The service chooses the number of shards; a new stream has four (fact sheet, section 2.4).
    OnDemand,
}

/// Which shard a record goes to (fact sheet, section 1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// The one that holds the hash of its partition key.
    UserPartitionKey,
    /// The next in turn, whatever its key; on-demand streams only.
    Auto,
}

/// How records are encrypted at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// With the key of this id, alias or ARN. The emulator keeps the flag; it encrypts nothing.
    Kms(String),
}

/// A registered consumer by its name, and by its time of creation where the caller gave an ARN that holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConsumerName {
    /// Its stream.
    pub stream: String,
    /// Its name.
    pub consumer: String,
    /// Its creation in seconds since 1970; one that was registered at another time is not found.
    pub created: Option<u64>,
}

/// What tags and policies belong to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// A stream.
    Stream(String),
    /// A registered consumer.
    Consumer(ConsumerName),
}

impl Resource {
    /// The stream that it is or belongs to.
    pub fn stream(&self) -> &str {
        match self {
            Self::Stream(stream) => stream,
            Self::Consumer(name) => &name.stream,
        }
    }
}

/// Where reading starts.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the variants are the API's iterator types")]
pub enum Position {
    AtSequenceNumber(SequenceNumber),
    AfterSequenceNumber(SequenceNumber),
    AtTimestamp(Time),
    TrimHorizon,
    Latest,
}

/// A place in a shard to read from, as handed out by GetShardIterator and GetRecords.
///
/// The wire layer writes it as an opaque string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IteratorToken {
    /// The stream it belongs to.
    pub stream: String,
    /// The shard it belongs to.
    pub shard: ShardId,
    /// The position within the shard: how many records were ever stored before it.
    pub offset: u64,
    /// Which chain of iterators it continues; one GetShardIterator starts one chain.
    pub reader: u64,
    /// Number of the token, different for each one handed out.
    pub serial: u64,
    /// When it was handed out; it expires five minutes later (fact sheet, section 1.3).
    pub issued: Time,
}

/// State of a stream or a registered consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the API's states")]
pub enum Status {
    Creating,
    Active,
    Updating,
    Deleting,
}

/// A CloudWatch metric per shard that enhanced monitoring can switch on (fact sheet, section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are the API's metric names")]
pub enum ShardMetric {
    IncomingBytes,
    IncomingRecords,
    OutgoingBytes,
    OutgoingRecords,
    WriteProvisionedThroughputExceeded,
    ReadProvisionedThroughputExceeded,
    IteratorAgeMilliseconds,
}

impl Status {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }
}

impl StreamMode {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisioned => "PROVISIONED",
            Self::OnDemand => "ON_DEMAND",
        }
    }
}

impl Distribution {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserPartitionKey => "USER_PARTITION_KEY",
            Self::Auto => "AUTO",
        }
    }
}

impl Encryption {
    /// The name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Kms(_) => "KMS",
        }
    }
}

impl ShardMetric {
    /// All of them, which the API also calls `ALL`.
    pub const ALL: [Self; 7] = [
        Self::IncomingBytes,
        Self::IncomingRecords,
        Self::OutgoingBytes,
        Self::OutgoingRecords,
        Self::WriteProvisionedThroughputExceeded,
        Self::ReadProvisionedThroughputExceeded,
        Self::IteratorAgeMilliseconds,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IncomingBytes => "IncomingBytes",
            Self::IncomingRecords => "IncomingRecords",
            Self::OutgoingBytes => "OutgoingBytes",
            Self::OutgoingRecords => "OutgoingRecords",
            Self::WriteProvisionedThroughputExceeded => "WriteProvisionedThroughputExceeded",
            Self::ReadProvisionedThroughputExceeded => "ReadProvisionedThroughputExceeded",
            Self::IteratorAgeMilliseconds => "IteratorAgeMilliseconds",
        }
    }
}
