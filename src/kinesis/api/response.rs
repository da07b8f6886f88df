//! Answers.

use bytes::Bytes;

use super::*;
use crate::kinesis::hash_key::HashKeyRange;

/// The answer to a request that succeeded.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub enum Response {
    /// Operations without an output answer with an empty body.
    Empty,
    DescribeStream {
        description: StreamDescription,
        shards: Vec<ShardDescription>,
        more: bool,
    },
    DescribeStreamSummary(StreamDescription),
    ListStreams {
        streams: Vec<StreamDescription>,
        more: bool,
    },
    ListShards {
        shards: Vec<ShardDescription>,
        more: bool,
    },
    DescribeLimits(Limits),
    PutRecord {
        receipt: PutReceipt,
        encryption: Encryption,
    },
    PutRecords {
        receipts: Vec<Result<PutReceipt, ServiceError>>,
        encryption: Encryption,
    },
    GetShardIterator(IteratorToken),
    GetRecords(GetRecords),
    RegisterStreamConsumer(ConsumerDescription),
    DescribeStreamConsumer(ConsumerDescription),
    ListStreamConsumers {
        consumers: Vec<ConsumerDescription>,
        more: bool,
    },
    /// The subscription is open; [`crate::kinesis::Kinesis::poll_subscription`] yields what it pushes.
    SubscribeToShard(SubscriptionId),
    UpdateShardCount {
        stream: String,
        current: u32,
        target: u32,
    },
    UpdateStreamWarmThroughput {
        stream: String,
        warm_throughput: WarmThroughput,
    },
    /// EnableEnhancedMonitoring and DisableEnhancedMonitoring.
    EnhancedMonitoring {
        stream: String,
        current: Vec<ShardMetric>,
        desired: Vec<ShardMetric>,
    },
    ListTagsForStream {
        tags: Vec<(String, String)>,
        more: bool,
    },
    ListTagsForResource(Tags),
    /// `None`: no policy is set, and the answer is an empty object.
    GetResourcePolicy(Option<String>),
    DescribeAccountSettings(BillingCommitment),
    UpdateAccountSettings(BillingCommitment),
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

/// Where a record landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutReceipt {
    /// The shard.
    pub shard: ShardId,
    /// Its number there.
    pub sequence_number: SequenceNumber,
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
    /// Bytes that the data blob has beyond `data`; see [`PutEntry::padding`](super::PutEntry::padding).
    pub padding: u32,
    /// The partition key; empty if there is none.
    pub partition_key: Bytes,
    /// Whether it was encrypted when it was stored.
    pub encrypted: bool,
}

impl ReadRecord {
    /// Data and partition key, in bytes.
    pub fn bytes(&self) -> u64 {
        (self.data.len() + self.partition_key.len()) as u64 + u64::from(self.padding)
    }
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
    /// At the end of a closed shard, those that follow it.
    pub children: Vec<ChildShard>,
}

/// A shard that follows a closed one.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub struct ChildShard {
    pub shard: ShardId,
    pub parents: Vec<ShardId>,
    pub range: HashKeyRange,
}

/// A batch of records pushed to a subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionEvent {
    /// The records, oldest first; may be empty.
    pub records: Vec<ReadRecord>,
    /// Where to continue with AFTER_SEQUENCE_NUMBER; `None` at the end of a closed shard.
    pub continuation: Option<SequenceNumber>,
    /// How far the event is behind the tip of the shard, in milliseconds.
    pub millis_behind_latest: u64,
    /// At the end of a closed shard, those that follow it.
    pub children: Vec<ChildShard>,
}

/// What a subscription has for its driver now.
#[derive(Debug, Clone, PartialEq)]
pub enum SubscriptionPoll {
    /// Push this.
    Event(SubscriptionEvent),
    /// Nothing before this moment, unless a record is put first.
    Wait(Time),
    /// The subscription is over: its five minutes have passed, or its shard has ended.
    Ended,
    /// The subscription ends with this error inside the stream.
    Failed(ServiceError),
}

/// A stream as DescribeStream, DescribeStreamSummary and ListStreams show it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub struct StreamDescription {
    pub stream: String,
    pub status: Status,
    pub mode: StreamMode,
    pub retention_hours: u32,
    pub created: Time,
    pub encryption: Encryption,
    pub monitoring: Vec<ShardMetric>,
    pub open_shards: u32,
    /// Registered consumers, those of enhanced fan-out.
    pub consumers: u32,
    /// On-demand streams that were ever warmed have one.
    pub warm_throughput: Option<WarmThroughput>,
    pub max_record_kib: u32,
    pub distribution: Distribution,
}

/// MiB/s that an on-demand stream is ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub struct WarmThroughput {
    pub target: u32,
    pub current: u32,
}

/// One shard as ListShards shows it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub struct ShardDescription {
    pub shard: ShardId,
    pub parent: Option<ShardId>,
    pub adjacent_parent: Option<ShardId>,
    pub range: HashKeyRange,
    pub starting_sequence_number: SequenceNumber,
    /// Only a closed shard has one.
    pub ending_sequence_number: Option<SequenceNumber>,
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

/// The answer of DescribeLimits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub struct Limits {
    pub shard_limit: u32,
    pub open_shards: u32,
    pub on_demand_streams: u32,
    pub on_demand_stream_limit: u32,
}

/// The account's commitment to a minimum of on-demand throughput: On-demand Advantage (fact sheet, section 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillingCommitment {
    /// Whether it is on, off, or on until it may end.
    pub status: CommitmentStatus,
    /// When it began.
    pub started: Option<Time>,
    /// When it ended.
    pub ended: Option<Time>,
    /// The earliest moment at which it may end: 24 hours after it began.
    pub earliest_end: Option<Time>,
}

/// State of a [`BillingCommitment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the API's states")]
pub enum CommitmentStatus {
    Enabled,
    Disabled,
    EnabledUntilEarliestAllowedEnd,
}

impl CommitmentStatus {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::EnabledUntilEarliestAllowedEnd => "ENABLED_UNTIL_EARLIEST_ALLOWED_END",
        }
    }
}
