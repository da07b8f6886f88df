//! Which shard takes how much: keys placed by their MD5.

use crate::kinesis::{HashKey, HashKeyRange};
use crate::workload::Keys;

/// Keys that are placed one by one, the heaviest first. What the others make of a shard is estimated.
pub(crate) const PLACED_KEYS: u64 = 16_384;

/// The keys in the order of their hash keys.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    hash_keys: Vec<u128>,
    /// One more than keys: the share of those before each, and of all.
    before: Vec<f64>,
    /// Sum of the squares of the shares of the keys that are placed, but for the heaviest hundred.
    placed_squares: f64,
    /// Share of the keys that are not placed, and the sum of the squares of their shares.
    others: (f64, f64),
}

/// The part of the load that the fullest of some shards takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fullest {
    /// As it is where every key is placed; else as likely exceeded as not.
    pub share: f64,
    /// Exceeded with a chance of one in a hundred; the same where every key is placed.
    pub p99: f64,
}

impl Placement {
    /// The keys of a load, the first `arrivals` of them for recorded keys, by their MD5 or by their explicit hash keys.
    pub fn new(keys: &Keys, arrivals: u64) -> Self {
        Self::of_heaviest(keys, arrivals, PLACED_KEYS)
    }

    /// The same, with the `most` heaviest keys placed.
    fn of_heaviest(keys: &Keys, arrivals: u64, most: u64) -> Self {
        let (mut placed, others) = if let Some(hash_keys) = keys.hash_keys() {
            let each = 1.0 / hash_keys.len() as f64;
            (hash_keys.iter().map(|key| (*key, each)).collect(), (0.0, 0.0))
        } else {
            let heaviest = keys.heaviest(most, arrivals);
            let placed: Vec<(u128, f64)> =
                heaviest.keys.iter().map(|weight| (HashKey::of(&weight.key).0, weight.share)).collect();
            (placed, (heaviest.others, heaviest.squares))
        };
        // What the heaviest keys do to a shard is known and no matter of chance.
        let mut shares: Vec<f64> = placed.iter().map(|(_, share)| *share).collect();
        let known = shares.len().min(100);
        if known > 0 && known < shares.len() {
            shares.select_nth_unstable_by(known, |a, b| b.total_cmp(a));
        }
        let placed_squares = shares[known..].iter().map(|share| share * share).sum();
        placed.sort_unstable_by_key(|(hash_key, _)| *hash_key);
        let mut before = vec![0.0];
        before.extend(placed.iter().scan(0.0, |sum, (_, share)| {
            *sum += share;
            Some(*sum)
        }));
        let others = if others.0 > 1e-12 { others } else { (0.0, 0.0) };
        Self { hash_keys: placed.into_iter().map(|(hash_key, _)| hash_key).collect(), before, placed_squares, others }
    }

    /// Share of the load that each range takes. The ranges follow one another.
    pub fn shares(&self, ranges: &[HashKeyRange]) -> Vec<f64> {
        let mut begin = 0;
        let share_of = |range: &HashKeyRange| {
            begin += first_not(&self.hash_keys[begin..], |hash_key| hash_key < range.start.0);
            let end = begin + first_not(&self.hash_keys[begin..], |hash_key| hash_key <= range.end.0);
            let share = self.before[end] - self.before[begin];
            begin = end;
            let width = (range.end.0 - range.start.0) as f64 / u128::MAX as f64;
            share + self.others.0 * width
        };
        ranges.iter().map(share_of).collect()
    }

    /// What the fullest of so many shards of equal width takes.
    ///
    /// The keys that are not placed add a sum of many small independent shares to each shard: a normal variable, of which the
    /// highest of n stays below x with a chance of Φ(x)^n. It comes on top of an even spread, together with what the lighter placed keys
    /// add; or the shard that is known to be the fullest, with its even part of the others, is fuller than that.
    pub fn fullest(&self, shards: u32) -> Fullest {
        let known = self.shares(&HashKeyRange::initial(shards)).into_iter().fold(0.0, f64::max);
        if self.others.0 == 0.0 {
            return Fullest { share: known, p99: known };
        }
        let count = f64::from(shards.max(1));
        let variance = (self.others.1 + self.placed_squares) * (1.0 - 1.0 / count) / count;
        let own = (self.others.1 * (1.0 - 1.0 / count) / count).sqrt();
        let of_all = |chance: f64| {
            let quantile = normal_quantile(chance.powf(1.0 / count));
            // Either the shard that is known to be the fullest, with its own chance, or any of them.
            (known + normal_quantile(chance) * own).max(1.0 / count + quantile * variance.sqrt())
        };
        Fullest { share: of_all(0.5).min(1.0), p99: of_all(0.99).min(1.0) }
    }
}

/// How many ascending numbers come before the first that is not `before` something, which is near: in steps that double.
fn first_not(numbers: &[u128], before: impl Fn(u128) -> bool) -> usize {
    let mut bound = 1;
    while numbers.get(bound - 1).is_some_and(|number| before(*number)) {
        bound *= 2;
    }
    let from = bound / 2;
    from + numbers[from..numbers.len().min(bound)].partition_point(|number| before(*number))
}

/// The value that a standard normal variable stays below with this chance; to 5e-4 (Abramowitz and Stegun, 26.2.23).
pub(crate) fn normal_quantile(chance: f64) -> f64 {
    if chance < 0.5 {
        return -normal_quantile(1.0 - chance);
    }
    let t = (-2.0 * (1.0 - chance).max(f64::MIN_POSITIVE).ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    (t - above / below).max(0.0)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::kinesis::locate;
    use crate::seed::Seed;
    use crate::units::Share;

    /// Shares key by key.
    fn one_by_one(keys: &Keys, ranges: &[HashKeyRange]) -> Vec<f64> {
        let mut shares = vec![0.0; ranges.len()];
        for weight in keys.weights(0) {
            shares[locate(ranges, HashKey::of(&weight.key))] += weight.share;
        }
        shares
    }

    #[test]
    fn shares_sum_to_one_and_the_hot_key_is_where_it_hashes_to() {
        let ranges = HashKeyRange::initial(8);
        let keys = Keys::hot_key(1_000, Share(0.4));
        let shares = Placement::new(&keys, 0).shares(&ranges);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let hot = locate(&ranges, HashKey::of("key-000000"));
        assert!(shares[hot] > 0.4 && shares.iter().enumerate().all(|(i, s)| i == hot || *s < 0.15));
        for (ours, exact) in shares.iter().zip(one_by_one(&keys, &ranges)) {
            assert!((ours - exact).abs() < 1e-9);
        }
    }

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        for (chance, quantile) in [(0.5, 0.0), (0.841_344_746, 1.0), (0.99, 2.326_348), (0.999, 3.090_232)] {
            assert!((normal_quantile(chance) - quantile).abs() < 6e-4, "{chance}");
        }
    }

    /// Where there are too many keys to place each: against all of them, placed by chance often enough to know the median and
    /// the 99th percentile.
    #[test]
    fn of_many_keys_the_fullest_shard_is_as_likely_fuller_as_not() {
        const TRIES: u64 = 200;
        const PLACED: u64 = 2_000;
        for keys in [
            Keys::uniform(10_000),
            Keys::zipf(10_000, 0.6).unwrap(),
            Keys::zipf(10_000, 1.2).unwrap(),
            Keys::hot_set(10_000, 3, Share(0.1)),
        ] {
            // The law is that of any placement: the heaviest keys stay where they are, and the others go anywhere.
            let heaviest = keys.heaviest(PLACED, 0);
            let others: Vec<f64> = keys.weights(0)[PLACED as usize..].iter().map(|weight| weight.share).collect();
            for shards in [5, 60] {
                let forecast = Placement::of_heaviest(&keys, 0, PLACED).fullest(shards);
                let ranges = HashKeyRange::initial(shards);
                let mut placed = vec![0.0; ranges.len()];
                for weight in &heaviest.keys {
                    placed[locate(&ranges, HashKey::of(&weight.key))] += weight.share;
                }
                let one_try = |number| {
                    let mut rng = Seed(number).stream("plan.placement", 0);
                    let mut shares = placed.clone();
                    for share in &others {
                        shares[rng.random_range(0..shards as usize)] += share;
                    }
                    shares.into_iter().fold(0.0, f64::max)
                };
                let mut tops: Vec<f64> = (0..TRIES).map(one_try).collect();
                tops.sort_by(f64::total_cmp);
                let (median, p99) = (tops[TRIES as usize / 2], tops[TRIES as usize * 99 / 100]);
                assert!(
                    (forecast.share / median - 1.0).abs() < 0.02,
                    "{keys:?} on {shards}: {forecast:?} for {median}"
                );
                assert!((forecast.p99 / p99 - 1.0).abs() < 0.03, "{keys:?} on {shards}: {forecast:?} for {p99}");
            }
        }
    }
}
