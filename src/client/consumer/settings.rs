//! What kinds of consumers there are, and how they work.

use std::collections::HashMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service_time::ServiceTime;
use super::wire::{Start, Wire};
use crate::units::{Bytes, Share};

/// How a consumer reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ConsumerKind {
    /// GetRecords on every shard in turn, sharing the read capacity of the shard.
    Polling {
        /// Time between two calls on one shard.
        interval: Duration,
        /// Most records of one answer; the service gives 10,000.
        limit: u32,
    },
    /// Enhanced fan-out: SubscribeToShard on every shard, with its own read capacity.
    Efo,
    /// An application of the Kinesis Client Library: workers that share the shards by leases (fact sheet, section 9.3).
    Kcl {
        /// Workers at the start.
        workers: u32,
        /// Time between two calls on one shard: the library's idleTimeBetweenReadsInMillis.
        idle_time: Duration,
        /// Most records of one answer.
        limit: u32,
        /// How long the lease of a worker lives that says nothing.
        failover_time: Duration,
        /// It reads by enhanced fan-out instead of polling.
        fan_out: bool,
    },
    /// An event source mapping of AWS Lambda (fact sheet, section 6).
    Lambda {
        /// Most records of an invocation.
        batch_size: u32,
        /// How long a batch waits to become full.
        window: Duration,
        /// Invocations at a time per shard; records of a key stay in order.
        parallelization_factor: u32,
        /// A batch that fails is split in two.
        bisect: bool,
        /// Records older than this are discarded instead of tried again.
        maximum_record_age: Option<Duration>,
        /// Batches that are given up are told to an on-failure destination.
        #[serde(default)]
        on_failure: bool,
        /// It reads by enhanced fan-out instead of polling.
        fan_out: bool,
    },
    /// A delivery stream of Amazon Data Firehose: one GetRecords per second and shard, delivered in buffers.
    Firehose {
        /// How long a buffer waits to become full.
        buffer_interval: Duration,
        /// When a buffer is full.
        buffer_bytes: Bytes,
    },
}

impl ConsumerKind {
    /// Whether it reads by enhanced fan-out, and so must be registered.
    pub const fn is_fan_out(&self) -> bool {
        matches!(self, Self::Efo | Self::Kcl { fan_out: true, .. } | Self::Lambda { fan_out: true, .. })
    }

    /// The word for it in scenarios.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Polling { .. } => "polling",
            Self::Efo => "efo",
            Self::Kcl { .. } => "kcl",
            Self::Lambda { .. } => "lambda",
            Self::Firehose { .. } => "firehose",
        }
    }

    /// Time between two GetRecords calls on a shard, and the most records of an answer; `None` for enhanced fan-out.
    ///
    /// Lambda and Firehose call once per second (fact sheet, section 6).
    pub fn polls(&self) -> Option<(Duration, u32)> {
        match self {
            _ if self.is_fan_out() => None,
            Self::Polling { interval, limit } => Some((*interval, *limit)),
            Self::Kcl { idle_time, limit, .. } => Some((*idle_time, *limit)),
            _ => Some((SERVICE_POLL, SERVICE_LIMIT)),
        }
    }

    /// Most records that one answer brings.
    pub fn records_per_answer(&self) -> u32 {
        self.polls().map_or(SERVICE_LIMIT, |(_, limit)| limit)
    }

    /// The same kind, but reading by enhanced fan-out or not; one that polls by itself does so every `interval` at most. Firehose only polls.
    #[must_use]
    pub fn reading(&self, by_fan_out: bool, interval: Duration) -> Self {
        let mut kind = self.clone();
        match &mut kind {
            Self::Kcl { fan_out, .. } | Self::Lambda { fan_out, .. } => *fan_out = by_fan_out,
            Self::Polling { .. } if by_fan_out => kind = Self::Efo,
            Self::Polling { interval: own, .. } => *own = (*own).max(interval),
            Self::Efo if !by_fan_out => kind = Self::Polling { interval, limit: SERVICE_LIMIT },
            Self::Efo | Self::Firehose { .. } => {}
        }
        kind
    }

    /// How many batches of a shard are processed at a time.
    pub const fn lanes(&self) -> u32 {
        match self {
            Self::Lambda { parallelization_factor, .. } => *parallelization_factor,
            _ => 1,
        }
    }
}

/// Lambda's base rate of polling, and Firehose's: one call per second and shard (fact sheet, sections 1.3 and 6).
const SERVICE_POLL: Duration = Duration::from_secs(1);
const SERVICE_LIMIT: u32 = 10_000;

/// What a consumer application does with what it has read. All of it is simulated: the consumer waits as long as the work
/// would take.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Processing {
    /// Time for a batch, whatever is in it.
    pub per_batch: ServiceTime,
    /// Time for each of its records.
    pub per_record: ServiceTime,
    /// Share of the attempts at a batch that fail by chance.
    pub failure: Share,
    /// Share of the records that fail every batch that they are in.
    pub poison: Share,
    /// Attempts at a batch, the first one included; `None` repeats until the records are too old.
    pub attempts: Option<u32>,
    /// Pause before the next attempt.
    pub retry_delay: Duration,
}

impl Processing {
    /// Whether it takes no time and never fails.
    pub fn is_immediate(&self) -> bool {
        let takes_time = self.per_batch != ServiceTime::None || self.per_record != ServiceTime::None;
        !takes_time && self.failure.0 == 0.0 && self.poison.0 == 0.0
    }
}

/// When a consumer notes how far it has got. What it has processed since then is delivered again after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Checkpoint {
    /// After every batch.
    #[default]
    EachBatch,
    /// After a batch, if the last time was this long ago.
    Every(Duration),
    /// Never: after an interruption it starts where it started.
    Never,
}

/// What a consumer application is made of.
#[derive(Debug, Clone)]
pub struct Application<W: Wire> {
    /// Its name; keeps its random choices apart from those of others.
    pub name: String,
    /// How it reads.
    pub kind: ConsumerKind,
    /// Where it starts in each shard that is there when it starts.
    pub start: Start<W::Sequence>,
    /// Where it starts in particular shards instead.
    pub starts: HashMap<W::Shard, Start<W::Sequence>>,
    /// What it does with the records.
    pub processing: Processing,
    /// When it notes how far it has got.
    pub checkpoint: Checkpoint,
    /// How soon the service takes a further subscription to a shard.
    pub resubscribe_after: Duration,
    /// How long a subscription lives.
    pub subscription_life: Duration,
}
