//! A run, once: a state machine that owns the producer, what is known of the consumers, the events of the scenario, the drain and
//! all that is recorded.
//!
//! `handle_*` is what comes in, `poll_*` is what goes out, and time is an argument; nothing here does I/O. The engine drives it
//! with a clock and the SDK, the simulator with a heap and the service half. Arrivals are admitted by whoever knows when they are
//! due: a pacer in real time, the arrivals themselves in virtual time. The machines of the consumers are handed out
//! ([`Reader`]), so that each can have a task of its own; the run sees what they read through recorders that both share, and
//! tells them what happens by messages.
//!
//! Times are those of the run, which begin with its load.

mod application;
mod changes;
mod consumers;
mod drain;
mod finish;
mod phase;
mod producing;
mod reader;
mod recorder;
mod wire;

use std::collections::VecDeque;
use std::ops::Range;

pub use application::application;
pub use changes::{Change, ChangeOutcome};
pub use consumers::RunConsumer;
pub use reader::{Message, Reader};
pub use recorder::SharedRecorder;
pub use wire::{Read, RunWire};

use changes::Changes;
use consumers::{Consumers, lineage};
use phase::Phase;
use producing::Producing;

use crate::client::{Call, CallId, ConsumerCounts, EntryOutcome, Failure, ListedShard, Part, ShardMap, Start};
use crate::kinesis::Profile;
use crate::measure::{Counters, Ending, EventRecord, Interval, LatencySummary, PutRecorder, StreamIndex};
use crate::scenario::{Action as EventAction, Scenario};
use crate::time::Time;
use crate::workload::{Payloads, Workload};

/// What a run begins with.
#[derive(Debug)]
pub struct Setup<'a, W: RunWire> {
    /// What is asked.
    pub scenario: &'a Scenario,
    /// Limits and latencies.
    pub profile: &'a Profile,
    /// Name of the stream.
    pub stream: String,
    /// Its shards.
    pub shards: ShardMap<W::Shard>,
    /// The number of the run, which its records carry.
    pub number: u32,
    /// Which of the arrivals it offers.
    pub part: Part,
    /// Where consumers start of which the scenario does not say it.
    pub default_start: Start<W::Sequence>,
}

/// One outcome per record of a put call, or why it failed as a whole.
pub type PutOutcome = Result<Vec<EntryOutcome>, PutFailure>;

/// Why a put call failed as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutFailure {
    /// What it means for its records.
    pub failure: Failure,
    /// The words for it.
    pub reason: String,
}

impl PutFailure {
    /// No answer came within the timeout of the producer: whoever waits no longer does not know.
    pub fn timeout() -> Self {
        Self { failure: Failure::Timeout, reason: "no answer within the timeout of the producer".to_owned() }
    }
}

/// What a driver is to do.
#[derive(Debug)]
pub enum Action<W: RunWire> {
    /// Make this call, and [`Run::handle_put`] what becomes of it.
    Put(Call),
    /// Tell the consumer of this number.
    Tell(usize, Message<W>),
    /// List the shards of the stream, and [`Run::handle_shards`] them.
    ListShards(StreamIndex),
    /// Change the stream, and [`Run::handle_change`] how it went.
    Change(StreamIndex, Change<W::Shard>),
}

/// A run while it goes on.
#[derive(Debug)]
pub struct Run<'a, W: RunWire> {
    scenario: &'a Scenario,
    stream: String,
    part: Part,
    producing: Producing,
    consumers: Consumers,
    shards: ShardMap<W::Shard>,
    changes: Changes,
    messages: VecDeque<(usize, Message<W>)>,
    /// How many shards were open, from when on.
    open_shards: Vec<(Time, u32)>,
    phase: Phase,
    ending: Ending,
    /// When load was last offered, once that is known.
    load_ended: Time,
}

impl<'a, W: RunWire> Run<'a, W> {
    /// A run that is about to begin, and the machines of its consumers, in the scenario's order.
    pub fn new(setup: Setup<'a, W>) -> (Self, Vec<Reader<W>>) {
        let (consumers, readers) = Consumers::new(&setup);
        let Setup { scenario, stream, shards, number, part, .. } = setup;
        let workload = scenario.workload_on(&shards.open_ranges());
        let run = Self {
            scenario,
            stream,
            part,
            producing: Producing::new(scenario, workload, number, part),
            consumers,
            changes: Changes::new(&scenario.events),
            messages: VecDeque::new(),
            open_shards: vec![(Time::ZERO, shards.open_count())],
            shards,
            phase: Phase::Offering,
            ending: Ending::Complete,
            load_ended: Time::ZERO + scenario.load.duration,
        };
        (run, readers)
    }

    /// Makes so many of the next arrivals before they are due, unless a batch of them is there already. Whether there are more.
    pub fn prepare(&mut self, most: usize) -> bool {
        self.producing.prepare(most)
    }

    /// Until when it makes no difference whether the next arrivals are admitted: every call goes out when it would if each of
    /// them had been admitted when it was due. `None` if none is prepared.
    pub fn indifferent_until(&self) -> Option<Time> {
        self.producing.indifferent_until()
    }

    /// Whether there are no moments at which records are due: a record comes when one before it is done.
    pub const fn is_closed_loop(&self) -> bool {
        self.producing.intake.is_closed()
    }

    /// Into how many parts the load is divided.
    pub const fn parts(&self) -> u64 {
        self.producing.intake.parts()
    }

    /// The next arrivals of a closed loop, which are to be admitted now.
    pub fn refill(&mut self) -> Range<u64> {
        let none = !self.is_offering() || !self.is_closed_loop();
        if none { 0..0 } else { self.producing.intake.refill(self.producing.producer.open_records()) }
    }

    /// Admits an arrival of which `due` are due and not admitted, itself included, and which might have waited
    /// `indifferent_until`. If there are more than the scenario allows, the run is aborted.
    pub fn admit(&mut self, now: Time, indifferent_until: Time, index: u64, due: u64) {
        if self.is_offering()
            && let Some(reason) = self.producing.admit(now, indifferent_until, index, due, &self.shards)
        {
            self.end_load(now, Ending::Aborted { reason });
        }
    }

    /// Admits the arrivals of an open loop that are due at `now`, where nothing is ever late.
    pub fn admit_due(&mut self, now: Time) {
        while self.is_offering() && !self.is_closed_loop() {
            self.producing.prepare(usize::MAX);
            let due = self.producing.next_prepared().filter(|next| next.intended <= now);
            let Some(index) = due.map(|next| next.index) else { break };
            self.admit(now, now, index, 1);
        }
    }

    /// A call that was sent at `sent` is over.
    pub fn handle_put(&mut self, now: Time, sent: Time, id: CallId, outcome: PutOutcome) {
        if self.producing.handle_put(now, sent, id, outcome) {
            self.changes.want_listing();
        }
    }

    /// The shards were listed; `None` if that failed.
    pub fn handle_shards(&mut self, now: Time, listed: Option<Vec<ListedShard<W::Shard>>>) {
        self.changes.handle_listing();
        if let Some(listed) = listed {
            self.shards = self.shards.refreshed(listed);
            self.open_shards.push((now, self.shards.open_count()));
            let shards = lineage(self.shards.lineage(false));
            let all = 0..self.consumers.all().len();
            self.messages.extend(all.map(|number| (number, Message::Shards(shards.clone()))));
        }
    }

    /// The change of the stream that was under way is over.
    pub fn handle_change(&mut self, now: Time, outcome: ChangeOutcome) {
        self.changes.handle_change(now, outcome);
    }

    /// The stream is changing by itself, and takes the change that was to begin from `until` on.
    pub fn handle_busy(&mut self, until: Time) {
        self.changes.handle_busy(until);
    }

    /// A consumer has ended.
    pub fn handle_consumer_end(&mut self, number: usize, counts: ConsumerCounts) {
        self.consumers.handle_end(number, counts);
    }

    /// Takes note that time has passed: events happen, and what has waited long enough is ready.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(action) = self.changes.poll_consumer_event(now) {
            let EventAction::Consumer { consumer, interruption, worker } = action else { continue };
            let interruption = interruption.of(worker);
            if let Some(number) = self.consumers.interrupt(now, &consumer, interruption) {
                self.messages.push_back((number, Message::Interruption(interruption)));
            }
        }
        self.producing.producer.handle_timeout(now);
    }

    /// What to do now. Consumers are told first, and records are put last.
    pub fn poll_action(&mut self, now: Time) -> Option<Action<W>> {
        if let Some((number, message)) = self.messages.pop_front() {
            return Some(Action::Tell(number, message));
        }
        if self.changes.poll_listing() {
            return Some(Action::ListShards(StreamIndex::FIRST));
        }
        let recorder = &self.producing.recorder;
        if let Some(change) = self.changes.poll_change(now, &self.shards, || recorder.hottest_shard()) {
            return Some(Action::Change(StreamIndex::FIRST, change));
        }
        self.producing.poll_call(now).map(Action::Put)
    }

    /// Records what has become of so many records, or of as many as there are; whether there are more.
    pub fn record(&mut self, most: usize) -> bool {
        self.producing.record(most);
        self.consumers.drop_receipts(self.producing.recorder.receipts_mut());
        self.producing.producer.has_samples()
    }

    /// When to call [`Self::handle_timeout`] and [`Self::poll_action`] again; `None` while only what comes in can change
    /// anything.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.producing.producer.poll_timeout().into_iter().chain(self.changes.due()).min()
    }

    /// Takes note of what is accepted, for consumers that come and go. It is asked often.
    pub fn note_accepted(&mut self, now: Time) {
        self.consumers.note_accepted(now, self.producing.recorder.ledger());
    }

    /// The arrivals.
    pub const fn workload(&self) -> &Workload {
        &self.producing.workload
    }

    /// What makes the data of records.
    pub const fn payloads(&self) -> &Payloads {
        &self.producing.payloads
    }

    /// The shards of the stream as they are known now.
    pub const fn shards(&self) -> &ShardMap<W::Shard> {
        &self.shards
    }

    /// Name of the stream.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The consumers, in the scenario's order.
    pub fn consumers(&self) -> &[RunConsumer] {
        self.consumers.all()
    }

    /// What has happened so far, in the order of time.
    pub fn events(&self) -> &[EventRecord] {
        self.changes.records()
    }

    /// The state of every record so far.
    pub const fn counters(&self) -> Counters {
        self.producing.recorder.counters(self.producing.producer.open_records())
    }

    /// Lateness of the whole run so far, warm-up excluded.
    pub fn lateness(&self) -> LatencySummary {
        self.producing.recorder.lateness()
    }

    /// The last second that is over at `now`.
    pub fn last_second(&mut self, now: Time) -> Option<&Interval> {
        let recorder: &mut PutRecorder = &mut self.producing.recorder;
        recorder.close_intervals_before(now);
        recorder.last_interval()
    }
}
