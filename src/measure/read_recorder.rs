//! What one consumer reads: lag, calls, and the delivery check's view of each record.

use std::collections::BTreeMap;
use std::time::Duration;

use super::latency::{LatencyLog, LatencySummary, LogWindow};
use super::reading::{Delivered, ReadRecord, Reading};
use super::record_set::RecordSet;
use crate::client::{Fate, Part};
use crate::time::Time;
use crate::workload::Header;

/// Records what one consumer reads.
#[derive(Debug)]
pub struct ReadRecorder {
    measured_from: Time,
    /// Number of records that the run offers at most.
    offered: u64,
    reading: Reading,
    lag: LatencyLog,
    read_lag: LatencyLog,
    discarded: BTreeMap<String, u64>,
    lag_below_zero: u64,
    behind: Vec<(u64, u64)>,
    intervals: Vec<(u64, LatencySummary)>,
    reads: Vec<u64>,
    open: u64,
    calls: u64,
    early_calls: u64,
    throttled_calls: u64,
    throttled_seconds: Vec<(u64, u64)>,
    failed_calls: BTreeMap<String, u64>,
}

const FAILURE_REASONS_MAX: usize = 20;

/// All that a [`ReadRecorder`] has recorded.
#[derive(Debug, Clone)]
pub struct ReadRecording {
    /// Which records were read.
    pub delivered: Delivered,
    /// End-to-end lag: processed minus intended.
    pub lag: LatencyLog,
    /// Read minus intended, of records that took time to be processed.
    pub read_lag: LatencyLog,
    /// Records that were read and not processed, by what became of them.
    pub discarded: BTreeMap<String, u64>,
    /// Records read before they were due, by these clocks; their lag is recorded as zero.
    pub lag_below_zero: u64,
    /// Largest MillisBehindLatest of the answers of each second; seconds without any are left out.
    pub behind: Vec<(u64, u64)>,
    /// The lag of the records read in each second; seconds without any are left out.
    pub intervals: Vec<(u64, LatencySummary)>,
    /// Records read in each second of the run.
    pub reads: Vec<u64>,
    /// Reading calls made.
    pub calls: u64,
    /// Those of them that were made before the run began.
    pub early_calls: u64,
    /// Reading calls throttled.
    pub throttled_calls: u64,
    /// The same per second; seconds without any are left out.
    pub throttled_seconds: Vec<(u64, u64)>,
    /// Reading calls that failed otherwise, by what they said.
    pub failed_calls: BTreeMap<String, u64>,
}

impl ReadRecorder {
    /// A recorder for a consumer of run number `run`, which offers at most `offered` records and counts from
    /// `measured_from` on. An idempotent consumer would recognise the last `dedupe_window` records.
    pub fn new(run: u32, offered: u64, measured_from: Time, dedupe_window: Option<usize>) -> Self {
        Self {
            measured_from,
            offered,
            reading: Reading::new(run, dedupe_window),
            lag: LatencyLog::default(),
            read_lag: LatencyLog::default(),
            discarded: BTreeMap::new(),
            lag_below_zero: 0,
            behind: Vec::new(),
            intervals: Vec::new(),
            reads: Vec::new(),
            open: 0,
            calls: 0,
            early_calls: 0,
            throttled_calls: 0,
            throttled_seconds: Vec::new(),
            failed_calls: BTreeMap::new(),
        }
    }

    /// The same for a run that offers this part of the load.
    #[must_use]
    pub fn of_part(mut self, part: Part) -> Self {
        self.reading = self.reading.of_part(part);
        self
    }

    /// A reading call was made at `now`, which is zero before the run has begun.
    pub fn handle_call(&mut self, now: Time) {
        self.calls += 1;
        self.early_calls += u64::from(now == Time::ZERO);
    }

    /// A reading call was throttled at `now`.
    pub fn handle_throttle(&mut self, now: Time) {
        self.throttled_calls += 1;
        match self.throttled_seconds.last_mut() {
            // Answers of several connections may be a little out of order.
            Some((last, calls)) if *last >= now.second() => *calls += 1,
            _ => self.throttled_seconds.push((now.second(), 1)),
        }
    }

    /// A reading call failed otherwise.
    pub fn handle_failure(&mut self, reason: &str) {
        // A bound on what a hostile or broken endpoint can make the run remember.
        let known = self.failed_calls.len() < FAILURE_REASONS_MAX || self.failed_calls.contains_key(reason);
        let reason = if known { reason } else { "other" };
        *self.failed_calls.entry(reason.to_owned()).or_default() += 1;
    }

    /// What most of the calls that failed said.
    pub fn most_frequent_failure(&self) -> Option<String> {
        self.failed_calls.iter().max_by_key(|(_, calls)| **calls).map(|(reason, _)| reason.clone())
    }

    /// A record was read at `read`, and the consumer was done with it at `done`.
    pub fn handle_delivery(&mut self, done: Time, read: Time, fate: Fate, record: &ReadRecord<'_>) {
        let second = usize::try_from(read.second()).unwrap_or(usize::MAX);
        if self.reads.len() <= second {
            self.reads.resize(second.saturating_add(1), 0);
        }
        self.reads[second] += 1;
        if fate == Fate::Processed {
            if let Some(intended) = self.handle_record(done, record)
                && done > read
            {
                self.read_lag.record(read.since(intended), intended >= self.measured_from);
            }
            return;
        }
        self.close_intervals_before(done);
        self.reading.take(record, self.offered);
        let reason = match fate {
            Fate::Processed => "processed",
            Fate::Failed => "failed",
            Fate::TooOld => "too old",
            Fate::TooLarge => "too large",
        };
        *self.discarded.entry(reason.to_owned()).or_default() += 1;
    }

    /// An answer at `now` was so far behind the tip of its shard.
    pub fn handle_behind(&mut self, now: Time, behind: Duration) {
        let (second, millis) = (now.second(), u64::try_from(behind.as_millis()).unwrap_or(u64::MAX));
        match self.behind.last_mut() {
            Some((last, most)) if *last >= second => *most = millis.max(*most),
            _ => self.behind.push((second, millis)),
        }
    }

    /// A record was processed at `now`; gives when it was intended, if it counts.
    fn handle_record(&mut self, now: Time, record: &ReadRecord<'_>) -> Option<Time> {
        self.close_intervals_before(now);
        let Header { intended, .. } = self.reading.take(record, self.offered)?;
        self.lag_below_zero += u64::from(now < intended);
        let lag: Duration = now.since(intended);
        self.lag.record(lag, intended >= self.measured_from);
        Some(intended)
    }

    /// Which records were read so far.
    pub const fn seen(&self) -> &RecordSet {
        self.reading.seen()
    }

    /// Lag of the whole run so far, warm-up excluded.
    pub fn lag(&self) -> LatencySummary {
        self.lag.total().summary()
    }

    /// Records read in `second`, and the lag of those that were processed in it; what comes later does not count for it.
    pub fn during(&mut self, second: u64) -> (u64, LatencySummary) {
        self.close_intervals_before(Time::from_secs(second + 1));
        let read = usize::try_from(second).ok().and_then(|second| self.reads.get(second));
        let lag = self.intervals.iter().rev().take_while(|(at, _)| *at >= second).find(|(at, _)| *at == second);
        (read.copied().unwrap_or(0), lag.map_or_else(LatencySummary::default, |(_, lag)| *lag))
    }

    /// The second of the last answer, and the largest MillisBehindLatest in it.
    pub fn last_behind(&self) -> Option<(u64, Duration)> {
        self.behind.last().map(|(second, millis)| (*second, Duration::from_millis(*millis)))
    }

    /// Ends the recording at `now`.
    pub fn finish(mut self, now: Time) -> ReadRecording {
        self.close_intervals_before(now);
        if now > Time::from_secs(self.open) {
            self.close_interval(now);
        }
        ReadRecording {
            delivered: self.reading.finish(),
            lag: self.lag,
            read_lag: self.read_lag,
            discarded: self.discarded,
            lag_below_zero: self.lag_below_zero,
            behind: self.behind,
            intervals: self.intervals,
            reads: self.reads,
            calls: self.calls,
            early_calls: self.early_calls,
            throttled_calls: self.throttled_calls,
            throttled_seconds: self.throttled_seconds,
            failed_calls: self.failed_calls,
        }
    }

    fn close_intervals_before(&mut self, now: Time) {
        while self.open < now.second() {
            self.close_interval(Time::from_secs(self.open + 1));
        }
    }

    fn close_interval(&mut self, to: Time) {
        let window = LogWindow { from: Time::from_secs(self.open), to };
        let summary = self.lag.close_interval(window);
        self.read_lag.close_interval(window);
        if summary.count > 0 {
            self.intervals.push((self.open, summary));
        }
        self.open += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_read_before_it_was_due_is_counted() {
        use crate::seed::Seed;
        use crate::workload::{Arrival, Filling, Payloads};

        let mut recorder = ReadRecorder::new(1, 10, Time::ZERO, None);
        let payloads = Payloads::new(1, Seed(1), Filling::Random);
        for (index, read) in [(0, 900), (1, 1_000), (2, 1_100)] {
            let intended = Time::from_millis(1_000);
            let arrival = Arrival { index, intended, key: "k".into(), explicit_hash_key: None, size: 64 };
            let record = ReadRecord {
                shard: "0",
                lane: 0,
                partition_key: b"k",
                key_hash: 1,
                sequence: &index,
                order: (0, index.into(), 0),
                data: &payloads.payload(&arrival),
            };
            recorder.handle_delivery(Time::from_millis(read), Time::from_millis(read), Fate::Processed, &record);
        }
        let recording = recorder.finish(Time::from_secs(2));
        assert_eq!(recording.lag_below_zero, 1, "the clock of the reader is 100 ms behind");
        let lag = recording.lag.total().summary();
        assert_eq!((lag.count, lag.min, lag.max), (3, Some(0), Some(100_000_000)));
    }
}
