//! Partition keys: how arrivals spread over them.

use std::sync::Arc;

use rand::RngExt;
use rand_distr::{Distribution, Zipf};

use crate::seed::NamedSeed;
use crate::units::Share;

/// How arrivals spread over partition keys.
#[derive(Debug, Clone)]
pub enum Keys {
    /// Every one of `count` keys is equally likely.
    Uniform {
        /// Number of keys.
        count: u64,
    },
    /// Key of rank r (from 1) has a weight of r^-exponent.
    Zipf {
        /// Number of keys.
        count: u64,
        /// Skew; 0 is uniform, 1 is the classic law.
        exponent: f64,
        /// The sampler.
        distribution: Zipf<f64>,
    },
    /// One key takes a fixed share, the others share the rest evenly.
    HotKey {
        /// Number of keys, the hot one included.
        count: u64,
        /// Share of the hot key.
        share: Share,
    },
    /// Recorded keys: arrival k has the name `names[column[k]]`.
    Recorded {
        /// The distinct names.
        names: Arc<[Arc<str>]>,
        /// Index of the name of each arrival.
        column: Arc<[u32]>,
    },
}

/// A key and its share of the arrivals.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyWeight {
    /// The partition key.
    pub key: Arc<str>,
    /// Its share.
    pub share: f64,
}

impl Keys {
    /// `count` equally likely keys.
    pub const fn uniform(count: u64) -> Self {
        Self::Uniform { count }
    }

    /// `count` keys by Zipf's law.
    ///
    /// # Errors
    /// There is no key, or the exponent is negative or not a number.
    pub fn zipf(count: u64, exponent: f64) -> Result<Self, String> {
        let distribution = Zipf::new(count as f64, exponent).map_err(|error| error.to_string())?;
        Ok(Self::Zipf { count, exponent, distribution })
    }

    /// `count` keys of which the first takes `share` of the arrivals.
    pub const fn hot_key(count: u64, share: Share) -> Self {
        Self::HotKey { count, share }
    }

    /// Number of distinct keys.
    pub fn count(&self) -> u64 {
        match self {
            Self::Uniform { count } | Self::Zipf { count, .. } | Self::HotKey { count, .. } => *count,
            Self::Recorded { names, .. } => names.len() as u64,
        }
    }

    /// Length in bytes of the longest key.
    pub fn longest(&self) -> usize {
        match self {
            Self::Recorded { names, .. } => names.iter().map(|name| name.len()).max().unwrap_or(0),
            _ => name(self.count().saturating_sub(1)).len(),
        }
    }

    /// The key of arrival `index`.
    pub fn pick(&self, index: u64, seed: NamedSeed) -> Arc<str> {
        let mut rng = seed.at(index);
        let rank = match self {
            Self::Uniform { count } => rng.random_range(0..*count),
            Self::Zipf { count, distribution, .. } => (distribution.sample(&mut rng) as u64).clamp(1, *count) - 1,
            Self::HotKey { count, share } => {
                if *count <= 1 || rng.random::<f64>() < share.0 {
                    0
                } else {
                    rng.random_range(1..*count)
                }
            }
            Self::Recorded { names, column } => {
                let named = column.get(index as usize).and_then(|name| names.get(*name as usize));
                return named.cloned().unwrap_or_default();
            }
        };
        name(rank).into()
    }

    /// Every key with its share of the arrivals, the first `arrivals` of them for recorded keys; shares sum to 1.
    pub fn weights(&self, arrivals: u64) -> Vec<KeyWeight> {
        let generated = |weight: &dyn Fn(u64) -> f64| -> Vec<KeyWeight> {
            (0..self.count()).map(|rank| KeyWeight { key: name(rank).into(), share: weight(rank) }).collect()
        };
        match self {
            Self::Uniform { count } => generated(&|_| 1.0 / *count as f64),
            Self::Zipf { count, exponent, .. } => {
                let total: f64 = (1..=*count).map(|rank| (rank as f64).powf(-exponent)).sum();
                generated(&|rank| ((rank + 1) as f64).powf(-exponent) / total)
            }
            Self::HotKey { count: 1, .. } => generated(&|_| 1.0),
            Self::HotKey { count, share } => {
                let cold = (1.0 - share.0) / (*count - 1) as f64;
                generated(&|rank| if rank == 0 { share.0 } else { cold })
            }
            Self::Recorded { names, column } => {
                let mut counts = vec![0u64; names.len()];
                let used = column.len().min(arrivals as usize);
                for name in &column[..used] {
                    counts[*name as usize] += 1;
                }
                let share = |count: &u64| *count as f64 / used.max(1) as f64;
                names
                    .iter()
                    .zip(&counts)
                    .map(|(key, count)| KeyWeight { key: key.clone(), share: share(count) })
                    .collect()
            }
        }
    }
}

fn name(rank: u64) -> String {
    format!("key-{rank:06}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::seed::Seed;

    const DRAWS: u64 = 20_000;

    /// Draws keys and checks each share against its weight, within five standard errors.
    fn check(keys: &Keys) {
        let seed = Seed(3).named("workload.key");
        let mut counts: HashMap<Arc<str>, u64> = HashMap::new();
        for index in 0..DRAWS {
            *counts.entry(keys.pick(index, seed)).or_default() += 1;
        }
        let weights = keys.weights(DRAWS);
        assert!((weights.iter().map(|w| w.share).sum::<f64>() - 1.0).abs() < 1e-9);
        for KeyWeight { key, share } in weights {
            let drawn = counts.remove(&key).unwrap_or(0) as f64 / DRAWS as f64;
            let error = (share * (1.0 - share) / DRAWS as f64).sqrt();
            assert!((drawn - share).abs() <= 5.0 * error + 1e-12, "{key}: drawn {drawn}, expected {share}");
        }
        assert!(counts.is_empty(), "keys without a weight: {counts:?}");
    }

    #[test]
    fn keys_are_drawn_by_their_weights() {
        check(&Keys::uniform(50));
        check(&Keys::zipf(50, 1.0).unwrap());
        check(&Keys::zipf(50, 0.0).unwrap());
        check(&Keys::hot_key(20, Share(0.4)));
        check(&Keys::hot_key(1, Share(0.4)));
    }

    #[test]
    fn recorded_keys_are_replayed() {
        let names: Vec<Arc<str>> = vec!["UA".into(), "B6".into()];
        let keys = Keys::Recorded { names: names.into(), column: vec![1, 1, 0, 1].into() };
        let seed = Seed(1).named("workload.key");
        assert_eq!((0..4).map(|k| keys.pick(k, seed).to_string()).collect::<Vec<_>>(), ["B6", "B6", "UA", "B6"]);
        assert_eq!(keys.weights(4)[1].share, 0.75);
        assert_eq!(keys.weights(2)[1].share, 1.0);
    }
}
