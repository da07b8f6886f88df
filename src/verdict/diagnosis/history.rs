//! How full a shard's buckets were, by what it accepted second for second.

use crate::kinesis::{WriteLimits, WriteQuota};
use crate::time::Time;

/// Seconds over which the saturation of a shard is looked at.
pub(super) const SATURATION_SECONDS: usize = 10;

/// How full a shard's buckets are, by what it accepted second for second.
#[derive(Debug, Clone)]
pub(super) struct History {
    limits: WriteLimits,
    /// Tokens left: records and bytes.
    left: (f64, f64),
    /// What was accepted in the last seconds.
    accepted: Vec<(f64, f64)>,
}

impl History {
    pub fn new(limits: &WriteLimits) -> Self {
        let left = (limits.record_burst as f64, limits.byte_burst as f64);
        Self { limits: limits.clone(), left, accepted: Vec::new() }
    }

    /// A second in which so much was accepted.
    pub fn add(&mut self, records: f64, bytes: f64, throttled: bool) {
        let step = |left: f64, rate: u64, burst: u64, taken: f64| (left + rate as f64 - taken).clamp(0.0, burst as f64);
        self.left.0 = step(self.left.0, self.limits.records_per_second, self.limits.record_burst, records);
        self.left.1 = step(self.left.1, self.limits.bytes_per_second, self.limits.byte_burst, bytes);
        if throttled {
            // One of the two was used up, and with retries it stays so. What is accepted is counted when the answer comes, so
            // that the sums alone are off by what is under way.
            let by_records =
                self.left.0 / self.limits.record_burst as f64 <= self.left.1 / self.limits.byte_burst as f64;
            *(if by_records { &mut self.left.0 } else { &mut self.left.1 }) = 0.0;
        }
        self.accepted.push((records, bytes));
        if self.accepted.len() > SATURATION_SECONDS {
            self.accepted.remove(0);
        }
    }

    /// Utilisation by what was accepted over the last seconds; none before there are as many.
    pub fn saturation(&self) -> (f64, f64) {
        if self.accepted.len() < SATURATION_SECONDS {
            return (0.0, 0.0);
        }
        let seconds = SATURATION_SECONDS as f64;
        let mean = |value: fn(&(f64, f64)) -> f64| self.accepted.iter().map(value).sum::<f64>() / seconds;
        (
            mean(|accepted| accepted.0) / self.limits.records_per_second as f64,
            mean(|accepted| accepted.1) / self.limits.bytes_per_second as f64,
        )
    }

    /// The quota as it was at `from`, counting records of which some are in a Kinesis record.
    pub fn quota(&self, limits: &WriteLimits, from: Time) -> WriteQuota {
        let missing = |left: f64, burst: u64| burst as f64 - left;
        let packed = limits.records_per_second as f64 / self.limits.records_per_second.max(1) as f64;
        let records = missing(self.left.0, self.limits.record_burst) * packed;
        WriteQuota::lacking(limits, from, records as u64, missing(self.left.1, self.limits.byte_burst) as u64)
    }
}
