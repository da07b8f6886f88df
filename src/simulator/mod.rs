//! The simulator: the client half joined to the service half in virtual time.
//!
//! The very state machines that the engine and the emulator run, driven by a heap of happenings instead of clocks and sockets:
//! nothing is waited for, and the same scenario gives the same result to the last bit. Ties in time are broken by the order in
//! which they were planned.

mod heap;
mod readers;
mod service;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use heap::{Happening, Heap};
use readers::Readers;
use service::{LEAD, Service};

use crate::client::{
    Admission, Backoff, CallId, CallOutcome, EntryOutcome, Failure, Intake, Part, Producer, ShardMap, hash_key,
};
use crate::kinesis::{Profile, ShardId};
use crate::measure::{
    DeadLetters, Ending, EventRecord, FaultPlace, LatencyLog, Measurement, PutRecorder, ShardRecord, TenantRecorder,
};
use crate::scenario::{Action, Event, Scenario};
use crate::time::Time;
use crate::workload::{Arrival, Payloads, Workload};

/// All that a simulation gives.
#[derive(Debug)]
pub struct Simulation {
    /// The figures.
    pub measurement: Measurement,
    /// The distributions, by the name of their file.
    pub logs: Vec<(String, LatencyLog)>,
    /// Records that were not accepted.
    pub dead_letters: DeadLetters,
    /// How it ended.
    pub ending: Ending,
    /// When load was last offered.
    pub load_ended: Time,
}

/// Simulates a scenario with the limits and latencies of `profile`. `go_on` is asked once per simulated second, with the time;
/// when it says no, the simulation ends early.
///
/// # Errors
/// The stream or a consumer cannot be made, in the words of the service.
pub fn run(scenario: &Scenario, profile: &Profile, go_on: &mut dyn FnMut(Time) -> bool) -> Result<Simulation, String> {
    let mut simulator = Simulator::new(scenario, profile)?;
    let ending = simulator.offer_load(go_on);
    let load_ended = match ending {
        Ending::Complete => Time::ZERO + scenario.load.duration,
        _ => simulator.now,
    };
    let ending = simulator.drain(ending, go_on);
    Ok(simulator.finish(ending, load_ended))
}

/// Number that tells the records of a simulation from those of others; there are no others.
const RUN: u32 = 1;

struct Simulator<'a> {
    scenario: &'a Scenario,
    workload: Workload,
    payloads: Payloads,
    service: Service,
    shards: ShardMap<ShardId>,
    intake: Intake,
    producer: Producer,
    recorder: PutRecorder,
    tenants: Option<TenantRecorder>,
    dead_letters: DeadLetters,
    readers: Readers,
    heap: Heap,
    now: Time,
    /// The earliest wake-up of the producer that is planned.
    producer_wake: Time,
    /// Answers of put calls on their way.
    answers: BTreeMap<CallId, (Time, CallOutcome)>,
    failures: BTreeMap<String, u64>,
    ahead: VecDeque<Event>,
    records: Vec<EventRecord>,
    /// How many shards were open, from when on.
    open_shards: Vec<(Time, u32)>,
    /// Arrivals released so far.
    released: u64,
    /// Why the run cannot go on.
    aborted: Option<String>,
    /// No more load is offered.
    over: bool,
    accepted_by_new_shards: u64,
}

impl<'a> Simulator<'a> {
    fn new(scenario: &'a Scenario, profile: &Profile) -> Result<Self, String> {
        let workload = scenario.workload();
        let mut service = Service::new(scenario, profile)?;
        let shards = ShardMap::new(service.list_shards());
        let mut heap = Heap::default();
        let readers = Readers::new(scenario, profile, &mut service, &shards, RUN, scenario.most_records(), &mut heap)?;
        let backoff = Backoff::new(scenario.producer.retry, scenario.seed, "client.producer.backoff");
        Ok(Self {
            payloads: Payloads::new(RUN, scenario.seed, scenario.filling.clone()),
            intake: scenario.intake(Part::WHOLE),
            producer: Producer::new(scenario.producer.clone(), backoff),
            recorder: PutRecorder::new(Time::ZERO + scenario.load.warm_up),
            tenants: scenario.tenant_recorder(),
            dead_letters: DeadLetters::new(scenario.producer.dead_letters),
            ahead: scenario.events.iter().cloned().collect(),
            open_shards: vec![(Time::ZERO, shards.open_count())],
            scenario,
            workload,
            service,
            shards,
            readers,
            heap,
            now: Time::ZERO,
            producer_wake: Time::NEVER,
            answers: BTreeMap::new(),
            failures: BTreeMap::new(),
            records: Vec::new(),
            released: 0,
            aborted: None,
            over: false,
            accepted_by_new_shards: 0,
        })
    }

    /// Offers the load until all arrivals are released.
    fn offer_load(&mut self, go_on: &mut dyn FnMut(Time) -> bool) -> Ending {
        // The service and the consumers are there before the load: they get their iterators and subscriptions.
        while let Some(happening) = self.heap.pop_before(LEAD) {
            self.handle(happening.0, happening.1);
        }
        // The load begins where the service has been for a while.
        self.service.set_faults(&self.scenario.faults);
        if self.intake.is_closed() {
            self.heap.plan(LEAD, Happening::Arrival);
        } else if self.workload.count() > 0 {
            self.heap.plan(LEAD + self.workload.intended(0).since(Time::ZERO), Happening::Arrival);
        }
        for event in &self.scenario.events {
            self.heap.plan(LEAD + event.at.since(Time::ZERO), Happening::Event);
        }
        let end = LEAD + self.scenario.load.duration;
        let mut second = 0;
        while self.aborted.is_none() {
            let Some((at, happening)) = self.heap.pop_before(end) else { break };
            if at.second() > second {
                second = at.second();
                if !go_on(run_time(at)) {
                    self.now = run_time(at);
                    return Ending::Interrupted;
                }
            }
            self.handle(at, happening);
        }
        self.over = true;
        self.aborted.take().map_or(Ending::Complete, |reason| Ending::Aborted { reason })
    }

    /// Goes on until every record is done and every consumer has read what was accepted, within the time of the scenario.
    fn drain(&mut self, mut ending: Ending, go_on: &mut dyn FnMut(Time) -> bool) -> Ending {
        if ending != Ending::Complete {
            self.producer.abandon(self.now);
        }
        let load_ended = if ending == Ending::Complete { Time::ZERO + self.scenario.load.duration } else { self.now };
        let deadline = LEAD + load_ended.since(Time::ZERO) + self.scenario.load.drain;
        let mut look = LEAD + load_ended.since(Time::ZERO);
        while let Some((at, happening)) = self.heap.pop_before(deadline) {
            if at >= look {
                if self.is_done() {
                    break;
                }
                look = at + DRAIN_CHECK;
                if ending == Ending::Complete && !go_on(run_time(at)) {
                    ending = Ending::Interrupted;
                    break;
                }
            }
            self.handle(at, happening);
        }
        if !self.is_done() {
            self.now = run_time(deadline);
        }
        self.producer.abandon(self.now);
        self.record();
        ending
    }

    fn is_done(&self) -> bool {
        self.producer.open_records() == 0 && self.readers.have_read_all(&self.recorder)
    }

    fn finish(self, ending: Ending, load_ended: Time) -> Simulation {
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
        let put = self.recorder.finish(self.now, open);
        let mut logs = Vec::new();
        let unknown_stored = self.readers.seen_of(&put.ledger.unknown);
        let consumers = {
            let place = |index| FaultPlace::lost(&self.workload, &self.shards, index);
            self.readers.finish(self.now, &put, &place, &mut logs)
        };
        let storage = Some(self.service.usage().into());
        let events = self.scenario.with_faults(&self.records);
        let accepted_by_new_shards = self.accepted_by_new_shards;
        let puts = Measurement::of_puts(put, ShardRecord::of_map(&self.shards), &mut logs);
        let open_shards = self.open_shards;
        let digest = self.intake.digest();
        let tenants = self.tenants.map(TenantRecorder::finish).unwrap_or_default();
        let measurement = Measurement {
            digest,
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
        let dead_letters = self.dead_letters;
        Simulation { measurement, logs, dead_letters, ending, load_ended }
    }

    /// Lets something happen at a time of the service.
    fn handle(&mut self, at: Time, happening: Happening) {
        self.now = run_time(at);
        match happening {
            Happening::Arrival => self.arrive(at),
            Happening::PutAnswer(id) => {
                if let Some((sent, outcome)) = self.answers.remove(&id) {
                    self.producer.handle_outcome(self.now, sent, id, &outcome);
                }
                self.advance_producer(at);
            }
            Happening::ProducerWake => {
                self.producer_wake = Time::NEVER;
                self.advance_producer(at);
            }
            Happening::Event => self.happen(at),
            Happening::Consumer(consumer, what) => {
                self.readers.handle(at, consumer, what, &mut self.service, &mut self.heap);
            }
        }
    }

    fn arrive(&mut self, at: Time) {
        let now = self.now;
        // Arrivals of one moment are taken up together.
        while !self.intake.is_closed() && self.released < self.workload.count() && self.aborted.is_none() {
            let intended = self.workload.intended(self.released);
            if intended > now {
                self.heap.plan(LEAD + intended.since(Time::ZERO), Happening::Arrival);
                break;
            }
            let arrival = self.workload.arrival(self.released);
            self.released += 1;
            self.take_up(&arrival);
        }
        self.advance_producer(at);
    }

    fn take_up(&mut self, arrival: &Arrival) {
        let (now, waiting) = (self.now, self.producer.backlog() + 1);
        let admission = self.intake.admission(waiting);
        if admission == Admission::Abort {
            self.aborted = Some(self.intake.overload_in_words(waiting));
            return;
        }
        self.intake.note(arrival);
        self.recorder.handle_arrival(now, arrival.intended);
        if let Some(tenants) = &mut self.tenants {
            tenants.handle_arrival(arrival.index);
        }
        let shard = self.shards.locate(hash_key(arrival));
        if admission == Admission::Drop {
            self.producer.refuse_arrival(now, arrival, shard);
        } else {
            self.producer.handle_arrival(now, arrival, self.payloads.payload(arrival), shard);
        }
    }

    fn advance_producer(&mut self, at: Time) {
        let now = self.now;
        self.producer.handle_timeout(now);
        if !self.over {
            for index in self.intake.refill(self.producer.open_records()) {
                let arrival = self.workload.arrival_at(index, now);
                self.take_up(&arrival);
            }
        }
        while let Some(call) = self.producer.poll_call(now) {
            self.recorder.handle_call(now, call.entries.len(), self.producer.open_calls());
            let (id, timeout) = (call.id, self.scenario.producer.timeout);
            let answer = self.service.put(at, call, self.scenario.producer.single, &self.shards);
            let outcome = match answer.outcome {
                // Whoever waits no longer does not know.
                _ if answer.ready_at > at + timeout => {
                    self.count_failure("no answer within the timeout of the producer");
                    CallOutcome::Failed(Failure::Timeout)
                }
                Ok(outcomes) => {
                    let new = |outcome: &&EntryOutcome| **outcome == EntryOutcome::Accepted { shard: None };
                    let new = outcomes.iter().filter(new).count() as u64;
                    if new > 0 {
                        self.accepted_by_new_shards += new;
                        self.look_at_shards(at);
                    }
                    CallOutcome::Answered(outcomes)
                }
                Err((failure, reason)) => {
                    self.count_failure(&reason);
                    CallOutcome::Failed(failure)
                }
            };
            self.answers.insert(id, (now, outcome));
            self.heap.plan(answer.ready_at.min(at + timeout), Happening::PutAnswer(id));
            self.readers.notice_puts(at, &mut self.heap);
        }
        self.record();
        if let Some(wake) = self.producer.poll_timeout().filter(|wake| *wake < self.producer_wake) {
            self.producer_wake = wake;
            self.heap.plan((LEAD + wake.since(Time::ZERO)).max(at), Happening::ProducerWake);
        }
    }

    fn count_failure(&mut self, reason: &str) {
        *self.failures.entry(reason.to_owned()).or_default() += 1;
    }

    fn record(&mut self) {
        while let Some(attempt) = self.producer.poll_failed_attempt() {
            self.recorder.handle_failed_attempt(&attempt);
            if let Some(tenants) = &mut self.tenants {
                tenants.handle_failed_attempt(&attempt);
            }
        }
        while let Some(sample) = self.producer.poll_sample() {
            self.recorder.handle_sample(&sample);
            if let Some(tenants) = &mut self.tenants {
                tenants.handle_sample(&sample);
            }
            self.dead_letters.handle_sample(&sample);
        }
    }

    /// Makes the events that are due happen.
    fn happen(&mut self, at: Time) {
        let now = self.now;
        while let Some(event) = self.ahead.pop_front_if(|event| event.at <= now) {
            let label = event.action.label();
            let mut record = EventRecord { at: now, until: None, label, problem: None };
            if let Action::Consumer { consumer, interruption, worker } = &event.action {
                let interruption = interruption.of(*worker);
                self.readers.interrupt(at, consumer, interruption, &self.shards, &mut self.service, &mut self.heap);
            } else {
                let hottest = self.recorder.hottest_shard().unwrap_or(0);
                match self.service.change(at, &event.action, &self.shards, hottest) {
                    // State changes are immediate, as in the embedded emulator.
                    Ok(()) => record.until = Some(now),
                    Err(problem) => record.problem = Some(problem),
                }
                self.look_at_shards(at);
            }
            self.records.push(record);
        }
    }

    fn look_at_shards(&mut self, at: Time) {
        self.shards = self.shards.refreshed(self.service.list_shards_at(at));
        self.open_shards.push((self.now, self.shards.open_count()));
        self.readers.follow(at, &self.shards, &mut self.service, &mut self.heap);
    }
}

/// A time of the service as a time of the run; before the run it is zero.
fn run_time(at: Time) -> Time {
    Time::ZERO + at.since(LEAD)
}

/// How often a drain looks whether it is over.
const DRAIN_CHECK: Duration = Duration::from_millis(100);
