//! How much a shard takes: for latencies that grow with the load, and for on-demand streams that grow with it.

use super::profile::WriteLimits;
use crate::time::Time;

/// Counts what a shard accepts, by second and by minute.
#[derive(Debug)]
pub(super) struct Meter {
    records_per_second: u64,
    bytes_per_second: u64,
    second: u64,
    records: u64,
    bytes: u64,
    utilisation: f64,
    /// Accepted since the count was last taken.
    taken: Accepted,
    /// How full the last minute was, to compare shards with each other.
    last_minute: u64,
}

/// What was accepted over some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    pub records: u64,
    pub bytes: u64,
}

impl Meter {
    pub const fn new(limits: &WriteLimits) -> Self {
        Self {
            records_per_second: limits.records_per_second,
            bytes_per_second: limits.bytes_per_second,
            second: 0,
            records: 0,
            bytes: 0,
            utilisation: 0.0,
            taken: Accepted { records: 0, bytes: 0 },
            last_minute: 0,
        }
    }

    pub fn count(&mut self, now: Time, bytes: u64) {
        let second = now.as_nanos() / 1_000_000_000;
        if second > self.second {
            let share = |used: u64, limit: u64| used as f64 / limit.max(1) as f64;
            let busy = share(self.records, self.records_per_second).max(share(self.bytes, self.bytes_per_second));
            self.utilisation = if second == self.second + 1 { busy.min(1.0) } else { 0.0 };
            (self.second, self.records, self.bytes) = (second, 0, 0);
        }
        self.records += 1;
        self.bytes += bytes;
        self.taken.records += 1;
        self.taken.bytes += bytes;
    }

    /// Share of the write capacity that the second before the last record used, 0 to 1.
    pub const fn utilisation(&self) -> f64 {
        self.utilisation
    }

    /// What was accepted since this was last asked.
    pub fn take(&mut self) -> Accepted {
        std::mem::take(&mut self.taken)
    }

    /// Keeps the load of the minute that has ended.
    pub const fn note_minute(&mut self, accepted: Accepted) {
        // A record counts like as many bytes as a full shard has bytes for each of its records.
        let bytes_for_records = accepted.records
            * (self.bytes_per_second / (self.records_per_second + (self.records_per_second == 0) as u64));
        self.last_minute = if accepted.bytes > bytes_for_records { accepted.bytes } else { bytes_for_records };
    }

    /// The load of the last minute; larger is busier.
    pub const fn last_minute(&self) -> u64 {
        self.last_minute
    }
}
