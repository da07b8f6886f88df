//! How full each shard was in each second of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expectation::Expectation;
use super::measured::Measured;
use crate::capacity::BoundName;
use crate::measure::ShardInterval;
use crate::result::{RunResult, ShardRecord};

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

/// The heat map of a run.
pub(super) fn heat(plan: Expectation<'_>, result: &RunResult, measured: &Measured) -> Vec<ShardHeat> {
    let capacity = |name: BoundName| plan.bound(name).map(|bound| bound.capacity_per_shard);
    let records = capacity(BoundName::WriteRecords).unwrap_or(f64::INFINITY);
    let bytes = capacity(BoundName::WriteBytes).unwrap_or(f64::INFINITY);
    let (first, end) = measured.seconds;
    let shard_heat = |(index, shard): (usize, &ShardRecord)| {
        let cells =
            result.measurement.intervals.iter().map(|interval| interval.shards.get(index).copied().unwrap_or_default());
        let cells: Vec<_> = cells.collect();
        let seconds: Vec<f64> = cells.iter().map(|cell| utilisation(cell, records, bytes)).collect();
        let judged: Vec<f64> = seconds
            .iter()
            .zip(0u64..)
            .filter(|(_, second)| (first..end).contains(second))
            .map(|(value, _)| *value)
            .collect();
        let mean = (!judged.is_empty()).then(|| judged.iter().sum::<f64>() / judged.len() as f64);
        ShardHeat {
            shard: shard.id.clone(),
            mean,
            seconds,
            throttled: cells.iter().map(|cell| cell.throttled).collect(),
        }
    };
    // UpdateShardCount makes shards that it closes again in the same moment: they have nothing to show.
    let was_used = |(index, shard): &(usize, &ShardRecord)| {
        *index < plan.forecast.shards.len() || shard.accepted + shard.throttled > 0
    };
    result.measurement.shards.iter().enumerate().filter(was_used).map(shard_heat).collect()
}

/// How full a shard was in a second.
fn utilisation(cell: &ShardInterval, records: f64, bytes: f64) -> f64 {
    let (taken, size) = cell.taken();
    (f64::from(taken) / records).max(f64::from(size) / bytes)
}

/// Mean utilisation of the fullest shard, if a second was judged.
pub(super) fn fullest(heat: &[ShardHeat]) -> Option<f64> {
    heat.iter().filter_map(|shard| shard.mean).max_by(f64::total_cmp)
}
