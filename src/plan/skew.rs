//! How full the fullest shard is for any number of shards: keys stay together, so they do not spread evenly.

use serde::{Deserialize, Serialize};

use crate::kinesis::{HashKey, HashKeyRange};
use crate::workload::Keys;

/// Keys are placed one by one up to so many.
const MOST_KEYS: usize = 200_000;
/// Numbers of shards that are tried: up to so many times those that an even spread needs, and so many more.
const TRIED_TIMES: u32 = 4;
const TRIED_MORE: u32 = 64;
/// And not more than this, which UpdateShardCount allows.
const MOST_SHARDS: u32 = 10_000;
/// Key ranges that are looked at in all, so that a plan takes milliseconds.
const MOST_RANGES: u64 = 1_000_000;

/// How the load spreads over any number of shards of equal width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SkewForecast {
    /// Some numbers of shards, ascending.
    pub rows: Vec<SkewRow>,
    /// Fewest shards of which none is fuller than the target in the busiest second; `None` if none of the numbers that were tried does.
    pub fewest: Option<u32>,
    /// How full the hottest key alone makes its shard: no number of shards gets below it.
    pub floor: f64,
    /// Partition keys to make of the hottest one (`key#0`, `key#1`, …) so that it alone stays under the target; 1 if it does.
    pub salts: u32,
}

/// The fullest shard of so many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SkewRow {
    /// Shards of equal width.
    pub shards: u32,
    /// Utilisation of the fullest one in the busiest second; above 1 is overload.
    pub fullest: f64,
    /// The same over the mean of all shards: 1 is an even spread.
    pub imbalance: f64,
}

/// The keys in the order of their hash keys, each with the share of all before it and its own.
struct Placed {
    hash_keys: Vec<u128>,
    /// One more than keys: the share of those before each, and of all.
    before: Vec<f64>,
}

impl Placed {
    fn new(keys: &Keys, arrivals: u64) -> Option<Self> {
        // Explicit hash keys are made for the shards that there are, and a hot key that moves is everywhere once.
        let elsewhere = keys.hash_keys().is_some() || matches!(keys, Keys::MovingHotKey { .. });
        if elsewhere || keys.count() > MOST_KEYS as u64 {
            return None;
        }
        let mut placed: Vec<(u128, f64)> =
            keys.weights(arrivals).iter().map(|weight| (HashKey::of(&weight.key).0, weight.share)).collect();
        if placed.is_empty() || placed.len() > MOST_KEYS {
            return None;
        }
        placed.sort_unstable_by_key(|(hash_key, _)| *hash_key);
        let mut before = vec![0.0];
        before.extend(placed.iter().scan(0.0, |sum, (_, share)| {
            *sum += share;
            Some(*sum)
        }));
        Some(Self { hash_keys: placed.into_iter().map(|(hash_key, _)| hash_key).collect(), before })
    }

    /// The share of the fullest of so many shards.
    fn fullest(&self, shards: u32) -> f64 {
        let mut begin = 0;
        let share_of = |range: HashKeyRange| {
            let end = begin + self.hash_keys[begin..].partition_point(|hash_key| *hash_key <= range.end.0);
            let share = self.before[end] - self.before[begin];
            begin = end;
            share
        };
        HashKeyRange::initial(shards).into_iter().map(share_of).fold(0.0, f64::max)
    }
}

/// How the load on `keys`, of which all together fill `load` shards in the busiest second, spreads over shards. `None` where the
/// partition keys do not decide it, or there are too many to place each.
pub(super) fn skew(keys: &Keys, arrivals: u64, load: f64, target: f64, asked: &[u32]) -> Option<SkewForecast> {
    let placed = Placed::new(keys, arrivals)?;
    let even = (load / target).ceil().max(1.0) as u32;
    let last = even.saturating_mul(TRIED_TIMES).saturating_add(TRIED_MORE).min(MOST_SHARDS);
    let floor = keys.top_share(arrivals) * load;
    let mut looked = 0;
    let fits = |shards: &u32| placed.fullest(*shards) * load <= target + 1e-9;
    let within = |shards: &u32| {
        looked += u64::from(*shards);
        looked <= MOST_RANGES
    };
    let fewest = if floor > target + 1e-9 { None } else { (even..=last).take_while(within).find(fits) };
    let mut numbers: Vec<u32> = asked.iter().copied().chain(fewest).filter(|shards| *shards > 0).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let row = |shards: u32| {
        let share = placed.fullest(shards);
        SkewRow { shards, fullest: share * load, imbalance: share * f64::from(shards) }
    };
    Some(SkewForecast {
        rows: numbers.into_iter().map(row).collect(),
        fewest,
        floor,
        salts: (floor / target - 1e-9).ceil().max(1.0) as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::placement::shard_shares;
    use crate::units::Share;

    #[test]
    fn the_fullest_shard_is_that_of_a_placement_key_by_key() {
        for keys in [Keys::zipf(3_000, 1.1).unwrap(), Keys::hot_key(50, Share(0.3)), Keys::Uniform { count: 7 }] {
            let placed = Placed::new(&keys, 0).unwrap();
            for shards in [1, 2, 3, 7, 64, 1_000] {
                let exact = shard_shares(&keys, &HashKeyRange::initial(shards), 0).into_iter().fold(0.0, f64::max);
                assert!((placed.fullest(shards) - exact).abs() < 1e-9, "{shards} shards");
            }
        }
    }

    #[test]
    fn the_fewest_shards_keep_each_under_the_target_and_fewer_do_not() {
        let keys = Keys::zipf(10_000, 0.8).unwrap();
        let forecast = skew(&keys, 0, 10.0, 0.8, &[13]).unwrap();
        let fewest = forecast.fewest.unwrap();
        assert!(fewest > 13, "an even spread would do with 13");
        let placed = Placed::new(&keys, 0).unwrap();
        assert!(placed.fullest(fewest) * 10.0 <= 0.8 + 1e-9);
        assert!((13..fewest).all(|shards| placed.fullest(shards) * 10.0 > 0.8));
        assert_eq!(forecast.rows.iter().map(|row| row.shards).collect::<Vec<_>>(), [13, fewest]);
        assert!(forecast.rows[0].imbalance > 1.0);
    }

    #[test]
    fn a_key_that_is_too_hot_asks_for_salt_and_not_for_shards() {
        let forecast = skew(&Keys::hot_key(1_000, Share(0.5)), 0, 4.0, 0.8, &[5]).unwrap();
        assert_eq!((forecast.fewest, forecast.salts), (None, 3));
        assert!((forecast.floor - 2.0).abs() < 1e-9);
    }

    #[test]
    fn what_keys_do_not_decide_is_not_forecast() {
        assert_eq!(skew(&Keys::Uniform { count: 10_000_000 }, 0, 4.0, 0.8, &[5]), None);
    }
}
