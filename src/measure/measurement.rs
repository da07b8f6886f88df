//! All figures of one run, as they go into its result.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::{ConsumerCounts, FailedBatch, Outage, ShardMap};
use crate::kinesis::{HashKey, HashKeyRange};
use crate::time::Time;

use super::attendance::SETTLING;
use super::delivery::PLACES_MAX;
use super::{
    Attendances, Counters, DeliveryCheck, FaultPlace, GeneratorHealth, Interval, LatencyLog, LatencySummary,
    PercentilePoint, Presence, PutRecording, ReadRecording, StorageUse, TenantRecord,
};

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
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
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
}

impl ConsumerRecord {
    /// What a consumer saw and did; its distributions go to `logs`, by the name of their file. `place` tells where a record of
    /// the run belongs that was never read. The run ended at `ended`; it was there as its place among the attendances says.
    #[allow(clippy::too_many_arguments, reason = "all of a consumer comes together here")]
    pub fn new(
        name: &str,
        kind: &str,
        counts: &ConsumerCounts,
        recording: ReadRecording,
        put: &PutRecording,
        place: &dyn Fn(u64) -> FaultPlace,
        logs: &mut Vec<(String, LatencyLog)>,
        ended: Time,
        attendance: (&Attendances, usize),
    ) -> Self {
        let accepting = put.intervals.iter().rev().find(|interval| interval.accepted > 0);
        let settled = Time::from_secs(accepting.map_or(0, |last| last.second + 1)) + SETTLING;
        let (attendances, number) = attendance;
        let (owed, presence) = (attendances.owed(number, &put.ledger.accepted), attendances.presence(number));
        // Only a consumer that found nothing more after that has lost what it has not seen.
        let has_left = presence.is_some_and(|presence| presence.left.is_some());
        let settles = |ago| if has_left { ago <= SETTLING } else { settled + ago <= ended };
        let read_everything = counts.read_everything.is_some_and(settles);
        let delivery = DeliveryCheck::new(&put.ledger, &owed, &recording.reading, read_everything);
        let mut places = recording.reading.places().to_vec();
        if delivery.lost > 0 {
            places.extend(owed.without(&recording.reading.seen).take(PLACES_MAX).map(place));
        }
        let record = Self {
            places,
            name: name.to_owned(),
            lag: recording.lag.total().summary(),
            lag_intervals: recording.intervals,
            lag_curve: recording.lag.total().curve(),
            reads: recording.reads,
            calls: recording.calls,
            early_calls: recording.early_calls,
            throttled_calls: recording.throttled_calls,
            throttled_seconds: recording.throttled_seconds,
            failed_calls: recording.failed_calls,
            delivery,
            kind: kind.to_owned(),
            read_lag: (recording.read_lag.total().count() > 0).then(|| recording.read_lag.total().summary()),
            discarded: recording.discarded,
            on_failure_batches: counts.on_failure.batches,
            on_failure_records: counts.on_failure.records,
            failed_batches: counts.on_failure.listed.clone(),
            behind: recording.behind,
            work: ConsumerWork::from(counts),
            presence,
            lag_below_zero: recording.lag_below_zero,
        };
        logs.push((format!("lag-{name}"), recording.lag));
        record
    }
}

impl Measurement {
    /// What the puts come to, on these shards; their distributions go to `logs`, by the name of their file.
    pub fn of_puts(put: PutRecording, mut shards: Vec<ShardRecord>, logs: &mut Vec<(String, LatencyLog)>) -> Self {
        for cells in put.intervals.iter().map(|interval| &interval.shards) {
            for (shard, cell) in shards.iter_mut().zip(cells) {
                shard.accepted += u64::from(cell.accepted);
                shard.accepted_bytes += u64::from(cell.bytes);
                shard.throttled += u64::from(cell.throttled);
            }
        }
        let summaries = put.logs.iter().map(|(name, log)| ((*name).to_owned(), log.total().summary())).collect();
        let curve = |name: &str| put.logs.get(name).map(|log| log.total().curve()).unwrap_or_default();
        let put_curve = curve("response");
        let put_curves = ["lateness", "queueing", "service"].map(|name| (name.to_owned(), curve(name))).into();
        logs.extend(put.logs.into_iter().map(|(name, log)| (format!("put-{name}"), log)));
        Self {
            counters: put.counters,
            errors_by_kind: put.errors_by_kind,
            intervals: put.intervals,
            put: summaries,
            put_curve,
            put_curves,
            shards,
            ..Self::default()
        }
    }
}

impl ShardRecord {
    /// The shards of a map, on which nothing has happened yet.
    pub fn of_map<I: Clone + Eq + Hash + Ord + ToString>(map: &ShardMap<I>) -> Vec<Self> {
        let bound = |index, bound: fn(HashKeyRange) -> HashKey| {
            map.range(index).map_or_else(String::new, |range| bound(range).to_string())
        };
        let shard = |index| Self {
            id: map.id(index).map_or_else(String::new, ToString::to_string),
            starting_hash_key: bound(index, |range| range.start),
            ending_hash_key: bound(index, |range| range.end),
            accepted: 0,
            accepted_bytes: 0,
            throttled: 0,
        };
        (0..map.len()).map(shard).collect()
    }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
}
