//! One run: prepare, offer load, drain, collect.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinSet, block_in_place, yield_now};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::alarm::{self, Alarm};
use super::backlog::Backlog;
use super::changes::Changes;
use super::clock::RunClock;
use super::embedded::Embedded;
use super::health::Health;
use super::pacer::{Pacer, Release};
use super::put::{Answer, Caller};
use super::readers::Readers;
use super::stream::{self, ReadyStream};
use super::{Connection, Control, EngineError, OpenShard, Phase, Progress, Run, RunNumber, since_1970};
use crate::client::{CallOutcome, Part, ShardMap};
use crate::kinesis::Profile;
use crate::measure::{ConsumerRecord, Ending, FaultPlace, Interval, LatencyLog, Measurement, ShardRecord, StorageUse};
use crate::producing::{Produced, Producing};
use crate::scenario::Scenario;
use crate::time::Time;
use crate::workload::Workload;

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
    let run = RunNumber::new(since_1970, scenario.seed, control.run_id.as_deref());
    let name = format!("streamgauge-{}-{:08x}", since_1970.as_secs(), run.process);
    let client = &connection.client;
    control.created = control.created.at(connection.place.clone());
    if scenario.stream.commitment {
        tokio::select! {
            there = stream::ensure_commitment(client, connection.embedded.is_some()) => there?,
            () = control.stopped() => return Err(EngineError::Stopped),
        }
    }
    let ready = stream::prepare(client, &scenario.stream, &name, &mut control).await?;
    let created = control.created.clone();
    let mut result = run_on(connection, scenario, profile, control, &ready, run).await;
    if ready.created {
        let deleted = stream::delete(client, &ready.name, Instant::now(), &created).await;
        if let Ok(run) = &mut result {
            run.measurement.warnings.extend(deleted.err());
        }
    }
    result
}

async fn run_on(
    connection: &Connection,
    scenario: &Scenario,
    profile: &Profile,
    mut control: Control,
    ready: &ReadyStream,
    run: RunNumber,
) -> Result<Run, EngineError> {
    let workload = scenario.workload_on(&ready.shards.open_ranges());
    let mut readers = Readers::default();
    let started = readers.start(connection, scenario, profile, ready, run, scenario.most_records(), &control).await;
    let positioned = match started {
        Ok(()) => readers.wait_until_positioned(&mut control).await,
        Err(error) => Err(error),
    };
    if let Err(error) = positioned {
        readers.stop(&connection.client).await;
        return Err(error);
    }
    control.progress.send_modify(|progress| progress.shards = open_shards(&ready.shards));
    control.wait_until_announced().await;
    let clock = readers.clock.clone();
    let mut session = Session::new(connection, scenario, workload, ready, run.number, clock.clone(), control.part);
    let alarm = Alarm::new(clock.clone());
    let offering = session.offer_load(&mut control, &readers, &alarm);
    let (ending, load_ended) = block_in_place(|| alarm::block_on(&alarm, offering));
    let ending = session.drain(&mut control, &readers, ending).await;
    let generator =
        Some(session.health.take().map_or_else(Default::default, |health| health.finish(&session.wake_ups)));
    let ended = clock.now();
    let (shards, events) =
        (session.changes.stream.shards.clone(), scenario.with_faults(&session.changes.records(ended)));
    let open_shards = std::mem::take(&mut session.changes.open_shards);
    let produced = session.finish(ended);
    let (put, workload, mut warnings) = (produced.put, produced.workload, produced.warnings);
    let began = since_1970().saturating_sub(ended.since(Time::ZERO));
    let mut logs: Vec<(String, LatencyLog)> = Vec::new();
    warnings.extend(readers.stop(&connection.client).await);
    let unknown_stored = readers.seen_of(&put.ledger.unknown);
    let place = |index| FaultPlace::lost(&workload, &shards, &put.ledger.receipts, index);
    let consumers = readers.finish(clock.now(), &put, &place, &mut logs);
    let storage = storage(connection, &consumers, &mut warnings);
    let puts = Measurement::of_puts(put, ShardRecord::of_map(&shards), &mut logs);
    let measurement = Measurement {
        digest: produced.digest,
        generator,
        tenants: produced.tenants,
        accepted_by_new_shards: produced.accepted_by_new_shards,
        unknown_stored,
        open_shards,
        consumers,
        events,
        storage,
        warnings,
        ..puts
    };
    Ok(Run {
        measurement,
        logs,
        dead_letters: produced.dead_letters,
        ending,
        load_ended,
        injected_faults: connection.embedded.as_ref().map(Embedded::injected_faults).unwrap_or_default(),
        began,
        stream: ready.name.clone(),
    })
}

/// Why a session goes on.
enum Woken {
    /// A call is over.
    Answer(Answer),
    /// A second is over.
    Tick,
    /// Something is due, or not finished.
    ToGoOn,
}

/// A run while it goes on.
struct Session<'a> {
    connection: &'a Connection,
    scenario: &'a Scenario,
    producing: Producing,
    changes: Changes,
    clock: RunClock,
    health: Option<Health>,
    /// The longest time from a release to its notice, of each second.
    wake_ups: Vec<Duration>,
    calls: JoinSet<Answer>,
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
        Self {
            connection,
            scenario,
            producing: Producing::new(scenario, workload, run, part),
            changes: Changes::new(connection.client.clone(), stream.clone(), &scenario.events),
            clock,
            health: None,
            wake_ups: Vec::new(),
            calls: JoinSet::new(),
        }
    }

    /// Offers the load until all arrivals are released or the run is stopped.
    async fn offer_load(&mut self, control: &mut Control, readers: &Readers, alarm: &Alarm) -> (Ending, Time) {
        tracing::info!("load begins");
        self.clock.start();
        if let Some(emulator) = &self.connection.embedded {
            emulator.set_faults(&self.scenario.faults);
            emulator.set_transition_scale(self.scenario.stream.transitions);
        }
        self.health = Some(Health::start(self.clock.clone()));
        let mut pacer = self.pacer();
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let end = Time::ZERO + self.scenario.load.duration;
        let mut backlog = Backlog::default();
        let mut busy = true;
        let ending = loop {
            // The last arrival ends an open loop, the clock a closed one.
            let next = pacer.as_ref().map_or(Some(end), Pacer::next_due);
            let over = next.is_none() || pacer.is_none() && self.clock.now() >= end;
            if over && backlog.is_empty() {
                break Ending::Complete;
            }
            let indifferent_until = self.producing.indifferent_until().or(next);
            let timeout = self.producing.producer.poll_timeout();
            let due = timeout.into_iter().chain(self.changes.due()).chain(indifferent_until).min();
            let woken = tokio::select! {
                biased;
                () = control.stopped() => break Ending::Interrupted,
                () = self.changes.done(&self.clock, readers), if self.changes.under_way() => Woken::ToGoOn,
                Some(Ok(answer)) = self.calls.join_next() => Woken::Answer(answer),
                _ = tick.tick() => Woken::Tick,
                () = yield_now(), if busy || !backlog.is_empty() => Woken::ToGoOn,
                () = alarm.reached(due.unwrap_or(end)), if due.is_some() => Woken::ToGoOn,
            };
            // What was due before is taken up before: only then is everything as if it had been taken up when it was due.
            if let (Some(pacer), Some(indifferent_until)) = (&mut pacer, indifferent_until) {
                let release = pacer.release(indifferent_until, self.clock.now());
                self.handle_release(&mut backlog, release);
            }
            match woken {
                Woken::Answer(answer) => self.handle_answer(answer),
                Woken::Tick => self.report(&control.progress, readers, Phase::Load),
                Woken::ToGoOn => {}
            }
            if self.producing.intake.is_closed() && !over {
                let more = self.producing.intake.refill(self.producing.producer.open_records());
                backlog.extend(more);
            }
            // Some at a time: calls go out and answers come in while the rest waits, late but not lost.
            for _ in 0..ARRIVALS_AT_A_TIME {
                let Some((index, due)) = backlog.next(self.producing.intake.parts()) else { break };
                self.take_up(Time::ZERO, index, due);
            }
            if let Some(reason) = self.producing.take_abort() {
                break Ending::Aborted { reason };
            }
            busy = self.advance();
            readers.drop_receipts(self.producing.recorder.receipts_mut());
            busy |= self.producing.prepare(PREPARED_AT_A_TIME);
            let recorder = &self.producing.recorder;
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
            self.producing.producer.abandon(self.clock.now());
            patience = patience.min(INTERRUPTED_DRAIN);
        }
        let deadline = self.clock.now() + patience;
        let mut tick = interval(DRAIN_CHECK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let due = self.producing.producer.poll_timeout().unwrap_or(deadline).min(deadline);
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
            self.producing.record(usize::MAX);
            let recorder = &self.producing.recorder;
            self.changes.begin_due(self.clock.now(), readers, || recorder.hottest_shard());
            readers.drop_receipts(self.producing.recorder.receipts_mut());
            let done = self.producing.producer.open_records() == 0 && readers.have_read_all(&self.producing.recorder);
            if done || self.clock.now() >= deadline {
                break;
            }
        }
        self.producing.give_up(self.clock.now());
        ending
    }

    /// Ends the recording; calls that are still under way are given up.
    fn finish(self, now: Time) -> Produced {
        self.producing.finish(now)
    }

    /// What releases the arrivals; a closed-loop load needs nothing.
    fn pacer(&self) -> Option<Pacer> {
        let catch_up = self.scenario.load.overload.catch_up();
        let pacer =
            || Pacer::new(self.producing.workload.schedule().clone(), self.producing.workload.count(), catch_up);
        (!self.producing.intake.is_closed()).then(pacer)
    }

    /// Takes what was released, and notes how late it was noticed.
    fn handle_release(&mut self, backlog: &mut Backlog, release: Release) {
        if release.arrivals().is_empty() {
            return;
        }
        let second = release.at.second() as usize;
        if self.wake_ups.len() <= second {
            self.wake_ups.resize(second + 1, Duration::ZERO);
        }
        self.wake_ups[second] = self.wake_ups[second].max(release.at.since(release.indifferent_until));
        backlog.handle_release(release, |until, index, due| self.take_up(until, index, due));
    }

    /// Takes up an arrival of which `due` are not taken up, itself included, and which might have waited `indifferent_until`.
    fn take_up(&mut self, indifferent_until: Time, index: u64, due: u64) {
        self.producing.take_up(self.clock.now(), indifferent_until, index, due, &self.changes.stream.shards);
    }

    fn handle_answer(&mut self, answer: Answer) {
        if let Some(reason) = answer.reason {
            tracing::debug!(reason, "a PutRecords call failed");
            self.producing.count_failure(reason);
        }
        if let CallOutcome::Answered(outcomes) = &answer.outcome
            && self.producing.count_new_shards(outcomes)
        {
            self.changes.look_at_shards();
        }
        self.producing.producer.handle_outcome(answer.answered, answer.sent, answer.id, &answer.outcome);
    }

    /// Sends what is due and records some of what is done; whether there is more to record.
    fn advance(&mut self) -> bool {
        let now = self.clock.now();
        self.producing.producer.handle_timeout(now);
        while let Some(call) = self.producing.poll_call(now) {
            let caller = Caller {
                client: self.connection.puts.clone(),
                payloads: self.producing.payloads.clone(),
                clock: self.clock.clone(),
                single: self.scenario.producer.single,
                protocol: self.scenario.producer.protocol,
            };
            let stream = &self.changes.stream;
            self.calls.spawn(caller.put(stream.name.clone(), call, stream.shards.clone()));
        }
        self.producing.record(SAMPLES_AT_A_TIME);
        self.producing.producer.has_samples()
    }

    fn report(&mut self, progress: &watch::Sender<Progress>, readers: &Readers, phase: Phase) {
        let now = self.clock.now();
        readers.note_accepted(now, &self.producing.recorder);
        self.producing.recorder.close_intervals_before(now);
        let map = &self.changes.stream.shards;
        let known = progress.borrow().shards.clone();
        let same = known.len() == map.open().len()
            && known.iter().zip(map.open()).all(|(shard, index)| map.id(*index) == Some(&shard.id));
        let last_second = self.producing.recorder.last_interval().map(|interval| {
            let of = |index: &usize| interval.shards.get(*index).copied().unwrap_or_default();
            Interval { shards: map.open().iter().map(of).collect(), ..interval.clone() }
        });
        progress.send_replace(Progress {
            phase,
            shards: if same { known } else { open_shards(map) },
            now,
            counters: self.producing.recorder.counters(self.producing.producer.open_records()),
            lateness_p99: self.producing.recorder.lateness().p99.map(Duration::from_nanos),
            consumers: readers.progress(last_second.as_ref().map(|interval| interval.second)),
            last_second,
            events: self.changes.happened().to_vec(),
            generator: self.health.as_ref().and_then(Health::last),
        });
    }
}

/// The open shards, in hash key order.
fn open_shards(map: &ShardMap<String>) -> Arc<[OpenShard]> {
    let shard = |index: &usize| Some(OpenShard { id: map.id(*index)?.clone(), range: map.range(*index)? });
    map.open().iter().filter_map(shard).collect()
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
/// How many arrivals are made ahead of time before others of the session's tasks get their turn.
const PREPARED_AT_A_TIME: usize = 100;
/// How often a drain looks whether it is over.
const DRAIN_CHECK: Duration = Duration::from_millis(100);
const INTERRUPTED_DRAIN: Duration = Duration::from_secs(3);
