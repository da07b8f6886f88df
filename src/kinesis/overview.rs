//! What an operator sees of the service: all streams and shards at once, outside of the API and its quotas.

use super::api::{ShardDescription, ShardFilter, StreamDescription};
use super::state::Kinesis;
use super::streams;
use crate::time::Time;

/// One stream and its shards.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamOverview {
    /// What DescribeStreamSummary would answer.
    pub summary: StreamDescription,
    /// What ListShards would answer, each shard with the bytes of memory that its records take.
    pub shards: Vec<(ShardDescription, u64)>,
}

impl Kinesis {
    /// All streams as they are at `now`. Charges no quota.
    pub fn overview(&mut self, now: Time) -> Vec<StreamOverview> {
        let existing = self.streams.values_mut().filter(|stream| stream.status(now).is_some());
        let overview = existing.map(|stream| {
            stream.advance(now);
            let (shards, _) = streams::page_of(stream, now, ShardFilter::FromTrimHorizon, None, usize::MAX);
            let held = |id| stream.shard(id).map_or(0, super::shard::Shard::stored_bytes);
            let shards = shards.into_iter().map(|shard| (shard.clone(), held(shard.shard))).collect();
            StreamOverview { summary: streams::describe(now, stream), shards }
        });
        overview.collect()
    }
}
