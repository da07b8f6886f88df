//! Record sizes.

use std::sync::Arc;

use rand::RngExt;
use rand_distr::{Distribution, LogNormal, Normal, Pareto};

use super::tenants::Tenants;
use crate::lognormal;
use crate::seed::NamedSeed;
use crate::units::Bytes;

/// How large the data blobs are, verification header included.
#[derive(Debug, Clone)]
pub enum Sizes {
    /// All the same.
    Constant {
        /// The size.
        size: Bytes,
    },
    /// Every size from `min` to `max` is equally likely.
    Uniform {
        /// The smallest.
        min: Bytes,
        /// The largest.
        max: Bytes,
    },
    /// Lognormal; sizes outside of the bounds are set to the nearer bound.
    LogNormal {
        /// The smallest.
        min: Bytes,
        /// The largest.
        max: Bytes,
        /// The distribution without bounds.
        distribution: LogNormal<f64>,
    },
    /// Normal; sizes outside of the bounds are set to the nearer bound.
    Normal {
        /// The smallest.
        min: Bytes,
        /// The largest.
        max: Bytes,
        /// The distribution without bounds.
        distribution: Normal<f64>,
    },
    /// Pareto: few are much larger than most; sizes above the cap are set to it.
    Pareto {
        /// The smallest, and the most frequent.
        min: Bytes,
        /// The cap.
        max: Bytes,
        /// The tail index; the smaller, the heavier the tail.
        shape: f64,
        /// The distribution without the cap.
        distribution: Pareto<f64>,
    },
    /// As measured: sizes with the share of the records that are at most as large.
    Empirical {
        /// Size, and cumulative share; in order, the last share is 1.
        steps: Arc<[(u32, f64)]>,
    },
    /// One of several distributions, drawn by its share.
    Mix {
        /// Distribution, and cumulative share; the last share is 1.
        parts: Arc<[(Sizes, f64)]>,
    },
    /// Each tenant has sizes of its own.
    Tenants {
        /// Whose arrival is whose.
        tenants: Tenants,
        /// The sizes of each.
        sizes: Arc<[Sizes]>,
    },
    /// Recorded: arrival k has size `column[k]`.
    Recorded {
        /// Size of each arrival.
        column: Arc<[u32]>,
    },
}

impl Sizes {
    /// All records have this size.
    pub const fn constant(size: Bytes) -> Self {
        Self::Constant { size }
    }

    /// Sizes from `min` to `max`, equally likely; `min <= max`.
    pub const fn uniform(min: Bytes, max: Bytes) -> Self {
        Self::Uniform { min, max }
    }

    /// Lognormal by its median and 99th percentile.
    ///
    /// # Errors
    /// The median is zero or above the 99th percentile.
    pub fn log_normal(median: Bytes, p99: Bytes, min: Bytes, max: Bytes) -> Result<Self, String> {
        if median.0 == 0 || p99 < median {
            return Err("the median must be above zero and not above the 99th percentile".to_owned());
        }
        let sigma = lognormal::sigma(p99.0 as f64 / median.0 as f64);
        let distribution = LogNormal::new((median.0 as f64).ln(), sigma).map_err(|error| error.to_string())?;
        Ok(Self::LogNormal { min, max, distribution })
    }

    /// Normal by its mean and standard deviation.
    ///
    /// # Errors
    /// The standard deviation is not a number.
    pub fn normal(mean: Bytes, deviation: Bytes, min: Bytes, max: Bytes) -> Result<Self, String> {
        let distribution = Normal::new(mean.0 as f64, deviation.0 as f64).map_err(|error| error.to_string())?;
        Ok(Self::Normal { min, max, distribution })
    }

    /// Pareto by its smallest size and its tail index, capped at `max`.
    ///
    /// # Errors
    /// The smallest size or the index is not above zero.
    pub fn pareto(min: Bytes, shape: f64, max: Bytes) -> Result<Self, String> {
        let distribution = Pareto::new(min.0 as f64, shape).map_err(|error| error.to_string())?;
        Ok(Self::Pareto { min, max, shape, distribution })
    }

    /// Sizes with their weights, which are positive.
    pub fn empirical(weights: &[(u32, f64)]) -> Self {
        let mut weights = weights.to_vec();
        weights.sort_by_key(|(size, _)| *size);
        let steps = cumulative(weights.into_iter());
        Self::Empirical { steps: steps.into() }
    }

    /// One of these distributions by their weights, which are positive.
    pub fn mix(parts: Vec<(Self, f64)>) -> Self {
        Self::Mix { parts: cumulative(parts.into_iter()).into() }
    }

    /// The exact mean in bytes; `None` where there is no closed form.
    pub fn mean(&self) -> Option<f64> {
        match self {
            Self::Constant { size } => Some(size.0 as f64),
            Self::Uniform { min, max } => Some((min.0 + max.0) as f64 / 2.0),
            Self::Pareto { min, max, shape, .. } => Some(capped_pareto_mean(min.0 as f64, *shape, max.0 as f64)),
            Self::Empirical { steps } => {
                let before = std::iter::once(0.0).chain(steps.iter().map(|(_, share)| *share));
                Some(steps.iter().zip(before).map(|((size, share), before)| f64::from(*size) * (share - before)).sum())
            }
            Self::Mix { parts } => {
                let before = std::iter::once(0.0).chain(parts.iter().map(|(_, share)| *share));
                parts.iter().zip(before).map(|((sizes, share), before)| Some(sizes.mean()? * (share - before))).sum()
            }
            Self::Tenants { tenants, sizes } => {
                tenants.shares().zip(sizes.iter()).map(|(share, sizes)| Some(sizes.mean()? * share)).sum()
            }
            Self::LogNormal { .. } | Self::Normal { .. } | Self::Recorded { .. } => None,
        }
    }

    /// The smallest size that can occur.
    pub fn smallest(&self) -> Bytes {
        match self {
            Self::Constant { size } => *size,
            Self::Uniform { min, .. }
            | Self::LogNormal { min, .. }
            | Self::Normal { min, .. }
            | Self::Pareto { min, .. } => *min,
            Self::Empirical { steps } => Bytes(steps.first().map_or(0, |(size, _)| *size).into()),
            Self::Mix { parts } => parts.iter().map(|(sizes, _)| sizes.smallest()).min().unwrap_or_default(),
            Self::Tenants { sizes, .. } => sizes.iter().map(Self::smallest).min().unwrap_or_default(),
            Self::Recorded { column } => Bytes(column.iter().min().copied().unwrap_or(0).into()),
        }
    }

    /// The largest size that can occur.
    pub fn largest(&self) -> Bytes {
        match self {
            Self::Constant { size } => *size,
            Self::Uniform { max, .. }
            | Self::LogNormal { max, .. }
            | Self::Normal { max, .. }
            | Self::Pareto { max, .. } => *max,
            Self::Empirical { steps } => Bytes(steps.last().map_or(0, |(size, _)| *size).into()),
            Self::Mix { parts } => parts.iter().map(|(sizes, _)| sizes.largest()).max().unwrap_or_default(),
            Self::Tenants { sizes, .. } => sizes.iter().map(Self::largest).max().unwrap_or_default(),
            Self::Recorded { column } => Bytes(column.iter().max().copied().unwrap_or(0).into()),
        }
    }

    /// Size of arrival `index`.
    pub fn pick(&self, index: u64, seed: NamedSeed) -> u32 {
        let size = match self {
            Self::Constant { size } => size.0,
            Self::Uniform { min, max } => seed.at(index).random_range(min.0..=max.0),
            Self::LogNormal { min, max, distribution } => {
                (distribution.sample(&mut seed.at(index)).round() as u64).clamp(min.0, max.0)
            }
            Self::Normal { min, max, distribution } => {
                (distribution.sample(&mut seed.at(index)).round().max(0.0) as u64).clamp(min.0, max.0)
            }
            Self::Pareto { min, max, distribution, .. } => {
                (distribution.sample(&mut seed.at(index)).round() as u64).clamp(min.0, max.0)
            }
            Self::Empirical { steps } => place_of(steps, seed.at(index).random()).copied().unwrap_or_default().into(),
            Self::Mix { parts } => {
                let part = place_of(parts, seed.salted().at(index).random());
                return part.map_or(0, |part| part.pick(index, seed));
            }
            Self::Tenants { tenants, sizes } => return sizes[tenants.pick(index)].pick(index, seed),
            Self::Recorded { column } => column.get(index as usize).copied().unwrap_or(0).into(),
        };
        u32::try_from(size).unwrap_or(u32::MAX)
    }
}

/// The mean of a Pareto distribution of which all above `cap` is set to it: the integral of its survival function up to there.
pub(crate) fn capped_pareto_mean(low: f64, shape: f64, cap: f64) -> f64 {
    let tail = if (shape - 1.0).abs() < 1e-9 {
        low * (cap / low).ln()
    } else {
        low / (shape - 1.0) * (1.0 - (low / cap).powf(shape - 1.0))
    };
    low + tail
}

/// Which of these, with their cumulative shares, a number from 0 to 1 means; `None` without any.
pub(crate) fn place_of<T>(steps: &[(T, f64)], drawn: f64) -> Option<&T> {
    let place = steps.partition_point(|(_, share)| *share <= drawn).min(steps.len().checked_sub(1)?);
    steps.get(place).map(|(of, _)| of)
}

/// Weights as cumulative shares, of which the last is 1.
pub(crate) fn cumulative<T>(weighted: impl Iterator<Item = (T, f64)>) -> Vec<(T, f64)> {
    let weighted: Vec<(T, f64)> = weighted.collect();
    let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    let last = weighted.len();
    let mut sum = 0.0;
    let share = |(place, (value, weight)): (usize, (T, f64))| {
        sum += weight / total;
        (value, if place == last { 1.0 } else { sum })
    };
    (1..).zip(weighted).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn drawn(sizes: &Sizes) -> Vec<u32> {
        let seed = Seed(5).named("workload.size");
        let mut drawn: Vec<u32> = (0..20_000).map(|k| sizes.pick(k, seed)).collect();
        drawn.sort_unstable();
        drawn
    }

    #[test]
    fn uniform_sizes_cover_their_range() {
        let drawn = drawn(&Sizes::uniform(Bytes(100), Bytes(199)));
        assert_eq!((drawn[0], drawn[19_999]), (100, 199));
        let mean = drawn.iter().map(|s| f64::from(*s)).sum::<f64>() / 20_000.0;
        // Five standard errors: 28.9 / sqrt(20,000) x 5.
        assert!((mean - 149.5).abs() < 1.03, "{mean}");
    }

    #[test]
    fn lognormal_sizes_have_their_percentiles_and_bounds() {
        let sizes = Sizes::log_normal(Bytes(800), Bytes(4_000), Bytes(64), Bytes(5_000)).unwrap();
        let drawn = drawn(&sizes);
        assert!((f64::from(drawn[10_000]) / 800.0 - 1.0).abs() < 0.03, "median {}", drawn[10_000]);
        assert!((f64::from(drawn[19_800]) / 4_000.0 - 1.0).abs() < 0.08, "p99 {}", drawn[19_800]);
        assert!(drawn[0] >= 64 && drawn[19_999] == 5_000);
    }

    #[test]
    fn sizes_have_the_means_that_are_computed() {
        let mix = vec![(Sizes::constant(Bytes(1_000)), 99.0), (Sizes::uniform(Bytes(10_000), Bytes(20_000)), 1.0)];
        for sizes in [
            Sizes::pareto(Bytes(200), 1.5, Bytes(100_000)).unwrap(),
            Sizes::pareto(Bytes(200), 1.0, Bytes(10_000)).unwrap(),
            Sizes::empirical(&[(5_000, 1.0), (100, 6.0), (700, 3.0)]),
            Sizes::mix(mix),
        ] {
            let drawn = drawn(&sizes);
            let (count, mean) =
                (drawn.len() as f64, drawn.iter().map(|s| f64::from(*s)).sum::<f64>() / drawn.len() as f64);
            let variance = drawn.iter().map(|s| (f64::from(*s) - mean).powi(2)).sum::<f64>() / count;
            let expected = sizes.mean().unwrap();
            assert!((mean - expected).abs() < 5.0 * (variance / count).sqrt(), "{sizes:?}: {mean} for {expected}");
            assert!(u64::from(drawn[0]) >= sizes.smallest().0 && u64::from(drawn[19_999]) <= sizes.largest().0);
        }
    }

    #[test]
    fn normal_sizes_have_their_spread() {
        let drawn = drawn(&Sizes::normal(Bytes(1_000), Bytes(100), Bytes(28), Bytes(5_000)).unwrap());
        assert!((f64::from(drawn[10_000]) / 1_000.0 - 1.0).abs() < 0.01);
        assert!((f64::from(drawn[16_827]) / 1_100.0 - 1.0).abs() < 0.01, "one deviation above: {}", drawn[16_827]);
    }

    #[test]
    fn a_median_above_the_99th_percentile_is_refused() {
        assert!(Sizes::log_normal(Bytes(10), Bytes(5), Bytes(1), Bytes(20)).is_err());
    }
}
