//! The planner: what the analytical model predicts for a scenario, and what a run says about the prediction.

mod agreement;
mod autoscaling;
mod bounds;
mod burst;
mod capacity;
mod catch_up;
mod comparison;
mod concerns;
mod cost;
mod cost_forecast;
mod cures;
mod demand;
mod diagnosis;
mod flow;
mod frontier;
#[cfg(test)]
mod grids;
mod judge;
mod jumps;
mod lag;
mod objectives;
mod observed;
mod packing;
mod placement;
mod processing;
mod put_latency;
mod quotas;
mod sizing;
mod skew;
mod steadiness;
mod trend;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use agreement::{Agreement, Calibration};
pub use autoscaling::{ScalingForecast, ScalingMinute, ScalingOption};
pub use capacity::{expected_load, predict};
pub use catch_up::CatchUp;
pub use concerns::concerns;
pub use cost::{Bill, BillLine, HOURS_PER_MONTH, Reader, Tariff, Usage, bill};
pub use cost_forecast::{CostForecast, ReadingCost};
pub use diagnosis::{Cause, Cure, Limit, ThrottleCause, diagnose};
pub use frontier::{Configuration, ReaderAdvice, ReadingChoice, Recommendation};
pub use judge::{judge, void_reasons};
pub use put_latency::PutForecast;
pub use sizing::Salting;
pub use skew::{SkewForecast, SkewRow};
pub use steadiness::{Halves, HalvesUnit, Steadiness};

use crate::units::{Rate, Share};

/// What the analytical model predicts for a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Fewest shards that carry the load if it spreads evenly, by the bound that needs the most.
    pub required_shards: u32,
    /// Shards to order: the fewest of which none is fuller than [`Plan::target_utilisation`], with the keys where they hash to.
    pub recommended_shards: u32,
    /// Whether they do: with a key that is too hot for one shard no number does, and the recommended one is that of an even spread.
    #[serde(default = "yes")]
    pub attainable: bool,
    /// Where they do not: what spreading the keys comes to.
    #[serde(default)]
    pub salting: Option<Salting>,
    /// Shards of the scenario.
    pub scenario_shards: u32,
    /// The utilisation that the recommendation plans for.
    pub target_utilisation: Share,
    /// Name of the bound that asks for the most shards, or of one that is more than used up and that more shards do not help.
    pub binding: String,
    /// Every bound, in a fixed order.
    pub bounds: Vec<Bound>,
    /// What each shard of the scenario will be offered, in hash key order.
    pub shards: Vec<ShardForecast>,
    /// How full the fullest shard is for other numbers of shards; `None` where partition keys do not decide it, or there are too
    /// many to place each.
    pub skew: Option<SkewForecast>,
    /// Mean record rate from the end of the warm-up to the end of the load.
    pub offered_rate: Rate,
    /// Mean rate accepted over the same time: each shard takes what its burst and its rate allow.
    pub accepted_rate: Rate,
    /// Share of the records beyond what their shard can take: `1 - accepted_rate / offered_rate`.
    pub overload_share: Share,
    /// Share of the seconds in which a shard throttles, on average.
    #[serde(default)]
    pub throttled_seconds: Share,
    /// How many of the recommended shards are there for moments and not for averages.
    #[serde(default)]
    pub shards_for_bursts: u32,
    /// Predicted response time of puts.
    #[serde(default)]
    pub put: PutForecast,
    /// Predicted end-to-end lag, one entry per consumer.
    pub lags: Vec<LagForecast>,
    /// What it costs in a month of such load.
    pub cost: CostForecast,
    /// Ways to set up the scenario, the cheapest first.
    #[serde(default)]
    pub frontier: Vec<Configuration>,
    /// The way to take; `None` if none that the model knows meets the objectives, or no price of the region is known.
    #[serde(default)]
    pub recommendation: Option<Recommendation>,
    /// What would help the fullest shard, if it is too full; the cheapest first.
    #[serde(default)]
    pub cures: Vec<Cure>,
    /// What a scaling policy would come to, if the scenario has one.
    #[serde(default)]
    pub autoscaling: Option<ScalingForecast>,
    /// Records in each Kinesis record, on average over the shards; 1 without aggregation.
    pub records_per_kinesis_record: f64,
    /// Standard deviation of the sizes of the records over their mean.
    #[serde(default)]
    pub size_variation: f64,
    /// Index of dispersion (variance over mean) of the counts of records due in the tenths of a second, about the mean of each second;
    /// `None` where none is due or due moments depend on the answers.
    #[serde(default)]
    pub dispersion: Option<f64>,
    /// What the prediction rests on and leaves out, in full sentences.
    pub assumptions: Vec<String>,
}

impl Plan {
    /// The bound of that name, if the scenario has it.
    pub fn bound(&self, name: &str) -> Option<&Bound> {
        self.bounds.iter().find(|bound| bound.name == name)
    }

    /// Records per second that are offered in the busiest second, for which bounds are.
    pub(crate) fn busiest_rate(&self) -> Option<f64> {
        Some(self.bound("write records")?.demand * self.records_per_kinesis_record)
    }

    /// Mean bytes of a record, partition key included.
    pub(crate) fn record_bytes(&self) -> Option<f64> {
        Some(self.bound("write bytes")?.demand / self.busiest_rate()?.max(1e-9))
    }
}

const fn yes() -> bool {
    true
}

/// One limit of the service against the demand of the scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// Short name: `write bytes`, `write records`, `shared read bytes`, …
    pub name: String,
    /// What is counted: `bytes/s`, `records/s`, `calls/s`.
    pub unit: String,
    /// What the scenario asks for over the whole stream.
    pub demand: f64,
    /// What one shard gives; what there is in all, where that does not go by shards.
    pub capacity_per_shard: f64,
    /// What the shards of the scenario give together, or the quota.
    pub capacity: f64,
    /// Demand over the capacity of the scenario's shards.
    pub utilisation: Share,
    /// Fewest shards that carry the demand if it spreads evenly; `None` where more shards do not help.
    pub shards: Option<u32>,
    /// Where the limit comes from and what the figure means.
    pub note: String,
}

impl Bound {
    /// The part of the capacity that is left; negative if more is asked for than there is.
    pub fn headroom(&self) -> Share {
        Share(1.0 - self.utilisation.0)
    }
}

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

/// Predicted end-to-end lag of a consumer, seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LagForecast {
    /// Name of the consumer.
    pub consumer: String,
    /// Mean lag, nanoseconds; `None` where it grows without bound because the consumer cannot keep up.
    pub mean: Option<u64>,
    /// How the figure is made up.
    pub note: String,
    /// What becomes of the consumer when it has been down.
    pub catch_up: CatchUp,
}

/// A plan against a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// What the verdict comes to.
    pub conclusion: Conclusion,
    /// One sentence for people.
    pub sentence: String,
    /// Why the run does not count, in full sentences; empty for a valid run.
    pub void_reasons: Vec<String>,
    /// Where the generator came near its own limits, in full sentences.
    pub generator_notes: Vec<String>,
    /// Each objective of the scenario.
    pub objectives: Vec<ObjectiveResult>,
    /// Predicted and measured side by side.
    pub comparison: Vec<Comparison>,
    /// What the comparison comes to; `None` if nothing could be judged.
    pub calibration: Option<Calibration>,
    /// Why attempts were throttled, the worst first; empty if none were, or if it was not asked for ([`diagnose`]).
    pub throttling: Vec<ThrottleCause>,
    /// The halves of the run side by side; `None` if it was too short to tell.
    #[serde(default)]
    pub steadiness: Option<Steadiness>,
    /// Utilisation of each shard per second, 1 for a full shard, in the order of the result's shards: the heat map.
    pub heat: Vec<ShardHeat>,
}

impl Verdict {
    /// Mean utilisation of the fullest shard, 1 for a full one; `None` if no second was judged.
    pub fn fullest_shard(&self) -> Option<f64> {
        judge::fullest(&self.heat)
    }
}

/// What a verdict comes to; the exit code follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// The run is valid and meets every objective (or has none).
    Met,
    /// The run is valid and misses an objective, could not measure one, or had nothing accepted of what it offered.
    Missed,
    /// The run does not count.
    Void,
}

/// An objective and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveResult {
    /// What is judged, such as `put p99` or `lag p99 of fraud`.
    pub name: String,
    /// The limit, for people.
    pub limit: String,
    /// What was measured, for people.
    pub measured: String,
    /// Whether it is met.
    pub status: ObjectiveStatus,
    /// Why it could not be measured, or what to know about the figure.
    pub note: Option<String>,
}

/// Whether an objective is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveStatus {
    /// It is.
    Pass,
    /// It is not.
    Fail,
    /// The run does not allow to say.
    NotMeasurable,
}

/// One row of prediction against measurement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// What is compared.
    pub name: String,
    /// The prediction, for people.
    pub predicted: String,
    /// The measurement, for people.
    pub measured: String,
    /// Measured over predicted minus one, where both are numbers.
    pub difference: Option<f64>,
    /// What the measurement says of the prediction; `None` where there is nothing to judge.
    pub agreement: Option<Agreement>,
    /// How far they may be apart to agree, for people.
    pub tolerance: Option<String>,
    /// Why they differ, where the model knows.
    pub note: Option<String>,
}

/// A row of the heat map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShardHeat {
    /// `shardId-…`.
    pub shard: String,
    /// Mean of `seconds` from the end of the warm-up to the end of the load; `None` if no whole second lies between.
    pub mean: Option<f64>,
    /// Utilisation by accepted records or bytes, whichever is larger, one value per second. The result has what it is made
    /// from, so it is not written again.
    #[serde(skip)]
    pub seconds: Vec<f64>,
    /// Attempts throttled, one value per second; not written either.
    #[serde(skip)]
    pub throttled: Vec<u32>,
}
