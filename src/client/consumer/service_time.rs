//! How long simulated work takes.

use std::time::Duration;

use rand::RngExt;
use rand_distr::{Distribution, Exp, LogNormal, Normal, Pareto};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lognormal;
use crate::seed::Rng;
use crate::workload::{capped_pareto_mean, place_of};

/// The distribution of a simulated service time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "distribution", rename_all = "kebab-case")]
pub enum ServiceTime {
    /// No time at all.
    #[default]
    None,
    /// Always the same.
    Constant {
        /// The time.
        time: Duration,
    },
    /// Every time between the two is equally likely.
    Uniform {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// Exponential.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// Normal; what would be below zero takes no time.
    Normal {
        /// The mean of the distribution without this bound.
        mean: Duration,
        /// Its standard deviation.
        deviation: Duration,
    },
    /// Lognormal by its median and 99th percentile.
    Lognormal {
        /// The median.
        median: Duration,
        /// The 99th percentile.
        p99: Duration,
    },
    /// Pareto: few take much longer than most. Times above the cap are set to it.
    Pareto {
        /// The shortest, and the most frequent.
        min: Duration,
        /// The tail index; the smaller, the heavier the tail.
        shape: f64,
        /// The cap.
        max: Duration,
    },
    /// As measured: times with the share of the work that takes at most as long, in order; the last share is 1.
    Empirical {
        /// Time, and cumulative share.
        steps: Vec<(Duration, f64)>,
    },
    /// One of several distributions, drawn by its share.
    Mix {
        /// Distribution, and cumulative share; the last share is 1.
        parts: Vec<(ServiceTime, f64)>,
    },
}

/// Far in the tail of a wide distribution; a month is as good as for ever.
const LONGEST_SECONDS: f64 = 2_592_000.0;

impl ServiceTime {
    /// One time.
    pub fn draw(&self, rng: &mut Rng) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Constant { time } => *time,
            Self::Uniform { min, max } => *min + max.saturating_sub(*min).mul_f64(rng.random::<f64>()),
            Self::Exponential { mean } => {
                let drawn = Exp::new(1.0).map_or(1.0, |unit| unit.sample(rng));
                mean.mul_f64(drawn)
            }
            Self::Normal { mean, deviation } => {
                let drawn: f64 = Normal::new(0.0, 1.0).map_or(0.0, |unit| unit.sample(rng));
                seconds(mean.as_secs_f64() + deviation.as_secs_f64() * drawn)
            }
            Self::Lognormal { median, p99 } => {
                let sigma = log_normal_sigma(*median, *p99);
                let drawn = LogNormal::new(0.0, sigma).map_or(1.0, |unit| unit.sample(rng));
                seconds(median.as_secs_f64() * drawn)
            }
            Self::Pareto { min, shape, max } => {
                let drawn = Pareto::new(1.0, *shape).map_or(1.0, |unit| unit.sample(rng));
                seconds(min.as_secs_f64() * drawn).min(*max)
            }
            Self::Empirical { steps } => place_of(steps, rng.random()).copied().unwrap_or_default(),
            Self::Mix { parts } => {
                let part = place_of(parts, rng.random());
                part.map_or(Duration::ZERO, |part| part.draw(rng))
            }
        }
    }

    /// The mean.
    pub fn mean(&self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Constant { time } => *time,
            Self::Uniform { min, max } => (*min + *max) / 2,
            Self::Exponential { mean } => *mean,
            Self::Normal { mean, deviation } => seconds(positive_part(mean.as_secs_f64(), deviation.as_secs_f64())),
            Self::Lognormal { median, p99 } => {
                let sigma = log_normal_sigma(*median, *p99);
                median.mul_f64((sigma * sigma / 2.0).exp())
            }
            Self::Pareto { min, shape, max } => {
                seconds(capped_pareto_mean(min.as_secs_f64(), *shape, max.as_secs_f64()))
            }
            Self::Empirical { steps } => weighted(steps, |time| time.as_secs_f64()),
            Self::Mix { parts } => weighted(parts, |part| part.mean().as_secs_f64()),
        }
    }

    /// Whether it never takes any time.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// Seconds that may be out of bounds, as a time.
fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_SECONDS))
}

fn log_normal_sigma(median: Duration, p99: Duration) -> f64 {
    lognormal::sigma((p99.as_secs_f64() / median.as_secs_f64().max(1e-9)).max(1.0))
}

/// The mean of what a normal variable is above zero: `mean Φ(mean / deviation) + deviation φ(mean / deviation)`.
fn positive_part(mean: f64, deviation: f64) -> f64 {
    if deviation <= 0.0 {
        return mean.max(0.0);
    }
    let z = mean / deviation;
    let density = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    // The tail beyond z >= 0, to 1e-7 of it (Abramowitz and Stegun, 26.2.17).
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let polynomial = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let tail = density * polynomial.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    mean * (1.0 - tail) + deviation * density
}

/// The mean of values with their cumulative shares.
fn weighted<T>(steps: &[(T, f64)], value: impl Fn(&T) -> f64) -> Duration {
    let before = std::iter::once(0.0).chain(steps.iter().map(|(_, share)| *share));
    seconds(steps.iter().zip(before).map(|((of, share), before)| value(of) * (share - before)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn drawn(time: &ServiceTime) -> Vec<f64> {
        let seeds = Seed(3).named("test");
        let mut drawn: Vec<f64> = (0..20_000).map(|k| time.draw(&mut seeds.at(k)).as_secs_f64()).collect();
        drawn.sort_by(f64::total_cmp);
        drawn
    }

    #[test]
    fn service_times_have_their_means() {
        let measured = ServiceTime::Empirical { steps: vec![(ms(1), 0.5), (ms(10), 0.9), (ms(100), 1.0)] };
        for time in [
            ServiceTime::None,
            ServiceTime::Constant { time: ms(7) },
            ServiceTime::Uniform { min: ms(2), max: ms(12) },
            ServiceTime::Exponential { mean: ms(20) },
            ServiceTime::Normal { mean: ms(20), deviation: ms(4) },
            ServiceTime::Normal { mean: ms(20), deviation: ms(30) },
            ServiceTime::Normal { mean: ms(20), deviation: Duration::ZERO },
            ServiceTime::Lognormal { median: ms(10), p99: ms(50) },
            ServiceTime::Pareto { min: ms(5), shape: 1.5, max: ms(500) },
            ServiceTime::Pareto { min: ms(5), shape: 1.0, max: ms(500) },
            ServiceTime::Mix { parts: vec![(ServiceTime::Constant { time: ms(2) }, 0.75), (measured.clone(), 1.0)] },
            measured,
        ] {
            let drawn = drawn(&time);
            let (sum, mean) = (drawn.iter().sum::<f64>() / 20_000.0, time.mean().as_secs_f64());
            let variance = drawn.iter().map(|time| (time - sum).powi(2)).sum::<f64>() / 20_000.0;
            // Five standard errors.
            assert!((sum - mean).abs() <= 5.0 * (variance / 20_000.0).sqrt() + 1e-9, "{time:?}: {sum} for {mean}");
        }
    }

    #[test]
    fn service_times_stay_within_their_bounds() {
        let pareto = drawn(&ServiceTime::Pareto { min: ms(5), shape: 0.8, max: ms(50) });
        assert!(pareto[0] >= 0.005 && (pareto[19_999] - 0.05).abs() < 1e-12);
        // Half of it is above `min 2^(1 / shape)`.
        assert!((pareto[10_000] / (0.005 * 2.0_f64.powf(1.25)) - 1.0).abs() < 0.05, "{}", pareto[10_000]);
        let normal = drawn(&ServiceTime::Normal { mean: ms(10), deviation: ms(10) });
        // 15.9 % would be below zero.
        let none = normal.iter().filter(|time| **time == 0.0).count();
        assert!((3_000..3_350).contains(&none), "{none}");
        let steps = vec![(ms(1), 0.5), (ms(10), 1.0)];
        let measured = drawn(&ServiceTime::Empirical { steps });
        assert!(measured.iter().all(|time| [0.001, 0.01].contains(time)));
    }
}
