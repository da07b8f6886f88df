//! The simulator: the client half joined to the service half in virtual time.
//!
//! The very state machines that the engine and the emulator run, driven by a heap of what is scheduled instead of clocks and
//! sockets: nothing is waited for, and the same scenario gives the same result to the last bit. Ties in time are broken by the
//! order in which they were scheduled.

mod heap;
mod readers;
mod service;
mod wire;

use std::collections::BTreeMap;

use heap::{Heap, Scheduled};
use readers::Readers;
use service::{LEAD, STREAM, Service, run_time};
use wire::Simulated;

use crate::client::{Call, CallId, Part, ShardMap, Start};
use crate::kinesis::{Profile, ShardId};
use crate::measure::{Ending, Outcome, ProcessRecord};
use crate::run::{Action, Change, ChangeOutcome, PutFailure, PutOutcome, Run, Setup};
use crate::scenario::Scenario;
use crate::time::Time;

/// Simulates a scenario with the limits and latencies of `profile`. `go_on` is asked once per simulated second, with the time;
/// when it says no, the simulation ends early.
///
/// # Errors
/// The stream or a consumer cannot be made, in the words of the service.
pub fn run(scenario: &Scenario, profile: &Profile, go_on: &mut dyn FnMut(Time) -> bool) -> Result<Outcome, String> {
    let mut simulator = Simulator::new(scenario, profile)?;
    simulator.offer_load(go_on);
    simulator.drain(go_on);
    Ok(simulator.finish())
}

/// Number that tells the records of a simulation from those of others; there are no others.
const RUN: u32 = 1;

struct Simulator<'a> {
    scenario: &'a Scenario,
    run: Run<'a, Simulated>,
    service: Service,
    readers: Readers,
    heap: Heap,
    /// The time of the run.
    now: Time,
    /// The earliest wake-up of the run that is scheduled.
    wake: Time,
    /// Answers of put calls on their way, and when they were sent.
    answers: BTreeMap<CallId, (Time, PutOutcome)>,
}

impl<'a> Simulator<'a> {
    fn new(scenario: &'a Scenario, profile: &'a Profile) -> Result<Self, String> {
        let mut service = Service::new(scenario, profile)?;
        let (run, readers) = Run::new(Setup {
            scenario,
            profile,
            stream: STREAM.to_owned(),
            shards: ShardMap::new(service.list_shards(Time::ZERO)),
            number: RUN,
            part: Part::WHOLE,
            default_start: Start::TrimHorizon,
        });
        let mut heap = Heap::default();
        let readers = Readers::new(scenario, readers, &mut service, &mut heap)?;
        Ok(Self { scenario, run, service, readers, heap, now: Time::ZERO, wake: Time::NEVER, answers: BTreeMap::new() })
    }

    /// Offers the load until all arrivals are admitted.
    fn offer_load(&mut self, go_on: &mut dyn FnMut(Time) -> bool) {
        // The service and the consumers are there before the load: they get their iterators and subscriptions.
        while let Some((at, what)) = self.heap.pop_before(LEAD) {
            self.handle(at, what);
        }
        // The load begins where the service has been for a while.
        self.service.begin_load(self.scenario);
        self.wake = LEAD;
        self.heap.schedule(LEAD, Scheduled::Wake);
        for event in &self.scenario.events {
            self.heap.schedule(LEAD + event.at.since(Time::ZERO), Scheduled::Event);
        }
        let end = LEAD + self.scenario.load.duration;
        let mut second = 0;
        while self.run.is_offering() {
            let Some((at, what)) = self.heap.pop_before(end) else {
                self.run.handle_load_end(self.now);
                break;
            };
            if at.second() > second {
                second = at.second();
                self.run.note_accepted(run_time(at));
                if !go_on(run_time(at)) {
                    self.now = run_time(at);
                    self.run.handle_interruption(self.now);
                    break;
                }
            }
            self.handle(at, what);
        }
    }

    /// Goes on until the run is over.
    fn drain(&mut self, go_on: &mut dyn FnMut(Time) -> bool) {
        let Some(deadline) = self.run.deadline() else { return };
        while let Some((at, what)) = self.heap.pop_before(LEAD + deadline.since(Time::ZERO)) {
            if self.run.look(run_time(at)) {
                if self.run.is_over() {
                    return;
                }
                if *self.run.ending() == Ending::Complete && !go_on(run_time(at)) {
                    self.now = run_time(at);
                    self.run.handle_interruption(self.now);
                    return;
                }
            }
            self.handle(at, what);
        }
        if !self.run.is_done() {
            self.now = deadline;
        }
    }

    fn finish(mut self) -> Outcome {
        for (number, counts) in self.readers.finish(self.now).into_iter().enumerate() {
            self.run.handle_consumer_end(number, counts);
        }
        let process = ProcessRecord {
            storage: Some(self.service.usage().into()),
            injected_faults: self.service.injected_faults().clone(),
            ..ProcessRecord::default()
        };
        let (recording, workload) = self.run.finish(self.now, process);
        Outcome::new(recording, &workload)
    }

    /// Lets something happen at a time of the service.
    fn handle(&mut self, at: Time, what: Scheduled) {
        self.now = run_time(at);
        match what {
            // Another wake-up was scheduled instead of this one.
            Scheduled::Wake if self.wake != at => return,
            Scheduled::Wake => self.wake = Time::NEVER,
            Scheduled::Consumer(consumer, what) => {
                self.readers.handle(at, consumer, what, &mut self.service, &mut self.heap);
                return;
            }
            Scheduled::Event | Scheduled::PutAnswer(_) | Scheduled::ChangeOver => {}
        }
        // As far as it makes a difference, what was due before something happens is admitted before it.
        self.run.admit_due(self.now);
        match what {
            Scheduled::PutAnswer(id) => {
                if let Some((sent, outcome)) = self.answers.remove(&id) {
                    self.run.handle_put(self.now, sent, id, outcome);
                }
            }
            Scheduled::ChangeOver => self.look_at_change(at),
            _ => {}
        }
        self.advance(at);
    }

    /// Does what the run has to do now.
    fn advance(&mut self, at: Time) {
        let now = self.now;
        self.run.handle_timeout(now);
        for index in self.run.refill() {
            self.run.admit(now, now, index, 1);
        }
        while let Some(action) = self.run.poll_action(now) {
            match action {
                Action::Put(call) => self.put(at, &call),
                Action::Tell(consumer, message) => {
                    self.readers.tell(at, consumer, message, &mut self.service, &mut self.heap);
                }
                Action::ListShards(_) => self.run.handle_shards(now, Some(self.service.list_shards(at))),
                Action::Change(_, change) => self.change(at, change),
            }
        }
        self.run.record(usize::MAX);
        let next = if self.run.is_offering() { self.run.indifferent_until() } else { None };
        let wake = self.run.poll_timeout().into_iter().chain(next).min();
        let wake = wake.map(|wake| (LEAD + wake.since(Time::ZERO)).max(at));
        if let Some(wake) = wake.filter(|wake| *wake < self.wake) {
            self.wake = wake;
            self.heap.schedule(wake, Scheduled::Wake);
        }
    }

    fn put(&mut self, at: Time, call: &Call) {
        let producer = &self.scenario.producer;
        let answer = self.service.put(at, call, self.run.payloads(), producer.single, self.run.shards());
        let late = answer.ready_at > at + producer.timeout;
        let outcome = if late { Err(PutFailure::timeout()) } else { answer.outcome };
        self.answers.insert(call.id, (self.now, outcome));
        self.heap.schedule(answer.ready_at.min(at + producer.timeout), Scheduled::PutAnswer(call.id));
        self.readers.notice_puts(at, &mut self.heap);
    }

    /// Begins a change of the stream, unless the stream is changing by itself, as on-demand streams do.
    fn change(&mut self, at: Time, change: Change<ShardId>) {
        if let Some(until) = self.service.changing_until(at) {
            self.run.handle_busy(run_time(until));
            self.heap.schedule(until, Scheduled::Event);
            return;
        }
        match self.service.change(at, change) {
            Ok(()) => self.look_at_change(at),
            Err(problem) => self.run.handle_change(self.now, ChangeOutcome::Refused(problem)),
        }
    }

    /// Ends the change of the stream that is under way, if its time has come.
    fn look_at_change(&mut self, at: Time) {
        match self.service.changing_until(at) {
            Some(until) => self.heap.schedule(until, Scheduled::ChangeOver),
            None => self.run.handle_change(self.now, ChangeOutcome::Done),
        }
    }
}

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
        simulator.offer_load(&mut |_| true);
        assert_eq!(*simulator.run.ending(), Ending::Complete);
        let waiting = simulator.run.counters().in_flight;
        assert!(waiting > 1_000, "{waiting}");
        assert!(simulator.heap.len() < 100, "{}", simulator.heap.len());
    }
}
