//! Partition keys: how arrivals spread over them.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand_distr::{Distribution, Zipf};

use super::tenants::Tenants;
use crate::seed::NamedSeed;
use crate::time::{Time, nanos};
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
    /// `hot` keys take a fixed share evenly, the others share the rest evenly.
    HotSet {
        /// Number of keys, the hot ones included.
        count: u64,
        /// Number of hot keys, the first ones.
        hot: u64,
        /// What the hot keys take together.
        share: Share,
    },
    /// One key at a time takes a fixed share, and it changes: in period p it is the key of rank p, modulo the number of keys.
    MovingHotKey {
        /// Number of keys.
        count: u64,
        /// Share of the key that is hot.
        share: Share,
        /// How long a key stays hot.
        every: Duration,
        /// Periods of the whole load, for the weights.
        periods: u64,
    },
    /// Given keys with their weights.
    Weighted {
        /// The keys.
        names: Arc<[Arc<str>]>,
        /// The share of each key and all before it; the last one is 1.
        cumulative: Arc<[f64]>,
    },
    /// The keys one after the other, over and over.
    Sequential {
        /// Number of keys.
        count: u64,
    },
    /// Each key is split into buckets, `key#bucket`, one of which is drawn for each arrival.
    Salted {
        /// What is split.
        keys: Box<Keys>,
        /// Buckets per key.
        buckets: u32,
    },
    /// The keys do not decide on the shard: explicit hash keys do, one after the other, over and over.
    Explicit {
        /// The partition keys.
        keys: Box<Keys>,
        /// The explicit hash keys.
        hash_keys: Arc<[u128]>,
        /// They are one for each shard, and so follow the stream: see [`Keys::on_shards`].
        per_shard: bool,
    },
    /// Each tenant has keys of its own, `tenant/key`.
    Tenants {
        /// Whose arrival is whose.
        tenants: Tenants,
        /// The keys of each.
        keys: Arc<[Keys]>,
    },
    /// Recorded keys: arrival k has the name `names[column[k]]`.
    Recorded {
        /// The distinct names.
        names: Arc<[Arc<str>]>,
        /// Index of the name of each arrival.
        column: Arc<[u32]>,
    },
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

    /// `count` keys of which the first `hot` take `share` of the arrivals together; `hot < count`.
    pub const fn hot_set(count: u64, hot: u64, share: Share) -> Self {
        Self::HotSet { count, hot, share }
    }

    /// These keys with these weights, which are positive.
    pub fn weighted(weights: &[(String, f64)]) -> Self {
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = weights
            .iter()
            .map(|(_, weight)| {
                sum += weight / total;
                sum
            })
            .collect();
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        let names: Arc<[Arc<str>]> = weights.iter().map(|(name, _)| name.as_str().into()).collect();
        Self::Weighted { names, cumulative: cumulative.into() }
    }

    /// `keys` with explicit hash keys: the middles of `parts` equal parts of the key space.
    pub fn explicit(keys: Self, parts: u32, per_shard: bool) -> Self {
        let hash_keys = (0..u64::from(parts)).map(|part| middle(part, parts)).collect();
        Self::Explicit { keys: Box::new(keys), hash_keys, per_shard }
    }

    /// The same for a stream whose shards have these hash keys in their middles: explicit hash keys that are one for each shard are
    /// these. Without shards nothing changes.
    pub fn on_shards(&self, middles: &[u128]) -> Self {
        match self {
            Self::Explicit { keys, per_shard: true, .. } if !middles.is_empty() => {
                Self::Explicit { keys: keys.clone(), hash_keys: middles.into(), per_shard: true }
            }
            _ => self.clone(),
        }
    }

    /// Number of distinct keys.
    pub fn count(&self) -> u64 {
        match self {
            Self::Uniform { count }
            | Self::Zipf { count, .. }
            | Self::HotKey { count, .. }
            | Self::HotSet { count, .. }
            | Self::MovingHotKey { count, .. }
            | Self::Sequential { count } => *count,
            Self::Salted { keys, buckets } => keys.count() * u64::from(*buckets),
            Self::Explicit { keys, .. } => keys.count(),
            Self::Tenants { keys, .. } => keys.iter().map(Self::count).sum(),
            Self::Weighted { names, .. } | Self::Recorded { names, .. } => names.len() as u64,
        }
    }

    /// Length in bytes of the longest key.
    pub fn longest(&self) -> usize {
        match self {
            Self::Weighted { names, .. } | Self::Recorded { names, .. } => {
                names.iter().map(|name| name.len()).max().unwrap_or(0)
            }
            Self::Salted { keys, buckets } => keys.longest() + 1 + (buckets - 1).to_string().len(),
            Self::Explicit { keys, .. } => keys.longest(),
            Self::Tenants { tenants, keys } => {
                let longest =
                    tenants.names().iter().zip(keys.iter()).map(|(name, keys)| name.len() + 1 + keys.longest());
                longest.max().unwrap_or(0)
            }
            _ => name(self.count().saturating_sub(1)).len(),
        }
    }

    /// The explicit hash key of arrival `index`.
    pub fn hash_key(&self, index: u64) -> Option<u128> {
        let hash_keys = self.hash_keys()?;
        hash_keys.get((index % hash_keys.len().max(1) as u64) as usize).copied()
    }

    /// The explicit hash keys, which take turns; `None` if the keys decide.
    pub const fn hash_keys(&self) -> Option<&Arc<[u128]>> {
        match self {
            Self::Explicit { hash_keys, .. } => Some(hash_keys),
            _ => None,
        }
    }

    /// The key of arrival `index`, which is due at `intended`.
    pub fn pick(&self, index: u64, intended: Time, seed: NamedSeed) -> Arc<str> {
        let mut rng = seed.at(index);
        let rank = match self {
            Self::Sequential { count } => index % *count,
            Self::HotSet { count, hot, share } => {
                let is_hot = rng.random::<f64>() < share.0;
                if is_hot { rng.random_range(0..*hot) } else { rng.random_range(*hot..*count) }
            }
            Self::MovingHotKey { count, share, every, .. } => {
                let hot = intended.as_nanos() / nanos(*every).max(1) % count;
                if *count <= 1 || rng.random::<f64>() < share.0 {
                    hot
                } else {
                    // One of the others.
                    (hot + rng.random_range(1..*count)) % count
                }
            }
            Self::Weighted { names, cumulative } => {
                let drawn = rng.random::<f64>();
                let place = cumulative.partition_point(|sum| *sum <= drawn).min(names.len() - 1);
                return names[place].clone();
            }
            Self::Salted { keys, buckets } => {
                let key = keys.pick(index, intended, seed);
                let bucket = seed.salted().at(index).random_range(0..*buckets);
                return format!("{key}#{bucket}").into();
            }
            Self::Explicit { keys, .. } => return keys.pick(index, intended, seed),
            Self::Tenants { tenants, keys } => {
                let tenant = tenants.pick(index);
                return format!("{}/{}", tenants.names()[tenant], keys[tenant].pick(index, intended, seed)).into();
            }
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
        name(rank)
    }
}

/// The middle of one of `parts` equal parts of the key space.
fn middle(part: u64, parts: u32) -> u128 {
    let width = u128::MAX / u128::from(parts);
    width * u128::from(part) + width / 2
}

/// `key-` and the rank in six digits or more. It is made for each record, so that it is written without the machinery of formats.
pub(super) fn name(rank: u64) -> Arc<str> {
    let mut text = *b"key-00000000000000000000";
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(rank).as_bytes();
    let end = 4 + digits.len().max(6);
    text[end - digits.len()..end].copy_from_slice(digits);
    std::str::from_utf8(&text[..end]).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::KeyWeight;
    use super::*;
    use crate::seed::Seed;

    const DRAWS: u64 = 20_000;

    #[test]
    fn names_have_six_digits_or_more() {
        let names = [0, 42, 999_999, 1_000_000, u64::MAX].map(name);
        let expected = ["key-000000", "key-000042", "key-999999", "key-1000000", "key-18446744073709551615"];
        assert_eq!(names.each_ref().map(|name| &**name), expected);
    }

    /// Draws keys and checks each share against its weight, within five standard errors.
    fn check(keys: &Keys) {
        let seed = Seed(3).named("workload.key");
        let mut counts: HashMap<Arc<str>, u64> = HashMap::new();
        for index in 0..DRAWS {
            *counts.entry(keys.pick(index, Time::from_millis(index), seed)).or_default() += 1;
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
        check(&Keys::hot_set(50, 5, Share(0.6)));
        check(&Keys::weighted(&[("a".into(), 1.0), ("b".into(), 7.0), ("c".into(), 2.0)]));
        check(&Keys::Sequential { count: 50 });
        check(&Keys::Salted { keys: Box::new(Keys::hot_key(5, Share(0.6))), buckets: 4 });
        check(&Keys::explicit(Keys::uniform(20), 3, false));
        // Ten periods of two seconds: twenty seconds of a record per millisecond.
        let every = Duration::from_secs(2);
        check(&Keys::MovingHotKey { count: 4, share: Share(0.5), every, periods: 10 });
        check(&Keys::MovingHotKey { count: 1, share: Share(0.5), every, periods: 10 });
    }

    #[test]
    fn a_moving_hot_key_changes_with_its_period() {
        let every = Duration::from_secs(2);
        let keys = Keys::MovingHotKey { count: 10, share: Share(0.9), every, periods: 3 };
        let seed = Seed(1).named("workload.key");
        let hottest = |second: u64| {
            let picked = (0..100).map(|k| keys.pick(k, Time::from_secs(second), seed));
            picked.filter(|key| key.ends_with(&format!("{}", second / 2))).count()
        };
        assert!([0, 1, 2, 3, 4].into_iter().all(|second| hottest(second) > 75));
        assert_eq!(keys.top_share(0), 0.9);
    }

    #[test]
    fn explicit_hash_keys_go_round() {
        let keys = Keys::explicit(Keys::uniform(3), 4, false);
        let quarter = u128::MAX / 4;
        let parts: Vec<u128> = (0..5).map(|k| keys.hash_key(k).unwrap() / quarter).collect();
        assert_eq!(parts, [0, 1, 2, 3, 0]);
        assert_eq!(Keys::uniform(3).hash_key(1), None);
        // A number of parts stays what it is; one for each shard follows the shards.
        let on_shards = |keys: Keys| (0..3).map(|k| keys.on_shards(&[7, 99]).hash_key(k)).collect::<Vec<_>>();
        assert_eq!(on_shards(Keys::explicit(Keys::uniform(3), 4, true)), [Some(7), Some(99), Some(7)]);
        assert_eq!(on_shards(keys.clone()), (0..3).map(|k| keys.hash_key(k)).collect::<Vec<_>>());
    }

    #[test]
    fn recorded_keys_are_replayed() {
        let names: Vec<Arc<str>> = vec!["UA".into(), "B6".into()];
        let keys = Keys::Recorded { names: names.into(), column: vec![1, 1, 0, 1].into() };
        let seed = Seed(1).named("workload.key");
        assert_eq!(
            (0..4).map(|k| keys.pick(k, Time::ZERO, seed).to_string()).collect::<Vec<_>>(),
            ["B6", "B6", "UA", "B6"]
        );
        assert_eq!(keys.weights(4)[1].share, 0.75);
        assert_eq!(keys.weights(2)[1].share, 1.0);
    }
}
