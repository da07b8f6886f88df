//! The client half joined to the service half in virtual time: exact counts, no sockets, no waiting.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use streamgauge::client::{Backoff, Call, CallOutcome, EntryOutcome, Failure, Producer, ProducerSettings, RetryPolicy};
use streamgauge::kinesis::{ErrorKind, HashKey, HashKeyRange, Kinesis, PutEntry, Request, Response, Settings, locate};
use streamgauge::measure::{PutRecorder, PutRecording};
use streamgauge::seed::Seed;
use streamgauge::time::Time;
use streamgauge::units::{Bytes, Rate, Share};
use streamgauge::workload::{Filling, Keys, Payloads, Schedule, Sizes, Workload};

use crate::service::{service, settings};

fn producer_settings() -> ProducerSettings {
    ProducerSettings { retry: RetryPolicy::None, ..ProducerSettings::default() }
}

/// Something that happens at a moment; ties are broken by the order in which they were scheduled.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Arrival(u64),
    Answer(usize),
    Timeout,
}

/// A producer, a service and the time between them.
struct Pair {
    workload: Workload,
    payloads: Payloads,
    producer: Producer,
    kinesis: Kinesis,
    ranges: Vec<HashKeyRange>,
    recorder: PutRecorder,
    heap: BinaryHeap<Reverse<(Time, u64, Happening)>>,
    scheduled: u64,
    /// The earliest timeout that is scheduled.
    timeout: Time,
    answers: Vec<(streamgauge::client::CallId, Time, CallOutcome)>,
    /// Decides on the fate of a call instead of the service: by its number.
    fault: fn(u64) -> Option<Failure>,
}

impl Pair {
    fn new(workload: Workload, shards: u32, producer: ProducerSettings) -> Self {
        let backoff = Backoff::new(producer.retry, Seed(1), "test");
        Self {
            workload,
            producer: Producer::new(producer, backoff),
            kinesis: service(Settings { latency: true, ..settings() }, shards),
            ranges: HashKeyRange::initial(shards),
            payloads: Payloads::new(1, Seed(1), Filling::Random),
            recorder: PutRecorder::new(Time::ZERO),
            heap: BinaryHeap::new(),
            scheduled: 0,
            timeout: Time::NEVER,
            answers: Vec::new(),
            fault: |_| None,
        }
    }

    fn schedule(&mut self, at: Time, happening: Happening) {
        self.heap.push(Reverse((at, self.scheduled, happening)));
        self.scheduled += 1;
    }

    /// Runs until nothing is left to happen.
    fn run(mut self) -> PutRecording {
        if self.workload.count() > 0 {
            self.schedule(self.workload.intended(0), Happening::Arrival(0));
        }
        let mut end = Time::ZERO;
        while let Some(Reverse((now, _, happening))) = self.heap.pop() {
            assert!(now >= end, "time never runs backwards");
            end = now;
            match happening {
                Happening::Arrival(index) => {
                    let arrival = self.workload.arrival(index);
                    let shard = locate(&self.ranges, HashKey::of(&arrival.key));
                    self.recorder.handle_arrival(now, arrival.intended);
                    let data = self.payloads.data(&arrival);
                    self.producer.handle_arrival(now, arrival, data, shard);
                    if index + 1 < self.workload.count() {
                        self.schedule(self.workload.intended(index + 1), Happening::Arrival(index + 1));
                    }
                }
                Happening::Answer(number) => {
                    let (id, sent, outcome) = self.answers[number].clone();
                    self.producer.handle_outcome(now, sent, id, &outcome);
                }
                Happening::Timeout => self.timeout = Time::NEVER,
            }
            self.producer.handle_timeout(now);
            while let Some(call) = self.producer.poll_call(now) {
                self.call(now, call);
            }
            while let Some(attempt) = self.producer.poll_failed_attempt() {
                self.recorder.handle_failed_attempt(&attempt);
            }
            while let Some(sample) = self.producer.poll_sample() {
                self.recorder.handle_sample(&sample);
            }
            assert!(self.recorder.counters(self.producer.open_records()).balance(), "the ledger balances at {now:?}");
            if let Some(at) = self.producer.poll_timeout().filter(|at| *at < self.timeout) {
                self.timeout = at;
                self.schedule(at.max(now), Happening::Timeout);
            }
        }
        let open = self.producer.open_records();
        self.recorder.finish(end, open)
    }

    fn call(&mut self, now: Time, call: Call) {
        self.recorder.handle_call(now, call.entries.len(), self.producer.open_calls());
        let entry = |entry: streamgauge::client::Entry| PutEntry {
            data: self.payloads.bytes(entry.data),
            padding: 0,
            partition_key: entry.key.to_string().into(),
            explicit_hash_key: None,
        };
        let request =
            Request::PutRecords { stream: "orders".into(), entries: call.entries.into_iter().map(entry).collect() };
        let (outcome, at) = match (self.fault)(call.id.0) {
            Some(failure) => (CallOutcome::Failed(failure), now + Duration::from_secs(5)),
            None => {
                let reply = self.kinesis.handle(now, request);
                let Response::PutRecords { receipts, .. } = reply.response.unwrap() else { panic!("another answer") };
                let outcome = |receipt: Result<streamgauge::kinesis::PutReceipt, _>| match receipt {
                    Ok(receipt) => EntryOutcome::Accepted { shard: Some(receipt.shard.0 as usize), sequence: None },
                    Err(streamgauge::kinesis::ServiceError {
                        kind: ErrorKind::ProvisionedThroughputExceeded, ..
                    }) => EntryOutcome::Throttled,
                    Err(_) => EntryOutcome::InternalFailure,
                };
                (CallOutcome::Answered(receipts.into_iter().map(outcome).collect()), reply.ready_at)
            }
        };
        self.answers.push((call.id, now, outcome));
        self.schedule(at, Happening::Answer(self.answers.len() - 1));
    }
}

fn workload(rate: f64, seconds: u64, keys: Keys) -> Workload {
    let sizes = Sizes::constant(Bytes(200));
    Workload::new(Schedule::constant(Rate(rate)), keys, sizes, Time::from_secs(seconds), Seed(9))
}

#[test]
fn below_the_limit_everything_is_accepted() {
    let run = Pair::new(workload(1_800.0, 10, Keys::uniform(1_000)), 2, producer_settings()).run();
    assert_eq!((run.counters.offered, run.counters.accepted, run.counters.throttled), (18_000, 18_000, 0));
    assert_eq!(run.counters.in_flight, 0);
}

#[test]
fn one_key_never_gets_more_than_one_shard() {
    // 1,500 per second on one key, 8 shards, no retries: 1,000 per second and the burst of 1,000 are accepted.
    let run = Pair::new(workload(1_500.0, 10, Keys::uniform(1)), 8, producer_settings()).run();
    let (accepted, failed) = (run.counters.accepted, run.counters.failed);
    assert_eq!(accepted + failed, 15_000);
    assert!((10_900..=11_050).contains(&accepted), "{accepted}");
    assert_eq!(run.counters.throttled, failed);
    let shards = &run.intervals[5].shards;
    assert_eq!(shards.iter().filter(|shard| shard.accepted > 0).count(), 1);
}

#[test]
fn retries_spread_an_overload_over_time_and_lose_nothing() {
    let retry =
        RetryPolicy::Exponential { base: Duration::from_millis(50), cap: Duration::from_secs(2), attempts: 1_000 };
    let settings = ProducerSettings { retry, ..producer_settings() };
    let run = Pair::new(workload(1_500.0, 10, Keys::uniform(1)), 1, settings).run();
    assert_eq!((run.counters.offered, run.counters.accepted), (15_000, 15_000));
    assert!(run.counters.throttled > 4_000 && run.counters.retried > 3_000, "{:?}", run.counters);
    // No second accepts more than the limit and the burst.
    assert!(run.intervals.iter().skip(2).all(|interval| interval.accepted <= 1_100));
    // 15,000 records need 14 s at 1,000 per second after the burst.
    assert!(run.intervals.len() >= 14, "{}", run.intervals.len());
}

#[test]
fn a_hot_key_throttles_its_shard_alone() {
    let keys = Keys::hot_key(1_000, Share(0.5));
    let run = Pair::new(workload(3_000.0, 10, keys), 4, producer_settings()).run();
    let throttled: Vec<u64> = (0..4)
        .map(|shard| {
            run.intervals.iter().map(|i| u64::from(i.shards.get(shard).copied().unwrap_or_default().throttled)).sum()
        })
        .collect();
    assert_eq!(throttled.iter().filter(|throttled| **throttled > 0).count(), 1, "{throttled:?}");
}

#[test]
fn lost_answers_are_unknown_and_the_ledger_balances() {
    let mut pair = Pair::new(workload(1_000.0, 5, Keys::uniform(100)), 2, producer_settings());
    pair.fault = |call| (call % 10 == 3).then_some(Failure::Timeout);
    let run = pair.run();
    assert!(run.counters.unknown > 100, "{:?}", run.counters);
    assert_eq!(run.counters.accepted + run.counters.unknown, 5_000);
    assert_eq!(run.counters.errors, run.counters.unknown);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let run = Pair::new(workload(2_500.0, 5, Keys::zipf(500, 1.0).unwrap()), 3, producer_settings()).run();
        let summaries: Vec<_> = run.logs.into_values().map(|log| log.total().summary()).collect();
        (run.counters, run.intervals, summaries)
    };
    assert_eq!(run(), run());
}
