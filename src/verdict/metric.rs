//! What is judged, compared or halved.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::capacity::BoundName;
use crate::units::Quantity;

/// A figure of a run, and of what was expected of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Metric {
    /// Shards needed and recommended, against those of the stream.
    Shards,
    /// Records offered per second.
    OfferedRecords,
    /// Records accepted per second.
    AcceptedRecords,
    /// Share of the records that were not accepted while load was offered.
    NotAccepted,
    /// Share of the records that were not accepted at their first attempt.
    NotAcceptedAtFirst,
    /// Share of the seconds in which a shard throttled.
    ThrottledSeconds,
    /// Share of the attempts that were throttled.
    ThrottledAttempts,
    /// How full a bound is.
    Utilisation {
        /// Which one.
        bound: BoundName,
    },
    /// Mean utilisation of the fullest shard.
    FullestShard,
    /// Utilisation of the fullest shard over ten seconds.
    FullestShardBriefly,
    /// Half of the records were acknowledged within it.
    PutP50,
    /// 99 of 100 records were acknowledged within it.
    PutP99,
    /// 999 of 1,000 records were acknowledged within it.
    PutP999,
    /// The mean over the seconds of the 99th percentile of the response time of puts.
    PutResponseP99,
    /// Mean end-to-end lag.
    MeanLag {
        /// Of this consumer.
        consumer: String,
    },
    /// 99th percentile of the end-to-end lag.
    LagP99 {
        /// Of this consumer.
        consumer: String,
    },
    /// How the lag grows.
    LagTrend {
        /// Of this consumer.
        consumer: String,
    },
    /// How long it took to catch up.
    CatchUp {
        /// The consumer.
        consumer: String,
        /// How long it had been down.
        down: Quantity,
    },
    /// Order of the records of each key.
    Order {
        /// As this consumer got them.
        consumer: String,
    },
    /// Whether records arrive, and once.
    Delivery {
        /// At this consumer.
        consumer: String,
    },
    /// Records that never arrive.
    Lost {
        /// At this consumer.
        consumer: String,
    },
    /// Records that arrive more than once.
    Duplicates {
        /// At this consumer.
        consumer: String,
    },
    /// US dollars a month.
    CostPerMonth,
    /// US dollars of the judged part of the run.
    CostOfRun,
    /// Records of which nobody knows whether they were accepted.
    RecordsWithoutAnswer,
}

/// Its name for people.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Shards => "shards",
            Self::OfferedRecords => "offered records",
            Self::AcceptedRecords => "accepted records",
            Self::NotAccepted => "not accepted while load was offered",
            Self::NotAcceptedAtFirst => "not accepted at the first attempt",
            Self::ThrottledSeconds => "seconds that throttled",
            Self::ThrottledAttempts => "throttled attempts",
            Self::Utilisation { bound } => return f.pad(&format!("utilisation: {bound}")),
            Self::FullestShard => "utilisation: fullest shard",
            Self::FullestShardBriefly => "utilisation of the fullest shard",
            Self::PutP50 => "put p50",
            Self::PutP99 => "put p99",
            Self::PutP999 => "put p99.9",
            Self::PutResponseP99 => "put response p99",
            Self::MeanLag { consumer } => return f.pad(&format!("mean lag of {consumer}")),
            Self::LagP99 { consumer } => return f.pad(&format!("lag p99 of {consumer}")),
            Self::LagTrend { consumer } => return f.pad(&format!("lag trend of {consumer}")),
            Self::CatchUp { consumer, down } => return f.pad(&format!("catch-up of {consumer} after {down}")),
            Self::Order { consumer } => return f.pad(&format!("order for {consumer}")),
            Self::Delivery { consumer } => return f.pad(&format!("delivery to {consumer}")),
            Self::Lost { consumer } => return f.pad(&format!("lost to {consumer}")),
            Self::Duplicates { consumer } => return f.pad(&format!("duplicates to {consumer}")),
            Self::CostPerMonth => "cost a month",
            Self::CostOfRun => "cost of the run",
            Self::RecordsWithoutAnswer => "records without an answer",
        };
        f.pad(name)
    }
}
