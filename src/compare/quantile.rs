//! How well a run knows its own quantiles.

/// Samples beyond a quantile that a run must have for the quantile to decide anything. With fewer, a handful of slow requests is the
/// whole figure: the standard error of the share beyond it is a tenth of that share at 100.
pub const FEWEST_BEYOND: u64 = 100;

/// How many of so many samples lie beyond a quantile.
pub fn beyond(samples: u64, quantile: f64) -> u64 {
    // Without the half, 1 - 0.99 takes a sample away from every round number.
    (samples as f64 * (1.0 - quantile) + 1e-6).floor() as u64
}

/// The ranks, from 1, of the two order statistics between which a quantile lies with at least this confidence, whatever the distribution, if
/// the samples are independent. The number of samples at or below the quantile is binomial; each side is left out with half of what
/// the confidence leaves. `None` if there are too few samples for a bound.
pub fn order_statistics(samples: u64, quantile: f64, confidence: f64) -> Option<(u64, u64)> {
    let valid = samples > 0 && quantile > 0.0 && quantile < 1.0 && confidence > 0.0 && confidence < 1.0;
    if !valid {
        return None;
    }
    let weights = Binomial::new(samples, quantile);
    let side = (1.0 - confidence) / 2.0;
    // The largest l with P(B < l) <= side, and the smallest u with P(B >= u) <= side.
    let (mut below, mut lower) = (0.0, weights.first);
    for weight in &weights.weights {
        if below + weight > side {
            break;
        }
        below += weight;
        lower += 1;
    }
    let (mut above, mut upper) = (0.0, weights.first + weights.weights.len() as u64);
    for weight in weights.weights.iter().rev() {
        if above + weight > side {
            break;
        }
        above += weight;
        upper -= 1;
    }
    (lower >= 1 && upper <= samples).then_some((lower, upper))
}

/// The probabilities of a binomial distribution where they are not negligible.
struct Binomial {
    /// The number of successes of the first weight.
    first: u64,
    weights: Vec<f64>,
}

impl Binomial {
    /// Neighbouring probabilities have a simple ratio: they follow from the mode outwards, and their sum is one.
    fn new(trials: u64, chance: f64) -> Self {
        const NEGLIGIBLE: f64 = 1e-18;
        let odds = chance / (1.0 - chance);
        let mode = (((trials + 1) as f64 * chance).floor() as u64).min(trials);
        let (mut down, mut weight, mut first) = (Vec::new(), 1.0, mode);
        while first > 0 && weight > NEGLIGIBLE {
            weight *= first as f64 / ((trials - first + 1) as f64 * odds);
            down.push(weight);
            first -= 1;
        }
        let (mut weights, mut weight, mut last): (Vec<f64>, f64, u64) = (down.into_iter().rev().collect(), 1.0, mode);
        weights.push(1.0);
        while last < trials && weight > NEGLIGIBLE {
            weight *= (trials - last) as f64 * odds / (last + 1) as f64;
            weights.push(weight);
            last += 1;
        }
        let all: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= all);
        Self { first, weights }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::DiscreteCDF;

    use super::*;

    #[test]
    fn a_tail_needs_a_hundred_samples() {
        assert_eq!((beyond(10_000, 0.99), beyond(9_999, 0.99), beyond(100_000, 0.999)), (100, 99, 100));
        assert_eq!((beyond(0, 0.99), beyond(200, 0.5)), (0, 100));
    }

    #[test]
    fn the_median_of_ten_lies_between_the_second_and_the_ninth() {
        // P(B <= 1) for B of 10 fair coins is 11/1024 = 1.07 %, P(B <= 2) is 5.5 %: the known 97.9 % interval.
        assert_eq!(order_statistics(10, 0.5, 0.95), Some((2, 9)));
        assert_eq!(order_statistics(5, 0.5, 0.95), None);
        assert_eq!(order_statistics(100, 0.99, 0.95), None);
        assert_eq!(order_statistics(0, 0.5, 0.95), None);
    }

    proptest! {
        #[test]
        fn another_binomial_distribution_agrees(samples in 1u64..3_000, quantile in 0.01f64..0.999, confidence in 0.5f64..0.99) {
            let other = statrs::distribution::Binomial::new(quantile, samples).unwrap();
            let cdf = |k: Option<u64>| k.map_or(0.0, |k| other.cdf(k));
            if let Some((lower, upper)) = order_statistics(samples, quantile, confidence) {
                prop_assert!(lower < upper);
                let side = (1.0 - confidence) / 2.0;
                let covered = cdf(Some(upper - 1)) - cdf(lower.checked_sub(1));
                prop_assert!(covered >= confidence - 1e-9, "{} {}", covered, confidence);
                // Neither side could be nearer.
                prop_assert!(cdf(Some(lower)) > side - 1e-9 && 1.0 - cdf(upper.checked_sub(2)) > side - 1e-9);
            } else {
                // One of the extremes is too likely to be passed.
                let side = (1.0 - confidence) / 2.0;
                prop_assert!(cdf(Some(0)) > side - 1e-9 || 1.0 - cdf(Some(samples - 1)) > side - 1e-9);
            }
        }
    }

    #[test]
    fn many_samples_are_no_trouble() {
        let (lower, upper) = order_statistics(100_000_000, 0.99, 0.95).unwrap();
        // By the normal approximation: 1.96 standard deviations of 995.
        assert!((f64::from((99_000_000 - lower) as u32) - 1_950.0).abs() < 5.0, "{lower}");
        assert!((f64::from((upper - 99_000_000) as u32) - 1_950.0).abs() < 5.0, "{upper}");
    }
}
