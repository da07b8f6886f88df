//! The operations of the API that the service knows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Request;

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        /// An operation of the Kinesis 2013-12-02 API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the variants are the API's operations")]
        pub enum Operation {
            $($name),*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name)),*
                }
            }
        }
    };
}

operations!(
    CreateStream,
    DeleteStream,
    DescribeStream,
    DescribeStreamSummary,
    ListStreams,
    ListShards,
    DescribeLimits,
    PutRecord,
    PutRecords,
    GetShardIterator,
    GetRecords,
    RegisterStreamConsumer,
    DeregisterStreamConsumer,
    DescribeStreamConsumer,
    ListStreamConsumers,
    SubscribeToShard,
    SplitShard,
    MergeShards,
    UpdateShardCount,
    UpdateStreamMode,
    UpdateStreamWarmThroughput,
    UpdateMaxRecordSize,
    UpdateStreamRecordDistributionStrategy,
    IncreaseStreamRetentionPeriod,
    DecreaseStreamRetentionPeriod,
    EnableEnhancedMonitoring,
    DisableEnhancedMonitoring,
    StartStreamEncryption,
    StopStreamEncryption,
    AddTagsToStream,
    RemoveTagsFromStream,
    ListTagsForStream,
    TagResource,
    UntagResource,
    ListTagsForResource,
    PutResourcePolicy,
    GetResourcePolicy,
    DeleteResourcePolicy,
    DescribeAccountSettings,
    UpdateAccountSettings,
);

impl Operation {
    /// Whether it stores records.
    pub const fn is_put(self) -> bool {
        matches!(self, Self::PutRecord | Self::PutRecords)
    }

    /// Whether it moves records, and so costs no control-plane quota but that of its shard (fact sheet, section 1).
    pub const fn is_data_plane(self) -> bool {
        matches!(
            self,
            Self::PutRecord | Self::PutRecords | Self::GetShardIterator | Self::GetRecords | Self::SubscribeToShard
        )
    }
}

impl Request {
    /// Which operation it asks for.
    pub const fn operation(&self) -> Operation {
        match self {
            Self::CreateStream(_) => Operation::CreateStream,
            Self::DeleteStream { .. } => Operation::DeleteStream,
            Self::DescribeStream { .. } => Operation::DescribeStream,
            Self::DescribeStreamSummary { .. } => Operation::DescribeStreamSummary,
            Self::ListStreams { .. } => Operation::ListStreams,
            Self::ListShards(_) => Operation::ListShards,
            Self::DescribeLimits => Operation::DescribeLimits,
            Self::PutRecord { .. } => Operation::PutRecord,
            Self::PutRecords { .. } => Operation::PutRecords,
            Self::GetShardIterator { .. } => Operation::GetShardIterator,
            Self::GetRecords { .. } => Operation::GetRecords,
            Self::RegisterStreamConsumer { .. } => Operation::RegisterStreamConsumer,
            Self::DeregisterStreamConsumer(_) => Operation::DeregisterStreamConsumer,
            Self::DescribeStreamConsumer(_) => Operation::DescribeStreamConsumer,
            Self::ListStreamConsumers { .. } => Operation::ListStreamConsumers,
            Self::SubscribeToShard { .. } => Operation::SubscribeToShard,
            Self::SplitShard { .. } => Operation::SplitShard,
            Self::MergeShards { .. } => Operation::MergeShards,
            Self::UpdateShardCount { .. } => Operation::UpdateShardCount,
            Self::UpdateStreamMode { .. } => Operation::UpdateStreamMode,
            Self::UpdateStreamWarmThroughput { .. } => Operation::UpdateStreamWarmThroughput,
            Self::UpdateMaxRecordSize { .. } => Operation::UpdateMaxRecordSize,
            Self::UpdateStreamRecordDistributionStrategy { .. } => Operation::UpdateStreamRecordDistributionStrategy,
            Self::IncreaseStreamRetentionPeriod { .. } => Operation::IncreaseStreamRetentionPeriod,
            Self::DecreaseStreamRetentionPeriod { .. } => Operation::DecreaseStreamRetentionPeriod,
            Self::EnableEnhancedMonitoring { .. } => Operation::EnableEnhancedMonitoring,
            Self::DisableEnhancedMonitoring { .. } => Operation::DisableEnhancedMonitoring,
            Self::StartStreamEncryption { .. } => Operation::StartStreamEncryption,
            Self::StopStreamEncryption { .. } => Operation::StopStreamEncryption,
            Self::AddTagsToStream { .. } => Operation::AddTagsToStream,
            Self::RemoveTagsFromStream { .. } => Operation::RemoveTagsFromStream,
            Self::ListTagsForStream { .. } => Operation::ListTagsForStream,
            Self::TagResource { .. } => Operation::TagResource,
            Self::UntagResource { .. } => Operation::UntagResource,
            Self::ListTagsForResource { .. } => Operation::ListTagsForResource,
            Self::PutResourcePolicy { .. } => Operation::PutResourcePolicy,
            Self::GetResourcePolicy { .. } => Operation::GetResourcePolicy,
            Self::DeleteResourcePolicy { .. } => Operation::DeleteResourcePolicy,
            Self::DescribeAccountSettings => Operation::DescribeAccountSettings,
            Self::UpdateAccountSettings { .. } => Operation::UpdateAccountSettings,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Operation {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name).ok_or(())
    }
}
