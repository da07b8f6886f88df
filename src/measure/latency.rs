//! Latency distributions: an HdrHistogram with fixed bounds, exact extremes beside it, and its interval log.

use std::io::Write as _;
use std::time::Duration;

use base64_simd::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::{Time, nanos};

/// A distribution of durations, recorded in nanoseconds from 1 µs to 1 h with 3 significant digits.
///
/// The bounds are the same for every histogram, so that merging is adding. What lies above is counted in an overflow
/// counter and stays in the exact maximum and sum.
#[derive(Debug, Clone)]
pub struct Latency {
    histogram: Histogram<u64>,
    overflow: u64,
    min: u64,
    max: u64,
    sum: u128,
}

/// A distribution in figures, for results and reports. Durations are nanoseconds; `None` where there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the statistics of their names")]
pub struct LatencySummary {
    /// Number of values.
    pub count: u64,
    /// Values above one hour. They are part of every figure; a percentile that falls among them is given as the maximum.
    pub overflow: u64,
    /// Exact.
    pub min: Option<u64>,
    /// Exact.
    pub mean: Option<f64>,
    pub p50: Option<u64>,
    pub p90: Option<u64>,
    pub p99: Option<u64>,
    pub p999: Option<u64>,
    pub p9999: Option<u64>,
    /// Exact.
    pub max: Option<u64>,
}

/// One point of a percentile curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PercentilePoint {
    /// Share of the values at or below, from 0 to 1.
    pub quantile: f64,
    /// The value, nanoseconds.
    pub value: u64,
}

const LOWEST_NANOS: u64 = 1_000;
const HIGHEST_NANOS: u64 = 3_600_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl Latency {
    /// An empty distribution.
    ///
    /// # Panics
    /// Never: the bounds are constants that HdrHistogram accepts.
    #[allow(clippy::expect_used, reason = "the bounds are constants")]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(LOWEST_NANOS, HIGHEST_NANOS, SIGNIFICANT_DIGITS)
            .expect("constant bounds within HdrHistogram's");
        Self { histogram, overflow: 0, min: u64::MAX, max: 0, sum: 0 }
    }

    /// Adds a value.
    pub fn record(&mut self, value: Duration) {
        let value = nanos(value);
        if value > HIGHEST_NANOS || self.histogram.record(value).is_err() {
            self.overflow += 1;
        }
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += u128::from(value);
    }

    /// Adds every value of another distribution.
    pub fn merge(&mut self, other: &Self) {
        // The bounds are the same for every histogram of this type, so the addition cannot fail.
        let added = self.histogram.add(&other.histogram);
        debug_assert!(added.is_ok());
        self.overflow += other.overflow;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.histogram.reset();
        (self.overflow, self.min, self.max, self.sum) = (0, u64::MAX, 0, 0);
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.histogram.len() + self.overflow
    }

    /// The smallest value that is at or above a share `quantile` of all values, nanoseconds; `None` without values.
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = ((quantile * count as f64).ceil() as u64).clamp(1, count);
        if rank > self.histogram.len() {
            return Some(self.max);
        }
        // Half a rank less than asked for keeps rounding from reaching the next value; the histogram rounds up.
        let quantile = (rank as f64 - 0.5) / self.histogram.len() as f64;
        // The histogram answers with the upper end of a bucket, which can lie above the largest value in it.
        let value = self.histogram.value_at_quantile(quantile);
        Some(value.clamp(self.min, self.max))
    }

    /// The distribution in figures.
    pub fn summary(&self) -> LatencySummary {
        let count = self.count();
        let some = |value| (count > 0).then_some(value);
        LatencySummary {
            count,
            overflow: self.overflow,
            min: some(self.min),
            mean: (count > 0).then(|| self.sum as f64 / count as f64),
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p99: self.quantile(0.99),
            p999: self.quantile(0.999),
            p9999: self.quantile(0.9999),
            max: some(self.max),
        }
    }

    /// The distribution as a curve, denser towards the tail: two points for each halving of the values above.
    pub fn curve(&self) -> Vec<PercentilePoint> {
        let mut points = Vec::new();
        if self.count() == 0 {
            return points;
        }
        let mut above: f64 = 1.0;
        while above * self.count() as f64 >= 1.0 {
            let quantile = 1.0 - above;
            points.extend(self.quantile(quantile).map(|value| PercentilePoint { quantile, value }));
            above /= std::f64::consts::SQRT_2;
        }
        points.push(PercentilePoint { quantile: 1.0, value: self.max });
        points
    }
}

/// The part of a run that one line of an interval log covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogWindow {
    /// Its beginning.
    pub from: Time,
    /// Its end.
    pub to: Time,
}

/// A distribution over a run: the whole, and one line per interval in the HdrHistogram log format, version 1.3.
#[derive(Debug, Clone, Default)]
pub struct LatencyLog {
    total: Latency,
    interval: Latency,
    lines: Vec<u8>,
    serializer_buffer: Vec<u8>,
}

impl LatencyLog {
    /// Adds a value to the current interval, and to the whole if it counts.
    pub fn record(&mut self, value: Duration, counts: bool) {
        self.interval.record(value);
        if counts {
            self.total.record(value);
        }
    }

    /// All values that count.
    pub const fn total(&self) -> &Latency {
        &self.total
    }

    /// Ends the current interval: writes its line and returns its figures. An interval without values has no line.
    pub fn close_interval(&mut self, window: LogWindow) -> LatencySummary {
        let summary = self.interval.summary();
        if summary.count > 0 {
            self.write_line(window);
            self.interval.clear();
        }
        summary
    }

    /// The log as a file: what HdrHistogram's own tools read. `started` is the Unix time of the beginning of the run.
    pub fn file(&self, title: &str, started: Duration) -> Vec<u8> {
        let seconds = started.as_secs_f64();
        let mut file = format!(
            "#[{title}]\n#[Values are nanoseconds; one line per second, by the time of the answer]\n\
             #[Histogram log format version 1.3]\n#[StartTime: {seconds:.3} (seconds since epoch)]\n\
             #[BaseTime: {seconds:.3} (seconds since epoch)]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
        )
        .into_bytes();
        file.extend_from_slice(&self.lines);
        file
    }

    fn write_line(&mut self, window: LogWindow) {
        self.serializer_buffer.clear();
        let histogram = &self.interval.histogram;
        if V2DeflateSerializer::new().serialize(histogram, &mut self.serializer_buffer).is_err() {
            // Writing into memory does not fail; the whole stays exact in any case.
            return;
        }
        let encoded = STANDARD.encode_to_string(&self.serializer_buffer);
        let (from, length) = (window.from.as_secs_f64(), window.to.since(window.from).as_secs_f64());
        // The format's convention is a maximum in milliseconds: nanoseconds divided by a million.
        let max = self.interval.max as f64 / 1e6;
        let written = writeln!(self.lines, "{from:.3},{length:.3},{max:.3},{encoded}");
        debug_assert!(written.is_ok());
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Latency {
        let mut latency = Latency::new();
        values.iter().for_each(|value| latency.record(Duration::from_nanos(*value)));
        latency
    }

    #[test]
    fn an_empty_distribution_has_no_figures() {
        let summary = Latency::new().summary();
        assert_eq!(summary, LatencySummary::default());
        assert!(Latency::new().curve().is_empty());
    }

    #[test]
    fn extremes_and_mean_are_exact() {
        let summary = of(&[1_218_249_870, 3, 1_000_003]).summary();
        assert_eq!((summary.min, summary.max), (Some(3), Some(1_218_249_870)));
        assert_eq!(summary.mean, Some((1_218_249_870.0 + 3.0 + 1_000_003.0) / 3.0));
    }

    #[test]
    fn what_is_too_long_is_counted_and_not_clamped() {
        let two_hours = 7_200_000_000_000;
        let summary = of(&[1_000_000, 1_000_000, two_hours]).summary();
        assert_eq!((summary.count, summary.overflow, summary.max), (3, 1, Some(two_hours)));
        assert_eq!(summary.p99, Some(two_hours));
        assert!(summary.p50.unwrap() < 1_002_000);
    }

    #[test]
    fn the_log_is_read_by_the_standard_reader() {
        let mut log = LatencyLog::default();
        log.record(Duration::from_millis(5), true);
        log.close_interval(LogWindow { from: Time::ZERO, to: Time::from_secs(1) });
        log.close_interval(LogWindow { from: Time::from_secs(1), to: Time::from_secs(2) });
        log.record(Duration::from_millis(7), false);
        log.record(Duration::from_millis(9), true);
        log.close_interval(LogWindow { from: Time::from_secs(2), to: Time::from_secs(3) });
        assert_eq!(log.total().count(), 2);

        let file = log.file("put response", Duration::from_secs(1_700_000_000));
        let mut lines = Vec::new();
        for entry in IntervalLogIterator::new(&file) {
            if let LogEntry::Interval(line) = entry.unwrap() {
                let bytes = STANDARD.decode_to_vec(line.encoded_histogram()).unwrap();
                let histogram: Histogram<u64> =
                    hdrhistogram::serialization::Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
                lines.push((line.start_timestamp().as_secs(), histogram.len(), line.max()));
            }
        }
        assert_eq!(lines, [(0, 1, 5.0), (2, 2, 9.0)]);
    }

    /// The sum of the lines of a log, as the standard reader reads them.
    fn sum_of_lines(file: &[u8]) -> (Histogram<u64>, usize) {
        let (mut sum, mut lines) = (Latency::new().histogram, 0);
        for entry in IntervalLogIterator::new(file) {
            if let LogEntry::Interval(line) = entry.unwrap() {
                let bytes = STANDARD.decode_to_vec(line.encoded_histogram()).unwrap();
                let mut reader = hdrhistogram::serialization::Deserializer::new();
                let histogram: Histogram<u64> = reader.deserialize(&mut bytes.as_slice()).unwrap();
                sum.add(histogram).unwrap();
                lines += 1;
            }
        }
        (sum, lines)
    }

    proptest! {
        /// What is written by the second and read and added up again is the whole, count for count.
        #[test]
        fn the_lines_of_a_log_add_up_to_the_whole(
            seconds in prop::collection::vec(prop::collection::vec(1_000u64..3_600_000_000_000, 0..40), 1..8),
        ) {
            let mut log = LatencyLog::default();
            for (second, values) in (0..).zip(&seconds) {
                values.iter().for_each(|value| log.record(Duration::from_nanos(*value), true));
                log.close_interval(LogWindow { from: Time::from_secs(second), to: Time::from_secs(second + 1) });
            }
            let (sum, lines) = sum_of_lines(&log.file("put response", Duration::from_secs(1_700_000_000)));
            prop_assert_eq!(lines, seconds.iter().filter(|values| !values.is_empty()).count());
            prop_assert_eq!(&sum, &log.total().histogram);
            prop_assert_eq!(sum.len() as usize, seconds.iter().map(Vec::len).sum::<usize>());
        }

        #[test]
        fn merging_is_adding(a: Vec<u32>, b: Vec<u32>) {
            let (a, b): (Vec<u64>, Vec<u64>) = (a.into_iter().map(u64::from).collect(), b.into_iter().map(u64::from).collect());
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(merged.summary(), of(&[a, b].concat()).summary());
        }

        #[test]
        fn percentiles_are_within_a_thousandth(mut values in prop::collection::vec(2_000_000u64..3_600_000_000_000, 1..300), share in 0.0f64..1.0) {
            let measured = of(&values).quantile(share).unwrap() as f64;
            values.sort_unstable();
            let rank = ((share * values.len() as f64).ceil() as usize).clamp(1, values.len());
            let exact = values[rank - 1] as f64;
            prop_assert!((measured / exact - 1.0).abs() <= 0.001, "measured {}, exact {}", measured, exact);
        }
    }
}
