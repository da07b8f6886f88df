//! What a run measured in the time that is judged.

use crate::measure::Interval;
use crate::result::RunResult;
use crate::time::Time;
use crate::units::{Rate, Share};

/// What happened between the end of the warm-up and the end of the load.
pub(super) struct Measured {
    /// First second that counts, and the first one that no longer does.
    pub seconds: (u64, u64),
    pub duration: f64,
    pub offered: u64,
    pub accepted: u64,
    /// Those accepted at their first attempt.
    pub accepted_at_first: u64,
    pub accepted_bytes: u64,
    /// The same as Kinesis records: what counts for the quotas.
    pub service: (u64, u64),
    /// Seconds in which an attempt was throttled.
    pub throttled_seconds: u64,
    attempts: u64,
    throttled: u64,
}

impl Measured {
    pub fn of(result: &RunResult) -> Self {
        // Only whole seconds count, so that rates are over known times.
        let first = result.scenario.warm_up.as_secs_f64().ceil() as u64;
        let end = result.load_ended.as_secs_f64().floor() as u64;
        let inside = |interval: &&Interval| (first..end).contains(&interval.second);
        let intervals: Vec<&Interval> = result.measurement.intervals.iter().filter(inside).collect();
        let sum = |value: fn(&Interval) -> u64| intervals.iter().map(|interval| value(interval)).sum();
        // Objectives on throttling look at everything after the warm-up, the drain included.
        let after_warm_up = || result.measurement.intervals.iter().filter(|interval| interval.second >= first);
        Self {
            seconds: (first, end),
            duration: end.saturating_sub(first) as f64,
            offered: sum(|interval| interval.offered),
            accepted: sum(|interval| interval.accepted),
            accepted_at_first: sum(|interval| interval.accepted - interval.retried.min(interval.accepted)),
            accepted_bytes: sum(|interval| interval.accepted_bytes),
            throttled_seconds: sum(|interval| u64::from(interval.throttled > 0)),
            service: (
                sum(|interval| interval.shards.iter().map(|shard| u64::from(shard.service_records)).sum()),
                sum(|interval| interval.shards.iter().map(|shard| u64::from(shard.service_bytes)).sum()),
            ),
            attempts: after_warm_up().map(|interval| interval.attempts).sum(),
            throttled: after_warm_up().map(|interval| interval.throttled).sum(),
        }
    }

    pub fn throttled_share(&self) -> Option<Share> {
        (self.attempts > 0).then(|| Share(self.throttled as f64 / self.attempts as f64))
    }

    pub fn rate(&self, records: u64) -> Option<Rate> {
        (self.duration > 0.0).then(|| Rate(records as f64 / self.duration))
    }
}

/// Mean number of open shards in the seconds that are judged.
pub(super) fn mean_shards(result: &RunResult, (first, end): (u64, u64)) -> f64 {
    let open = &result.measurement.open_shards;
    let all = result.measurement.shards.len() as f64;
    let (first, end) = (first as f64, end as f64);
    if open.is_empty() || first >= end {
        return open.first().map_or(all, |(_, count)| f64::from(*count));
    }
    let until = open.iter().skip(1).map(|(at, _)| at.as_secs_f64()).chain([f64::INFINITY]);
    let part = |((at, count), until): (&(Time, u32), f64)| {
        (until.min(end) - at.as_secs_f64().max(first)).max(0.0) * f64::from(*count)
    };
    open.iter().zip(until).map(part).sum::<f64>() / (end - first)
}
