//! Whether a run was steady: its first half against its second.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::Metric;
use crate::measure::Estimate;
use crate::result::RunResult;

/// The halves of a run side by side.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Steadiness {
    /// Seconds from the end of the warm-up to the end of the load, which are halved.
    pub seconds: u64,
    /// The load that was offered, and what became of it.
    pub rows: Vec<Halves>,
}

/// A figure of each half.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(into = "HalvesRecord")]
#[schemars(with = "HalvesRecord")]
pub struct Halves {
    /// What it is.
    pub metric: Metric,
    /// What its numbers are.
    pub unit: HalvesUnit,
    /// Over both halves.
    pub whole: Estimate,
    /// Over the first half.
    pub first: Estimate,
    /// Over the second half.
    pub second: Estimate,
    /// Whether the halves differ by more than chance and by enough to matter.
    pub differs: bool,
}

/// [`Halves`] as JSON: the name for people beside the metric.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Halves")]
struct HalvesRecord {
    /// What it is.
    metric: Metric,
    /// Its name for people, such as `put response p99`.
    name: String,
    /// What its numbers are.
    unit: HalvesUnit,
    /// Over both halves.
    whole: Estimate,
    /// Over the first half.
    first: Estimate,
    /// Over the second half.
    second: Estimate,
    /// Whether the halves differ by more than chance and by enough to matter.
    differs: bool,
}

impl From<Halves> for HalvesRecord {
    fn from(halves: Halves) -> Self {
        let Halves { metric, unit, whole, first, second, differs } = halves;
        Self { name: metric.to_string(), metric, unit, whole, first, second, differs }
    }
}

/// What the numbers of [`Halves`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HalvesUnit {
    /// Records per second.
    Rate,
    /// From 0 to 1.
    Share,
    /// Nanoseconds.
    Nanoseconds,
}

/// Fewest seconds of a half that say anything: with less, the resemblance of neighbouring seconds cannot be told.
const SECONDS_MIN: usize = 8;
/// A difference of the means counts from so many of its standard errors on: one comparison in 370 of a steady run would.
const STANDARD_ERRORS: f64 = 3.0;
/// A smaller difference does not matter, relative to the mean of the whole.
const RELATIVE_MIN: f64 = 0.1;
/// A smaller difference of shares does not matter, in parts of one.
const SHARE_MIN: f64 = 0.005;

impl Steadiness {
    /// Compares the halves of a run; `None` if it was too short to tell.
    pub(super) fn of(result: &RunResult, (from, to): (u64, u64)) -> Option<Self> {
        let judged = || result.measurement.intervals.iter().filter(|i| (from..to).contains(&i.second));
        let nanoseconds = |value: Option<u64>| value.map(|nanos| nanos as f64);
        let middle = from + to.saturating_sub(from) / 2;
        let halves = |metric, unit, values: Vec<(u64, f64)>| Halves::of(metric, unit, &values, middle);
        let attempted = judged().filter(|i| i.attempts > 0);
        let mut rows = vec![
            halves(Metric::OfferedRecords, HalvesUnit::Rate, judged().map(|i| (i.second, i.offered as f64)).collect()),
            halves(
                Metric::AcceptedRecords,
                HalvesUnit::Rate,
                judged().map(|i| (i.second, i.accepted as f64)).collect(),
            ),
            halves(
                Metric::ThrottledAttempts,
                HalvesUnit::Share,
                attempted.map(|i| (i.second, i.throttled as f64 / i.attempts as f64)).collect(),
            ),
            halves(
                Metric::PutResponseP99,
                HalvesUnit::Nanoseconds,
                judged().filter_map(|i| Some((i.second, nanoseconds(i.response_p99)?))).collect(),
            ),
        ];
        for consumer in &result.measurement.consumers {
            let lags = consumer.lag_intervals.iter().filter(|(second, _)| (from..to).contains(second));
            let lags = lags.filter_map(|(second, lag)| Some((*second, nanoseconds(lag.p99)?)));
            rows.push(halves(
                Metric::LagP99 { consumer: consumer.name.clone() },
                HalvesUnit::Nanoseconds,
                lags.collect(),
            ));
        }
        let rows: Vec<Halves> = rows.into_iter().flatten().collect();
        (!rows.is_empty()).then(|| Self { seconds: to.saturating_sub(from), rows })
    }

    /// Whether what came of the load was the same in both halves.
    pub fn is_steady(&self) -> bool {
        !self.rows.iter().any(|row| row.differs && row.metric != Metric::OfferedRecords)
    }

    /// Whether the load itself was the same in both halves.
    pub fn load_is_steady(&self) -> bool {
        !self.rows.iter().any(|row| row.differs && row.metric == Metric::OfferedRecords)
    }
}

impl Halves {
    fn of(metric: Metric, unit: HalvesUnit, values: &[(u64, f64)], middle: u64) -> Option<Self> {
        let of = |wanted: &dyn Fn(u64) -> bool| {
            let values: Vec<f64> =
                values.iter().filter(|(second, _)| wanted(*second)).map(|(_, value)| *value).collect();
            Estimate::of(&values).filter(|_| values.len() >= SECONDS_MIN)
        };
        let (first, second) = (of(&|second| second < middle)?, of(&|second| second >= middle)?);
        let whole = of(&|_| true)?;
        let difference = (second.mean - first.mean).abs();
        let chance = STANDARD_ERRORS * first.standard_error.hypot(second.standard_error);
        let matters = match unit {
            HalvesUnit::Share => SHARE_MIN.max(RELATIVE_MIN * whole.mean),
            HalvesUnit::Rate | HalvesUnit::Nanoseconds => RELATIVE_MIN * whole.mean.abs(),
        };
        Some(Self { metric, unit, whole, first, second, differs: difference > chance && difference > matters })
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::seed::Seed;

    fn halves(values: impl Fn(u64) -> f64, seconds: u64, unit: HalvesUnit) -> Option<Halves> {
        let values: Vec<(u64, f64)> = (0..seconds).map(|second| (second, values(second))).collect();
        Halves::of(Metric::AcceptedRecords, unit, &values, seconds / 2)
    }

    #[test]
    fn a_step_is_seen_and_a_small_one_does_not_matter() {
        let step =
            |height: f64| move |second: u64| if second < 30 { 100.0 } else { 100.0 + height } + (second % 3) as f64;
        assert!(halves(step(30.0), 60, HalvesUnit::Rate).unwrap().differs);
        assert!(!halves(step(5.0), 60, HalvesUnit::Rate).unwrap().differs);
        assert!(!halves(|_| 0.0, 60, HalvesUnit::Share).unwrap().differs);
        assert!(halves(|second| second as f64, 60, HalvesUnit::Nanoseconds).unwrap().differs, "a trend is no chance");
    }

    #[test]
    fn a_short_run_says_nothing() {
        assert_eq!(halves(|second| second as f64, 15, HalvesUnit::Rate), None);
        assert!(halves(|second| second as f64, 16, HalvesUnit::Rate).is_some());
    }

    #[test]
    fn a_steady_run_is_rarely_called_unsteady() {
        let false_alarms = (0..1_000).filter(|seed| {
            let mut random = Seed(*seed).stream("steadiness", 0);
            // Scatters by more than matters, so that only the rule of chance holds it back.
            let values: Vec<f64> = (0..120).map(|_| random.random_range(0.0..2.0)).collect();
            halves(|second| values[second as usize], 120, HalvesUnit::Rate).unwrap().differs
        });
        assert!(false_alarms.count() <= 10);
    }
}
