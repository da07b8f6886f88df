//! One run: prepare, offer load, drain, collect.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinSet, block_in_place, yield_now};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::alarm::{self, Alarm};
use super::changes::Changes;
use super::clock::RunClock;
use super::health::Health;
use super::pacer::{Pacer, Release};
use super::put::{Answer, put};
use super::readers::Readers;
use super::stream::{self, ReadyStream};
use super::{Connection, Control, EngineError, Phase, Progress, Run, since_1970};
use crate::client::{Admission, Backoff, CallOutcome, EntryOutcome, Intake, Part, Producer, hash_key};
use crate::kinesis::Profile;
use crate::measure::{
    ConsumerRecord, DeadLetters, Ending, FaultPlace, LatencyLog, Measurement, PutRecorder, PutRecording, ShardRecord,
    StorageUse, TenantRecorder,
};
use crate::scenario::Scenario;
use crate::time::Time;
use crate::workload::{Payloads, Workload};

/// Runs a scenario against a connection.
///
/// # Errors
/// The stream or a consumer cannot be made ready. Once load is offered, nothing is an error any more: it is a measurement.
pub async fn run(
    connection: &Connection,
    scenario: &Scenario,
    profile: &Profile,
    mut control: Control,
) -> Result<Run, EngineError> {
    let since_1970 = since_1970();
    // Tells the records of this run from those of others on the same stream.
    let run = (since_1970.as_nanos() as u32).wrapping_mul(0x9e37_79b1) ^ std::process::id();
    let name = format!("streamgauge-{}-{run:08x}", since_1970.as_secs());
    let fresh = scenario.stream.name.is_none().then(|| name.clone());
    control.progress.send_modify(|progress| progress.created_stream.clone_from(&fresh));
    let client = &connection.client;
    let ready = tokio::select! {
        ready = stream::prepare(client, &scenario.stream, &name) => ready?,
        () = control.stopped() => {
            if fresh.is_some() {
                // The creation that was given up may have happened.
                log_leftover(stream::delete(client, &name).await);
            }
            return Err(EngineError::Stopped);
        }
    };
    let mut result = run_on(connection, scenario, profile, control, &ready, run).await;
    if ready.created {
        let deleted = stream::delete(client, &ready.name).await;
        match &mut result {
            Ok(run) => run.measurement.warnings.extend(deleted.err()),
            Err(_) => log_leftover(deleted),
        }
    }
    result
}

/// Tells of what a run that failed leaves behind.
fn log_leftover(cleaned: Result<(), String>) {
    if let Err(problem) = cleaned {
        tracing::error!("{problem}");
    }
}

async fn run_on(
    connection: &Connection,
    scenario: &Scenario,
    profile: &Profile,
    mut control: Control,
    ready: &ReadyStream,
    run: u32,
) -> Result<Run, EngineError> {
    let workload = scenario.workload();
    let mut readers = Readers::default();
    let started = readers.start(connection, scenario, profile, ready, run, scenario.most_records(), &control).await;
    let positioned = match started {
        Ok(()) => readers.wait_until_positioned(&mut control).await,
        Err(error) => Err(error),
    };
    if let Err(error) = positioned {
        readers.stop(&connection.client).await.into_iter().for_each(|problem| log_leftover(Err(problem)));
        return Err(error);
    }
    let shards = |index: &usize| Some((ready.shards.id(*index)?.to_string(), ready.shards.range(*index)?));
    let open = ready.shards.open().iter().filter_map(shards).collect();
    control.progress.send_modify(|progress| progress.shards = open);
    let clock = readers.clock.clone();
    let mut session = Session::new(connection, scenario, workload, ready, run, clock.clone(), control.part);
    let alarm = Alarm::new(clock.clone());
    let offering = session.offer_load(&mut control, &readers, &alarm);
    let (ending, load_ended) = block_in_place(|| alarm::block_on(&alarm, offering));
    let ending = session.drain(&mut control, &readers, ending).await;
    let generator =
        Some(session.health.take().map_or_else(Default::default, |health| health.finish(&session.wake_ups)));
    let ended = clock.now();
    let accepted_by_new_shards = session.accepted_by_new_shards;
    let (shards, events) = (session.changes.stream.shards.clone(), scenario.with_faults(session.changes.records()));
    let open_shards = std::mem::take(&mut session.changes.open_shards);
    let dead_letters = std::mem::take(&mut session.dead_letters);
    let digest = session.intake.digest();
    let workload = session.workload.clone();
    session.record(usize::MAX);
    let tenants = session.tenants.take();
    let (put, mut warnings) = session.finish(ended);
    let began = since_1970().saturating_sub(ended.since(Time::ZERO));
    let mut logs: Vec<(String, LatencyLog)> = Vec::new();
    warnings.extend(readers.stop(&connection.client).await);
    let tenants = tenants.map(TenantRecorder::finish).unwrap_or_default();
    let unknown_stored = readers.seen_of(&put.ledger.unknown);
    let consumers = readers.finish(clock.now(), &put, &|index| FaultPlace::lost(&workload, &shards, index), &mut logs);
    let storage = storage(connection, &consumers, &mut warnings);
    let puts = Measurement::of_puts(put, ShardRecord::of_map(&shards), &mut logs);
    let measurement = Measurement {
        digest,
        generator,
        tenants,
        accepted_by_new_shards,
        unknown_stored,
        open_shards,
        consumers,
        events,
        storage,
        warnings,
        ..puts
    };
    Ok(Run { measurement, logs, dead_letters, ending, load_ended, began, stream: ready.name.clone() })
}

/// The producing half of a run.
struct Session<'a> {
    connection: &'a Connection,
    scenario: &'a Scenario,
    workload: Workload,
    payloads: Payloads,
    changes: Changes,
    clock: RunClock,
    health: Option<Health>,
    /// The longest time from a release to its notice, of each second.
    wake_ups: Vec<Duration>,
    intake: Intake,
    producer: Producer,
    recorder: PutRecorder,
    tenants: Option<TenantRecorder>,
    dead_letters: DeadLetters,
    calls: JoinSet<Answer>,
    /// Why the run cannot go on.
    aborted: Option<String>,
    /// Why calls failed as a whole, and how often.
    failures: BTreeMap<String, u64>,
    /// Records that shards accepted which were not there when the run began.
    accepted_by_new_shards: u64,
}

impl<'a> Session<'a> {
    fn new(
        connection: &'a Connection,
        scenario: &'a Scenario,
        workload: Workload,
        stream: &ReadyStream,
        run: u32,
        clock: RunClock,
        part: Part,
    ) -> Self {
        let backoff = Backoff::new(scenario.producer.retry, scenario.seed, "client.producer.backoff");
        Self {
            connection,
            scenario,
            workload,
            payloads: Payloads::new(run, scenario.seed, scenario.filling.clone()),
            changes: Changes::new(connection.client.clone(), stream.clone(), &scenario.events),
            clock,
            health: None,
            wake_ups: Vec::new(),
            intake: scenario.intake(part),
            producer: Producer::new(scenario.producer.clone(), backoff),
            recorder: PutRecorder::new(Time::ZERO + scenario.load.warm_up),
            tenants: scenario.tenant_recorder(),
            dead_letters: DeadLetters::new(scenario.producer.dead_letters),
            calls: JoinSet::new(),
            aborted: None,
            failures: BTreeMap::new(),
            accepted_by_new_shards: 0,
        }
    }

    /// Offers the load until all arrivals are released or the run is stopped.
    async fn offer_load(&mut self, control: &mut Control, readers: &Readers, alarm: &Alarm) -> (Ending, Time) {
        self.clock.start();
        if let Some(emulator) = &self.connection.embedded {
            emulator.set_faults(&self.scenario.faults);
        }
        self.health = Some(Health::start(self.clock.clone()));
        let mut pacer = self.pacer();
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let end = Time::ZERO + self.scenario.load.duration;
        // Due and not taken up yet; empty unless the generator is late.
        let mut backlog: Range<u64> = 0..0;
        let ending = loop {
            // The last arrival ends an open loop, the clock a closed one.
            let next = pacer.as_ref().map_or(Some(end), Pacer::next_due);
            let over = next.is_none() || pacer.is_none() && self.clock.now() >= end;
            if over && backlog.is_empty() {
                break Ending::Complete;
            }
            let due = self.producer.poll_timeout().into_iter().chain(self.changes.due()).chain(next).min();
            tokio::select! {
                biased;
                () = control.stopped() => break Ending::Interrupted,
                () = self.changes.done(&self.clock, readers), if self.changes.under_way() => {}
                Some(Ok(answer)) = self.calls.join_next() => self.handle_answer(answer),
                _ = tick.tick() => self.report(&control.progress, readers, Phase::Load),
                () = yield_now(), if !backlog.is_empty() || self.producer.has_samples() => {}
                () = alarm.reached(due.unwrap_or(end)), if due.is_some() => {}
            }
            if let (Some(pacer), Some(due)) = (&mut pacer, next)
                && due <= self.clock.now()
            {
                let release = pacer.release(self.clock.now());
                self.handle_release(&mut backlog, due, release);
            }
            if self.intake.is_closed() && !over {
                backlog = joined(backlog, self.intake.refill(self.producer.open_records()));
            }
            // Some at a time: calls go out and answers come in while the rest waits, late but not lost.
            let most = backlog.start.saturating_add(ARRIVALS_AT_A_TIME);
            while backlog.start < backlog.end.min(most) && self.aborted.is_none() {
                let waiting = (backlog.end - backlog.start) / self.intake.parts();
                self.take_up(backlog.start, waiting.max(1));
                backlog.start += 1;
            }
            if let Some(reason) = self.aborted.take() {
                break Ending::Aborted { reason };
            }
            self.advance();
            let recorder = &self.recorder;
            self.changes.begin_due(self.clock.now(), readers, || recorder.hottest_shard());
        };
        let load_ended = if ending == Ending::Complete { end } else { self.clock.now() };
        (ending, load_ended)
    }

    /// Waits until every record is done and every consumer has read what was accepted, within the time of the scenario.
    /// Returns how the run ended.
    async fn drain(&mut self, control: &mut Control, readers: &Readers, mut ending: Ending) -> Ending {
        let mut patience = self.scenario.load.drain;
        if ending != Ending::Complete {
            // Whoever pressed Ctrl-C wants the terminal back; what is under way still gets its answer.
            self.producer.abandon(self.clock.now());
            patience = patience.min(INTERRUPTED_DRAIN);
        }
        let deadline = self.clock.now() + patience;
        let mut tick = interval(DRAIN_CHECK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let due = self.producer.poll_timeout().unwrap_or(deadline).min(deadline);
            tokio::select! {
                biased;
                Some(Ok(answer)) = self.calls.join_next() => self.handle_answer(answer),
                () = self.changes.done(&self.clock, readers), if self.changes.under_way() => {}
                () = sleep_until(self.clock.instant(due).into()) => {}
                _ = tick.tick() => self.report(&control.progress, readers, Phase::Draining),
                () = control.stopped(), if ending == Ending::Complete => {
                    ending = Ending::Interrupted;
                    break;
                }
            }
            self.advance();
            self.record(usize::MAX);
            let done = self.producer.open_records() == 0 && readers.have_read_all(&self.recorder);
            if done || self.clock.now() >= deadline {
                break;
            }
        }
        self.producer.abandon(self.clock.now());
        self.record(usize::MAX);
        ending
    }

    fn finish(mut self, now: Time) -> (PutRecording, Vec<String>) {
        self.record(usize::MAX);
        let open = self.producer.open_records();
        let mut warnings: Vec<String> = self
            .failures
            .iter()
            .map(|(reason, calls)| format!("{calls} PutRecords call(s) failed as a whole: {reason}"))
            .collect();
        if open > 0 {
            warnings.push(format!(
                "{open} record(s) were still under way when the run ended; a longer load.drain would wait for them."
            ));
        }
        (self.recorder.finish(now, open), warnings)
    }

    /// What releases the arrivals; a closed-loop load needs nothing.
    fn pacer(&self) -> Option<Pacer> {
        let catch_up = self.scenario.load.overload.catch_up();
        let pacer = || Pacer::new(self.workload.schedule().clone(), self.workload.count(), catch_up);
        (!self.intake.is_closed()).then(pacer)
    }

    /// Puts what was released behind what waits already. What is beyond the promise to catch up is dealt with at once.
    fn handle_release(&mut self, backlog: &mut Range<u64>, due: Time, release: Release) {
        let second = release.at.second() as usize;
        if self.wake_ups.len() <= second {
            self.wake_ups.resize(second + 1, Duration::ZERO);
        }
        self.wake_ups[second] = self.wake_ups[second].max(release.at.since(due));
        let beyond = release.arrivals.start..release.arrivals.start + release.beyond;
        if backlog.is_empty() {
            beyond.clone().for_each(|index| self.take_up(index, u64::MAX));
            *backlog = beyond.end..release.arrivals.end;
        } else {
            *backlog = joined(backlog.clone(), release.arrivals);
        }
    }

    /// Takes up an arrival, or deals with it as the scenario says if too many are `due` and not taken up, itself included.
    fn take_up(&mut self, index: u64, due: u64) {
        if self.aborted.is_some() || !self.intake.is_mine(index) {
            return;
        }
        let waiting = due.saturating_add(self.producer.backlog());
        let admission = self.intake.admission(waiting);
        let now = self.clock.now();
        if admission == Admission::Abort {
            self.aborted = Some(self.intake.overload_in_words(waiting));
            return;
        }
        let arrival =
            if self.intake.is_closed() { self.workload.arrival_at(index, now) } else { self.workload.arrival(index) };
        self.intake.note(&arrival);
        self.recorder.handle_arrival(now, arrival.intended);
        if let Some(tenants) = &mut self.tenants {
            tenants.handle_arrival(arrival.index);
        }
        let shard = self.changes.stream.shards.locate(hash_key(&arrival));
        if admission == Admission::Drop {
            self.producer.refuse_arrival(now, &arrival, shard);
        } else {
            self.producer.handle_arrival(now, &arrival, self.payloads.payload(&arrival), shard);
        }
    }

    fn handle_answer(&mut self, answer: Answer) {
        if let Some(reason) = answer.reason {
            tracing::debug!(reason, "a PutRecords call failed");
            // A bound on what a hostile or broken endpoint can make the run remember.
            if self.failures.len() < FAILURE_REASONS_MAX || self.failures.contains_key(&reason) {
                *self.failures.entry(reason).or_default() += 1;
            }
        }
        if let CallOutcome::Answered(outcomes) = &answer.outcome {
            let new = |outcome: &&EntryOutcome| **outcome == EntryOutcome::Accepted { shard: None };
            let new = outcomes.iter().filter(new).count() as u64;
            self.accepted_by_new_shards += new;
            if new > 0 {
                self.changes.look_at_shards();
            }
        }
        self.producer.handle_outcome(answer.answered, answer.sent, answer.id, &answer.outcome);
    }

    /// Sends what is due and records what is done.
    fn advance(&mut self) {
        let now = self.clock.now();
        self.producer.handle_timeout(now);
        while let Some(call) = self.producer.poll_call(now) {
            self.recorder.handle_call(now, call.entries.len(), self.producer.open_calls());
            let (client, stream) = (self.connection.puts.clone(), self.changes.stream.name.clone());
            self.calls.spawn(put(
                client,
                stream,
                call,
                self.scenario.producer.single,
                self.clock.clone(),
                self.changes.stream.shards.clone(),
            ));
        }
        self.record(SAMPLES_AT_A_TIME);
    }

    /// Records what has become of so many records, or of as many as there are.
    fn record(&mut self, most: usize) {
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

    fn report(&mut self, progress: &watch::Sender<Progress>, readers: &Readers, phase: Phase) {
        let now = self.clock.now();
        self.recorder.close_intervals_before(now);
        let last = self.recorder.last_interval();
        progress.send_replace(Progress {
            phase,
            created_stream: self.changes.stream.created.then(|| self.changes.stream.name.clone()),
            shards: Vec::new(),
            now,
            counters: self.recorder.counters(self.producer.open_records()),
            accepted_last_second: last.map_or(0, |interval| interval.accepted),
            throttled_last_second: last.map_or(0, |interval| interval.throttled),
            response_p99: last.and_then(|interval| interval.response_p99).map(Duration::from_nanos),
            lateness_p99: self.recorder.lateness().p99.map(Duration::from_nanos),
            lag_p99: readers.lag_p99(),
        });
    }
}

/// Two ranges of arrivals of which the second follows the first, as one.
fn joined(first: Range<u64>, second: Range<u64>) -> Range<u64> {
    if first.is_empty() { second } else { first.start..second.end }
}

fn storage(connection: &Connection, consumers: &[ConsumerRecord], warnings: &mut Vec<String>) -> Option<StorageUse> {
    let usage = connection.embedded.as_ref()?.usage();
    if usage.trimmed_unread > 0 && !consumers.is_empty() {
        warnings.push(format!(
            "The embedded emulator reached its memory budget of {} and dropped {} record(s) that not every consumer had read: \
             they count as lost. Consumers that keep up, a lower rate or a shorter run avoid this.",
            crate::units::Bytes(usage.budget),
            usage.trimmed_unread
        ));
    }
    Some(usage.into())
}

/// How many arrivals are taken up before calls go out again.
const ARRIVALS_AT_A_TIME: u64 = 1_000;
/// How many records that are done are recorded before arrivals are taken up again: an answer has up to 500.
const SAMPLES_AT_A_TIME: usize = 100;
/// How often a drain looks whether it is over.
const DRAIN_CHECK: Duration = Duration::from_millis(100);
const INTERRUPTED_DRAIN: Duration = Duration::from_secs(3);
const FAILURE_REASONS_MAX: usize = 20;
