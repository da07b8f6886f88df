//! Requests.

use bytes::Bytes;

use super::*;
use crate::kinesis::hash_key::HashKey;

/// One API request.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the members are those of the AWS API reference")]
pub enum Request {
    CreateStream(CreateStream),
    DeleteStream { stream: String, enforce_consumer_deletion: bool },
    DescribeStream { stream: String, limit: usize, after: Option<ShardId> },
    DescribeStreamSummary { stream: String },
    ListStreams { limit: usize, after: Option<String> },
    ListShards(ListShards),
    DescribeLimits,

    PutRecord { stream: String, entry: PutEntry, after: Option<SequenceNumber> },
    PutRecords { stream: String, entries: Vec<PutEntry> },
    GetShardIterator { stream: String, shard: ShardId, position: Position },
    GetRecords { iterator: IteratorToken, limit: usize },

    RegisterStreamConsumer { stream: String, consumer: String, tags: Tags },
    DeregisterStreamConsumer(ConsumerName),
    DescribeStreamConsumer(ConsumerName),
    ListStreamConsumers { stream: String, created: Option<Time>, limit: usize, after: Option<String> },
    SubscribeToShard { consumer: ConsumerName, shard: ShardId, position: Position },

    SplitShard { stream: String, shard: ShardId, new_starting_hash_key: HashKey },
    MergeShards { stream: String, shard: ShardId, adjacent: ShardId },
    UpdateShardCount { stream: String, target: u32 },
    UpdateStreamMode { stream: String, mode: StreamMode, warm_throughput: Option<u32> },
    UpdateStreamWarmThroughput { stream: String, warm_throughput: u32 },
    UpdateMaxRecordSize { stream: String, max_record_kib: u32 },
    UpdateStreamRecordDistributionStrategy { stream: String, distribution: Distribution },
    IncreaseStreamRetentionPeriod { stream: String, hours: i32 },
    DecreaseStreamRetentionPeriod { stream: String, hours: i32 },
    EnableEnhancedMonitoring { stream: String, metrics: Vec<ShardMetric> },
    DisableEnhancedMonitoring { stream: String, metrics: Vec<ShardMetric> },
    StartStreamEncryption { stream: String, key: String },
    StopStreamEncryption { stream: String },

    AddTagsToStream { stream: String, tags: Tags },
    RemoveTagsFromStream { stream: String, keys: Vec<String> },
    ListTagsForStream { stream: String, limit: usize, after: Option<String> },
    TagResource { resource: Resource, tags: Tags },
    UntagResource { resource: Resource, keys: Vec<String> },
    ListTagsForResource { resource: Resource },
    PutResourcePolicy { resource: Resource, policy: String },
    GetResourcePolicy { resource: Resource },
    DeleteResourcePolicy { resource: Resource },
    DescribeAccountSettings,
    UpdateAccountSettings { minimum_throughput_billing_commitment: bool },
}

/// A stream to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateStream {
    /// Its name.
    pub stream: String,
    /// Number of shards; a provisioned stream has one and an on-demand stream four unless it says otherwise.
    pub shards: Option<u32>,
    /// How its capacity is provided.
    pub mode: StreamMode,
    /// Its tags.
    pub tags: Tags,
    /// MiB/s that an on-demand stream is ready for from the start.
    pub warm_throughput: Option<u32>,
    /// Largest record in KiB, data and partition key together.
    pub max_record_kib: Option<u32>,
    /// Which shard a record goes to.
    pub distribution: Distribution,
}

impl CreateStream {
    /// A provisioned stream of `shards` shards, everything else as it is by default.
    pub fn provisioned(stream: impl Into<String>, shards: u32) -> Self {
        Self {
            stream: stream.into(),
            shards: Some(shards),
            mode: StreamMode::Provisioned,
            tags: Tags::new(),
            warm_throughput: None,
            max_record_kib: None,
            distribution: Distribution::UserPartitionKey,
        }
    }

    /// An on-demand stream, everything else as it is by default.
    pub fn on_demand(stream: impl Into<String>) -> Self {
        Self { mode: StreamMode::OnDemand, shards: None, ..Self::provisioned(stream, 1) }
    }
}

/// A page of the shards of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct ListShards {
    /// The stream.
    pub stream: String,
    /// If given, the stream must have been created then, to the second.
    pub created: Option<Time>,
    /// Which shards.
    pub filter: ShardFilter,
    /// Only shards after this one; the page before ended with it.
    pub after: Option<ShardId>,
    /// Most shards in the answer.
    pub limit: usize,
}

/// Which shards of a stream a listing shows (fact sheet, section 3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ShardFilter {
    /// Those after this one.
    AfterShardId(ShardId),
    /// Those that were open at the trim horizon.
    AtTrimHorizon,
    /// Those that were open at the trim horizon or later: all that hold anything.
    FromTrimHorizon,
    /// Those that are open.
    AtLatest,
    /// Those that were open at that moment.
    AtTimestamp(Time),
    /// Those that were open at that moment or later.
    FromTimestamp(Time),
}

/// One record to put.
#[derive(Debug, Clone, PartialEq)]
pub struct PutEntry {
    /// The data blob.
    pub data: Bytes,
    /// Bytes that the data blob has beyond `data`: they count, and are not kept. Simulations keep of a record what tells where it
    /// comes from.
    pub padding: u32,
    /// The partition key, in UTF-8; empty if there is none, which only AUTO distribution allows.
    pub partition_key: Bytes,
    /// The hash key that overrides the MD5 of the partition key.
    pub explicit_hash_key: Option<HashKey>,
}

impl PutEntry {
    /// What the record counts for in quotas and limits: data and partition key, in bytes (fact sheet, section 1.1).
    pub fn bytes(&self) -> u64 {
        (self.data.len() + self.partition_key.len()) as u64 + u64::from(self.padding)
    }
}

impl Request {
    /// The stream it is about, if it is about one.
    pub fn stream(&self) -> Option<&str> {
        Some(match self {
            Self::CreateStream(create) => &create.stream,
            Self::ListShards(list) => &list.stream,
            Self::GetRecords { iterator, .. } => &iterator.stream,
            Self::DeregisterStreamConsumer(name)
            | Self::DescribeStreamConsumer(name)
            | Self::SubscribeToShard { consumer: name, .. } => &name.stream,
            Self::TagResource { resource, .. }
            | Self::UntagResource { resource, .. }
            | Self::ListTagsForResource { resource }
            | Self::PutResourcePolicy { resource, .. }
            | Self::GetResourcePolicy { resource }
            | Self::DeleteResourcePolicy { resource } => resource.stream(),
            Self::DeleteStream { stream, .. }
            | Self::DescribeStream { stream, .. }
            | Self::DescribeStreamSummary { stream }
            | Self::PutRecord { stream, .. }
            | Self::PutRecords { stream, .. }
            | Self::GetShardIterator { stream, .. }
            | Self::RegisterStreamConsumer { stream, .. }
            | Self::ListStreamConsumers { stream, .. }
            | Self::SplitShard { stream, .. }
            | Self::MergeShards { stream, .. }
            | Self::UpdateShardCount { stream, .. }
            | Self::UpdateStreamMode { stream, .. }
            | Self::UpdateStreamWarmThroughput { stream, .. }
            | Self::UpdateMaxRecordSize { stream, .. }
            | Self::UpdateStreamRecordDistributionStrategy { stream, .. }
            | Self::IncreaseStreamRetentionPeriod { stream, .. }
            | Self::DecreaseStreamRetentionPeriod { stream, .. }
            | Self::EnableEnhancedMonitoring { stream, .. }
            | Self::DisableEnhancedMonitoring { stream, .. }
            | Self::StartStreamEncryption { stream, .. }
            | Self::StopStreamEncryption { stream }
            | Self::AddTagsToStream { stream, .. }
            | Self::RemoveTagsFromStream { stream, .. }
            | Self::ListTagsForStream { stream, .. } => stream,
            Self::ListStreams { .. }
            | Self::DescribeLimits
            | Self::DescribeAccountSettings
            | Self::UpdateAccountSettings { .. } => return None,
        })
    }

    /// The shard it is about, if it names one.
    pub(in crate::kinesis) const fn shard(&self) -> Option<ShardId> {
        match self {
            Self::GetRecords { iterator, .. } => Some(iterator.shard),
            Self::GetShardIterator { shard, .. }
            | Self::SubscribeToShard { shard, .. }
            | Self::SplitShard { shard, .. }
            | Self::MergeShards { shard, .. } => Some(*shard),
            _ => None,
        }
    }
}
