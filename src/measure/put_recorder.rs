//! What becomes of the records put: counters, histograms and one-second intervals.

use std::collections::BTreeMap;
use std::time::Duration;

use super::attendance::{Presence, SETTLING};
use super::delivery::Ledger;
use super::interval::{Counters, Interval, ShardInterval};
use super::latency::{LatencyLog, LatencySummary, LogWindow};
use super::receipts::Receipts;
use crate::client::{FailedAttempt, Failure, Outcome, Sample};
use crate::time::Time;

/// Records what becomes of the records put.
#[derive(Debug)]
pub struct PutRecorder {
    /// Records due before this moment are warm-up: counted, but in no total distribution.
    measured_from: Time,
    counters: Counters,
    errors_by_kind: BTreeMap<String, u64>,
    ledger: Ledger,
    intervals: Vec<Interval>,
    /// The interval that the logs are in.
    open: u64,
    logs: PutLogs,
}

/// The distributions of puts. Each has its own histogram; none is derived from another.
#[derive(Debug, Default)]
struct PutLogs {
    /// Acknowledged minus intended: the headline.
    response: LatencyLog,
    /// Taken up by the producer minus intended: the generator's own delay.
    lateness: LatencyLog,
    /// Sent, for the last time, minus taken up: linger, retries and waiting for a free connection.
    queueing: LatencyLog,
    /// Answered minus sent, of the accepted attempt.
    service: LatencyLog,
    /// Answered minus sent, of throttled attempts.
    throttled: LatencyLog,
    /// Answered or given up minus sent, of attempts that failed otherwise.
    failed: LatencyLog,
    /// The same for each kind of failure.
    by_kind: BTreeMap<Failure, LatencyLog>,
}

/// All that a [`PutRecorder`] has recorded.
#[derive(Debug, Clone)]
pub struct PutRecording {
    /// State of every record.
    pub counters: Counters,
    /// Attempts that failed otherwise than by throttling, by the word for it.
    pub errors_by_kind: BTreeMap<String, u64>,
    /// Which records were accepted.
    pub ledger: Ledger,
    /// The same, per second.
    pub intervals: Vec<Interval>,
    /// The distributions, by name.
    pub logs: BTreeMap<&'static str, LatencyLog>,
}

impl PutRecording {
    /// Whether a consumer that was there like this has read all that there was to read by the time at which the run ended, if it has
    /// said so long before: only then what it has not seen is lost.
    pub fn were_read(&self, said_before: Option<Duration>, presence: Option<Presence>, ended: Time) -> bool {
        let accepting = self.intervals.iter().rev().find(|interval| interval.accepted > 0);
        let settled = Time::from_secs(accepting.map_or(0, |last| last.second + 1)) + SETTLING;
        // Only a consumer that found nothing more after that has lost what it has not seen.
        let has_left = presence.is_some_and(|presence| presence.left.is_some());
        let settles = |ago| if has_left { ago <= SETTLING } else { settled + ago <= ended };
        said_before.is_some_and(settles)
    }
}

impl PutRecorder {
    /// A recorder for a run that counts from `measured_from` on.
    pub fn new(measured_from: Time) -> Self {
        Self {
            measured_from,
            counters: Counters::default(),
            errors_by_kind: BTreeMap::new(),
            ledger: Ledger::default(),
            intervals: Vec::new(),
            open: 0,
            logs: PutLogs::default(),
        }
    }

    /// A record that was due at `intended` was taken up by the producer at `now`.
    pub fn handle_arrival(&mut self, now: Time, intended: Time) {
        self.close_intervals_before(now);
        self.counters.offered += 1;
        self.interval(intended).offered += 1;
        let counts = intended >= self.measured_from;
        self.logs.lateness.record(now.since(intended), counts);
    }

    /// A call with `entries` records was made, so that `open_calls` are under way.
    pub fn handle_call(&mut self, now: Time, entries: usize, open_calls: usize) {
        self.counters.calls += 1;
        self.counters.attempts += entries as u64;
        let interval = self.interval(now);
        interval.attempts += entries as u64;
        interval.open_calls = interval.open_calls.max(open_calls as u64);
    }

    /// An attempt was not accepted.
    pub fn handle_failed_attempt(&mut self, attempt: &FailedAttempt) {
        self.close_intervals_before(attempt.answered);
        if !attempt.leads {
            // An aggregate is one attempt, however many records are in it.
            return;
        }
        let counts = attempt.sent >= self.measured_from;
        let took = attempt.answered.since(attempt.sent);
        if attempt.failure == Failure::Throttled {
            self.counters.throttled += 1;
            self.interval(attempt.answered).throttled += 1;
            self.shard(attempt.answered, attempt.shard).throttled += 1;
            self.logs.throttled.record(took, counts);
        } else {
            self.counters.errors += 1;
            self.interval(attempt.answered).errors += 1;
            self.logs.failed.record(took, counts);
            self.logs.by_kind.entry(attempt.failure).or_default().record(took, counts);
            *self.errors_by_kind.entry(attempt.failure.word().to_owned()).or_default() += 1;
        }
    }

    /// A record is done.
    pub fn handle_sample(&mut self, sample: &Sample) {
        self.close_intervals_before(sample.done);
        if sample.attempts > 1 {
            self.ledger.retried.insert(sample.index);
        }
        match sample.outcome {
            Outcome::Accepted => self.handle_accepted(sample),
            Outcome::Failed => self.counters.failed += 1,
            Outcome::Abandoned => self.counters.abandoned += 1,
            Outcome::Unknown => {
                self.counters.unknown += 1;
                self.ledger.unknown.insert(sample.index);
            }
        }
        if sample.outcome != Outcome::Accepted {
            self.interval(sample.done).lost += 1;
        }
    }

    /// The counters now, with `in_flight` records that the producer says are not done.
    pub const fn counters(&self, in_flight: u64) -> Counters {
        Counters { in_flight, ..self.counters }
    }

    /// Which records were accepted so far.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the service said of accepted records that are still to be seen.
    pub const fn receipts_mut(&mut self) -> &mut Receipts {
        &mut self.ledger.receipts
    }

    /// Response times of the whole run so far, warm-up excluded.
    pub fn response(&self) -> LatencySummary {
        self.logs.response.total().summary()
    }

    /// Lateness of the whole run so far, warm-up excluded.
    pub fn lateness(&self) -> LatencySummary {
        self.logs.lateness.total().summary()
    }

    /// The shard that took the most bytes so far, counting what it throttled as the mean record.
    pub fn hottest_shard(&self) -> Option<usize> {
        let mut load: Vec<u64> = Vec::new();
        for (index, cell) in self.intervals.iter().flat_map(|interval| interval.shards.iter().enumerate()) {
            if load.len() <= index {
                load.resize(index + 1, 0);
            }
            let mean = self.counters.accepted_bytes / self.counters.accepted.max(1);
            load[index] += u64::from(cell.service_bytes) + u64::from(cell.throttled) * mean;
        }
        (0..load.len()).max_by_key(|index| load[*index])
    }

    /// The last interval that is over, if there is one.
    pub fn last_interval(&self) -> Option<&Interval> {
        self.intervals.get(usize::try_from(self.open).ok()?.checked_sub(1)?)
    }

    /// Ends every interval that lies before `now`.
    pub fn close_intervals_before(&mut self, now: Time) {
        while self.open < now.second() {
            self.close_interval(Time::from_secs(self.open + 1));
        }
    }

    /// Ends the recording at `now`, with `in_flight` records that the producer says are not done.
    pub fn finish(mut self, now: Time, in_flight: u64) -> PutRecording {
        self.close_intervals_before(now);
        if now > Time::from_secs(self.open) {
            self.close_interval(now);
        }
        let logs = self.logs;
        let by_kind = logs.by_kind.into_iter().map(|(kind, log)| (kind.log_name(), log));
        PutRecording {
            counters: Counters { in_flight, ..self.counters },
            errors_by_kind: self.errors_by_kind,
            ledger: self.ledger,
            intervals: self.intervals,
            logs: by_kind
                .chain([
                    ("response", logs.response),
                    ("lateness", logs.lateness),
                    ("queueing", logs.queueing),
                    ("service", logs.service),
                    ("throttled", logs.throttled),
                    ("failed", logs.failed),
                ])
                .collect(),
        }
    }

    fn handle_accepted(&mut self, sample: &Sample) {
        let counts = sample.intended >= self.measured_from;
        let bytes = u64::from(sample.bytes);
        self.counters.accepted += 1;
        self.counters.accepted_bytes += bytes;
        self.counters.retried += u64::from(sample.attempts > 1);
        self.ledger.accepted.insert(sample.index);
        self.ledger.receipts.keep(sample);
        let interval = self.interval(sample.done);
        interval.accepted += 1;
        interval.retried += u64::from(sample.attempts > 1);
        interval.accepted_bytes += bytes;
        let shard = self.shard(sample.done, sample.shard);
        shard.accepted += 1;
        shard.bytes = shard.bytes.saturating_add(sample.bytes);
        if let Some(bytes) = sample.service_bytes {
            shard.service_records += 1;
            shard.service_bytes = shard.service_bytes.saturating_add(bytes);
        }
        self.logs.response.record(sample.done.since(sample.intended), counts);
        if let Some(sent) = sample.sent {
            self.logs.queueing.record(sent.since(sample.released), counts);
            self.logs.service.record(sample.done.since(sent), counts);
        }
    }

    fn close_interval(&mut self, to: Time) {
        let from = Time::from_secs(self.open);
        let window = LogWindow { from, to };
        let logs = &mut self.logs;
        let response = logs.response.close_interval(window);
        let lateness = logs.lateness.close_interval(window);
        let others = [&mut logs.queueing, &mut logs.service, &mut logs.throttled, &mut logs.failed];
        for log in others.into_iter().chain(logs.by_kind.values_mut()) {
            log.close_interval(window);
        }
        let interval = self.interval(from);
        interval.response_p50 = response.p50;
        interval.response_p99 = response.p99;
        interval.response_max = response.max;
        interval.lateness_p99 = lateness.p99;
        self.open += 1;
    }

    /// The interval of `at`; intervals are dense from the beginning of the run.
    fn interval(&mut self, at: Time) -> &mut Interval {
        let second = at.second();
        while self.intervals.len() as u64 <= second {
            let second = self.intervals.len() as u64;
            self.intervals.push(Interval { second, ..Interval::default() });
        }
        &mut self.intervals[second as usize]
    }

    fn shard(&mut self, at: Time, shard: usize) -> &mut ShardInterval {
        let shards = &mut self.interval(at).shards;
        if shards.len() <= shard {
            shards.resize(shard + 1, ShardInterval::default());
        }
        &mut shards[shard]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(index: u64, outcome: Outcome, intended: u64, done: u64) -> Sample {
        Sample {
            index,
            intended: Time::from_millis(intended),
            released: Time::from_millis(intended + 1),
            sent: Some(Time::from_millis(intended + 11)),
            done: Time::from_millis(done),
            attempts: 1,
            outcome,
            reason: None,
            shard: 1,
            bytes: 100,
            service_bytes: Some(100),
            sequence: None,
        }
    }

    #[test]
    fn every_record_is_counted_once_and_the_counters_balance() {
        let mut recorder = PutRecorder::new(Time::ZERO);
        for index in 0..5 {
            recorder.handle_arrival(Time::from_millis(index * 100 + 1), Time::from_millis(index * 100));
        }
        for (index, outcome) in (0..).zip([Outcome::Accepted, Outcome::Failed, Outcome::Abandoned, Outcome::Unknown]) {
            recorder.handle_sample(&sample(index, outcome, index * 100, 1_500));
        }
        assert!(recorder.counters(1).balance());
        assert!(!recorder.counters(0).balance());
        let recording = recorder.finish(Time::from_millis(1_600), 1);
        assert_eq!(recording.intervals.len(), 2);
        assert_eq!((recording.intervals[0].offered, recording.intervals[1].accepted), (5, 1));
        assert_eq!(recording.intervals[1].lost, 3);
        assert_eq!(
            recording.intervals[1].shards[1],
            ShardInterval { accepted: 1, bytes: 100, throttled: 0, service_records: 1, service_bytes: 100 }
        );
        assert_eq!(recording.intervals[1].response_max, Some(1_500_000_000));
    }

    #[test]
    fn warm_up_is_counted_but_not_in_the_distributions() {
        let mut recorder = PutRecorder::new(Time::from_secs(1));
        recorder.handle_arrival(Time::from_millis(500), Time::from_millis(500));
        recorder.handle_arrival(Time::from_millis(1_500), Time::from_millis(1_500));
        recorder.handle_sample(&sample(0, Outcome::Accepted, 500, 1_600));
        recorder.handle_sample(&sample(1, Outcome::Accepted, 1_500, 1_600));
        assert_eq!(recorder.response().count, 1);
        assert_eq!(recorder.response().max, Some(100_000_000));
        let recording = recorder.finish(Time::from_secs(2), 0);
        assert_eq!(recording.counters.accepted, 2);
        assert_eq!(recording.logs["queueing"].total().summary().max, Some(10_000_000));
        assert_eq!(recording.logs["service"].total().summary().max, Some(89_000_000));
    }

    #[test]
    fn a_throttled_attempt_has_its_own_latency_and_shard() {
        let mut recorder = PutRecorder::new(Time::ZERO);
        let (sent, answered) = (Time::from_millis(10), Time::from_millis(17));
        recorder.handle_failed_attempt(&FailedAttempt {
            index: 0,
            shard: 0,
            sent,
            answered,
            failure: Failure::Throttled,
            leads: true,
        });
        recorder.handle_failed_attempt(&FailedAttempt {
            index: 0,
            shard: 0,
            sent,
            answered,
            failure: Failure::Timeout,
            leads: true,
        });
        let recording = recorder.finish(Time::from_secs(1), 0);
        assert_eq!((recording.counters.throttled, recording.counters.errors), (1, 1));
        assert_eq!(recording.intervals[0].shards[0].throttled, 1);
        assert_eq!(recording.logs["throttled"].total().summary().max, Some(7_000_000));
    }
}
