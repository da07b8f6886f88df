//! How often a gate may look at its pairs, and what each look may spend of the error that the gate as a whole may make.

use serde::Serialize;

use super::sign_flip::{MOST_PAIRS, fewest_pairs};

/// The chance that the gate calls anything regressed if nothing differs, all metrics and all looks together.
pub const FALSE_ALARM: f64 = 0.01;
/// The chance that one bound of an interval misses, all looks together: intervals hold with twice as much, 90 %.
pub const BOUND_MISSES: f64 = 0.05;
/// What the first look may spend where others can follow. It has to be more than half: with ten pairs no p-value is below 2^-10,
/// and six metrics divide what may be spent by six.
const FIRST_SHARE: f64 = 0.6;

/// What a look may spend.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Level {
    /// The chance of a false alarm, over all metrics.
    pub alarm: f64,
    /// The chance that a bound misses.
    pub bound: f64,
}

/// The looks of a gate, fixed before the first pair: the error that they may make together is divided among them (the bound of
/// Bonferroni, which holds however the looks depend on one another), so that looking again costs nothing later.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Looks {
    /// The number of pairs at each look, ascending.
    pairs: Vec<usize>,
}

impl Looks {
    /// One look at so many pairs.
    pub fn once(pairs: usize) -> Self {
        Self { pairs: vec![pairs] }
    }

    /// A first look at so many pairs; while it is undecided, further ones at 1.4 times and twice as many, but not beyond `most`. With
    /// ten pairs these are 10, 14 and 20.
    pub fn growing(first: usize, most: usize) -> Self {
        let most = most.min(MOST_PAIRS);
        let mut pairs = vec![first.min(most), (first * 7).div_ceil(5).min(most), (first * 2).min(most)];
        pairs.dedup();
        Self { pairs }
    }

    /// The number of pairs at each look.
    pub fn pairs(&self) -> &[usize] {
        &self.pairs
    }

    /// What look `index` may spend.
    pub fn level(&self, index: usize) -> Level {
        let later = self.pairs.len().saturating_sub(1);
        let share = match (later, index) {
            (0, _) => 1.0,
            (_, 0) => FIRST_SHARE,
            _ => (1.0 - FIRST_SHARE) / later as f64,
        };
        Level { alarm: FALSE_ALARM * share, bound: BOUND_MISSES * share }
    }
}

impl Level {
    /// The fewest pairs with which a look at so many metrics can find a regression at all.
    pub fn fewest_pairs(&self, metrics: usize) -> usize {
        fewest_pairs(self.alarm / metrics.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_pairs_grow_to_fourteen_and_twenty() {
        assert_eq!(Looks::growing(10, 20).pairs(), [10, 14, 20]);
        assert_eq!(Looks::growing(10, 10).pairs(), [10]);
        assert_eq!(Looks::growing(10, 12).pairs(), [10, 12]);
        assert_eq!(Looks::growing(20, 99).pairs(), [20]);
        assert_eq!(Looks::growing(7, 20).pairs(), [7, 10, 14]);
    }

    #[test]
    fn the_looks_spend_the_error_of_the_gate_together_and_no_more() {
        for looks in [Looks::growing(10, 20), Looks::growing(10, 14), Looks::once(12), Looks::growing(7, 20)] {
            let levels: Vec<Level> = (0..looks.pairs().len()).map(|index| looks.level(index)).collect();
            let spent = |of: fn(&Level) -> f64| levels.iter().map(of).sum::<f64>();
            assert!((spent(|level| level.alarm) - FALSE_ALARM).abs() < 1e-12, "{looks:?}");
            assert!((spent(|level| level.bound) - BOUND_MISSES).abs() < 1e-12, "{looks:?}");
        }
    }

    #[test]
    fn the_first_look_at_ten_pairs_can_find_a_regression_among_six_metrics() {
        let looks = Looks::growing(10, 20);
        for (index, pairs) in looks.pairs().iter().enumerate() {
            assert!(looks.level(index).fewest_pairs(6) <= *pairs);
        }
        assert_eq!(Looks::once(7).level(0).fewest_pairs(1), 7);
        assert_eq!(Looks::once(7).level(0).fewest_pairs(6), 10);
    }
}
