//! All figures of one run, as they go into its result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Counters, DeliveryCheck, Interval, LatencySummary, PercentilePoint, StorageUse};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Ending {
    /// All load was offered.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// It could not go on.
    Aborted {
        /// Why.
        reason: String,
    },
}

/// What was measured. Everything here is counted or recorded, nothing is estimated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measurement {
    /// The state of every record at the end of the run, warm-up included.
    pub counters: Counters,
    /// The same, per second since the run began.
    pub intervals: Vec<Interval>,
    /// Put latencies, by name: `response`, `lateness`, `queueing` and `service` of the records due after the warm-up,
    /// `throttled` and `failed` of the attempts sent after it.
    pub put: BTreeMap<String, LatencySummary>,
    /// The whole distribution of the response time, for the percentile curve.
    pub put_curve: Vec<PercentilePoint>,
    /// The shards of the stream.
    pub shards: Vec<ShardRecord>,
    /// Records accepted by shards that were not in the stream when the run began: it was resharded meanwhile. They count for
    /// the shard that had their key before; the consumers do not follow them.
    #[serde(default)]
    pub accepted_by_new_shards: u64,
    /// One entry per consumer, in the scenario's order.
    pub consumers: Vec<ConsumerRecord>,
    /// What the embedded emulator held; `None` for other targets.
    pub storage: Option<StorageUse>,
    /// What went wrong that a reader must know of, in full sentences.
    pub warnings: Vec<String>,
}

/// A shard and what happened on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShardRecord {
    /// `shardId-…`.
    pub id: String,
    /// First hash key, decimal.
    pub starting_hash_key: String,
    /// Last hash key, decimal.
    pub ending_hash_key: String,
    /// Records accepted.
    pub accepted: u64,
    /// Bytes accepted, data and partition keys.
    pub accepted_bytes: u64,
    /// Attempts that the shard throttled.
    pub throttled: u64,
}

/// A consumer and what it saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConsumerRecord {
    /// Its name.
    pub name: String,
    /// End-to-end lag (read minus intended time) of the records due after the warm-up.
    pub lag: LatencySummary,
    /// Lag per second: the second, and the summary of what was read in it.
    pub lag_intervals: Vec<(u64, LatencySummary)>,
    /// Reading calls made: GetRecords or SubscribeToShard.
    pub calls: u64,
    /// Reading calls that were throttled.
    pub throttled_calls: u64,
    /// Reading calls that failed otherwise, and calls of GetShardIterator, by what they said.
    pub failed_calls: BTreeMap<String, u64>,
    /// Whether every accepted record arrived.
    pub delivery: DeliveryCheck,
}
