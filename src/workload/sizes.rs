//! Record sizes.

use std::sync::Arc;

use rand::RngExt;
use rand_distr::{Distribution, LogNormal};

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
        const Z99: f64 = 2.326_347_874_040_841;
        if median.0 == 0 || p99 < median {
            return Err("the median must be above zero and not above the 99th percentile".to_owned());
        }
        let sigma = (p99.0 as f64 / median.0 as f64).ln() / Z99;
        let distribution = LogNormal::new((median.0 as f64).ln(), sigma).map_err(|error| error.to_string())?;
        Ok(Self::LogNormal { min, max, distribution })
    }

    /// The smallest size that can occur.
    pub fn smallest(&self) -> Bytes {
        match self {
            Self::Constant { size } => *size,
            Self::Uniform { min, .. } | Self::LogNormal { min, .. } => *min,
            Self::Recorded { column } => Bytes(column.iter().min().copied().unwrap_or(0).into()),
        }
    }

    /// The largest size that can occur.
    pub fn largest(&self) -> Bytes {
        match self {
            Self::Constant { size } => *size,
            Self::Uniform { max, .. } | Self::LogNormal { max, .. } => *max,
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
            Self::Recorded { column } => column.get(index as usize).copied().unwrap_or(0).into(),
        };
        u32::try_from(size).unwrap_or(u32::MAX)
    }
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
    fn a_median_above_the_99th_percentile_is_refused() {
        assert!(Sizes::log_normal(Bytes(10), Bytes(5), Bytes(1), Bytes(20)).is_err());
    }
}
