//! The exact sign-flip test of paired differences, and the confidence bounds that come of inverting it.
//!
//! If baseline and candidate do not differ, the sign of each difference is as good as a coin (R. A. Fisher, The Design of
//! Experiments, 1935, section 21). So the chance of a sum at least as large as the one found is the share of the 2^n
//! assignments of signs whose sum is at least as large. Flipping the signs of the differences in a set S takes twice their sum away;
//! so it is the share of the sets S, the empty one among them, whose sum is at most zero. For a shift θ, it is the share of the sets
//! whose mean is at most θ: the bounds are order statistics of the means of all sets (J. A. Hartigan, Using subsample values as typical values,
//! Journal of the American Statistical Association 64, 1969).

/// Most pairs: all assignments of signs are enumerated, 2^20 of them.
pub const MOST_PAIRS: usize = 20;

/// Differences are counted in units of 2^-40 of the largest, so that sums do not depend on their order.
const UNITS: f64 = (1u64 << 40) as f64;
/// A sum of so few units is nothing: each difference is off by half a unit at most.
const ROUNDING: i64 = MOST_PAIRS as i64 / 2;

/// The test on one set of paired differences.
#[derive(Debug, Clone)]
pub struct SignFlip {
    /// The means of all sets of differences but the empty one, in order.
    means: Vec<f64>,
}

impl SignFlip {
    /// The test on these differences; `None` for more than [`MOST_PAIRS`], for none, and for values that are no numbers.
    pub fn new(differences: &[f64]) -> Option<Self> {
        let valid = (1..=MOST_PAIRS).contains(&differences.len()) && differences.iter().all(|value| value.is_finite());
        if !valid {
            return None;
        }
        let largest = differences.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        let unit = if largest > 0.0 { largest / UNITS } else { 1.0 };
        let mut sums: Vec<(i64, u32)> = Vec::with_capacity(1 << differences.len());
        sums.push((0, 0));
        for difference in differences {
            let counted = (difference / unit).round() as i64;
            let before = sums.len();
            sums.extend_from_within(..);
            for (sum, size) in &mut sums[before..] {
                *sum += counted;
                *size += 1;
            }
        }
        let mean = |(sum, size): &(i64, u32)| {
            if sum.abs() <= ROUNDING { 0.0 } else { *sum as f64 / f64::from(*size) * unit }
        };
        let mut means: Vec<f64> = sums[1..].iter().map(mean).collect();
        means.sort_unstable_by(f64::total_cmp);
        Some(Self { means })
    }

    /// All assignments of signs.
    fn assignments(&self) -> f64 {
        (self.means.len() + 1) as f64
    }

    /// The one-sided p-value of a positive shift: the chance of a sum at least as large as the one found, if there is no shift.
    /// It is never below [`floor`].
    pub fn p_value(&self) -> f64 {
        let at_most_zero = self.means.partition_point(|mean| *mean <= 0.0);
        (at_most_zero + 1) as f64 / self.assignments()
    }

    /// The lower confidence bound of the shift at one-sided level `alpha`: the smallest shift that the test does not reject.
    /// `None` if there are too few pairs for any.
    pub fn lower(&self, alpha: f64) -> Option<f64> {
        let rank = self.rank(alpha)?;
        self.means.get(rank - 1).copied()
    }

    /// The upper confidence bound at one-sided level `alpha`.
    pub fn upper(&self, alpha: f64) -> Option<f64> {
        let rank = self.rank(alpha)?;
        self.means.get(self.means.len().checked_sub(rank)?).copied()
    }

    /// How many assignments a test at level `alpha` may reject.
    fn rank(&self, alpha: f64) -> Option<usize> {
        let rank = (alpha * self.assignments()).floor() as usize;
        (1..=self.means.len()).contains(&rank).then_some(rank)
    }
}

/// The smallest p-value that so many pairs can have: 2^-n, if every pair points the same way.
pub fn floor(pairs: usize) -> f64 {
    0.5f64.powi(pairs.min(1_000) as i32)
}

/// The fewest pairs whose p-value can reach `alpha`.
pub fn fewest_pairs(alpha: f64) -> usize {
    (1..1_000).find(|pairs| floor(*pairs) <= alpha).unwrap_or(1_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{Binomial, DiscreteCDF};

    use super::*;

    /// As the test is defined: every assignment of signs, its sum beside the one found.
    fn brute_force(differences: &[i32]) -> f64 {
        let found: i64 = differences.iter().map(|value| i64::from(*value)).sum();
        let n = differences.len();
        let sum = |signs: u32| -> i64 {
            let signed = |(i, value): (usize, &i32)| i64::from(if signs >> i & 1 == 1 { -*value } else { *value });
            differences.iter().enumerate().map(signed).sum()
        };
        let reached = (0..1u32 << n).filter(|signs| sum(*signs) >= found).count();
        reached as f64 / (1u32 << n) as f64
    }

    fn of(differences: &[i32]) -> SignFlip {
        SignFlip::new(&differences.iter().map(|value| f64::from(*value)).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn differences_of_one_size_make_it_the_sign_test() {
        // With all differences alike, the sum counts the positive ones: the upper tail of a binomial distribution.
        for (n, negative) in [(10u64, 0u64), (10, 1), (10, 3), (14, 2), (20, 5)] {
            let signs: Vec<i32> = (0..n).map(|i| if i < negative { -1 } else { 1 }).collect();
            let tail = Binomial::new(0.5, n).unwrap().sf(n - negative - 1);
            assert!((of(&signs).p_value() - tail).abs() < 1e-12, "{n} {negative}");
        }
    }

    #[test]
    fn ranks_make_it_the_signed_rank_test() {
        // The number of sets of {1..n} with each sum, by the recurrence of the exact Wilcoxon distribution: R's
        // psignrank(q, 10) is its running sum over 2^10. R gives psignrank(10, 10) = 43/1024 = 0.0419921875.
        let n = 10usize;
        let mut sets = vec![0u64; n * (n + 1) / 2 + 1];
        sets[0] = 1;
        for rank in 1..=n {
            for sum in (rank..sets.len()).rev() {
                sets[sum] += sets[sum - rank];
            }
        }
        assert_eq!(sets[..=10].iter().sum::<u64>(), 43);
        // Negative ranks 2, 3 and 5 sum to 10: as likely as a rank sum of at most 10.
        let ranks: Vec<i32> = (1..=10).map(|rank| if [2, 3, 5].contains(&rank) { -rank } else { rank }).collect();
        assert_eq!(of(&ranks).p_value(), 43.0 / 1024.0);
    }

    #[test]
    fn the_floor_is_reached_when_every_pair_points_one_way() {
        assert_eq!(of(&[5, 1, 9, 2, 4, 8, 3]).p_value(), floor(7));
        assert_eq!(floor(7), 0.007_812_5);
        assert_eq!((fewest_pairs(0.01), fewest_pairs(0.01 / 6.0)), (7, 10));
    }

    #[test]
    fn no_difference_at_all_is_no_evidence() {
        let nothing = of(&[0; 10]);
        assert_eq!((nothing.p_value(), nothing.lower(0.05), nothing.upper(0.05)), (1.0, Some(0.0), Some(0.0)));
    }

    #[test]
    fn what_cannot_be_tested_is_refused() {
        assert!(SignFlip::new(&[]).is_none());
        assert!(SignFlip::new(&[1.0; MOST_PAIRS + 1]).is_none());
        assert!(SignFlip::new(&[1.0, f64::NAN]).is_none() && SignFlip::new(&[f64::INFINITY]).is_none());
        // One pair has two assignments: no bound at 5 %.
        assert_eq!(of(&[3]).lower(0.05), None);
        assert_eq!(of(&[3]).upper(0.05), None);
    }

    #[test]
    fn twenty_pairs_are_enumerated() {
        let test = of(&(1..=20).collect::<Vec<_>>());
        assert_eq!(test.p_value(), floor(20));
    }

    proptest! {
        #[test]
        fn it_is_what_brute_force_counts(differences in prop::collection::vec(-50i32..50, 1..11)) {
            prop_assert_eq!(of(&differences).p_value(), brute_force(&differences));
        }

        #[test]
        fn neither_order_nor_scale_matter(mut differences in prop::collection::vec(-1000i32..1000, 1..10), power in -8i32..8) {
            let p = of(&differences).p_value();
            let scaled: Vec<f64> = differences.iter().map(|value| f64::from(*value) * 2f64.powi(power)).collect();
            prop_assert_eq!(SignFlip::new(&scaled).unwrap().p_value(), p);
            differences.reverse();
            prop_assert_eq!(of(&differences).p_value(), p);
        }

        #[test]
        fn the_two_sides_mirror_each_other(differences in prop::collection::vec(-1000i32..1000, 5..10)) {
            let mirrored: Vec<i32> = differences.iter().map(|value| -value).collect();
            let (test, mirror) = (of(&differences), of(&mirrored));
            let (upper, lower) = (test.upper(0.05).unwrap(), mirror.lower(0.05).unwrap());
            prop_assert!((upper + lower).abs() < 1e-6, "{} {}", upper, lower);
            // Both tails together are everything, and the assignments that reach the sum exactly count twice.
            prop_assert!(test.p_value() + mirror.p_value() > 1.0);
        }

        #[test]
        fn the_interval_inverts_the_test(differences in prop::collection::vec(-1000i32..1000, 6..10), alpha in 0.03f64..0.2) {
            // Shifted by the bound the test is at its level; by a little more than the bound it no longer rejects.
            let lower = of(&differences).lower(alpha).unwrap();
            let shifted = |by: f64| {
                let values: Vec<f64> = differences.iter().map(|value| f64::from(*value) - by).collect();
                SignFlip::new(&values).unwrap().p_value()
            };
            prop_assert!(shifted(lower - 1e-3) <= alpha, "{} {}", shifted(lower - 1e-3), alpha);
            prop_assert!(shifted(lower + 1e-3) > alpha, "{} {}", shifted(lower + 1e-3), alpha);
            prop_assert_eq!(of(&differences).p_value() <= alpha, lower > 0.0);
        }
    }
}
