//! What drives a run in real time: an alarm for what is due, the SDK for what the run asks for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet, yield_now};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::alarm::Alarm;
use super::backlog::Backlog;
use super::changes::change;
use super::clock::RunClock;
use super::health::Health;
use super::pacer::{Pacer, Release};
use super::put::{Answer, Caller};
use super::readers::Readers;
use super::sdk::{Sdk, ShardMap};
use super::stream::{self, ReadyStream};
use super::{Connection, ConsumerProgress, Control, EngineError, OpenShard, Phase, Progress};
use crate::client::ListedShard;
use crate::measure::{Ending, Interval};
use crate::run::{Action, ChangeOutcome, Run, RunConsumer};
use crate::scenario::Scenario;
use crate::time::Time;

/// Why a driver goes on.
enum Woken {
    /// A call is over.
    Answer(Answer),
    /// A change or a listing of the stream is over.
    Stream(Result<StreamDone, JoinError>),
    /// A second is over.
    Tick,
    /// Something is due, or not finished.
    ToGoOn,
}

/// What was done with the stream.
enum StreamDone {
    Changed(ChangeOutcome),
    Listed(Result<Vec<ListedShard<String>>, EngineError>),
}

/// A run while it goes on, and what is under way for it.
pub(super) struct Driver<'a> {
    connection: &'a Connection,
    scenario: &'a Scenario,
    stream: &'a ReadyStream,
    pub run: Run<'a, Sdk>,
    pub readers: Readers,
    pub clock: RunClock,
    pub health: Option<Health>,
    /// The longest time from a release to its notice, of each second.
    pub wake_ups: Vec<Duration>,
    calls: JoinSet<Answer>,
    /// Changes and listings of the stream.
    tasks: JoinSet<StreamDone>,
}

impl<'a> Driver<'a> {
    pub fn new(
        connection: &'a Connection,
        scenario: &'a Scenario,
        stream: &'a ReadyStream,
        run: Run<'a, Sdk>,
        readers: Readers,
    ) -> Self {
        let clock = readers.clock.clone();
        let (calls, tasks) = (JoinSet::new(), JoinSet::new());
        Self { connection, scenario, stream, run, readers, clock, health: None, wake_ups: Vec::new(), calls, tasks }
    }

    /// Offers the load until all arrivals are released or the run is stopped.
    pub async fn offer_load(&mut self, control: &mut Control, alarm: &Alarm) {
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
        while self.run.is_offering() {
            // The last arrival ends an open loop, the clock a closed one.
            let next = pacer.as_ref().map_or(Some(end), Pacer::next_due);
            let over = next.is_none() || pacer.is_none() && self.clock.now() >= end;
            if over && backlog.is_empty() {
                self.run.handle_load_end(self.clock.now());
                return;
            }
            let indifferent_until = self.run.indifferent_until().or(next);
            let due = self.run.poll_timeout().into_iter().chain(indifferent_until).min();
            let woken = tokio::select! {
                biased;
                () = control.stopped() => {
                    self.run.handle_interruption(self.clock.now());
                    return;
                }
                Some(done) = self.tasks.join_next() => Woken::Stream(done),
                Some(Ok(answer)) = self.calls.join_next() => Woken::Answer(answer),
                _ = tick.tick() => Woken::Tick,
                () = yield_now(), if busy || !backlog.is_empty() => Woken::ToGoOn,
                () = alarm.reached(due.unwrap_or(end)), if due.is_some() => Woken::ToGoOn,
            };
            // What was due before is admitted before: only then is everything as if it had been admitted when it was due.
            if let (Some(pacer), Some(indifferent_until)) = (&mut pacer, indifferent_until) {
                let release = pacer.release(indifferent_until, self.clock.now());
                self.handle_release(&mut backlog, release);
            }
            match woken {
                Woken::Answer(answer) => self.handle_answer(answer),
                Woken::Stream(done) => self.handle_stream(done),
                Woken::Tick => self.report(&control.progress, Phase::Load),
                Woken::ToGoOn => {}
            }
            if !over {
                backlog.extend(self.run.refill());
            }
            // Some at a time: calls go out and answers come in while the rest waits, late but not lost.
            for _ in 0..ARRIVALS_AT_A_TIME {
                let Some((index, due)) = backlog.next(self.run.parts()) else { break };
                self.run.admit(self.clock.now(), Time::ZERO, index, due);
            }
            busy = self.advance(SAMPLES_AT_A_TIME);
            busy |= self.run.prepare(PREPARED_AT_A_TIME);
        }
    }

    /// Waits until the run is over: every record is done and every consumer has read what was accepted, or the time for it is up.
    pub async fn drain(&mut self, control: &mut Control) {
        let mut tick = interval(DRAIN_TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while let Some(deadline) = self.run.deadline() {
            let due = self.run.poll_timeout().unwrap_or(deadline).min(deadline);
            tokio::select! {
                biased;
                Some(Ok(answer)) = self.calls.join_next() => self.handle_answer(answer),
                Some(done) = self.tasks.join_next() => self.handle_stream(done),
                () = sleep_until(self.clock.instant(due).into()) => {}
                _ = tick.tick() => self.report(&control.progress, Phase::Draining),
                () = control.stopped(), if *self.run.ending() == Ending::Complete => {
                    self.run.handle_interruption(self.clock.now());
                    return;
                }
            }
            self.advance(usize::MAX);
            self.run.look(self.clock.now());
        }
    }

    /// What releases the arrivals; a closed-loop load needs nothing.
    fn pacer(&self) -> Option<Pacer> {
        let catch_up = self.scenario.load.overload.catch_up();
        let workload = self.run.workload();
        (!self.run.is_closed_loop()).then(|| Pacer::new(workload.schedule().clone(), workload.count(), catch_up))
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
        let (run, clock) = (&mut self.run, &self.clock);
        backlog.handle_release(release, |until, index, due| run.admit(clock.now(), until, index, due));
    }

    fn handle_answer(&mut self, answer: Answer) {
        self.run.handle_put(answer.answered, answer.sent, answer.id, answer.outcome);
    }

    fn handle_stream(&mut self, done: Result<StreamDone, JoinError>) {
        let now = self.clock.now();
        match done {
            Ok(StreamDone::Changed(outcome)) => self.run.handle_change(now, outcome),
            Ok(StreamDone::Listed(Ok(shards))) => self.run.handle_shards(now, Some(shards)),
            Ok(StreamDone::Listed(Err(error))) => {
                tracing::warn!(%error, "the shards could not be listed again");
                self.run.handle_shards(now, None);
            }
            Err(error) => tracing::error!(%error, "a change of the stream ended badly"),
        }
    }

    /// Does what the run has to do now, and records some of what is done; whether there is more to record.
    fn advance(&mut self, samples: usize) -> bool {
        let now = self.clock.now();
        self.run.handle_timeout(now);
        while let Some(action) = self.run.poll_action(now) {
            match action {
                Action::Put(call) => {
                    let caller = Caller {
                        client: self.connection.puts.clone(),
                        payloads: self.run.payloads().clone(),
                        clock: self.clock.clone(),
                        single: self.scenario.producer.single,
                        protocol: self.scenario.producer.protocol,
                    };
                    self.calls.spawn(caller.put(self.stream.name.clone(), call, self.run.shards().clone()));
                }
                Action::Tell(number, message) => self.readers.tell(number, message),
                Action::ListShards(_) => {
                    let (client, name) = (self.connection.client.clone(), self.stream.name.clone());
                    self.tasks.spawn(async move { StreamDone::Listed(stream::list_shards(&client, &name).await) });
                }
                Action::Change(_, wanted) => {
                    let (client, stream) = (self.connection.client.clone(), self.stream.clone());
                    self.tasks.spawn(async move { StreamDone::Changed(change(client, stream, wanted).await) });
                }
            }
        }
        self.run.record(samples)
    }

    fn report(&mut self, progress: &watch::Sender<Progress>, phase: Phase) {
        let now = self.clock.now();
        self.run.note_accepted(now);
        let last_second = self.run.last_second(now).cloned();
        let map = self.run.shards();
        let known = progress.borrow().shards.clone();
        let same = known.len() == map.open().len()
            && known.iter().zip(map.open()).all(|(shard, index)| map.id(*index) == Some(&shard.id));
        let last_second = last_second.map(|interval| {
            let of = |index: &usize| interval.shards.get(*index).copied().unwrap_or_default();
            Interval { shards: map.open().iter().map(of).collect(), ..interval }
        });
        let second = last_second.as_ref().map(|interval| interval.second);
        progress.send_replace(Progress {
            phase,
            shards: if same { known } else { open_shards(map) },
            now,
            counters: self.run.counters(),
            lateness_p99: self.run.lateness().p99.map(Duration::from_nanos),
            consumers: self.run.consumers().iter().map(|consumer| consumer_progress(consumer, second)).collect(),
            last_second,
            events: self.run.events().to_vec(),
            generator: self.health.as_ref().and_then(Health::last),
        });
    }
}

/// How a consumer is doing; `second` is the last one that is over.
fn consumer_progress(one: &RunConsumer, second: Option<u64>) -> ConsumerProgress {
    let mut recorder = one.recorder.lock();
    let (read_last_second, lag_last_second) = second.map(|second| recorder.during(second)).unwrap_or_default();
    ConsumerProgress {
        name: one.consumer.name.clone(),
        kind: one.consumer.kind.word(),
        read_last_second,
        lag_last_second,
        lag_p99: recorder.lag().p99.map(Duration::from_nanos),
        behind: recorder.last_behind().map(|(_, behind)| behind),
    }
}

/// The open shards, in hash key order.
pub(super) fn open_shards(map: &ShardMap) -> Arc<[OpenShard]> {
    let shard = |index: &usize| Some(OpenShard { id: map.id(*index)?.clone(), range: map.range(*index)? });
    map.open().iter().filter_map(shard).collect()
}

/// How many arrivals are admitted before calls go out again.
const ARRIVALS_AT_A_TIME: u64 = 1_000;
/// How many records that are done are recorded before arrivals are admitted again: an answer has up to 500.
const SAMPLES_AT_A_TIME: usize = 100;
/// How many arrivals are made ahead of time before others of the driver's tasks get their turn.
const PREPARED_AT_A_TIME: usize = 100;
/// How often a drain is told of.
const DRAIN_TICK: Duration = Duration::from_millis(100);
