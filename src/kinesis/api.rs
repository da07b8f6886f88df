//! What the service is asked and what it answers, free of any wire format.
//!
//! The shapes are those of the Kinesis 2013-12-02 API (fact sheet, section 4), already parsed: a stream is its name whether
//! the caller sent a name or an ARN, blobs are bytes, times are [`Time`].

use bytes::Bytes;

use super::hash_key::{HashKey, HashKeyRange};
use super::sequence::SequenceNumber;
use crate::time::Time;

/// One API request.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub enum Request {
    CreateStream { stream: String, shards: Option<u32>, mode: StreamMode },
    DeleteStream { stream: String, enforce_consumer_deletion: bool },
    DescribeStreamSummary { stream: String },
    ListShards { stream: String, max_results: usize, after: Option<ShardId> },
    PutRecord { stream: String, entry: PutEntry },
    PutRecords { stream: String, entries: Vec<PutEntry> },
    GetShardIterator { stream: String, shard: ShardId, position: Position },
    GetRecords { iterator: IteratorToken, limit: usize },
    RegisterStreamConsumer { stream: String, consumer: String },
    DescribeStreamConsumer { stream: String, consumer: String },
    DeregisterStreamConsumer { stream: String, consumer: String },
    SubscribeToShard { stream: String, consumer: String, shard: ShardId, position: Position },
}

/// The answer to a [`Request`] that succeeded.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub enum Response {
    /// CreateStream, DeleteStream and DeregisterStreamConsumer answer with an empty body.
    Empty,
    DescribeStreamSummary(StreamSummary),
    ListShards {
        shards: Vec<ShardDescription>,
        more: bool,
    },
    PutRecord(PutReceipt),
    PutRecords(Vec<Result<PutReceipt, ServiceError>>),
    GetShardIterator(IteratorToken),
    GetRecords(GetRecords),
    RegisterStreamConsumer(ConsumerDescription),
    DescribeStreamConsumer(ConsumerDescription),
    /// The subscription is open; [`super::Kinesis::poll_subscription`] yields what it pushes.
    SubscribeToShard(SubscriptionId),
}

/// An answer and the moment it is due at the caller's side of the service.
///
/// The service decides its own service time; the driver waits for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What is answered.
    pub response: Result<Response, ServiceError>,
    /// When the answer leaves the service.
    pub ready_at: Time,
}

/// Number of a shard within its stream, over the life of the stream; written `shardId-000000000003`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u32);

/// Number of an open subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u64);

/// How the capacity of a stream is provided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamMode {
    /// The caller chooses the number of shards.
    Provisioned,
    /// The service chooses the number of shards; a new stream has four (fact sheet, section 2.4).
    OnDemand,
}

/// One record to put.
#[derive(Debug, Clone, PartialEq)]
pub struct PutEntry {
    /// The data blob.
    pub data: Bytes,
    /// The partition key.
    pub partition_key: String,
    /// The hash key that overrides the MD5 of the partition key.
    pub explicit_hash_key: Option<HashKey>,
}

/// Where a record landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutReceipt {
    /// The shard.
    pub shard: ShardId,
    /// Its number there.
    pub sequence_number: SequenceNumber,
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

/// A stored record as a consumer gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRecord {
    /// Its number in the shard.
    pub sequence_number: SequenceNumber,
    /// When the service took it.
    pub arrival: Time,
    /// The data blob.
    pub data: Bytes,
    /// The partition key.
    pub partition_key: Bytes,
}

/// The answer of GetRecords.
#[derive(Debug, Clone, PartialEq)]
pub struct GetRecords {
    /// The records, oldest first.
    pub records: Vec<ReadRecord>,
    /// Where to read on; `None` at the end of a closed shard.
    pub next: Option<IteratorToken>,
    /// How far the answer is behind the tip of the shard, in milliseconds.
    pub millis_behind_latest: u64,
}

/// A batch of records pushed to a subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionEvent {
    /// The records, oldest first; may be empty.
    pub records: Vec<ReadRecord>,
    /// Where to continue with AFTER_SEQUENCE_NUMBER.
    pub continuation: SequenceNumber,
    /// How far the event is behind the tip of the shard, in milliseconds.
    pub millis_behind_latest: u64,
}

/// What a subscription has for its driver now.
#[derive(Debug, Clone, PartialEq)]
pub enum SubscriptionPoll {
    /// Push this.
    Event(SubscriptionEvent),
    /// Nothing before this moment, unless a record is put first.
    Wait(Time),
    /// The subscription is over: its five minutes have passed, or its stream or consumer is gone.
    Ended,
    /// The subscription ends with this error inside the stream.
    Failed(ServiceError),
}

/// State of a stream or a registered consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the API's states")]
pub enum Status {
    Creating,
    Active,
    Deleting,
}

/// The answer of DescribeStreamSummary.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub struct StreamSummary {
    pub stream: String,
    pub status: Status,
    pub mode: StreamMode,
    pub retention_hours: u32,
    pub created: Time,
    pub open_shards: u32,
    pub consumers: u32,
}

/// One shard as ListShards shows it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub struct ShardDescription {
    pub shard: ShardId,
    pub range: HashKeyRange,
    pub starting_sequence_number: SequenceNumber,
}

/// A registered consumer.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub struct ConsumerDescription {
    pub stream: String,
    pub consumer: String,
    pub status: Status,
    pub created: Time,
}

/// Why the service refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.name())]
pub struct ServiceError {
    /// Which of the modelled errors.
    pub kind: ErrorKind,
    /// The text, as AWS words it (fact sheet, section 2.5).
    pub message: String,
}

/// The modelled errors that this service half gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are the API's errors")]
pub enum ErrorKind {
    ResourceNotFound,
    ResourceInUse,
    LimitExceeded,
    InvalidArgument,
    Validation,
    ProvisionedThroughputExceeded,
    ExpiredIterator,
}

impl ErrorKind {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::LimitExceeded => "LimitExceededException",
            Self::InvalidArgument => "InvalidArgumentException",
            Self::Validation => "ValidationException",
            Self::ProvisionedThroughputExceeded => "ProvisionedThroughputExceededException",
            Self::ExpiredIterator => "ExpiredIteratorException",
        }
    }
}

impl ServiceError {
    /// An error of `kind` saying `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl std::fmt::Display for ShardId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "shardId-{:012}", self.0)
    }
}

impl std::str::FromStr for ShardId {
    type Err = ();

    /// Reads `shardId-000000000003`; the service takes any prefix before the last hyphen (fact sheet, section 3).
    fn from_str(text: &str) -> Result<Self, ()> {
        let (_, digits) = text.rsplit_once('-').ok_or(())?;
        let number: i32 = digits.parse().map_err(|_| ())?;
        u32::try_from(number).map(Self).map_err(|_| ())
    }
}
