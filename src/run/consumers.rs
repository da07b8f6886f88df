//! What a run keeps of its consumers: who is there, what each has seen, and how it comes together in the end.

use smallvec::SmallVec;

use super::{Reader, RunWire, Setup, SharedRecorder, application};
use crate::client::{Consumer as Machine, ConsumerCounts, Interruption, Lineage, Start};
use crate::measure::{
    Attendances, ConsumerRecording, ConsumerWork, Ledger, PutRecording, ReadRecorder, Receipts, RecordSet, StreamIndex,
};
use crate::scenario::Consumer;
use crate::time::Time;

/// A consumer of a run, as the run knows it.
#[derive(Debug)]
pub struct RunConsumer {
    /// The stream that it reads.
    pub stream: StreamIndex,
    /// What the scenario says of it.
    pub consumer: Consumer,
    /// What it has read so far.
    pub recorder: SharedRecorder,
    /// What it did; known when it has ended.
    counts: ConsumerCounts,
}

/// The consumers of a run.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    consumers: Vec<RunConsumer>,
    attendances: Attendances,
}

impl Consumers {
    /// The consumers of a scenario, and the machines for whoever drives them.
    pub fn new<W: RunWire>(setup: &Setup<'_, W>) -> (Self, Vec<Reader<W>>) {
        let mut consumers = Self::default();
        let readers = setup.scenario.consumers.iter().map(|consumer| consumers.add(setup, consumer)).collect();
        (consumers, readers)
    }

    fn add<W: RunWire>(&mut self, setup: &Setup<'_, W>, consumer: &Consumer) -> Reader<W> {
        let scenario = setup.scenario;
        let measured_from = Time::ZERO + scenario.load.warm_up;
        let recorder = ReadRecorder::new(setup.number, scenario.most_records(), measured_from, consumer.dedupe_window);
        let recorder = SharedRecorder::new(recorder.of_part(setup.part));
        let application = application::<W>(consumer, setup.default_start.clone(), setup.profile, W::shard, W::sequence);
        // Whoever starts at the tip has no use for shards that are closed.
        let open_only = application.start == Start::Latest;
        let joins = scenario.joins(consumer);
        self.attendances.add(joins, application.start.age_limit(), scenario.interrupts(consumer));
        let machine = Machine::new(application, scenario.seed);
        self.consumers.push(RunConsumer {
            stream: StreamIndex::FIRST,
            consumer: consumer.clone(),
            recorder: recorder.clone(),
            counts: ConsumerCounts::default(),
        });
        Reader::new(machine, recorder, lineage(setup.shards.lineage(open_only)), joins.is_some())
    }

    pub fn all(&self) -> &[RunConsumer] {
        &self.consumers
    }

    /// The number of the consumer of this name to which something happens at `now`.
    pub fn interrupt(&mut self, now: Time, name: &str, interruption: Interruption) -> Option<usize> {
        let number = self.consumers.iter().position(|one| one.consumer.name == name)?;
        match interruption {
            Interruption::Start => self.attendances.start(now, number),
            Interruption::Stop | Interruption::Kill => self.attendances.stop(now, number),
            _ => {}
        }
        Some(number)
    }

    /// What a consumer did; it has ended.
    pub fn handle_end(&mut self, number: usize, counts: ConsumerCounts) {
        if let Some(one) = self.consumers.get_mut(number) {
            one.counts = counts;
        }
    }

    /// Takes note of what is accepted at `now`, for consumers that come and go.
    pub fn note_accepted(&mut self, now: Time, ledger: &Ledger) {
        self.attendances.note(now, &ledger.accepted);
    }

    /// Whether every consumer has seen what it must have seen.
    pub fn have_read_all(&self, ledger: &Ledger) -> bool {
        let seen = |number: usize, owed: &RecordSet| self.consumers[number].recorder.seen_of(owed);
        self.attendances.have_seen_all(&ledger.accepted, seen)
    }

    /// Drops receipts of records that every consumer has seen. It does not wait for a consumer that is recording an answer.
    pub fn drop_receipts(&self, receipts: &mut Receipts) {
        if !receipts.are_many() {
            return;
        }
        let recorders: Option<SmallVec<[_; 4]>> = self.consumers.iter().map(|one| one.recorder.try_lock()).collect();
        let Some(recorders) = recorders else { return };
        let seen = |index| recorders.iter().all(|recorder| recorder.seen().contains(index));
        receipts.drop_seen(RECEIPTS_AT_A_TIME, seen);
    }

    /// What the consumers have seen when the run has ended; one whose recorder somebody still holds is left out.
    pub fn finish(self, ended: Time, put: &PutRecording) -> Vec<ConsumerRecording> {
        let Self { consumers, attendances } = self;
        let recording = |(number, one): (usize, RunConsumer)| {
            let read = one.recorder.into_inner()?.finish(ended);
            let presence = attendances.presence(number);
            Some(ConsumerRecording {
                stream: one.stream,
                name: one.consumer.name,
                kind: one.consumer.kind.word().to_owned(),
                read,
                owed: attendances.owed(number, &put.ledger.accepted).into_owned(),
                presence,
                read_everything: put.were_read(one.counts.read_everything, presence, ended),
                work: ConsumerWork::from(&one.counts),
                on_failure: one.counts.on_failure,
            })
        };
        consumers.into_iter().enumerate().filter_map(recording).collect()
    }
}

/// Shards and those that they came from, as consumers take them.
pub(super) fn lineage<W: RunWire>(shards: Vec<(W::Shard, Vec<W::Shard>)>) -> Vec<Lineage<W>> {
    shards.into_iter().map(|(shard, parents)| Lineage { shard, parents }).collect()
}

/// How many receipts are looked at before others get their turn: more than a call has records.
const RECEIPTS_AT_A_TIME: usize = 1_000;
