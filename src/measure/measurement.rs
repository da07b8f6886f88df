//! All figures of one run, as they go into its result.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Counters, DeliveryCheck, FaultPlace, GeneratorHealth, Interval, LatencySummary, PercentilePoint, Presence,
    StorageUse, StreamIndex, TenantRecord,
};
use crate::client::{ConsumerCounts, FailedBatch, Outage};
use crate::time::Time;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Measurement {
    /// The state of every record at the end of the run, warm-up included.
    pub counters: Counters,
    /// Attempts that failed otherwise than by throttling: `internal-failure`, `timeout`, `connection-reset`, `unreachable`,
    /// `expired-credentials`, `rejected`.
    #[serde(default)]
    pub errors_by_kind: BTreeMap<String, u64>,
    /// Of the unknown records, those that a consumer has seen, so that they were stored; `None` if nobody reads.
    #[serde(default)]
    pub unknown_stored: Option<u64>,
    /// The sum of the hashes of all records offered; those of the parts of a load add up, wrapping, to that of the whole. `None`
    /// for a closed-loop load.
    #[serde(default, with = "hexadecimal")]
    #[schemars(with = "Option<String>")]
    pub digest: Option<u64>,
    /// The same, per second since the run began.
    pub intervals: Vec<Interval>,
    /// Put latencies, by name: `response`, `lateness`, `queueing` and `service` of the records due after the warm-up,
    /// `throttled` and `failed` of the attempts sent after it.
    pub put: BTreeMap<String, LatencySummary>,
    /// The whole distribution of the response time, for the percentile curve.
    pub put_curve: Vec<PercentilePoint>,
    /// The same for its parts, by name: `lateness`, `queueing` and `service`; not in results of earlier versions.
    #[serde(default)]
    pub put_curves: BTreeMap<String, Vec<PercentilePoint>>,
    /// The shards of the stream.
    pub shards: Vec<ShardRecord>,
    /// How many shards were open, from when on; the first entry is the beginning of the run.
    #[serde(default)]
    pub open_shards: Vec<(Time, u32)>,
    /// Records accepted by shards that the run did not know of yet: the stream had just been resharded. They count for the shard
    /// that had their key before.
    #[serde(default)]
    pub accepted_by_new_shards: u64,
    /// One entry per tenant, in the scenario's order.
    #[serde(default)]
    pub tenants: Vec<TenantRecord>,
    /// One entry per consumer, in the scenario's order.
    pub consumers: Vec<ConsumerRecord>,
    /// What happened during the run, in the order of time.
    #[serde(default)]
    pub events: Vec<EventRecord>,
    /// What the load generator itself did; `None` for a simulation.
    #[serde(default)]
    pub generator: Option<GeneratorHealth>,
    /// What the embedded emulator held; `None` for other targets.
    pub storage: Option<StorageUse>,
    /// What went wrong that a reader must know of, in full sentences.
    pub warnings: Vec<String>,
}

/// Numbers of 64 bits as text: JSON readers that know only floating point would round them.
mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(digest: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        digest.map(|digest| format!("{digest:016x}")).serialize(serializer)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| u64::from_str_radix(&text, 16).map_err(D::Error::custom)).transpose()
    }
}

/// A shard and what happened on it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerRecord {
    /// Its name.
    pub name: String,
    /// End-to-end lag (read minus intended time) of the records due after the warm-up.
    pub lag: LatencySummary,
    /// Lag per second: the second, and the summary of what was read in it.
    pub lag_intervals: Vec<(u64, LatencySummary)>,
    /// The whole distribution of the lag, for the percentile curve; not in results of earlier versions.
    #[serde(default)]
    pub lag_curve: Vec<PercentilePoint>,
    /// Records read in each second of the run; not in results of earlier versions.
    #[serde(default)]
    pub reads: Vec<u64>,
    /// Reading calls made: GetRecords or SubscribeToShard.
    pub calls: u64,
    /// Those of them that were made before the run began.
    #[serde(default)]
    pub early_calls: u64,
    /// Reading calls that were throttled.
    pub throttled_calls: u64,
    /// The same per second; seconds without any are left out.
    #[serde(default)]
    pub throttled_seconds: Vec<(u64, u64)>,
    /// Reading calls that failed otherwise, and calls of GetShardIterator, by what they said.
    pub failed_calls: BTreeMap<String, u64>,
    /// Whether every accepted record arrived.
    pub delivery: DeliveryCheck,
    /// The first places of each fault; all faults are counted in `delivery`.
    #[serde(default)]
    pub places: Vec<FaultPlace>,
    /// `polling`, `efo`, `kcl`, `lambda` or `firehose`.
    #[serde(default)]
    pub kind: String,
    /// Read minus intended time, of records that took time to be processed; the lag is up to the end of the processing.
    #[serde(default)]
    pub read_lag: Option<LatencySummary>,
    /// Records read and not processed, by what became of them: `failed`, `too old`, `too large`.
    #[serde(default)]
    pub discarded: BTreeMap<String, u64>,
    /// Batches that went to the on-failure destination.
    #[serde(default)]
    pub on_failure_batches: u64,
    /// Records of these batches.
    #[serde(default)]
    pub on_failure_records: u64,
    /// The first of these batches, for a file of their own.
    #[serde(skip)]
    pub failed_batches: Vec<FailedBatch>,
    /// MillisBehindLatest: the second, and the largest of the answers in it.
    #[serde(default)]
    pub behind: Vec<(u64, u64)>,
    /// What it did beside reading.
    #[serde(default)]
    pub work: ConsumerWork,
    /// From when until when it was there; `None` if it was there all the time.
    #[serde(default)]
    pub presence: Option<Presence>,
    /// Records read before they were due: the clocks of those who write and who reads differ. Their lag is recorded as zero.
    #[serde(default)]
    pub lag_below_zero: u64,
    /// The stream that it read.
    #[serde(default, skip_serializing_if = "StreamIndex::is_first")]
    pub stream: StreamIndex,
}

/// What a consumer application did beside reading.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerWork {
    /// Attempts at batches that took time, or could fail.
    pub batches: u64,
    /// Those that failed.
    pub failed_batches: u64,
    /// Time that all attempts took together.
    pub busy: Duration,
    /// Times that it noted how far it has got in a shard.
    pub checkpoints: u64,
    /// Renewals of leases, and leases read to find free ones: writes to and reads from the lease table.
    pub lease_renewals: u64,
    /// Leases read by workers that look for some to take.
    pub lease_reads: u64,
    /// Leases that changed their worker.
    pub leases_taken: u64,
    /// Interruptions, and how long it took to catch up.
    pub outages: Vec<OutageRecord>,
}

/// An interruption of a consumer. Times are those of the consumer's own clock, which starts with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutageRecord {
    /// How long it stood still; `None` if it was not started again.
    pub down: Option<Duration>,
    /// Time from its start until it had processed up to the tip of every shard; `None` if it never had.
    pub caught_up_after: Option<Duration>,
}

impl From<&ConsumerCounts> for ConsumerWork {
    fn from(counts: &ConsumerCounts) -> Self {
        let outage = |outage: &Outage| OutageRecord {
            down: outage.started.map(|started| started.since(outage.stopped)),
            caught_up_after: outage.started.and_then(|started| Some(outage.caught_up?.since(started))),
        };
        Self {
            batches: counts.processing.batches,
            failed_batches: counts.processing.failed_batches,
            busy: counts.processing.busy,
            checkpoints: counts.checkpoints,
            lease_renewals: counts.leases.renewals,
            lease_reads: counts.leases.reads,
            leases_taken: counts.leases.taken,
            outages: counts.outages.iter().map(outage).collect(),
        }
    }
}

/// Something that happened during a run: an event of the scenario, or a fault window.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EventRecord {
    /// When it began.
    pub at: Time,
    /// When it was over; `None` for what is only a moment, or was not over by the end of the run.
    pub until: Option<Time>,
    /// What it was, in a few words.
    pub label: String,
    /// Why it did not happen as asked.
    pub problem: Option<String>,
    /// Whether it changes the shards of the stream.
    #[serde(default)]
    pub reshards: bool,
    /// The stream that it happened to.
    #[serde(default, skip_serializing_if = "StreamIndex::is_first")]
    pub stream: StreamIndex,
}
