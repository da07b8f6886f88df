//! What an operator sees of the service: all streams and shards at once, outside of the API and its quotas.

use super::api::{Response, ShardDescription, StreamSummary};
use super::service::Kinesis;
use crate::time::Time;

/// One stream and its shards.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamOverview {
    /// What DescribeStreamSummary would answer.
    pub summary: StreamSummary,
    /// What ListShards would answer, each shard with the bytes of records that it holds.
    pub shards: Vec<(ShardDescription, u64)>,
}

impl Kinesis {
    /// All streams as they are at `now`. Changes nothing and charges no quota.
    pub fn overview(&self, now: Time) -> Vec<StreamOverview> {
        let existing = self.streams.iter().filter(|(_, stream)| stream.status(now).is_some());
        let overview = existing.filter_map(|(name, stream)| {
            let Ok(Response::DescribeStreamSummary(summary)) = self.describe_stream_summary(now, name) else {
                return None;
            };
            let Ok(Response::ListShards { shards, .. }) = self.list_shards(name, usize::MAX, None) else {
                return None;
            };
            let bytes = stream.shards.iter().map(super::shard::Shard::stored_bytes);
            Some(StreamOverview { summary, shards: shards.into_iter().zip(bytes).collect() })
        });
        overview.collect()
    }
}
