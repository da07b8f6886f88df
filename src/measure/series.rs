//! Figures of a value per second: what a longer piece of a run comes to, and how sure its mean is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Several neighbouring seconds as one: nothing of their range is lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// The first second.
    pub second: u64,
    /// How many seconds it covers, those without a value included.
    pub seconds: u64,
    /// The smallest value.
    pub least: f64,
    /// The mean of the values.
    pub mean: f64,
    /// The largest value.
    pub most: f64,
}

/// How many seconds have to share a bin so that `seconds` of them come to `most` bins: 1 if they already do, or a number that
/// divides minutes or hours.
pub fn bin_width(seconds: u64, most: u64) -> u64 {
    const ROUND: [u64; 16] = [1, 2, 3, 5, 6, 10, 12, 15, 20, 30, 60, 120, 300, 600, 1_800, 3_600];
    let least = seconds.div_ceil(most.max(1)).max(1);
    ROUND.into_iter().find(|width| *width >= least).unwrap_or(least.div_ceil(3_600) * 3_600)
}

/// Puts `width` seconds together in each bin. The seconds come in their order; a bin without any value is left out.
pub fn bins(seconds: impl Iterator<Item = (u64, Option<f64>)>, width: u64) -> Vec<Bin> {
    let width = width.max(1);
    let mut bins: Vec<(Bin, f64)> = Vec::new();
    for (second, value) in seconds {
        let Some(value) = value else { continue };
        let first = second / width * width;
        match bins.last_mut() {
            Some((bin, values)) if bin.second == first => {
                bin.least = bin.least.min(value);
                bin.most = bin.most.max(value);
                *values += 1.0;
                bin.mean += (value - bin.mean) / *values;
            }
            _ => bins.push((Bin { second: first, seconds: width, least: value, mean: value, most: value }, 1.0)),
        }
    }
    bins.into_iter().map(|(bin, _)| bin).collect()
}

/// A mean over seconds, and how far the true one may be from it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The mean of the values.
    pub mean: f64,
    /// Its standard error. Neighbouring seconds resemble each other; that is taken into account.
    pub standard_error: f64,
    /// How many seconds it is of.
    pub seconds: u64,
}

impl Estimate {
    /// The mean of a series in the order of time, with its standard error `sqrt(s² τ / n)`: τ, the integrated autocorrelation time
    /// `1 + 2 Σ (1 - k/n) ρ(k)`, sums the autocorrelations up to the first that is not positive (Geyer 1992, initial positive
    /// sequence, in its plain form). `None` with less than two values.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let covariance =
            |lag: usize| values.iter().zip(&values[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / n;
        let at_zero = covariance(0);
        let mut time = 1.0;
        if at_zero > 0.0 {
            // Half of the series is left to compare with itself.
            for lag in 1..=values.len() / 2 {
                let correlation = covariance(lag) / at_zero;
                if correlation <= 0.0 {
                    break;
                }
                time += 2.0 * (1.0 - lag as f64 / n) * correlation;
            }
        }
        let variance = at_zero * n / (n - 1.0);
        Some(Self { mean, standard_error: (variance * time / n).sqrt(), seconds: values.len() as u64 })
    }

    /// Half the width of the interval that holds the true mean with 95% confidence, by the normal approximation.
    pub fn margin(&self) -> f64 {
        1.96 * self.standard_error
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::RngExt;

    use super::*;
    use crate::seed::Seed;

    #[test]
    fn few_seconds_are_not_put_together_and_many_by_round_spans() {
        for (seconds, most, width) in
            [(0, 500, 1), (500, 500, 1), (501, 500, 2), (3_600, 500, 10), (3_610, 300, 15), (86_400, 500, 300)]
        {
            assert_eq!(bin_width(seconds, most), width, "{seconds} in {most}");
        }
        assert!(bin_width(u64::MAX, 500) >= u64::MAX / 500);
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let seconds = [(0, Some(1.0)), (1, Some(4.0)), (2, None), (3, None), (4, Some(2.0)), (5, None)];
        let binned = bins(seconds.into_iter(), 2);
        let of = |second, least, mean, most| Bin { second, seconds: 2, least, mean, most };
        assert_eq!(binned, [of(0, 1.0, 2.5, 4.0), of(4, 2.0, 2.0, 2.0)]);
    }

    /// `x(t) = a x(t-1) + noise`: its mean has the standard error of independent values times `sqrt((1 + a) / (1 - a))`.
    fn autoregressive(a: f64, count: usize, seed: u64) -> Vec<f64> {
        let mut random = Seed(seed).stream("series", 0);
        let mut last = 0.0;
        let mut next = || {
            last = a * last + random.random_range(-1.0..1.0);
            last
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn the_standard_error_knows_that_neighbours_resemble_each_other() {
        for a in [0.0, 0.5, 0.8] {
            let means: Vec<f64> =
                (0..400).map(|seed| autoregressive(a, 600, seed)).map(|x| Estimate::of(&x).unwrap().mean).collect();
            let spread = (means.iter().map(|mean| mean * mean).sum::<f64>() / means.len() as f64).sqrt();
            let claimed: f64 =
                (0..400).map(|seed| Estimate::of(&autoregressive(a, 600, seed)).unwrap().standard_error).sum::<f64>()
                    / 400.0;
            assert!((claimed / spread - 1.0).abs() < 0.15, "a = {a}: claims {claimed}, is {spread}");
        }
    }

    #[test]
    fn a_mean_needs_two_values_and_constants_have_no_error() {
        assert_eq!(Estimate::of(&[1.0]), None);
        let constant = Estimate::of(&[3.0; 10]).unwrap();
        assert_eq!((constant.mean, constant.margin(), constant.seconds), (3.0, 0.0, 10));
    }

    proptest! {
        #[test]
        fn no_extreme_is_lost(values in prop::collection::vec(prop::option::of(-1e6f64..1e6), 1..400), width in 1u64..60) {
            let seconds = || (0u64..).zip(values.iter().copied());
            let binned = bins(seconds(), width);
            let known = || values.iter().flatten().copied();
            let (least, most) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
            prop_assert_eq!(binned.iter().map(|bin| bin.least).fold(f64::INFINITY, f64::min), least);
            prop_assert_eq!(binned.iter().map(|bin| bin.most).fold(f64::NEG_INFINITY, f64::max), most);
            prop_assert!(binned.iter().all(|bin| bin.least <= bin.mean + 1e-6 && bin.mean <= bin.most + 1e-6));
            prop_assert!(binned.windows(2).all(|pair| pair[0].second + width <= pair[1].second));
        }
    }
}
