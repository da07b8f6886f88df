//! A consumer of a run: its machine, and what it tells the run through its recorder.

use std::time::Duration;

use super::{RunWire, SharedRecorder};
use crate::client::{Consumer, ConsumerCounts, Interruption, Lineage, ReadCall, ReadOutcome, Ticket};
use crate::measure::ReadRecord;
use crate::time::Time;

/// What a run tells one of its consumers.
#[derive(Debug, Clone, PartialEq)]
pub enum Message<W: RunWire> {
    /// Something happens to it.
    Interruption(Interruption),
    /// The stream was resharded; these are its shards now, parents before their children.
    Shards(Vec<Lineage<W>>),
}

/// The machine of a consumer with its recorder, for whoever drives it. It has a clock of its own, which begins before that of the
/// run.
#[derive(Debug)]
pub struct Reader<W: RunWire> {
    machine: Consumer<W>,
    recorder: SharedRecorder,
    /// Of one that has not begun, the shards that it will begin with.
    waiting: Option<Vec<Lineage<W>>>,
    joins_later: bool,
    /// The names of the shards that records have come from, and of those before them.
    names: Vec<String>,
}

impl<W: RunWire> Reader<W> {
    pub(super) const fn new(
        machine: Consumer<W>,
        recorder: SharedRecorder,
        shards: Vec<Lineage<W>>,
        joins_later: bool,
    ) -> Self {
        Self { machine, recorder, waiting: Some(shards), joins_later, names: Vec::new() }
    }

    /// Where its reads are recorded.
    pub const fn recorder(&self) -> &SharedRecorder {
        &self.recorder
    }

    /// Begins to read, unless it joins later. `since_1970` is what the time is then.
    pub fn begin(&mut self, now: Time, since_1970: Duration) {
        if !self.joins_later {
            self.start(now, since_1970);
        }
    }

    fn start(&mut self, now: Time, since_1970: Duration) {
        if let Some(shards) = self.waiting.take() {
            self.machine.resolve_start(since_1970);
            self.machine.begin(now, shards);
        }
    }

    /// Takes what the run tells it.
    pub fn handle_message(&mut self, now: Time, since_1970: Duration, message: Message<W>) {
        match message {
            Message::Interruption(Interruption::Start) if self.waiting.is_some() => self.start(now, since_1970),
            Message::Interruption(_) if self.waiting.is_some() => {}
            Message::Interruption(interruption) => self.machine.handle_interruption(now, interruption),
            Message::Shards(shards) => match &mut self.waiting {
                Some(waiting) => *waiting = shards,
                None => self.machine.handle_shards(now, shards),
            },
        }
    }

    /// A call ended. `run_time` is the same moment as a time of the run.
    pub fn handle_outcome(&mut self, now: Time, run_time: Time, ticket: Ticket, outcome: ReadOutcome<W>) {
        if let ReadOutcome::Records { answer, .. } | ReadOutcome::Event { answer, .. } = &outcome {
            self.recorder.handle_behind(run_time, answer.behind);
        }
        self.machine.handle_outcome(now, ticket, outcome);
    }

    /// Takes note that time has passed.
    pub fn handle_timeout(&mut self, now: Time) {
        self.machine.handle_timeout(now);
    }

    /// The next call to make now.
    pub fn poll_call(&mut self) -> Option<ReadCall<W>> {
        self.machine.poll_call()
    }

    /// When to call [`Self::handle_timeout`]; `None` while only an outcome or a message can change anything.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.machine.poll_timeout()
    }

    /// Whether calls with this ticket still matter.
    pub fn is_current(&self, ticket: Ticket) -> bool {
        self.machine.is_current(ticket)
    }

    /// Whether nothing that is put from now on is missed.
    pub const fn is_positioned(&self) -> bool {
        self.machine.is_positioned()
    }

    /// Records what the consumer is done with. `run_time` makes times of the run of those of the consumer.
    pub fn record(&mut self, run_time: impl Fn(Time) -> Time) {
        let Some(first) = self.machine.poll_delivery() else { return };
        let mut recorder = self.recorder.lock();
        let lanes = u64::from(self.machine.lanes().max(1));
        let mut next = Some(first);
        while let Some(delivery) = next {
            let machine = &self.machine;
            let name = |place| machine.shard(place).map_or_else(String::new, ToString::to_string);
            self.names.extend((self.names.len()..=delivery.shard).map(name));
            let (high, low) = W::order(&delivery.received.sequence);
            let record = ReadRecord {
                shard: &self.names[delivery.shard],
                lane: (delivery.received.key_hash % lanes) as u32,
                partition_key: W::partition_key(&delivery.received.record),
                key_hash: delivery.received.key_hash,
                sequence: &delivery.received.sequence,
                order: (high, low, delivery.received.part),
                data: W::data(&delivery.received.record),
            };
            recorder.handle_delivery(run_time(delivery.done), run_time(delivery.read), delivery.fate, &record);
            next = self.machine.poll_delivery();
        }
    }

    /// What the consumer did up to its end.
    pub fn finish(mut self, now: Time) -> ConsumerCounts {
        self.machine.counts(now)
    }
}
