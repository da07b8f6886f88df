//! A consumer application: which shards it reads, and how far it has got.

mod outages;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::batching::Rules;
use super::interruption::{ConsumerCounts, Interruption, Outage};
use super::leases::{Lease, LeaseCounts, Leases};
use super::processing::{Delivery, Processor};
use super::reading::Reading;
use super::settings::{Application, Checkpoint, ConsumerKind};
use super::wire::{Lineage, ReadCall, ReadOutcome, Start, Ticket, Wire};
use crate::seed::{NamedSeed, Seed};
use crate::time::Time;

/// A consumer application as a state machine over all shards of a stream.
#[derive(Debug)]
pub struct Consumer<W: Wire> {
    application: Application<W>,
    rules: Arc<Rules>,
    /// Of waits after failures.
    waits: NamedSeed,
    running: bool,
    shards: Vec<ConsumedShard<W>>,
    numbers: HashMap<W::Shard, usize>,
    leases: Option<Leases>,
    /// Planned wake-ups of shards; one that is no longer the plan of its shard is passed over.
    wakes: BinaryHeap<Reverse<(Time, usize)>>,
    workers_wake: Time,
    calls: VecDeque<ReadCall<W>>,
    deliveries: VecDeque<Delivery<W>>,
    counts: ConsumerCounts,
    /// Shards of the beginning that have not been positioned yet.
    unpositioned: usize,
    /// Shards that are read and not at their tip, while an outage is not made up for.
    behind: BTreeSet<usize>,
    /// Before the first outage, the most that passed from when the tip was read to when it was processed.
    usual_age: Duration,
}

#[derive(Debug)]
struct ConsumedShard<W: Wire> {
    shard: W::Shard,
    /// Parents that are not read to their end yet.
    waits_for: BTreeSet<usize>,
    children: Vec<usize>,
    owner: Option<usize>,
    lease_free: Time,
    reading: Reading<W>,
    processor: Processor<W>,
    /// Where a restart begins.
    noted: Start<W::Sequence>,
    noted_at: Time,
    /// Processed and not noted yet.
    to_note: Option<W::Sequence>,
    positioned: bool,
    /// When an answer last reached the tip, if the last one did.
    at_tip: Option<Time>,
    /// How long ago that was when all of it was processed, if it is.
    tip_age: Option<Duration>,
    /// Whether it has ever processed all up to its tip.
    was_at_tip: bool,
    /// Read to its end and processed.
    finished: bool,
    /// The wake-up that is planned.
    wake: Time,
}

/// The number under which workers wake up; no stream has as many shards.
const WORKERS: usize = usize::MAX;

impl<W: Wire> Consumer<W> {
    /// A consumer that reads nothing until [`Self::begin`].
    pub fn new(application: Application<W>, seed: Seed) -> Self {
        let seeds = seed.named(&format!("client.consumer.{}.processing", application.name));
        let rules = Arc::new(Rules::new(&application.kind, application.processing.clone(), seeds));
        let leases = match application.kind {
            ConsumerKind::Kcl { workers, failover_time, .. } => Some(Leases::new(workers, failover_time)),
            _ => None,
        };
        Self {
            waits: seed.named(&format!("client.consumer.{}.waits", application.name)),
            application,
            rules,
            running: false,
            shards: Vec::new(),
            numbers: HashMap::new(),
            leases,
            wakes: BinaryHeap::new(),
            workers_wake: Time::NEVER,
            calls: VecDeque::new(),
            deliveries: VecDeque::new(),
            counts: ConsumerCounts::default(),
            unpositioned: 0,
            behind: BTreeSet::new(),
            usual_age: Duration::ZERO,
        }
    }

    /// Fixes a starting position that counts from the moment in which the consumer begins: it is this long after the beginning of
    /// 1970.
    pub fn resolve_start(&mut self, since_1970: Duration) {
        self.application.start.begin(since_1970);
    }

    /// Starts to read `shards`. Parents come before their children.
    pub fn begin(&mut self, now: Time, shards: Vec<Lineage<W>>) {
        self.running = true;
        self.unpositioned = shards.len();
        let (count, polls) = (shards.len(), self.application.kind.polls());
        for (position, lineage) in shards.into_iter().enumerate() {
            let start = self.application.starts.get(&lineage.shard).unwrap_or(&self.application.start).clone();
            let number = self.add(lineage, start);
            // The shards take turns within the interval, as workers do that were not started at once.
            let turn = polls.map_or(Duration::ZERO, |(interval, _)| interval.mul_f64(position as f64 / count as f64));
            self.shards[number].reading.stagger(turn);
            if !self.shards[number].waits_for.is_empty() {
                self.unpositioned -= 1;
                self.shards[number].positioned = true;
            }
        }
        let alive: Vec<usize> = self.leases.as_ref().map_or_else(|| vec![0], |leases| leases.alive().collect());
        for number in 0..self.shards.len() {
            if !alive.is_empty() {
                self.shards[number].owner = Some(alive[number % alive.len()]);
                self.shards[number].lease_free = Time::NEVER;
            }
            self.advance(now, number);
        }
        self.plan_workers();
    }

    /// Takes how a call ended, or what a subscription brought. An outcome from before an interruption is ignored.
    pub fn handle_outcome(&mut self, now: Time, ticket: Ticket, outcome: ReadOutcome<W>) {
        let Some(shard) = self.shards.get_mut(ticket.shard).filter(|shard| shard.reading.is_current(ticket)) else {
            return;
        };
        let answer = shard.reading.handle_outcome(now, ticket, outcome);
        if !shard.positioned && shard.reading.is_positioned() {
            shard.positioned = true;
            if self.application.checkpoint != Checkpoint::Never {
                shard.noted = shard.reading.position().clone();
            }
            self.unpositioned = self.unpositioned.saturating_sub(1);
        }
        if let Some(answer) = answer {
            shard.processor.take(now, answer.records, &mut self.deliveries);
            shard.at_tip = answer.behind.is_zero().then_some(now);
            shard.tip_age = None;
            if shard.reading.is_at_end() {
                shard.processor.flush();
            }
            for child in answer.children {
                if !self.numbers.contains_key(&child.shard) {
                    self.add(child, Start::TrimHorizon);
                }
            }
        }
        self.advance(now, ticket.shard);
    }

    /// Takes note of the shards that are there now, parents before their children. It reads those that it did not know from
    /// their beginning, after their parents.
    pub fn handle_shards(&mut self, now: Time, shards: Vec<Lineage<W>>) {
        for lineage in shards {
            if !self.numbers.contains_key(&lineage.shard) {
                let number = self.add(lineage, Start::TrimHorizon);
                self.advance(now, number);
            }
        }
    }

    /// Takes note that time has passed.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(Reverse((due, number))) = self.wakes.peek().copied().filter(|Reverse((due, _))| *due <= now) {
            self.wakes.pop();
            if number == WORKERS {
                if due == self.workers_wake {
                    self.workers_wake = Time::NEVER;
                    self.share_leases(now);
                    self.plan_workers();
                }
            } else if self.shards[number].wake == due {
                self.shards[number].wake = Time::NEVER;
                self.advance(now, number);
            }
        }
    }

    /// The next call to make now.
    pub fn poll_call(&mut self) -> Option<ReadCall<W>> {
        self.calls.pop_front()
    }

    /// The next record that the consumer is done with.
    pub fn poll_delivery(&mut self) -> Option<Delivery<W>> {
        self.deliveries.pop_front()
    }

    /// When to call [`Self::handle_timeout`]; `None` while only an outcome can change anything.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.wakes.peek().map(|Reverse((due, _))| *due)
    }

    /// Whether every shard of the beginning is positioned, so that nothing put from now on is missed.
    pub const fn is_positioned(&self) -> bool {
        self.unpositioned == 0
    }

    /// Whether the consumer runs, and is not stopped.
    pub const fn is_running(&self) -> bool {
        self.running
    }

    /// Whether calls with this ticket still matter.
    pub fn is_current(&self, ticket: Ticket) -> bool {
        self.shards.get(ticket.shard).is_some_and(|shard| shard.reading.is_current(ticket))
    }

    /// The shard of this number.
    pub fn shard(&self, number: usize) -> Option<&W::Shard> {
        self.shards.get(number).map(|shard| &shard.shard)
    }

    /// How many batches of a shard are processed side by side, each with keys of its own.
    pub const fn lanes(&self) -> u32 {
        self.application.kind.lanes()
    }

    /// What it did up to `now`.
    pub fn counts(&mut self, now: Time) -> ConsumerCounts {
        self.count_renewals(now);
        let leases = self.leases.as_ref().map_or_else(LeaseCounts::default, |leases| leases.counts);
        let read_everything = if self.running { self.has_read_everything(now) } else { self.counts.read_everything };
        self.look_whether_nothing_came();
        ConsumerCounts { leases, read_everything, ..self.counts.clone() }
    }

    /// How long ago at `now` it had read and processed every shard that it knows of, up to its end or to what was its tip then;
    /// `None` if it has not.
    pub fn has_read_everything(&self, now: Time) -> Option<Duration> {
        let ago = |shard: &ConsumedShard<W>| match shard.at_tip {
            _ if shard.finished => Some(Duration::ZERO),
            Some(at) if shard.processor.pending() == 0 => Some(now.since(at)),
            _ => None,
        };
        let ago = self.shards.iter().map(ago).try_fold(Duration::ZERO, |most, ago| Some(most.max(ago?)));
        ago.filter(|_| self.running)
    }

    fn add(&mut self, lineage: Lineage<W>, start: Start<W::Sequence>) -> usize {
        let number = self.shards.len();
        let parents = lineage.parents.iter().filter_map(|parent| self.numbers.get(parent).copied());
        let waits_for: BTreeSet<usize> = parents.filter(|parent| !self.shards[*parent].finished).collect();
        for parent in &waits_for {
            self.shards[*parent].children.push(number);
        }
        self.numbers.insert(lineage.shard.clone(), number);
        let application = &self.application;
        let reading = Reading::new(application, number, start.clone(), self.waits);
        self.shards.push(ConsumedShard {
            shard: lineage.shard,
            waits_for,
            children: Vec::new(),
            // Without leases there is one reader of everything.
            owner: self.leases.is_none().then_some(0),
            lease_free: Time::ZERO,
            reading,
            processor: Processor::new(self.rules.clone(), number),
            noted: start,
            noted_at: Time::ZERO,
            to_note: None,
            positioned: false,
            at_tip: None,
            tip_age: None,
            was_at_tip: false,
            finished: false,
            wake: Time::NEVER,
        });
        number
    }

    /// Does what can be done on a shard now, and plans when to look again.
    fn advance(&mut self, now: Time, number: usize) {
        let running = self.running;
        let shard = &mut self.shards[number];
        shard.processor.step(now, &mut self.deliveries, &mut self.counts.processing);
        if let Some(sequence) = shard.processor.processed_to() {
            shard.to_note = Some(sequence);
        }
        self.counts.on_failure.extend(&shard.shard, shard.processor.take_failed());
        self.note(now, number, false);
        let shard = &mut self.shards[number];
        let readable = running && shard.owner.is_some() && shard.waits_for.is_empty();
        let mut wake = shard.processor.wake();
        if readable {
            if !shard.reading.has_begun() {
                self.counts.shards += 1;
            }
            let room = shard.reading.has_room(&shard.processor);
            shard.reading.step(now, room, &shard.shard, &mut self.calls);
            let due = shard.reading.wake(room);
            wake = [wake, due].into_iter().flatten().min();
        }
        if let Some(wake) = wake.map(|wake| wake.max(now)).filter(|wake| *wake < shard.wake) {
            shard.wake = wake;
            self.wakes.push(Reverse((wake, number)));
        }
        self.look_at_tip(now, number);
        let shard = &self.shards[number];
        if shard.reading.is_at_end() && shard.processor.pending() == 0 && !shard.finished {
            self.finish(now, number);
        }
        self.look_whether_caught_up(now);
    }

    /// A shard is read to its end and processed: its children may begin.
    fn finish(&mut self, now: Time, number: usize) {
        self.shards[number].finished = true;
        self.note(now, number, true);
        let children = std::mem::take(&mut self.shards[number].children);
        if self.running && self.counts.outages.last().is_some_and(|outage| outage.caught_up.is_none()) {
            self.behind.extend(&children);
        }
        self.behind.remove(&number);
        for child in children {
            self.shards[child].waits_for.remove(&number);
            if self.shards[child].waits_for.is_empty() {
                self.advance(now, child);
            }
        }
    }

    /// Notes how far a shard is processed, if it is time or `at_once`.
    fn note(&mut self, now: Time, number: usize, at_once: bool) {
        let shard = &mut self.shards[number];
        let due = match self.application.checkpoint {
            Checkpoint::EachBatch => true,
            Checkpoint::Every(interval) => at_once || now.since(shard.noted_at) >= interval,
            Checkpoint::Never => false,
        };
        if due && let Some(sequence) = shard.to_note.take() {
            shard.noted = Start::After(sequence);
            shard.noted_at = now;
            self.counts.checkpoints += 1;
        }
    }

    fn plan_workers(&mut self) {
        let due = self.leases.as_ref().and_then(Leases::wake).filter(|due| self.running && *due < self.workers_wake);
        if let Some(due) = due {
            self.workers_wake = due;
            self.wakes.push(Reverse((due, WORKERS)));
        }
    }

    /// Lets the workers whose turn it is take leases.
    fn share_leases(&mut self, now: Time) {
        self.count_renewals(now);
        let Some(leases) = self.leases.as_mut().filter(|_| self.running) else { return };
        let lease = |(number, shard): (usize, &ConsumedShard<W>)| {
            // The lease of a child comes with the end of its parents; that of a finished shard is no work.
            let there = !shard.finished && shard.waits_for.is_empty();
            there.then_some(Lease { shard: number, owner: shard.owner, free: shard.lease_free })
        };
        let mut table: Vec<Lease> = self.shards.iter().enumerate().filter_map(lease).collect();
        for (worker, number) in leases.look(now, &mut table) {
            let stolen = self.shards[number].owner.is_some();
            if stolen {
                // The worker that had it learns at its next renewal; what it has not noted is read again.
                self.interrupt(now, number, true);
            }
            let shard = &mut self.shards[number];
            (shard.owner, shard.lease_free) = (Some(worker), Time::NEVER);
            if shard.reading.has_begun() || stolen {
                shard.reading.restart(now, shard.noted.clone());
            }
            self.advance(now, number);
        }
    }

    fn count_renewals(&mut self, now: Time) {
        let held = self.shards.iter().filter(|shard| shard.owner.is_some() && !shard.finished).count();
        if let Some(leases) = &mut self.leases {
            leases.renew(now, held);
        }
    }
}
