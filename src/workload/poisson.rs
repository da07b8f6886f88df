//! Poisson arrivals with random access: arrival k is a function of (seed, k).
//!
//! The arrivals of a process with any rate are those of a process of rate one, seen through the integral of the rate. Of that
//! process, the first 2^32 gaps sum up to one Gamma(2^32) variable. Cut in halves, the first half of n gaps takes a share of the
//! sum that is Beta(n/2, n/2) and independent of it, and so on down a binary tree; each node draws from a stream of its own.
//! Blocks of 256 gaps are exponentials, scaled to the sum of their block: given their sum, exponential gaps are distributed
//! like that (a Dirichlet variable). So any arrival takes 24 draws to find, in any order, and their numbers are exact.

use std::sync::{Arc, Mutex, PoisonError};

use rand_distr::{Beta, Distribution, Exp1, Gamma};

use crate::seed::{NamedSeed, Seed};

/// Gaps in a block.
const BLOCK: u64 = 256;
/// Halvings from all gaps to a block: the process has 256 x 2^24 = 2^32 gaps, more than a run may have records.
const DEPTH: u32 = 24;

/// A Poisson process of rate one.
#[derive(Debug, Clone)]
pub struct Poisson {
    seed: NamedSeed,
    total: f64,
    /// The last block that was asked for: whoever goes through the arrivals stays in one.
    last: Arc<Mutex<Option<Block>>>,
}

/// The arrivals of one block.
#[derive(Debug, Clone)]
struct Block {
    number: u64,
    /// Where it begins, and where each of its arrivals is.
    begin: f64,
    arrivals: Arc<[f64]>,
}

impl Poisson {
    /// The process of a seed.
    pub fn new(seed: Seed) -> Self {
        let seed = seed.named("workload.poisson");
        let gaps = (BLOCK << DEPTH) as f64;
        // Gamma of a shape above zero always exists; its mean is as good as any draw where it did not.
        let total = Gamma::new(gaps, 1.0).map_or(gaps, |gamma| gamma.sample(&mut seed.at(0)));
        Self { seed, total, last: Arc::new(Mutex::new(None)) }
    }

    /// Where arrival `index` is.
    pub fn at(&self, index: u64) -> f64 {
        let block = self.block_of(|number, _| (index / BLOCK).cmp(&number));
        block.arrivals.get((index % BLOCK) as usize).copied().unwrap_or(self.total)
    }

    /// How many arrivals there are up to `position`.
    pub fn count_up_to(&self, position: f64) -> u64 {
        let block = self.block_of(|_, begin_and_end| {
            if position < begin_and_end.0 {
                std::cmp::Ordering::Less
            } else if position >= begin_and_end.1 {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        });
        block.number * BLOCK + block.arrivals.partition_point(|arrival| *arrival <= position) as u64
    }

    /// The block that `place` calls equal: it is told a block's number, and where it begins and ends.
    fn block_of(&self, place: impl Fn(u64, (f64, f64)) -> std::cmp::Ordering) -> Block {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(block) = last.as_ref() {
            let end = block.arrivals.last().copied().unwrap_or(block.begin);
            if place(block.number, (block.begin, end)).is_eq() {
                return block.clone();
            }
        }
        let (mut node, mut begin, mut sum) = (1u64, 0.0, self.total);
        for level in 0..DEPTH {
            let half = (BLOCK << (DEPTH - 1 - level)) as f64;
            let share = Beta::new(half, half).map_or(0.5, |beta| beta.sample(&mut self.seed.at(node)));
            let left = sum * share;
            let first_right = ((2 * node + 1) << (DEPTH - 1 - level)) - (1 << DEPTH);
            let right = place(first_right, (begin + left, f64::INFINITY)).is_ge();
            (node, begin, sum) = if right { (2 * node + 1, begin + left, sum - left) } else { (2 * node, begin, left) };
        }
        let block = self.block(node, begin, sum);
        *last = Some(block.clone());
        block
    }

    fn block(&self, node: u64, begin: f64, sum: f64) -> Block {
        let mut rng = self.seed.at(node);
        let mut gaps = [0.0; BLOCK as usize];
        gaps.fill_with(|| Exp1.sample(&mut rng));
        let scale = sum / gaps.iter().sum::<f64>();
        let mut at = begin;
        let arrivals = gaps.iter().map(|gap: &f64| {
            at += gap * scale;
            at
        });
        Block { number: node - (1 << DEPTH), begin, arrivals: arrivals.collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gaps_are_exponential() {
        let process = Poisson::new(Seed(1));
        let mut gaps: Vec<f64> = (1..20_000).map(|k| process.at(k) - process.at(k - 1)).collect();
        gaps.sort_by(f64::total_cmp);
        // Kolmogorov-Smirnov; 1.95 / sqrt(n) is passed by chance once in a thousand times.
        let n = gaps.len() as f64;
        let distance = gaps.iter().zip(1..).map(|(gap, rank)| ((1.0 - (-gap).exp()) - f64::from(rank) / n).abs());
        let worst = distance.fold(0.0, f64::max);
        assert!(worst < 1.95 / n.sqrt(), "{worst}");
    }

    #[test]
    fn counts_of_windows_have_a_dispersion_of_one() {
        for (first, window) in [(0.0, 10.0), (1_000_000.0, 700.0)] {
            let process = Poisson::new(Seed(2));
            let count = |k: u32| {
                let from = first + f64::from(k) * window;
                (process.count_up_to(from + window) - process.count_up_to(from)) as f64
            };
            let counts: Vec<f64> = (0..2_000).map(count).collect();
            let mean = counts.iter().sum::<f64>() / 2_000.0;
            let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 1_999.0;
            // Five standard errors of a mean and of a variance.
            assert!((mean - window).abs() < 5.0 * (window / 2_000.0).sqrt(), "{mean} for {window}");
            assert!((variance / mean - 1.0).abs() < 5.0 * (2.0f64 / 1_999.0).sqrt(), "{variance} for {mean}");
        }
    }

    #[test]
    fn seeds_differ_in_their_counts_as_a_poisson_variable_does() {
        let counts: Vec<f64> = (0..500).map(|seed| Poisson::new(Seed(seed)).count_up_to(900.0) as f64).collect();
        let mean = counts.iter().sum::<f64>() / 500.0;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 499.0;
        assert!((mean - 900.0).abs() < 5.0 * 30.0 / 500.0f64.sqrt(), "{mean}");
        assert!((variance / 900.0 - 1.0).abs() < 0.32, "{variance}");
    }

    proptest! {
        #[test]
        fn arrivals_are_the_same_in_whatever_order_they_are_asked_for(
            seed: u64,
            mut indices in prop::collection::vec(0u64..4_000_000_000, 1..20),
        ) {
            let (one, other) = (Poisson::new(Seed(seed)), Poisson::new(Seed(seed)));
            let forwards: Vec<(u64, f64)> = indices.iter().map(|index| (*index, one.at(*index))).collect();
            indices.reverse();
            let backwards: Vec<(u64, f64)> = indices.iter().map(|index| (*index, other.at(*index))).collect();
            prop_assert!(forwards.iter().rev().eq(&backwards));
            for (index, at) in forwards {
                prop_assert!(one.at(index + 1) > at);
                prop_assert_eq!(one.count_up_to(at), index + 1);
            }
        }
    }
}
