//! A scenario: what is asked of a stream, as typed and validated values.
//!
//! [`parse`] reads TOML and reports every mistake at once, each with its place in the file. What it returns cannot be wrong:
//! nothing below this layer validates a scenario again.

mod autoscaling;
mod builtin;
mod consumer;
mod decode;
mod diagnostics;
mod draft;
mod overrides;
mod reader;
mod settings;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use autoscaling::{Autoscaling, ScalingRule};
pub use builtin::{BUILT_IN, BuiltIn, NOT_BUILT_IN, SCHEMA, built_in, nearest_built_in};
pub use consumer::{Action, Consumer, Event, InterruptionKind, ShardChoice, StartingPosition};
pub use diagnostics::{Diagnostic, Diagnostics, Place};
pub use draft::Draft;
pub use settings::settings;

use crate::client::{Overload, ProducerSettings};
use crate::kinesis::{FaultRule, HashKeyRange, Profile, StreamMode};
use crate::measure::EventRecord;
use crate::seed::Seed;
use crate::time::Time;
use crate::units::{self, Bytes, Rate, Share};
use crate::workload::{Filling, Keys, Schedule, Sizes, Tenants, Trace, Workload};

/// What is asked: one stream, the load on it, who reads it, and what counts as good.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Name of the scenario: the name of its file without the extension.
    pub name: String,
    /// The question that it answers, in the author's words.
    pub question: Option<String>,
    /// Seed of every random choice.
    pub seed: Seed,
    /// The stream under test.
    pub stream: Stream,
    /// How much load, and when.
    pub load: Load,
    /// Sizes of the records.
    pub sizes: Sizes,
    /// What fills the records.
    pub filling: Filling,
    /// Partition keys of the records.
    pub keys: Keys,
    /// Who shares the load, if it has tenants.
    pub tenants: Option<Tenants>,
    /// The recorded arrivals that the load replays, if it replays a trace.
    pub trace: Option<Trace>,
    /// How records become API calls.
    pub producer: ProducerSettings,
    /// Who reads the stream.
    pub consumers: Vec<Consumer>,
    /// What the embedded emulator does wrong, and when; times count from the start of the load.
    pub faults: Vec<FaultRule>,
    /// What happens during the run, in the order of time.
    pub events: Vec<Event>,
    /// What the bill is reckoned for.
    pub cost: Costing,
    /// How the number of shards would follow the load, if the planner is to say what that comes to.
    pub autoscaling: Option<Autoscaling>,
    /// How full a shard may be in the shards that the planner recommends: as it is told, or as the objective says, if that is less.
    pub target_utilisation: Share,
    /// What counts as good.
    pub objectives: Objectives,
    /// The text of the file, kept with every result.
    pub source: String,
    /// What was set on top of it, as `key=value`.
    pub overrides: Vec<String>,
}

impl Scenario {
    /// The arrivals that the scenario asks for.
    pub fn workload(&self) -> Workload {
        self.workload_on(&[])
    }

    /// The same on a stream that has these open shards when the load begins: explicit hash keys that are one for each shard are those
    /// in the middle of them.
    pub fn workload_on(&self, shards: &[HashKeyRange]) -> Workload {
        let middles: Vec<u128> = shards.iter().map(|range| range.middle().0).collect();
        let end = Time::ZERO + self.load.duration;
        Workload::new(self.load.schedule.clone(), self.keys.on_shards(&middles), self.sizes.clone(), end, self.seed)
    }

    /// Most records that may be offered.
    pub fn most_records(&self) -> u64 {
        if self.load.closed_loop.is_some() { MOST_RECORDS } else { self.workload().count() }
    }

    /// The same with `factor` times the load; `None` for recorded arrivals and closed loops, which have no rate to change.
    pub fn with_load(&self, factor: f64) -> Option<Self> {
        let schedule = self.load.schedule.scaled(factor).filter(|_| self.load.closed_loop.is_none())?;
        Some(Self { load: Load { schedule, ..self.load.clone() }, ..self.clone() })
    }

    /// Mean rate of the load.
    pub fn mean_rate(&self) -> Rate {
        Rate(self.workload().count() as f64 / self.load.duration.as_secs_f64().max(1e-9))
    }

    /// Whether an event stops or starts a consumer.
    pub fn interrupts(&self, consumer: &Consumer) -> bool {
        self.events
            .iter()
            .any(|event| matches!(&event.action, Action::Consumer { consumer: name, .. } if *name == consumer.name))
    }

    /// When a consumer starts that starts with an event, and not with the run.
    pub fn joins(&self, consumer: &Consumer) -> Option<Time> {
        let first = self.events.iter().find_map(|event| match &event.action {
            Action::Consumer { consumer: name, interruption, .. } if *name == consumer.name => {
                Some((event.at, *interruption))
            }
            _ => None,
        });
        first.filter(|(_, interruption)| *interruption == InterruptionKind::Start).map(|(at, _)| at)
    }

    /// `happened` with the windows of the faults, in the order of time.
    pub fn with_faults(&self, happened: &[EventRecord]) -> Vec<EventRecord> {
        let fault = |rule: &FaultRule| EventRecord {
            at: rule.from,
            until: (rule.until < Time::NEVER).then_some(rule.until),
            label: format!("fault: {}", rule.kind.label()),
            problem: None,
            reshards: false,
            ..EventRecord::default()
        };
        let mut events: Vec<EventRecord> = happened.iter().cloned().chain(self.faults.iter().map(fault)).collect();
        events.sort_by_key(|event| event.at);
        events
    }
}

/// The stream under test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stream {
    /// An existing stream to use. Without it the run creates its own and deletes it at the end.
    pub name: Option<String>,
    /// Capacity mode.
    pub mode: StreamMode,
    /// Number of shards; four for a new on-demand stream.
    pub shards: u32,
    /// Largest record, data and partition key together.
    #[serde(default)]
    pub max_record_size: Bytes,
    /// The service spreads the records over the shards (AUTO) instead of their partition keys.
    #[serde(default)]
    pub auto_distribution: bool,
    /// The account has the minimum throughput billing commitment (On-demand Advantage), without which no stream can be warmed.
    #[serde(default)]
    pub commitment: bool,
    /// How long changes of the stream take while load is offered, as a multiple of what they take on AWS; the embedded emulator
    /// and the simulator obey.
    #[serde(default)]
    pub transitions: f64,
}

/// What the bill is reckoned for; a run changes none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Costing {
    /// The region whose prices count.
    pub region: String,
    /// How long the stream keeps records, a day at least.
    pub retention: Duration,
    /// Shard-level metrics that are switched on, of seven.
    pub shard_level_metrics: u32,
}

/// How much load, and when.
#[derive(Debug, Clone)]
pub struct Load {
    /// When each record is due.
    pub schedule: Schedule,
    /// How long load is offered, warm-up included.
    pub duration: Duration,
    /// The first part of the run, sent but not judged.
    pub warm_up: Duration,
    /// How long to wait after the last record for answers and consumers.
    pub drain: Duration,
    /// The run is void when the 99th percentile of the generator's own lateness is above this.
    pub lateness_bound: Duration,
    /// What happens to a backlog.
    pub overload: Overload,
    /// Producers that each send a batch as soon as the one before is done, in place of a rate. The schedule is then the rate
    /// that Little's law makes of the profile's latency, for the prediction only.
    pub closed_loop: Option<u32>,
}

/// Most shards of a scenario: more need another kind of test. UpdateShardCount stops here, too.
pub(crate) const MOST_SHARDS: u32 = 10_000;

/// Most records of a run: the ledger has a bit for each.
pub(crate) const MOST_RECORDS: u64 = 4_000_000_000;

/// Objectives; a missing one is not judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Objectives {
    /// Highest share of record attempts that may be throttled.
    pub throttled: Option<Share>,
    /// Highest median of put response time, counted from the intended time.
    pub put_p50: Option<Duration>,
    /// Highest 99th percentile of put response time.
    pub put_p99: Option<Duration>,
    /// Highest 99.9th percentile of put response time.
    pub put_p999: Option<Duration>,
    /// Highest 99th percentile of end-to-end lag, for every consumer.
    pub lag_p99: Option<Duration>,
    /// Highest growth of the lag, for every consumer: time that it may fall behind in each unit of time.
    #[serde(default)]
    pub lag_trend: Option<Share>,
    /// Highest utilisation of the write capacity of a shard, over ten seconds.
    #[serde(default)]
    pub utilisation: Option<Share>,
    /// Whether every accepted record must reach every consumer exactly once.
    pub delivery: Option<Delivery>,
    /// Most accepted records that a consumer may never see.
    #[serde(default)]
    pub lost: Option<Allowance>,
    /// Most records that may reach a consumer again.
    #[serde(default)]
    pub duplicates: Option<Allowance>,
    /// Whether every consumer must get the records of a key in the order in which they were due.
    #[serde(default)]
    pub order_per_key: bool,
    /// Most US dollars a month, as the planner reckons them.
    #[serde(default)]
    pub cost_per_month: Option<f64>,
}

impl Objectives {
    /// Share of record attempts that may be throttled where no objective says it: what a plan sizes a stream for.
    pub const USUAL_THROTTLED: Share = Share(0.001);

    /// Highest share of record attempts that may be throttled.
    pub fn allowed_throttling(&self) -> Share {
        self.throttled.unwrap_or(Self::USUAL_THROTTLED)
    }
}

/// How many of some records are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Allowance {
    /// So many.
    Count(u64),
    /// Such a share of them.
    Share(Share),
}

impl Allowance {
    /// Whether `found` of `all` are allowed.
    pub fn allows(self, found: u64, all: u64) -> bool {
        match self {
            Self::Count(most) => found <= most,
            // A share that is met exactly may come out a hair less.
            Self::Share(most) => found as f64 <= most.0 * all as f64 * (1.0 + 1e-12),
        }
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(most) => f.write_str(&units::count(*most)),
            Self::Share(most) => most.fmt(f),
        }
    }
}

/// What the delivery check demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Every accepted record reaches every consumer at least once; retries may duplicate.
    Complete,
    /// Every accepted record reaches every consumer exactly once.
    ExactlyOnce,
}

/// Reads a scenario from the TOML text of the file at `path`, after applying `overrides` (`load.rate="500/s"`).
///
/// The path names the file in messages and is where a relative trace path starts from.
///
/// # Errors
/// All mistakes of the file at once.
pub fn parse(path: &Path, text: &str, overrides: &[String], profile: &Profile) -> Result<Scenario, Diagnostics> {
    decode::scenario(path, text, overrides, profile)
}
