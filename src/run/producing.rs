//! The producing half of a run: it admits arrivals, hands calls out, and records what becomes of each record.

use std::collections::{BTreeMap, VecDeque};
use std::hash::Hash;

use super::{PutFailure, PutOutcome};
use crate::client::{
    Admission, Backoff, Call, CallId, CallOutcome, EntryOutcome, Intake, Part, Producer, ShardMap, hash_key,
};
use crate::kinesis::HashKey;
use crate::measure::{DeadLetters, PutRecorder, PutRecording, TenantRecorder, TenantRecording};
use crate::scenario::Scenario;
use crate::time::Time;
use crate::workload::{Arrival, Data, Payloads, Workload};

/// A producer, the load that it is given, and what records it.
#[derive(Debug)]
pub(super) struct Producing {
    /// The arrivals.
    pub workload: Workload,
    /// Which of them are admitted.
    pub intake: Intake,
    /// What makes calls of them.
    pub producer: Producer,
    /// What became of them so far.
    pub recorder: PutRecorder,
    /// What makes their data.
    pub payloads: Payloads,
    /// Stands for what they are cut from.
    source: u64,
    /// Whether data are made at once, because aggregates are made of them.
    aggregates: bool,
    /// The next arrivals, made before they are due.
    prepared: VecDeque<Prepared>,
    prepared_bytes: u64,
    /// The sum of what all that were made make grow.
    growth: u64,
    /// The same of those that were admitted.
    admitted_growth: u64,
    /// The arrival behind them.
    unprepared: u64,
    tenants: Option<TenantRecorder>,
    dead_letters: DeadLetters,
    /// Why calls failed as a whole, and how often.
    failures: BTreeMap<String, u64>,
    /// Records that shards accepted which were not known yet.
    accepted_by_new_shards: u64,
    /// Records under way when the run ended.
    unanswered: u64,
}

/// An arrival with its data.
#[derive(Debug)]
struct Prepared {
    arrival: Arrival,
    data: Data,
    hash_key: HashKey,
    /// The sum of what it and those before it make grow.
    growth: u64,
}

/// All that a [`Producing`] has recorded.
#[derive(Debug)]
pub(super) struct Produced {
    /// The arrivals.
    pub workload: Workload,
    /// What became of them.
    pub put: PutRecording,
    /// The same for each tenant.
    pub tenants: Vec<TenantRecording>,
    /// Records that were not accepted.
    pub dead_letters: DeadLetters,
    /// The sum of the hashes of all records offered.
    pub digest: Option<u64>,
    /// Records that shards accepted which were not known yet.
    pub accepted_by_new_shards: u64,
    /// What went wrong that a reader must know of, in full sentences.
    pub warnings: Vec<String>,
}

/// Most reasons that are told apart: a bound on what a hostile or broken endpoint can make the run remember.
const FAILURE_REASONS_MAX: usize = 20;

impl Producing {
    /// The producing half of run number `run`, for all or a part of the load.
    pub fn new(scenario: &Scenario, workload: Workload, run: u32, part: Part) -> Self {
        let payloads = Payloads::new(run, scenario.seed, scenario.filling.clone());
        let backoff = Backoff::new(scenario.producer.retry, scenario.seed, "client.producer.backoff");
        Self {
            workload,
            intake: intake(scenario, part),
            producer: Producer::new(scenario.producer.clone(), backoff),
            recorder: PutRecorder::new(Time::ZERO + scenario.load.warm_up),
            source: payloads.source(),
            payloads,
            aggregates: scenario.producer.aggregation.is_some(),
            prepared: VecDeque::new(),
            prepared_bytes: 0,
            growth: 0,
            admitted_growth: 0,
            unprepared: 0,
            tenants: tenant_recorder(scenario),
            dead_letters: DeadLetters::new(scenario.producer.dead_letters),
            failures: BTreeMap::new(),
            accepted_by_new_shards: 0,
            unanswered: 0,
        }
    }

    /// Makes so many of the next arrivals before they are due, unless a batch of them is there already. What an arrival is does
    /// not depend on when it is made; in a closed loop it does. Whether there are more to make.
    pub fn prepare(&mut self, most: usize) -> bool {
        let mut left = most;
        while self.may_prepare() {
            if left == 0 {
                return true;
            }
            if self.intake.is_mine(self.unprepared) {
                let prepared = self.make(self.workload.arrival(self.unprepared));
                self.prepared_bytes += prepared.data.len() as u64;
                self.prepared.push_back(prepared);
                left -= 1;
            }
            self.unprepared += 1;
        }
        false
    }

    /// The next arrival, if it is made.
    pub fn next_prepared(&self) -> Option<&Arrival> {
        self.prepared.front().map(|prepared| &prepared.arrival)
    }

    fn may_prepare(&self) -> bool {
        let (records, bytes) = self.producer.largest_batch();
        let full = self.prepared.len() >= records || self.prepared_bytes >= bytes;
        !full && !self.intake.is_closed() && self.unprepared < self.workload.count()
    }

    fn make(&mut self, arrival: Arrival) -> Prepared {
        let made = |arrival| Data::Made(self.payloads.payload(arrival));
        let data = if self.aggregates { made(&arrival) } else { self.payloads.data(&arrival) };
        self.growth += self.producer.growth(arrival.key.len(), arrival.explicit_hash_key.is_some(), data.len());
        Prepared { data, hash_key: hash_key(&arrival), growth: self.growth, arrival }
    }

    /// Until when it makes no difference whether the next arrivals are admitted: every call goes out when it would if each of
    /// them had been admitted when it was due. `None` if none is prepared.
    pub fn indifferent_until(&self) -> Option<Time> {
        let upcoming = |position: usize| (self.prepared[position].arrival.intended, self.prepared[position].growth);
        self.producer.indifferent_until(self.prepared.len(), self.admitted_growth, upcoming)
    }

    /// Admits an arrival, or deals with it as the scenario says if too many are `due` and not admitted, itself included. Until
    /// `indifferent_until` it made no difference whether it was: only from then on it is late. When the run cannot go on, it
    /// gives the reason.
    pub fn admit<I>(
        &mut self,
        now: Time,
        indifferent_until: Time,
        index: u64,
        due: u64,
        shards: &ShardMap<I>,
    ) -> Option<String>
    where
        I: Clone + Eq + Hash + Ord,
    {
        if !self.intake.is_mine(index) {
            return None;
        }
        let waiting = due.saturating_add(self.producer.backlog());
        let admission = self.intake.admission(waiting);
        if admission == Admission::Abort {
            return Some(self.intake.overload_in_words(waiting));
        }
        let Prepared { arrival, data, hash_key, growth } = self.next(now, index);
        self.admitted_growth = growth;
        let released = arrival.intended + now.since(arrival.intended.max(indifferent_until));
        self.intake.note(&arrival, self.source);
        self.recorder.handle_arrival(released, arrival.intended);
        if let Some(tenants) = &mut self.tenants {
            tenants.handle_arrival(arrival.index);
        }
        let shard = shards.locate(hash_key);
        if admission == Admission::Drop {
            self.producer.refuse_arrival(released, &arrival, shard);
        } else {
            self.producer.handle_arrival(released, arrival, data, shard);
        }
        None
    }

    /// The arrival `index`, which is the next one.
    fn next(&mut self, now: Time, index: u64) -> Prepared {
        if let Some(prepared) = self.prepared.pop_front_if(|prepared| prepared.arrival.index == index) {
            self.prepared_bytes -= prepared.data.len() as u64;
            return prepared;
        }
        self.unprepared = self.unprepared.max(index + 1);
        let closed = self.intake.is_closed();
        self.make(if closed { self.workload.arrival_at(index, now) } else { self.workload.arrival(index) })
    }

    /// The next call to make now.
    pub fn poll_call(&mut self, now: Time) -> Option<Call> {
        let call = self.producer.poll_call(now)?;
        self.recorder.handle_call(now, call.entries.len(), self.producer.open_calls());
        Some(call)
    }

    /// A call that was sent at `sent` is over. Whether a shard accepted something that is not known yet.
    pub fn handle_put(&mut self, now: Time, sent: Time, id: CallId, outcome: PutOutcome) -> bool {
        let (outcome, new_shards) = match outcome {
            Ok(outcomes) => {
                let new = self.count_new_shards(&outcomes);
                (CallOutcome::Answered(outcomes), new)
            }
            Err(PutFailure { failure, reason }) => {
                self.count_failure(reason);
                (CallOutcome::Failed(failure), false)
            }
        };
        self.producer.handle_outcome(now, sent, id, &outcome);
        new_shards
    }

    /// A call failed as a whole.
    fn count_failure(&mut self, reason: String) {
        if self.failures.len() < FAILURE_REASONS_MAX || self.failures.contains_key(&reason) {
            *self.failures.entry(reason).or_default() += 1;
        }
    }

    /// Counts what shards accepted that are not known yet; whether there was any.
    fn count_new_shards(&mut self, outcomes: &[EntryOutcome]) -> bool {
        let new = |outcome: &&EntryOutcome| matches!(outcome, EntryOutcome::Accepted { shard: None, .. });
        let new = outcomes.iter().filter(new).count() as u64;
        self.accepted_by_new_shards += new;
        new > 0
    }

    /// Records what has become of so many records, or of as many as there are.
    pub fn record(&mut self, most: usize) {
        while let Some(attempt) = self.producer.poll_failed_attempt() {
            self.recorder.handle_failed_attempt(&attempt);
            if let Some(tenants) = &mut self.tenants {
                tenants.handle_failed_attempt(&attempt);
            }
        }
        for _ in 0..most {
            let Some(sample) = self.producer.poll_sample() else { break };
            self.recorder.handle_sample(&sample);
            if let Some(tenants) = &mut self.tenants {
                tenants.handle_sample(&sample);
            }
            self.dead_letters.handle_sample(&sample);
        }
    }

    /// Gives up at `now` whatever is not done: what was never sent is abandoned, and what was never answered is unknown.
    pub fn give_up(&mut self, now: Time) {
        self.producer.abandon(now);
        self.unanswered += self.producer.give_up_unanswered(now);
        self.record(usize::MAX);
    }

    /// Ends the recording at `now`.
    pub fn finish(mut self, now: Time) -> Produced {
        self.record(usize::MAX);
        let open = self.producer.open_records();
        let failed =
            |(reason, calls): (&String, &u64)| format!("{calls} PutRecords call(s) failed as a whole: {reason}");
        let mut warnings: Vec<String> = self.failures.iter().map(failed).collect();
        if self.unanswered > 0 {
            warnings.push(format!(
                "{} record(s) were still under way when the run ended, and count as unknown; a longer load.drain would wait for \
                 them.",
                self.unanswered
            ));
        }
        Produced {
            workload: self.workload,
            put: self.recorder.finish(now, open),
            tenants: self.tenants.map(TenantRecorder::finish).unwrap_or_default(),
            dead_letters: self.dead_letters,
            digest: self.intake.digest(),
            accepted_by_new_shards: self.accepted_by_new_shards,
            warnings,
        }
    }
}

/// What admits the arrivals, or this part of them.
fn intake(scenario: &Scenario, part: Part) -> Intake {
    match scenario.load.closed_loop {
        Some(producers) => Intake::closed(u64::from(producers) * scenario.producer.batch_records as u64),
        None => Intake::open(scenario.load.overload, part),
    }
}

/// What records each tenant's records, if there are tenants.
fn tenant_recorder(scenario: &Scenario) -> Option<TenantRecorder> {
    scenario.tenants.clone().map(|tenants| TenantRecorder::new(tenants, Time::ZERO + scenario.load.warm_up))
}
