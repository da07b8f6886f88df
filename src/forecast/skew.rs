//! How full the fullest shard is for any number of shards: keys stay together, so they do not spread evenly.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::placement::Placement;
use crate::scenario::MOST_SHARDS;
use crate::workload::Keys;

/// Numbers of shards that are tried: up to so many times those that an even spread needs, and so many more.
const TRIED_TIMES: u32 = 4;
const TRIED_MORE: u32 = 64;
/// Key ranges that are looked at in all, so that a plan takes milliseconds.
const MOST_RANGES: u64 = 200_000;

/// How the load spreads over any number of shards of equal width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SkewForecast {
    /// Some numbers of shards, ascending.
    pub rows: Vec<SkewRow>,
    /// Fewest shards of which none is fuller than the target in the busiest second; `None` if none of the numbers that were tried does.
    pub fewest: Option<u32>,
    /// How full the hottest key alone makes its shard: no number of shards gets below it.
    pub floor: f64,
    /// Most shards up to which the fullest has no more than [`Self::IMBALANCE`] times the mean; the most that was tried, if there is no end to it.
    #[serde(default)]
    pub balanced_up_to: u32,
    /// Beyond so many shards more of them do not help: the hottest key alone fills more than its even part. `None` where no key does
    /// within what UpdateShardCount allows.
    #[serde(default)]
    pub useful_up_to: Option<u32>,
    /// Partition keys to make of the hottest one (`key#0`, `key#1`, …) so that it alone stays under the target; 1 if it does.
    pub salts: u32,
}

impl SkewForecast {
    /// The fullest shard over the mean of all, up to which a stream counts as balanced.
    pub const IMBALANCE: f64 = 1.25;
}

/// The fullest shard of so many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SkewRow {
    /// Shards of equal width.
    pub shards: u32,
    /// Utilisation of the fullest one in the busiest second; above 1 is overload.
    pub fullest: f64,
    /// The same where the keys fall worse, which they do with a chance of one in a hundred; `fullest` itself where every key is placed.
    #[serde(default)]
    pub fullest_p99: f64,
    /// The same over the mean of all shards: 1 is an even spread.
    pub imbalance: f64,
}

/// How the load on `keys`, which are placed so and of which all together fill `load` shards in the busiest second, spreads over shards. `None`
/// where the partition keys do not decide it.
pub(crate) fn skew(
    keys: &Keys,
    placement: &Placement,
    top_share: f64,
    load: f64,
    target: f64,
    asked: &[u32],
) -> Option<SkewForecast> {
    // Explicit hash keys are made for the shards that there are, and a hot key that moves is everywhere once.
    if keys.hash_keys().is_some() || matches!(keys, Keys::MovingHotKey { .. }) {
        return None;
    }
    let even = (load / target).ceil().max(1.0) as u32;
    let last = even.saturating_mul(TRIED_TIMES).saturating_add(TRIED_MORE).min(MOST_SHARDS);
    let floor = top_share * load;
    let mut looked = 0;
    let fits = |shards: &u32| placement.fullest(*shards).p99 * load <= target + 1e-9;
    let within = |shards: &u32| {
        looked += u64::from(*shards);
        looked <= MOST_RANGES
    };
    // One by one where that is quick, and else by half a percent.
    let next = |shards: &u32| Some(shards + (shards / 200).max(1));
    let tried = std::iter::successors(Some(even), next).take_while(|shards| *shards <= last);
    let fewest = if floor > target + 1e-9 { None } else { tried.take_while(within).find(fits) };
    let mut numbers: Vec<u32> = asked.iter().copied().chain(fewest).filter(|shards| *shards > 0).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let row = |shards: u32| {
        let fullest = placement.fullest(shards);
        SkewRow {
            shards,
            fullest: fullest.share * load,
            fullest_p99: fullest.p99 * load,
            imbalance: fullest.share * f64::from(shards),
        }
    };
    let balanced = |shards: &u32| placement.fullest(*shards).p99 * f64::from(*shards) <= SkewForecast::IMBALANCE + 1e-9;
    let mut looked = 0;
    let few_enough = |shards: &u32| {
        looked += u64::from(*shards);
        looked <= MOST_RANGES / 4
    };
    let counted = std::iter::successors(Some(1u32), |shards| Some(shards + (shards / 20).max(1)));
    let counted = counted.take_while(|shards| *shards <= last.max(even)).take_while(few_enough);
    let balanced_up_to = counted.take_while(balanced).last().unwrap_or(1);
    let useful_up_to =
        (top_share > 0.0).then(|| (1.0 / top_share).ceil()).filter(|shards| *shards <= f64::from(MOST_SHARDS));
    Some(SkewForecast {
        balanced_up_to,
        useful_up_to: useful_up_to.map(|shards| shards as u32),
        rows: numbers.into_iter().map(row).collect(),
        fewest,
        floor,
        salts: (floor / target - 1e-9).ceil().max(1.0) as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Share;

    fn skew_of(keys: &Keys, load: f64, asked: &[u32]) -> Option<SkewForecast> {
        skew(keys, &Placement::new(keys, 0), keys.top_share(0), load, 0.8, asked)
    }

    #[test]
    fn the_fewest_shards_keep_each_under_the_target_and_fewer_do_not() {
        let keys = Keys::zipf(10_000, 0.8).unwrap();
        let forecast = skew_of(&keys, 10.0, &[13]).unwrap();
        let fewest = forecast.fewest.unwrap();
        assert!(fewest > 13, "an even spread would do with 13");
        let placed = Placement::new(&keys, 0);
        assert!(placed.fullest(fewest).share * 10.0 <= 0.8 + 1e-9);
        assert!((13..fewest).all(|shards| placed.fullest(shards).share * 10.0 > 0.8));
        assert_eq!(forecast.rows.iter().map(|row| row.shards).collect::<Vec<_>>(), [13, fewest]);
        assert!(forecast.rows[0].imbalance > 1.0);
    }

    #[test]
    fn a_key_that_is_too_hot_asks_for_salt_and_not_for_shards() {
        let forecast = skew_of(&Keys::hot_key(1_000, Share(0.5)), 4.0, &[5]).unwrap();
        assert_eq!((forecast.fewest, forecast.salts), (None, 3));
        assert!((forecast.floor - 2.0).abs() < 1e-9);
    }

    #[test]
    fn of_millions_of_keys_the_fullest_shard_is_a_little_fuller_than_the_mean() {
        let forecast = skew_of(&Keys::uniform(10_000_000), 4.0, &[5]).unwrap();
        let row = forecast.rows[0];
        assert!(row.fullest > 0.8 && row.fullest < row.fullest_p99 && row.fullest_p99 < 0.81, "{row:?}");
        assert_eq!(forecast.fewest, Some(6));
    }

    #[test]
    fn what_keys_do_not_decide_is_not_forecast() {
        let keys = Keys::explicit(Keys::uniform(10), 3, false);
        assert_eq!(skew_of(&keys, 4.0, &[5]), None);
    }
}
