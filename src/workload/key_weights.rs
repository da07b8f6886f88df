//! How much of the arrivals each partition key takes.

use std::sync::Arc;

use super::keys::{Keys, name};

/// A key and its share of the arrivals.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyWeight {
    /// The partition key.
    pub key: Arc<str>,
    /// Its share.
    pub share: f64,
}

/// The keys that take the most, and what is left for the others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeaviestKeys {
    /// The heaviest, in no order.
    pub keys: Vec<KeyWeight>,
    /// Share of all others together.
    pub others: f64,
    /// Sum of the squares of their shares.
    pub squares: f64,
}

/// Keys of consecutive ranks with one share.
struct Class {
    first: u64,
    count: u64,
    share: f64,
}

/// Terms of a sum that are added one by one; the others have a closed form that is exact to twelve digits from here on.
const ADDED: u64 = 1_000;

impl Keys {
    /// Every key with its share of the arrivals, the first `arrivals` of them for recorded keys; shares sum to 1.
    pub fn weights(&self, arrivals: u64) -> Vec<KeyWeight> {
        self.heaviest(u64::MAX, arrivals).keys
    }

    /// The highest share that a key has at any time.
    pub fn top_share(&self, arrivals: u64) -> f64 {
        match self {
            Self::MovingHotKey { share, .. } => share.0,
            Self::Salted { keys, buckets } => keys.top_share(arrivals) / f64::from(*buckets),
            Self::Tenants { tenants, keys } => {
                let tops = tenants.shares().zip(keys.iter()).map(|(share, keys)| share * keys.top_share(arrivals));
                tops.fold(0.0, f64::max)
            }
            // No shard takes a key as a whole.
            Self::Explicit { hash_keys, .. } => 1.0 / hash_keys.len().max(1) as f64,
            keys => keys.heaviest(1, arrivals).keys.iter().map(|weight| weight.share).fold(0.0, f64::max),
        }
    }

    /// The `most` heaviest keys with their shares of the arrivals, the first `arrivals` of them for recorded keys. It takes as long
    /// as there are keys to return, whatever their number, unless they are listed.
    pub fn heaviest(&self, most: u64, arrivals: u64) -> HeaviestKeys {
        match self {
            Self::Uniform { count } | Self::Sequential { count } => classes(most, vec![class(0, *count, 1.0)]),
            Self::Zipf { count, exponent, .. } => zipf(most, *count, *exponent),
            Self::HotKey { count: 1, .. } | Self::MovingHotKey { count: 1, .. } => {
                classes(most, vec![class(0, 1, 1.0)])
            }
            Self::HotKey { count, share } => {
                classes(most, vec![class(0, 1, share.0), class(1, *count - 1, 1.0 - share.0)])
            }
            Self::HotSet { count, hot, share } => {
                classes(most, vec![class(0, *hot, share.0), class(*hot, *count - *hot, 1.0 - share.0)])
            }
            Self::MovingHotKey { count, share, periods, .. } => {
                let cold = (1.0 - share.0) / (*count - 1) as f64;
                let of_all = (*periods).max(1) as f64;
                // A key is hot in the periods of its rank, modulo the number of keys: the first ones once more than the others.
                let more = periods % count;
                let each = |hot_in: u64| (hot_in as f64 * share.0 + (of_all - hot_in as f64) * cold) / of_all;
                let (often, seldom) = (each(periods / count + 1), each(periods / count));
                let first = Class { first: 0, count: more, share: often };
                classes(most, vec![first, Class { first: more, count: *count - more, share: seldom }])
            }
            Self::Weighted { names, cumulative } => {
                let before = std::iter::once(0.0).chain(cumulative.iter().copied());
                let shares = cumulative.iter().zip(before).map(|(sum, before)| sum - before);
                let weight = |(key, share): (&Arc<str>, f64)| KeyWeight { key: key.clone(), share };
                cut(most, names.iter().zip(shares).map(weight).collect(), HeaviestKeys::default())
            }
            Self::Salted { keys, buckets } => {
                let bucket = |weight: &KeyWeight, bucket: u32| KeyWeight {
                    key: format!("{}#{bucket}", weight.key).into(),
                    share: weight.share / f64::from(*buckets),
                };
                let whole = keys.heaviest(most.div_ceil(u64::from(*buckets)), arrivals);
                let split = whole.keys.iter().flat_map(|weight| (0..*buckets).map(|number| bucket(weight, number)));
                HeaviestKeys { keys: split.collect(), squares: whole.squares / f64::from(*buckets), ..whole }
            }
            Self::Explicit { keys, .. } => keys.heaviest(most, arrivals),
            Self::Tenants { tenants, keys } => {
                let mut all = HeaviestKeys::default();
                for ((name, share), keys) in tenants.names().iter().zip(tenants.shares()).zip(keys.iter()) {
                    let own = keys.heaviest(most, arrivals);
                    let of_tenant = |weight: KeyWeight| KeyWeight {
                        key: format!("{name}/{}", weight.key).into(),
                        share: weight.share * share,
                    };
                    all.keys.extend(own.keys.into_iter().map(of_tenant));
                    all.others += own.others * share;
                    all.squares += own.squares * share * share;
                }
                let keys = std::mem::take(&mut all.keys);
                cut(most, keys, all)
            }
            Self::Recorded { names, column } => {
                let mut counts = vec![0u64; names.len()];
                let used = column.len().min(arrivals as usize);
                for name in &column[..used] {
                    counts[*name as usize] += 1;
                }
                let weight = |(key, count): (&Arc<str>, &u64)| KeyWeight {
                    key: key.clone(),
                    share: *count as f64 / used.max(1) as f64,
                };
                cut(most, names.iter().zip(&counts).map(weight).collect(), HeaviestKeys::default())
            }
        }
    }
}

/// Ranks that have `together`, in equal parts.
fn class(first: u64, count: u64, together: f64) -> Class {
    Class { first, count, share: together / count.max(1) as f64 }
}

/// The heaviest of keys that are numbered.
fn classes(most: u64, mut classes: Vec<Class>) -> HeaviestKeys {
    classes.sort_by(|a, b| b.share.total_cmp(&a.share));
    let mut heaviest = HeaviestKeys::default();
    let mut left = most;
    for Class { first, count, share } in classes {
        let taken = count.min(left);
        left -= taken;
        heaviest.keys.extend((first..first + taken).map(|rank| KeyWeight { key: name(rank), share }));
        heaviest.others += share * (count - taken) as f64;
        heaviest.squares += share * share * (count - taken) as f64;
    }
    heaviest
}

/// The heaviest by Zipf's law.
fn zipf(most: u64, count: u64, exponent: f64) -> HeaviestKeys {
    let total = powers(1, count, exponent);
    let taken = count.min(most);
    let weight = |rank: u64| KeyWeight { key: name(rank), share: ((rank + 1) as f64).powf(-exponent) / total };
    HeaviestKeys {
        keys: (0..taken).map(weight).collect(),
        others: powers(taken + 1, count, exponent) / total,
        squares: powers(taken + 1, count, 2.0 * exponent) / total / total,
    }
}

/// The sum of `n^-exponent` for `n` from `first` to `last`, by Euler's and Maclaurin's formula where the terms are many.
fn powers(first: u64, last: u64, exponent: f64) -> f64 {
    let power = |n: u64| (n as f64).powf(-exponent);
    let added: f64 = (first..=last.min(ADDED)).map(power).sum();
    let first = first.max(ADDED + 1);
    if first > last {
        return added;
    }
    let (a, b) = (first as f64, last as f64);
    let integral = if (exponent - 1.0).abs() < 1e-9 {
        (b / a).ln()
    } else {
        (b.powf(1.0 - exponent) - a.powf(1.0 - exponent)) / (1.0 - exponent)
    };
    let slopes = exponent / 12.0 * (a.powf(-exponent - 1.0) - b.powf(-exponent - 1.0));
    added + integral + (a.powf(-exponent) + b.powf(-exponent)) / 2.0 + slopes
}

/// Of listed keys the `most` heaviest; the others go to what `heaviest` has of others.
fn cut(most: u64, mut keys: Vec<KeyWeight>, mut heaviest: HeaviestKeys) -> HeaviestKeys {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if keys.len() > most && most > 0 {
        keys.select_nth_unstable_by(most - 1, |a, b| b.share.total_cmp(&a.share));
    }
    for other in keys.drain(most.min(keys.len())..) {
        heaviest.others += other.share;
        heaviest.squares += other.share * other.share;
    }
    heaviest.keys = keys;
    heaviest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Share;

    #[test]
    fn the_others_are_what_the_heaviest_leave() {
        let hot = |count, share| Keys::hot_key(count, Share(share));
        let listed = Keys::weighted(&[("a".into(), 1.0), ("b".into(), 7.0), ("c".into(), 2.0)]);
        let salted = Keys::Salted { keys: Box::new(Keys::zipf(300, 1.0).unwrap()), buckets: 4 };
        for keys in [
            Keys::zipf(5_000, 1.1).unwrap(),
            Keys::zipf(5_000, 1.0).unwrap(),
            Keys::zipf(5_000, 0.0).unwrap(),
            hot(100, 0.3),
            hot(10, 0.01),
            Keys::hot_set(100, 40, Share(0.7)),
            listed,
            salted,
        ] {
            let mut all: Vec<f64> = keys.weights(0).iter().map(|weight| weight.share).collect();
            all.sort_by(|a, b| b.total_cmp(a));
            for most in [1, 2, 20, 4_000] {
                let heaviest = keys.heaviest(most, 0);
                let taken = heaviest.keys.len();
                let sum: f64 = heaviest.keys.iter().map(|weight| weight.share).sum();
                assert!((sum - all[..taken].iter().sum::<f64>()).abs() < 1e-9, "{keys:?} {most}");
                assert!((heaviest.others - all[taken..].iter().sum::<f64>()).abs() < 1e-9, "{keys:?} {most}");
                let squares: f64 = all[taken..].iter().map(|share| share * share).sum();
                assert!((heaviest.squares - squares).abs() < 1e-9, "{keys:?} {most}");
            }
        }
    }

    #[test]
    fn sums_of_powers_are_exact() {
        for exponent in [0.0, 0.5, 1.0, 1.5, 3.0] {
            for (first, last) in [(1, 10), (1, 50_000), (900, 1_100), (20_000, 50_000)] {
                let one_by_one: f64 = (first..=last).map(|n| (n as f64).powf(-exponent)).sum();
                let sum = powers(first, last, exponent);
                assert!((sum / one_by_one - 1.0).abs() < 1e-11, "{exponent}: {sum} for {one_by_one}");
            }
        }
    }
}
