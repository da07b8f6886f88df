//! The consumers of a simulation.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use rand::RngExt;

use super::heap::{ForConsumer, Heap, Scheduled};
use super::service::{EPOCH, LEAD, STREAM, Service, run_time};
use super::wire::Simulated;
use crate::client::{Answer, ConsumerCounts, Failure, Lineage, ReadCall, ReadOutcome, Start, Ticket};
use crate::kinesis::{
    ChildShard, ConsumerName, Position, ReadRecord, Request, Response, SequenceNumber, ServiceError, SubscriptionId,
    SubscriptionPoll, Tags,
};
use crate::run::{Message, Read, Reader};
use crate::scenario::{Consumer, Scenario};
use crate::seed::NamedSeed;
use crate::time::{Time, nanos};

/// The longest way of a GetRecords call to the service, within its latency. Calls that came in step to the nanosecond would let whoever comes
/// first have all of a quota that he can use up alone.
const WAY_MAX: Duration = Duration::from_millis(2);

/// The consumers, on the clock of the service.
pub(super) struct Readers {
    readers: Vec<SimulatedReader>,
    /// Subscriptions that wait for a record, until the moment that is scheduled.
    waiting: BTreeMap<(usize, Ticket), Time>,
    /// Of how long GetRecords calls are on their way, and how many were.
    ways: NamedSeed,
    sent: u64,
}

struct SimulatedReader {
    /// Name of the consumer.
    name: String,
    reader: Reader<Simulated>,
    /// The earliest wake-up that is scheduled.
    wake: Time,
    subscriptions: HashMap<Ticket, SubscriptionId>,
}

impl Readers {
    /// Registers and starts the consumers of a scenario.
    pub fn new(
        scenario: &Scenario,
        readers: Vec<Reader<Simulated>>,
        service: &mut Service,
        heap: &mut Heap,
    ) -> Result<Self, String> {
        for consumer in scenario.consumers.iter().filter(|consumer| consumer.kind.is_fan_out()) {
            let (stream, consumer, tags) = (STREAM.to_owned(), consumer.name.clone(), Tags::new());
            service.ask(Time::ZERO, Request::RegisterStreamConsumer { stream, consumer, tags })?;
        }
        let reader = |(consumer, reader): (&Consumer, Reader<Simulated>)| SimulatedReader {
            name: consumer.name.clone(),
            reader,
            wake: Time::NEVER,
            subscriptions: HashMap::new(),
        };
        let mut readers = Self {
            readers: scenario.consumers.iter().zip(readers).map(reader).collect(),
            waiting: BTreeMap::new(),
            ways: scenario.seed.named("simulator.readers.ways"),
            sent: 0,
        };
        for number in 0..readers.readers.len() {
            readers.readers[number].reader.begin(Time::ZERO, EPOCH);
            readers.advance(Time::ZERO, number, service, heap);
        }
        Ok(readers)
    }

    /// Tells a consumer what happens.
    pub fn tell(
        &mut self,
        at: Time,
        number: usize,
        message: Message<Simulated>,
        service: &mut Service,
        heap: &mut Heap,
    ) {
        self.readers[number].reader.handle_message(at, EPOCH + at.since(Time::ZERO), message);
        self.advance(at, number, service, heap);
    }

    /// Something was put: subscriptions that wait may have something sooner.
    pub fn notice_puts(&mut self, at: Time, heap: &mut Heap) {
        for ((consumer, ticket), scheduled) in &mut self.waiting {
            if *scheduled > at {
                *scheduled = at;
                heap.schedule(at, Scheduled::Consumer(*consumer, ForConsumer::Poll(*ticket)));
            }
        }
    }

    /// Lets something happen to a consumer.
    pub fn handle(&mut self, at: Time, number: usize, what: ForConsumer, service: &mut Service, heap: &mut Heap) {
        match what {
            ForConsumer::Wake if self.readers[number].wake == at => self.readers[number].wake = Time::NEVER,
            // Another wake-up was scheduled instead of this one.
            ForConsumer::Wake => return,
            ForConsumer::Outcome(ticket, outcome) => {
                self.readers[number].reader.handle_outcome(at, run_time(at), ticket, *outcome);
            }
            ForConsumer::Arrival(ticket, iterator, limit, way) => {
                let reply = service.call(at, Request::GetRecords { iterator, limit: limit as usize });
                // The way is part of the latency.
                let ready = at.max(Time::ZERO + reply.ready_at.since(Time::ZERO + way));
                let outcome = match reply.response {
                    Ok(Response::GetRecords(read)) => ReadOutcome::Records {
                        next: read.next,
                        answer: answer(ready, read.records, read.millis_behind_latest, read.children),
                    },
                    Ok(_) => ReadOutcome::Failed,
                    Err(error) => self.readers[number].failed(at, &error),
                };
                heap.schedule(ready, Scheduled::Consumer(number, ForConsumer::Outcome(ticket, Box::new(outcome))));
            }
            // Another poll may have been scheduled instead of this one.
            ForConsumer::Poll(ticket) if self.waiting.get(&(number, ticket)) == Some(&at) => {
                self.poll(at, number, ticket, service, heap);
            }
            ForConsumer::Poll(_) => return,
        }
        self.advance(at, number, service, heap);
    }

    fn advance(&mut self, at: Time, number: usize, service: &mut Service, heap: &mut Heap) {
        self.readers[number].reader.handle_timeout(at);
        while let Some(call) = self.readers[number].reader.poll_call() {
            self.make(at, number, call, service, heap);
        }
        let reader = &mut self.readers[number];
        reader.reader.record(run_time);
        let wake = reader.reader.poll_timeout().map(|wake| wake.max(at));
        if let Some(wake) = wake.filter(|wake| *wake < reader.wake) {
            reader.wake = wake;
            heap.schedule(wake, Scheduled::Consumer(number, ForConsumer::Wake));
        }
    }

    fn make(&mut self, at: Time, number: usize, call: ReadCall<Simulated>, service: &mut Service, heap: &mut Heap) {
        let mut end = |at: Time, ticket: Ticket, outcome: ReadOutcome<Simulated>| {
            heap.schedule(at, Scheduled::Consumer(number, ForConsumer::Outcome(ticket, Box::new(outcome))));
        };
        let reader = &mut self.readers[number];
        match call {
            ReadCall::GetShardIterator { ticket, shard, start } => {
                let position = position(at, start);
                let request = Request::GetShardIterator { stream: STREAM.to_owned(), shard, position };
                let reply = service.call(at, request);
                let outcome = match reply.response {
                    Ok(Response::GetShardIterator(iterator)) => ReadOutcome::Iterator(iterator),
                    Ok(_) => ReadOutcome::Failed,
                    Err(error) => reader.failed(at, &error),
                };
                end(reply.ready_at, ticket, outcome);
            }
            ReadCall::GetRecords { ticket, iterator, limit } => {
                reader.reader.recorder().handle_call(run_time(at));
                let way = WAY_MAX.mul_f64(self.ways.at(self.sent).random());
                self.sent += 1;
                let arrival = ForConsumer::Arrival(ticket, iterator, limit, way);
                heap.schedule(at + way, Scheduled::Consumer(number, arrival));
            }
            ReadCall::Subscribe { ticket, shard, start } => {
                reader.reader.recorder().handle_call(run_time(at));
                let consumer = reader.name.clone();
                let consumer = ConsumerName { stream: STREAM.to_owned(), consumer, created: None };
                let position = position(at, start);
                let reply = service.call(at, Request::SubscribeToShard { consumer, shard, position });
                let outcome = match reply.response {
                    Ok(Response::SubscribeToShard(id)) => {
                        reader.subscriptions.insert(ticket, id);
                        ReadOutcome::Subscribed
                    }
                    Ok(_) => ReadOutcome::Failed,
                    Err(error) => reader.failed(at, &error),
                };
                end(reply.ready_at, ticket, outcome);
            }
            ReadCall::Receive { ticket } => self.poll(at, number, ticket, service, heap),
            ReadCall::Unsubscribe { ticket } => {
                if let Some(id) = reader.subscriptions.remove(&ticket) {
                    service.close_subscription(id);
                }
                self.waiting.remove(&(number, ticket));
            }
        }
    }

    /// Looks whether a subscription has something.
    fn poll(&mut self, at: Time, number: usize, ticket: Ticket, service: &mut Service, heap: &mut Heap) {
        self.waiting.remove(&(number, ticket));
        let reader = &mut self.readers[number];
        let Some(id) = reader.subscriptions.get(&ticket).copied() else { return };
        let outcome = match service.poll_subscription(at, id) {
            SubscriptionPoll::Event(event) => ReadOutcome::Event {
                continuation: event.continuation,
                answer: answer(at, event.records, event.millis_behind_latest, event.children),
            },
            SubscriptionPoll::Wait(until) => {
                let until = until.max(at);
                self.waiting.insert((number, ticket), until);
                heap.schedule(until, Scheduled::Consumer(number, ForConsumer::Poll(ticket)));
                return;
            }
            SubscriptionPoll::Ended => ReadOutcome::Ended,
            SubscriptionPoll::Failed(error) => {
                reader.failed(at, &error);
                ReadOutcome::Failed
            }
        };
        heap.schedule(at, Scheduled::Consumer(number, ForConsumer::Outcome(ticket, Box::new(outcome))));
    }

    /// What the consumers did up to the end of the run.
    pub fn finish(self, ended: Time) -> Vec<ConsumerCounts> {
        let ended = ended + LEAD.since(Time::ZERO);
        self.readers.into_iter().map(|reader| reader.reader.finish(ended)).collect()
    }
}

impl SimulatedReader {
    /// Counts a call that failed.
    fn failed(&self, at: Time, error: &ServiceError) -> ReadOutcome<Simulated> {
        let code = error.kind.name();
        let failure = Failure::of_code(Some(code));
        if failure != Failure::Throttled {
            tracing::debug!(%error, "a reading call failed");
        }
        self.reader.recorder().handle_failure(run_time(at), failure, code)
    }
}

/// A starting position as the service takes it.
fn position(at: Time, start: Start<SequenceNumber>) -> Position {
    match start {
        Start::TrimHorizon => Position::TrimHorizon,
        Start::Latest => Position::Latest,
        // The clock of the service is that of the consumers.
        Start::At(time) => Position::AtTimestamp(time),
        Start::Ago(ago) => Position::AtTimestamp(Time::from_nanos(nanos(at.since(Time::ZERO).saturating_sub(ago)))),
        Start::Timestamp(since) => Position::AtTimestamp(Time::ZERO + since.saturating_sub(EPOCH)),
        Start::AtSequence(number) => Position::AtSequenceNumber(number),
        Start::After(number) => Position::AfterSequenceNumber(number),
    }
}

fn answer(at: Time, records: Vec<ReadRecord>, behind: u64, children: Vec<ChildShard>) -> Answer<Simulated> {
    let child = |child: ChildShard| Lineage { shard: child.shard, parents: child.parents };
    let children = children.into_iter().map(child).collect();
    Read { records, behind: Duration::from_millis(behind), children }
        .answer(|record: &ReadRecord| at.since(record.arrival))
}
