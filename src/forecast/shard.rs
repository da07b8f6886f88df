//! What a shard will be offered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::flow::ShardFlow;
use crate::kinesis::Profile;
use crate::units::{Rate, Share};

/// What a shard will be offered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShardForecast {
    /// Records per second.
    pub records: Rate,
    /// Bytes per second, partition keys included.
    pub bytes: f64,
    /// The larger of the utilisations by records and by bytes; above 1 is overload.
    pub utilisation: f64,
    /// Share of the records that it refuses at their first attempt.
    #[serde(default)]
    pub throttled: Share,
    /// Share of the seconds in which it refuses one.
    #[serde(default)]
    pub throttled_seconds: Share,
}

impl ShardForecast {
    /// What a flow comes to, against the limits of a shard.
    pub(crate) fn of(flow: &ShardFlow, profile: &Profile) -> Self {
        let by_records = flow.records / flow.packed / profile.write.records_per_second as f64;
        let by_bytes = flow.bytes / profile.write.bytes_per_second as f64;
        let refused = if flow.records > 0.0 { 1.0 - flow.accepted / flow.records } else { 0.0 };
        Self {
            records: Rate(flow.records),
            bytes: flow.bytes,
            utilisation: by_records.max(by_bytes),
            throttled: Share(refused.max(0.0)),
            throttled_seconds: Share(flow.throttled_seconds),
        }
    }
}
