//! The consumers of a scenario, and what happens during a run.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Delivery;
use crate::client::{Checkpoint, ConsumerKind, Interruption, Processing};
use crate::kinesis::StreamMode;
use crate::measure::EventRecord;
use crate::time::Time;
use crate::units::Share;

/// A consumer application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Consumer {
    /// Its name, unique in the scenario.
    pub name: String,
    /// How it reads.
    #[serde(flatten)]
    pub kind: ConsumerKind,
    /// Where it starts; without one, at the oldest record of a stream of the run's own, and at the tip of another one.
    #[serde(default)]
    pub start: Option<StartingPosition>,
    /// What it does with the records.
    #[serde(default)]
    pub processing: Processing,
    /// When it notes how far it has got.
    #[serde(default)]
    pub checkpoint: Checkpoint,
    /// How many of the last records an idempotent consumer recognises when they come again; `None` is not looked at.
    #[serde(default)]
    pub dedupe_window: Option<usize>,
    /// Highest 99th percentile of its lag, in place of the one for all consumers.
    #[serde(default)]
    pub lag_p99: Option<Duration>,
    /// By how much of the time its lag may grow, in place of what holds for all consumers.
    #[serde(default)]
    pub lag_trend: Option<Share>,
    /// Whether every accepted record must reach it, in place of what holds for all consumers.
    #[serde(default)]
    pub delivery: Option<Delivery>,
    /// Whether it must get the records of a key in the order in which they were due, in place of what holds for all consumers.
    #[serde(default)]
    pub order_per_key: Option<bool>,
}

/// Where a consumer starts to read: the positions of GetShardIterator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StartingPosition {
    /// TRIM_HORIZON: with the oldest record.
    TrimHorizon,
    /// LATEST: with the next record.
    Latest,
    /// AT_TIMESTAMP: with the first record put so long before the consumer starts, or later.
    Ago(Duration),
    /// AT_TIMESTAMP: with the first record put so long after the beginning of 1970, or later.
    Timestamp(Duration),
    /// AT_SEQUENCE_NUMBER: with the record of this number in each shard; TRIM_HORIZON in other shards.
    AtSequenceNumber(BTreeMap<String, String>),
    /// AFTER_SEQUENCE_NUMBER: after the record of this number in each shard; TRIM_HORIZON in other shards.
    AfterSequenceNumber(BTreeMap<String, String>),
}

/// Something that happens during a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When, from the start of the load.
    pub at: Time,
    /// What.
    #[serde(flatten)]
    pub action: Action,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    /// SplitShard.
    SplitShard {
        /// Which shard.
        shard: ShardChoice,
        /// Where its hash key range is cut, as a part of it.
        cut: Share,
    },
    /// MergeShards, with the shard after it in hash key order.
    MergeShards {
        /// Which shard.
        shard: ShardChoice,
    },
    /// UpdateShardCount.
    UpdateShardCount {
        /// To how many.
        shards: u32,
    },
    /// UpdateStreamMode.
    UpdateStreamMode {
        /// To which mode.
        mode: StreamMode,
    },
    /// UpdateStreamWarmThroughput.
    UpdateWarmThroughput {
        /// MiB/s.
        mib_per_second: u32,
    },
    /// A consumer is interrupted, or goes on.
    Consumer {
        /// Its name.
        consumer: String,
        /// What happens to it.
        interruption: InterruptionKind,
        /// Number of the worker that dies.
        worker: u32,
    },
}

/// Which open shard is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShardChoice {
    /// The one with this place among the open shards, in hash key order, from 0.
    Place(u32),
    /// The one that has taken the most bytes in the run so far.
    Hottest,
}

/// [`Interruption`], as a scenario says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the variants are those of Interruption")]
pub enum InterruptionKind {
    Stop,
    Kill,
    Start,
    KillWorker,
    AddWorker,
}

impl InterruptionKind {
    /// As the consumer takes it.
    pub const fn of(self, worker: u32) -> Interruption {
        match self {
            Self::Stop => Interruption::Stop,
            Self::Kill => Interruption::Kill,
            Self::Start => Interruption::Start,
            Self::KillWorker => Interruption::KillWorker(worker),
            Self::AddWorker => Interruption::AddWorker,
        }
    }
}

impl Action {
    /// Whether it changes the shards of the stream.
    pub const fn reshards(&self) -> bool {
        matches!(self, Self::SplitShard { .. } | Self::MergeShards { .. } | Self::UpdateShardCount { .. })
    }

    /// The record of it, which has begun at `now`.
    pub fn begun(&self, now: Time) -> EventRecord {
        EventRecord { at: now, label: self.label(), reshards: self.reshards(), ..EventRecord::default() }
    }

    /// The record of it, which still waited for the change before it when the run ended at `now`.
    pub fn never_begun(&self, now: Time) -> EventRecord {
        let problem = "the run ended while the stream was UPDATING, before this could begin".to_owned();
        EventRecord { problem: Some(problem), until: Some(now), ..self.begun(now) }
    }

    /// A few words for charts.
    pub fn label(&self) -> String {
        let choice = |shard: &ShardChoice| match shard {
            ShardChoice::Place(place) => format!("shard {place}"),
            ShardChoice::Hottest => "the hottest shard".to_owned(),
        };
        match self {
            Self::SplitShard { shard, .. } => format!("split {}", choice(shard)),
            Self::MergeShards { shard } => format!("merge {}", choice(shard)),
            Self::UpdateShardCount { shards } => format!("{shards} shards"),
            Self::UpdateStreamMode { mode: StreamMode::OnDemand } => "on-demand".to_owned(),
            Self::UpdateStreamMode { mode: StreamMode::Provisioned } => "provisioned".to_owned(),
            Self::UpdateWarmThroughput { mib_per_second } => format!("warm {mib_per_second} MiB/s"),
            Self::Consumer { consumer, interruption, worker } => match interruption {
                InterruptionKind::Stop => format!("{consumer} stops"),
                InterruptionKind::Kill => format!("{consumer} dies"),
                InterruptionKind::Start => format!("{consumer} starts"),
                InterruptionKind::KillWorker => format!("worker {worker} of {consumer} dies"),
                InterruptionKind::AddWorker => format!("a worker joins {consumer}"),
            },
        }
    }
}
