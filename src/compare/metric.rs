//! The figures of a run that are compared: one value per run and metric.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::quantile::{FEWEST_BEYOND, beyond};
use crate::measure::LatencySummary;
use crate::result::RunResult;
use crate::units::{self, Rate, Share};

/// A figure of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Records accepted per second, from the end of the warm-up to the end of the load.
    Throughput,
    /// Median response time of the puts, from the intended time on.
    PutP50,
    /// Its 99th percentile.
    PutP99,
    /// Its 99.9th percentile.
    PutP999,
    /// Attempts answered per Kinesis record accepted: throttling and errors in one figure that is never zero.
    Attempts,
    /// Median end-to-end lag of the consumer whose 99th percentile is the longest.
    LagP50,
    /// The longest 99th percentile of the end-to-end lag of any consumer.
    LagP99,
    /// Processor time of the whole process per record accepted.
    Processor,
}

/// The value of a metric in a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reading {
    /// In records per second, nanoseconds, or attempts.
    pub value: f64,
    /// Samples beyond the quantile, for a metric that is one.
    pub beyond: Option<u64>,
}

impl Reading {
    /// Whether the run has enough samples for the value to decide anything.
    pub fn is_certain(&self) -> bool {
        self.beyond.is_none_or(|beyond| beyond >= FEWEST_BEYOND)
    }
}

impl Metric {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Throughput,
        Self::PutP50,
        Self::PutP99,
        Self::PutP999,
        Self::Attempts,
        Self::LagP50,
        Self::LagP99,
        Self::Processor,
    ];
    /// Those that decide, unless told otherwise: each further one makes the test of every other one stricter.
    pub const GATED: [Self; 6] =
        [Self::Throughput, Self::PutP50, Self::PutP99, Self::Attempts, Self::LagP99, Self::Processor];

    /// Its name in arguments and files.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::PutP50 => "put_p50",
            Self::PutP99 => "put_p99",
            Self::PutP999 => "put_p999",
            Self::Attempts => "attempts",
            Self::LagP50 => "lag_p50",
            Self::LagP99 => "lag_p99",
            Self::Processor => "cpu",
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::PutP50 => "put p50",
            Self::PutP99 => "put p99",
            Self::PutP999 => "put p99.9",
            Self::Attempts => "attempts per record",
            Self::LagP50 => "lag p50",
            Self::LagP99 => "lag p99",
            Self::Processor => "CPU per record",
        }
    }

    /// Whether a larger value is worse.
    pub const fn larger_is_worse(self) -> bool {
        !matches!(self, Self::Throughput)
    }

    /// The smallest change that matters, unless told otherwise. `docs/gate.md` gives the reasons.
    pub const fn min_effect(self) -> Share {
        Share(match self {
            Self::Throughput | Self::Processor => 0.03,
            Self::PutP50 | Self::LagP50 => 0.05,
            Self::PutP99 | Self::PutP999 | Self::LagP99 => 0.10,
            Self::Attempts => 0.01,
        })
    }

    /// Which quantile it is of its samples.
    pub const fn quantile(self) -> Option<f64> {
        match self {
            Self::PutP50 | Self::LagP50 => Some(0.5),
            Self::PutP99 | Self::LagP99 => Some(0.99),
            Self::PutP999 => Some(0.999),
            Self::Throughput | Self::Attempts | Self::Processor => None,
        }
    }

    /// Its value in a run; `None` if the run does not have it, or it is not above zero, so that it has no ratio.
    pub fn of(self, result: &RunResult) -> Option<Reading> {
        let judged = Judged::of(result);
        let response = result.measurement.put.get("response").copied().unwrap_or_default();
        let lag = slowest(result).unwrap_or_default();
        let (value, samples) = match self {
            Self::Throughput => (judged.per_second(), None),
            Self::PutP50 => (response.p50.map(|nanos| nanos as f64), Some(response.count)),
            Self::PutP99 => (response.p99.map(|nanos| nanos as f64), Some(response.count)),
            Self::PutP999 => (response.p999.map(|nanos| nanos as f64), Some(response.count)),
            Self::Attempts => (judged.attempts(), None),
            Self::LagP50 => (lag.p50.map(|nanos| nanos as f64), Some(lag.count)),
            Self::LagP99 => (lag.p99.map(|nanos| nanos as f64), Some(lag.count)),
            Self::Processor => (judged.processor_time(result).and_then(|nanos| judged.per_record(nanos)), None),
        };
        let value = value.filter(|value| value.is_finite() && *value > 0.0)?;
        let beyond = self.quantile().zip(samples).map(|(quantile, samples)| beyond(samples, quantile));
        Some(Reading { value, beyond })
    }

    /// A value for people.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Throughput => Rate(value).to_string(),
            Self::Attempts => format!("{value:.4}"),
            _ => units::duration(Duration::from_nanos(value.round() as u64)),
        }
    }

    /// The logarithm of the ratio of two values, such that what is worse is positive.
    pub fn worsening(self, baseline: f64, candidate: f64) -> f64 {
        let ratio = (candidate / baseline).ln();
        if self.larger_is_worse() { ratio } else { -ratio }
    }

    /// A worsening as relative change of the value: 0.1 for a value that is a tenth larger.
    pub fn change(self, worsening: f64) -> f64 {
        (if self.larger_is_worse() { worsening } else { -worsening }).exp_m1()
    }

    /// The worsening that a smallest effect stands for: a value larger by that share, or for throughput smaller.
    pub fn threshold(self, effect: Share) -> f64 {
        if self.larger_is_worse() { effect.0.ln_1p() } else { -(-effect.0).ln_1p() }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|metric| metric.key() == text.trim());
        let keys = || Self::ALL.map(Self::key).join(", ");
        known.ok_or_else(|| format!("`{text}` is no metric; there are {}", keys()))
    }
}

/// The consumer with the longest 99th percentile.
fn slowest(result: &RunResult) -> Option<LatencySummary> {
    result.measurement.consumers.iter().map(|consumer| consumer.lag).max_by_key(|lag| lag.p99)
}

/// What happened in the whole seconds from the end of the warm-up to the end of the load.
struct Judged {
    first: u64,
    end: u64,
    accepted: f64,
    /// Kinesis records accepted, and attempts that came to nothing, both by the time of the answer.
    taken: f64,
    refused: f64,
}

impl Judged {
    fn of(result: &RunResult) -> Self {
        let first = result.scenario.warm_up.as_secs_f64().ceil() as u64;
        let end = result.load_ended.as_secs_f64().floor() as u64;
        let mut judged = Self { first, end, accepted: 0.0, taken: 0.0, refused: 0.0 };
        for interval in result.measurement.intervals.iter().filter(|interval| (first..end).contains(&interval.second)) {
            // Files can have any numbers in them.
            judged.accepted += interval.accepted as f64;
            judged.taken += interval.shards.iter().map(|shard| f64::from(shard.taken().0)).sum::<f64>();
            judged.refused += interval.throttled as f64 + interval.errors as f64;
        }
        judged
    }

    fn attempts(&self) -> Option<f64> {
        (self.taken > 0.0).then(|| (self.taken + self.refused) / self.taken)
    }

    fn per_second(&self) -> Option<f64> {
        (self.end > self.first).then(|| self.accepted / (self.end - self.first) as f64)
    }

    fn per_record(&self, total: f64) -> Option<f64> {
        (self.accepted > 0.0).then(|| total / self.accepted)
    }

    /// Processor time, nanoseconds.
    fn processor_time(&self, result: &RunResult) -> Option<f64> {
        let processors = result.measurement.generator.as_ref()?.processors_used(self.first, self.end)?;
        Some(processors * (self.end - self.first) as f64 * 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worse_is_positive_and_turns_back_into_a_change() {
        let slower = Metric::PutP99.worsening(100.0, 110.0);
        assert!((slower - 1.1f64.ln()).abs() < 1e-12 && (Metric::PutP99.change(slower) - 0.1).abs() < 1e-12);
        let less = Metric::Throughput.worsening(100.0, 90.0);
        assert!(less > 0.0 && (Metric::Throughput.change(less) + 0.1).abs() < 1e-12);
        // A throughput that falls by the smallest effect is exactly at the threshold.
        let fallen = Metric::Throughput.worsening(100.0, 97.0);
        assert!((Metric::Throughput.threshold(Share(0.03)) - fallen).abs() < 1e-12);
    }

    #[test]
    fn names_are_read_back() {
        for metric in Metric::ALL {
            assert_eq!(metric.key().parse(), Ok(metric));
        }
        assert!("p99".parse::<Metric>().unwrap_err().contains("put_p99"));
    }
}
