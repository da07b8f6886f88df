//! What the load generator itself did, second by second: whether it, and not the stream, was the limit.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The load generator's own use of the machine. Times are those of the whole process: with the embedded emulator, that of the
/// emulator is among it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct GeneratorHealth {
    /// Processors that the process may use.
    pub processors: u32,
    /// One entry per second.
    pub seconds: Vec<HealthInterval>,
}

/// One second of the load generator. What the operating system does not tell is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct HealthInterval {
    /// Seconds since the run began, at its end.
    pub second: u64,
    /// How long the interval was.
    pub length: Duration,
    /// Processor time used.
    pub processor_time: Option<Duration>,
    /// Time that threads were ready to run and waited for a processor, all of them together.
    pub run_queue_wait: Option<Duration>,
    /// Bytes of memory resident at its end.
    pub resident: Option<u64>,
    /// Memory pages mapped for the first time: what the allocator took from the system.
    pub page_faults: Option<u64>,
    /// Pieces of memory that were allocated.
    #[serde(default)]
    pub allocations: Option<u64>,
    /// Bytes of them.
    #[serde(default)]
    pub allocated_bytes: Option<u64>,
    /// Sockets that were open at its end: the connections to the target, and with the embedded emulator both of their ends.
    pub sockets: Option<u64>,
    /// Longest time from the release of an arrival by the pacer until the runtime took note of it.
    pub longest_wake_up: Option<Duration>,
    /// Longest delay of a task of the runtime on which calls and consumers run: how late a timer was served that was due in it.
    #[serde(default)]
    pub scheduling_delay: Option<Duration>,
}

impl HealthInterval {
    /// Processors used, on average over the interval.
    pub fn processors(&self) -> Option<f64> {
        let length = self.length.as_secs_f64();
        self.processor_time.filter(|_| length > 0.0).map(|used| used.as_secs_f64() / length)
    }
}

impl GeneratorHealth {
    /// Processors used in the seconds from `first` until before `end`, on average, if it is known of all of them.
    pub fn processors_used(&self, first: u64, end: u64) -> Option<f64> {
        self.mean(first, end, |interval| interval.processor_time)
    }

    /// Processors that its threads waited for in these seconds, on average.
    pub fn processors_missed(&self, first: u64, end: u64) -> Option<f64> {
        self.mean(first, end, |interval| interval.run_queue_wait)
    }

    /// In how many of these seconds a task of the runtime was later than `bound`, of how many that are known, and the longest delay.
    pub fn delayed(&self, first: u64, end: u64, bound: Duration) -> (usize, usize, Duration) {
        let during = self.seconds.iter().filter(|interval| (first + 1..=end).contains(&interval.second));
        let delays: Vec<Duration> = during.filter_map(|interval| interval.scheduling_delay).collect();
        let late = delays.iter().filter(|delay| **delay > bound).count();
        (late, delays.len(), delays.into_iter().max().unwrap_or_default())
    }

    fn mean(&self, first: u64, end: u64, time: fn(&HealthInterval) -> Option<Duration>) -> Option<f64> {
        let judged = || self.seconds.iter().filter(|interval| (first + 1..=end).contains(&interval.second));
        let length: f64 = judged().map(|interval| interval.length.as_secs_f64()).sum();
        let spent = judged().map(time).sum::<Option<Duration>>()?;
        (length > 0.0).then(|| spent.as_secs_f64() / length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_a_mean_over_the_seconds_that_are_judged() {
        let second = |second, millis| HealthInterval {
            second,
            length: Duration::from_secs(1),
            processor_time: Some(Duration::from_millis(millis)),
            ..HealthInterval::default()
        };
        let health =
            GeneratorHealth { processors: 2, seconds: vec![second(1, 2_000), second(2, 500), second(3, 1_500)] };
        assert_eq!(health.processors_used(1, 3), Some(1.0));
        assert_eq!(health.processors_used(0, 3), Some(4.0 / 3.0));
        assert_eq!((health.processors_used(3, 9), health.processors_missed(1, 3)), (None, None));
        assert_eq!(health.seconds[1].processors(), Some(0.5));
    }
}
