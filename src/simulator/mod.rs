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
use service::{LEAD, PutOutcome, Service};

use crate::client::{CallId, CallOutcome, Failure, Part, ShardMap};
use crate::kinesis::{InjectedFaults, Profile, ShardId};
use crate::measure::{DeadLetters, Ending, EventRecord, FaultPlace, LatencyLog, Measurement, ShardRecord};
use crate::producing::Producing;
use crate::scenario::{Action, Event, Scenario};
use crate::time::Time;

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
    /// What faults of the scenario have damaged.
    pub injected_faults: InjectedFaults,
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
    producing: Producing,
    service: Service,
    shards: ShardMap<ShardId>,
    readers: Readers,
    heap: Heap,
    now: Time,
    /// The earliest wake-up of the producer that is planned.
    producer_wake: Time,
    /// Answers of put calls on their way.
    answers: BTreeMap<CallId, (Time, PutOutcome)>,
    ahead: VecDeque<Event>,
    /// Changes of the stream that are due and have not begun: there is one at a time.
    waiting: VecDeque<Action>,
    /// The number of the record of the change that is under way.
    changing: Option<usize>,
    records: Vec<EventRecord>,
    /// How many shards were open, from when on.
    open_shards: Vec<(Time, u32)>,
    /// No more load is offered.
    over: bool,
}

impl<'a> Simulator<'a> {
    fn new(scenario: &'a Scenario, profile: &Profile) -> Result<Self, String> {
        let mut service = Service::new(scenario, profile)?;
        let shards = ShardMap::new(service.list_shards());
        let workload = scenario.workload_on(&shards.open_ranges());
        let mut heap = Heap::default();
        let readers = Readers::new(scenario, profile, &mut service, &shards, RUN, scenario.most_records(), &mut heap)?;
        Ok(Self {
            producing: Producing::new(scenario, workload, RUN, Part::WHOLE),
            ahead: scenario.events.iter().cloned().collect(),
            open_shards: vec![(Time::ZERO, shards.open_count())],
            scenario,
            service,
            shards,
            readers,
            heap,
            now: Time::ZERO,
            producer_wake: Time::NEVER,
            answers: BTreeMap::new(),
            waiting: VecDeque::new(),
            changing: None,
            records: Vec::new(),
            over: false,
        })
    }

    /// Offers the load until all arrivals are released.
    fn offer_load(&mut self, go_on: &mut dyn FnMut(Time) -> bool) -> Ending {
        // The service and the consumers are there before the load: they get their iterators and subscriptions.
        while let Some(happening) = self.heap.pop_before(LEAD) {
            self.handle(happening.0, happening.1);
        }
        // The load begins where the service has been for a while.
        self.service.begin_load(self.scenario);
        self.producer_wake = LEAD;
        self.heap.plan(LEAD, Happening::ProducerWake);
        for event in &self.scenario.events {
            self.heap.plan(LEAD + event.at.since(Time::ZERO), Happening::Event);
        }
        let end = LEAD + self.scenario.load.duration;
        let ending = self.go_through_load(end, go_on);
        self.over = true;
        ending
    }

    fn go_through_load(&mut self, end: Time, go_on: &mut dyn FnMut(Time) -> bool) -> Ending {
        let mut second = 0;
        while !self.producing.is_aborted() {
            let Some((at, happening)) = self.heap.pop_before(end) else { break };
            if at.second() > second {
                second = at.second();
                self.readers.note_accepted(run_time(at), &self.producing.recorder);
                if !go_on(run_time(at)) {
                    self.now = run_time(at);
                    return Ending::Interrupted;
                }
            }
            self.handle(at, happening);
        }
        self.producing.take_abort().map_or(Ending::Complete, |reason| Ending::Aborted { reason })
    }

    /// Goes on until every record is done and every consumer has read what was accepted, within the time of the scenario.
    fn drain(&mut self, mut ending: Ending, go_on: &mut dyn FnMut(Time) -> bool) -> Ending {
        if ending != Ending::Complete {
            self.producing.producer.abandon(self.now);
        }
        let load_ended = if ending == Ending::Complete { Time::ZERO + self.scenario.load.duration } else { self.now };
        let patience = match ending {
            Ending::Complete => self.scenario.load.drain,
            _ => self.scenario.load.drain.min(INTERRUPTED_DRAIN),
        };
        let deadline = LEAD + load_ended.since(Time::ZERO) + patience;
        let mut interrupted = false;
        let mut look = LEAD + load_ended.since(Time::ZERO);
        while let Some((at, happening)) = self.heap.pop_before(deadline) {
            if at >= look {
                self.readers.note_accepted(run_time(at), &self.producing.recorder);
                if self.is_done() {
                    break;
                }
                look = at + DRAIN_CHECK;
                if ending == Ending::Complete && !go_on(run_time(at)) {
                    (ending, interrupted) = (Ending::Interrupted, true);
                    self.now = run_time(at);
                    break;
                }
            }
            self.handle(at, happening);
        }
        if !interrupted && !self.is_done() {
            self.now = run_time(deadline);
        }
        self.producing.give_up(self.now);
        ending
    }

    fn is_done(&self) -> bool {
        self.producing.producer.open_records() == 0 && self.readers.have_read_all(&self.producing.recorder)
    }

    fn finish(self, ending: Ending, load_ended: Time) -> Simulation {
        let produced = self.producing.finish(self.now);
        let put = produced.put;
        let mut logs = Vec::new();
        let unknown_stored = self.readers.seen_of(&put.ledger.unknown);
        let consumers = {
            let place = |index| FaultPlace::lost(&produced.workload, &self.shards, &put.ledger.receipts, index);
            self.readers.finish(self.now, &put, &place, &mut logs)
        };
        let storage = Some(self.service.usage().into());
        let never_begun = self.waiting.iter().map(|action| action.never_begun(self.now));
        let happened: Vec<EventRecord> = self.records.iter().cloned().chain(never_begun).collect();
        let events = self.scenario.with_faults(&happened);
        let puts = Measurement::of_puts(put, ShardRecord::of_map(&self.shards), &mut logs);
        let open_shards = self.open_shards;
        let measurement = Measurement {
            digest: produced.digest,
            tenants: produced.tenants,
            accepted_by_new_shards: produced.accepted_by_new_shards,
            unknown_stored,
            open_shards,
            consumers,
            events,
            storage,
            warnings: produced.warnings,
            ..puts
        };
        let injected_faults = self.service.injected_faults().clone();
        Simulation { measurement, logs, dead_letters: produced.dead_letters, ending, load_ended, injected_faults }
    }

    /// Lets something happen at a time of the service.
    fn handle(&mut self, at: Time, happening: Happening) {
        self.now = run_time(at);
        // Another wake-up was planned instead of this one.
        if matches!(happening, Happening::ProducerWake) && self.producer_wake != at {
            return;
        }
        if !matches!(happening, Happening::Consumer(..)) {
            self.take_up_due();
        }
        match happening {
            Happening::PutAnswer(id) => {
                if let Some((sent, outcome)) = self.answers.remove(&id) {
                    self.handle_answer(at, id, sent, outcome);
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

    /// Takes up the arrivals that are due: as far as it makes a difference, what was due before something happens is taken up
    /// before it.
    fn take_up_due(&mut self) {
        while !self.over && !self.producing.intake.is_closed() && !self.producing.is_aborted() {
            self.producing.prepare(usize::MAX);
            let due = self.producing.next_prepared().filter(|next| next.intended <= self.now);
            let Some(index) = due.map(|next| next.index) else { break };
            self.producing.take_up(self.now, self.now, index, 1, &self.shards);
        }
        if self.producing.is_aborted() {
            // No more calls are made, from this very moment on.
            self.over = true;
            self.producing.producer.abandon(self.now);
        }
    }

    fn handle_answer(&mut self, at: Time, id: CallId, sent: Time, outcome: PutOutcome) {
        let outcome = match outcome {
            Ok(outcomes) => {
                if self.producing.count_new_shards(&outcomes) {
                    self.look_at_shards(at);
                }
                CallOutcome::Answered(outcomes)
            }
            Err((failure, reason)) => {
                self.producing.count_failure(reason);
                CallOutcome::Failed(failure)
            }
        };
        self.producing.producer.handle_outcome(self.now, sent, id, &outcome);
    }

    fn advance_producer(&mut self, at: Time) {
        let now = self.now;
        self.producing.producer.handle_timeout(now);
        if !self.over {
            for index in self.producing.intake.refill(self.producing.producer.open_records()) {
                self.producing.take_up(now, now, index, 1, &self.shards);
            }
        }
        while let Some(call) = self.producing.poll_call(now) {
            let (id, timeout) = (call.id, self.scenario.producer.timeout);
            let answer =
                self.service.put(at, &call, &self.producing.payloads, self.scenario.producer.single, &self.shards);
            let outcome = match answer.outcome {
                // Whoever waits no longer does not know.
                _ if answer.ready_at > at + timeout => {
                    Err((Failure::Timeout, "no answer within the timeout of the producer".to_owned()))
                }
                outcome => outcome,
            };
            self.answers.insert(id, (now, outcome));
            self.heap.plan(answer.ready_at.min(at + timeout), Happening::PutAnswer(id));
            self.readers.notice_puts(at, &mut self.heap);
        }
        self.producing.record(usize::MAX);
        self.readers.drop_receipts(self.producing.recorder.receipts_mut());
        let timeout = self.producing.producer.poll_timeout();
        let next = if self.over { None } else { self.producing.indifferent_until() };
        let wake = timeout.into_iter().chain(next).min().map(|wake| (LEAD + wake.since(Time::ZERO)).max(at));
        if let Some(wake) = wake.filter(|wake| *wake < self.producer_wake) {
            self.producer_wake = wake;
            self.heap.plan(wake, Happening::ProducerWake);
        }
    }

    /// Makes the events that are due happen.
    fn happen(&mut self, at: Time) {
        let now = self.now;
        while let Some(event) = self.ahead.pop_front_if(|event| event.at <= now) {
            if let Action::Consumer { consumer, interruption, worker } = &event.action {
                let interruption = interruption.of(*worker);
                self.readers.interrupt(at, consumer, interruption, &self.shards, &mut self.service, &mut self.heap);
                self.records.push(event.action.begun(now));
            } else {
                self.waiting.push_back(event.action);
            }
        }
        self.change(at);
    }

    /// Ends the change of the stream that is under way, if its time has come, and begins those that wait for it, as the engine does.
    fn change(&mut self, at: Time) {
        loop {
            if let Some(until) = self.service.changing_until(at) {
                // It may be a change of the service's own, of an on-demand stream.
                self.heap.plan(until, Happening::Event);
                return;
            }
            if let Some(record) = self.changing.take().and_then(|number| self.records.get_mut(number)) {
                record.until = Some(self.now);
                self.look_at_shards(at);
            }
            let Some(action) = self.waiting.pop_front() else { return };
            let mut record = action.begun(self.now);
            let hottest = self.producing.recorder.hottest_shard().unwrap_or(0);
            match self.service.change(at, &action, &self.shards, hottest) {
                Ok(()) => self.changing = Some(self.records.len()),
                Err(problem) => (record.problem, record.until) = (Some(problem), Some(self.now)),
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
/// How long a run that was interrupted or aborted waits for what is under way, as in the engine.
const INTERRUPTED_DRAIN: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario;

    /// A wake-up that came to nothing must not beget another: overloaded shards have many retries, each of them may be the next.
    #[test]
    fn wake_ups_do_not_multiply() {
        let toml = "stream.shards = 2\nload = { rate = \"5000/s\", duration = \"3s\", warm_up = \"0s\" }\n\
                    records.size = \"100 B\"\nkeys = { distribution = \"uniform\", count = 50 }\n\
                    [[consumer]]\nname = \"a\"\ntype = \"polling\"\n[[consumer]]\nname = \"b\"\ntype = \"efo\"\n";
        let profile = Profile::newest();
        let scenario = scenario::parse(Path::new("overload.toml"), toml, &[], &profile).unwrap();
        let mut simulator = Simulator::new(&scenario, &profile).unwrap();
        assert_eq!(simulator.offer_load(&mut |_| true), Ending::Complete);
        let waiting = simulator.producing.producer.open_records();
        assert!(waiting > 1_000, "{waiting}");
        assert!(simulator.heap.len() < 100, "{}", simulator.heap.len());
    }
}
