//! Counters of a run and of each of its seconds.

use serde::{Deserialize, Serialize};

/// The state of every record of a run.
///
/// Each record that is due is in exactly one of the last five states, so that
/// `offered = accepted + failed + abandoned + unknown + in_flight` at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Records that came due.
    pub offered: u64,
    /// Records that the service acknowledged.
    pub accepted: u64,
    /// Records that the service refused for good, or whose attempts are used up.
    pub failed: u64,
    /// Records given up without an attempt under way, because there was no room for them or the run ended.
    pub abandoned: u64,
    /// Records that were sent but never answered: perhaps stored, perhaps not.
    pub unknown: u64,
    /// Records still waiting or under way.
    pub in_flight: u64,
    /// Attempts to put a Kinesis record: every entry of every call.
    pub attempts: u64,
    /// Attempts that a shard throttled.
    pub throttled: u64,
    /// Attempts that failed in another way, or stayed unanswered.
    pub errors: u64,
    /// Records accepted on a later attempt than their first.
    pub retried: u64,
    /// Calls sent: PutRecords or PutRecord.
    pub calls: u64,
    /// Bytes accepted, data and partition keys.
    pub accepted_bytes: u64,
}

impl Counters {
    /// Whether each record is in exactly one state.
    pub const fn balance(&self) -> bool {
        self.offered == self.accepted + self.failed + self.abandoned + self.unknown + self.in_flight
    }
}

/// One second of a run: what happened in it (not what became of the records due in it).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Interval {
    /// Seconds since the run began; the interval covers this second.
    pub second: u64,
    /// Records that came due, by intended time.
    pub offered: u64,
    /// Records accepted.
    pub accepted: u64,
    /// Those of them that were not accepted at their first attempt.
    #[serde(default)]
    pub retried: u64,
    /// Records that failed, were abandoned, or became unknown.
    pub lost: u64,
    /// Attempts made.
    pub attempts: u64,
    /// Attempts throttled.
    pub throttled: u64,
    /// Attempts that failed in another way.
    pub errors: u64,
    /// Bytes accepted.
    pub accepted_bytes: u64,
    /// Median response time of the records accepted in this second, nanoseconds; `None` without any.
    pub response_p50: Option<u64>,
    /// 99th percentile of the same, nanoseconds.
    pub response_p99: Option<u64>,
    /// Longest of the same, nanoseconds.
    pub response_max: Option<u64>,
    /// 99th percentile of the lateness of the records taken up in this second, nanoseconds.
    #[serde(default)]
    pub lateness_p99: Option<u64>,
    /// Most calls that were under way at once.
    #[serde(default)]
    pub open_calls: u64,
    /// Per shard, in the order of the result's shards; shards without traffic at the end may be missing.
    pub shards: Vec<ShardInterval>,
}

impl ShardInterval {
    /// Kinesis records accepted and their bytes, which are the records in results that do not tell them apart.
    pub const fn taken(&self) -> (u32, u32) {
        if self.service_records == 0 { (self.accepted, self.bytes) } else { (self.service_records, self.service_bytes) }
    }
}

/// One second of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ShardInterval {
    /// Records accepted.
    pub accepted: u32,
    /// Bytes accepted.
    pub bytes: u32,
    /// Attempts throttled.
    pub throttled: u32,
    /// Kinesis records accepted: what counts for the quotas. With aggregation there are fewer of them than records.
    #[serde(default)]
    pub service_records: u32,
    /// Bytes of the Kinesis records accepted.
    #[serde(default)]
    pub service_bytes: u32,
}
