//! How a consumer reads one shard: by polling it (fact sheet, section 1.3) or by subscribing to it (section 1.4).

use std::collections::VecDeque;
use std::time::Duration;

use rand::RngExt;

use super::processing::Processor;
use super::settings::{Application, ConsumerKind};
use super::wire::{Answer, ReadCall, ReadOutcome, Start, Ticket, Wire};
use crate::seed::NamedSeed;
use crate::time::Time;

/// The longest wait after repeated failures, as a multiple of the interval (a power of two).
const BACKOFF_DOUBLINGS: u32 = 4;
/// The first wait after a subscription that failed; doubled for each further one up to eight seconds.
const RESUBSCRIBE_BASE: Duration = Duration::from_secs(1);
const RESUBSCRIBE_DOUBLINGS: u32 = 3;
/// A subscription is renewed so long before its end: the next one takes over without a gap.
const RENEWAL_LEAD: Duration = Duration::from_secs(10);
/// Answers of GetRecords that a KCL application holds at most (fact sheet, section 9.3: maxPendingProcessRecordsInput).
const KCL_ANSWERS: usize = 4;
/// Lambda reads on at once while it is behind; the shard gives five calls per second (fact sheet, section 1.3).
const LAMBDA_BEHIND: Duration = Duration::from_millis(200);

/// The reading of one shard.
#[derive(Debug)]
pub(super) struct Reading<W: Wire> {
    rules: Rules,
    ticket: Ticket,
    /// Where to read on.
    start: Start<W::Sequence>,
    state: State<W>,
    /// Not before this.
    due: Time,
    /// Failures in a row, and all of them.
    failures: u32,
    failed: u64,
    waits: NamedSeed,
    /// How long the first GetRecords waits after the first iterator.
    turn: Duration,
    begun: bool,
    positioned: bool,
    /// When it was last subscribed.
    subscribed: Option<Time>,
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    /// Polling: interval, interval while behind, limit.
    polls: Option<(Duration, Duration, u32)>,
    resubscribe_after: Duration,
    subscription_life: Duration,
    /// Most answers, and most records, that wait to be processed before the next are asked for.
    answers: usize,
    records: usize,
}

#[derive(Debug, PartialEq)]
enum State<W: Wire> {
    /// Polling: an iterator is needed.
    NeedsIterator,
    /// Polling: ready to read with this.
    Ready(W::Iterator),
    /// Polling: a call is under way; the iterator that it uses.
    Busy(Option<W::Iterator>),
    /// Fan-out: not subscribed.
    Closed,
    /// Fan-out: the call is under way.
    Opening,
    /// Fan-out: subscribed, and the next event is not asked for.
    Open,
    /// Fan-out: the next event is asked for.
    Receiving,
    /// Read to its end.
    End,
}

impl<W: Wire> Reading<W> {
    /// The reading of a shard, whose waits after failures are drawn from `waits`.
    pub fn new(application: &Application<W>, shard: usize, start: Start<W::Sequence>, waits: NamedSeed) -> Self {
        let kind = &application.kind;
        let behind = match kind {
            ConsumerKind::Lambda { .. } => LAMBDA_BEHIND,
            _ => Duration::MAX,
        };
        let (answers, records) = match kind {
            ConsumerKind::Polling { .. } | ConsumerKind::Efo => (1, usize::MAX),
            ConsumerKind::Kcl { .. } => (KCL_ANSWERS, usize::MAX),
            ConsumerKind::Lambda { batch_size, parallelization_factor, .. } => {
                (usize::MAX, *batch_size as usize * *parallelization_factor as usize)
            }
            ConsumerKind::Firehose { .. } => (usize::MAX, usize::MAX),
        };
        let rules = Rules {
            polls: kind.polls().map(|(interval, limit)| (interval, behind.min(interval), limit)),
            resubscribe_after: application.resubscribe_after,
            subscription_life: application.subscription_life,
            answers,
            records,
        };
        let state = if rules.polls.is_some() { State::NeedsIterator } else { State::Closed };
        Self {
            rules,
            ticket: Ticket { shard, reading: 0 },
            start,
            state,
            due: Time::ZERO,
            failures: 0,
            failed: 0,
            waits,
            turn: Duration::ZERO,
            begun: false,
            positioned: false,
            subscribed: None,
        }
    }

    /// The first GetRecords waits so long after the first iterator.
    pub const fn stagger(&mut self, turn: Duration) {
        self.turn = turn;
    }

    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    pub fn is_current(&self, ticket: Ticket) -> bool {
        ticket == self.ticket
    }

    pub const fn is_positioned(&self) -> bool {
        self.positioned
    }

    pub fn is_at_end(&self) -> bool {
        self.state == State::End
    }

    pub const fn position(&self) -> &Start<W::Sequence> {
        &self.start
    }

    /// Whether the application takes more.
    pub fn has_room(&self, processor: &Processor<W>) -> bool {
        processor.pending_answers() < self.rules.answers && processor.pending() < self.rules.records
    }

    /// Gives up what is under way; the answers to it are not taken any more.
    pub fn interrupt(&mut self) -> Option<ReadCall<W>> {
        let subscribed = matches!(self.state, State::Opening | State::Open | State::Receiving);
        let call = subscribed.then_some(ReadCall::Unsubscribe { ticket: self.ticket });
        self.ticket.reading += 1;
        self.state = if self.rules.polls.is_some() { State::NeedsIterator } else { State::Closed };
        call
    }

    /// Reads from `start` on, as soon as the service allows.
    pub fn restart(&mut self, now: Time, start: Start<W::Sequence>) {
        (self.start, self.failures, self.turn) = (start, 0, Duration::ZERO);
        self.due = self.subscribed.map_or(now, |at| now.max(at + self.rules.resubscribe_after));
    }

    /// Makes the calls that can be made now.
    pub fn step(&mut self, now: Time, room: bool, shard: &W::Shard, calls: &mut VecDeque<ReadCall<W>>) {
        self.begun = true;
        if self.renewal().is_some_and(|due| due <= now) {
            calls.extend(self.interrupt());
            self.due = now;
        }
        let (ticket, start) = (self.ticket, || self.start.clone());
        match &self.state {
            State::NeedsIterator if self.due <= now => {
                calls.push_back(ReadCall::GetShardIterator { ticket, shard: shard.clone(), start: start() });
                self.state = State::Busy(None);
            }
            State::Ready(iterator) if self.due <= now && room => {
                let iterator = iterator.clone();
                let (interval, _, limit) = self.rules.polls.unwrap_or_default();
                calls.push_back(ReadCall::GetRecords { ticket, iterator: iterator.clone(), limit });
                self.state = State::Busy(Some(iterator));
                // The interval counts from call to call; a slow answer does not stretch it.
                self.due = now + interval;
            }
            State::Closed if self.due <= now => {
                calls.push_back(ReadCall::Subscribe { ticket, shard: shard.clone(), start: start() });
                self.state = State::Opening;
            }
            State::Open if room => {
                calls.push_back(ReadCall::Receive { ticket });
                self.state = State::Receiving;
            }
            _ => {}
        }
    }

    /// When to step again; `None` while an outcome is waited for.
    pub fn wake(&self, room: bool) -> Option<Time> {
        match &self.state {
            State::NeedsIterator | State::Closed => Some(self.due),
            State::Ready(_) if room => Some(self.due),
            State::Open | State::Receiving => self.renewal(),
            _ => None,
        }
    }

    fn renewal(&self) -> Option<Time> {
        let open = matches!(self.state, State::Open | State::Receiving);
        let lead = RENEWAL_LEAD.min(self.rules.subscription_life / 2);
        let after = (self.rules.subscription_life - lead).max(self.rules.resubscribe_after);
        self.subscribed.filter(|_| open).map(|at| at + after)
    }

    /// Takes how a call ended; gives what it read.
    pub fn handle_outcome(&mut self, now: Time, ticket: Ticket, outcome: ReadOutcome<W>) -> Option<Answer<W>> {
        debug_assert_eq!(ticket, self.ticket);
        match outcome {
            ReadOutcome::Iterator(iterator) => {
                if !self.positioned {
                    self.positioned = true;
                    self.due = now + self.turn;
                    self.start.fix(now);
                }
                self.state = State::Ready(iterator);
                None
            }
            ReadOutcome::Records { next, answer } => {
                self.failures = 0;
                self.read_up_to(&answer);
                if let Some((interval, behind, _)) = self.rules.polls
                    && !answer.behind.is_zero()
                {
                    self.due = (self.due + behind) - interval;
                }
                self.state = next.map_or(State::End, State::Ready);
                Some(answer)
            }
            ReadOutcome::Subscribed => {
                self.start.fix(now);
                (self.state, self.failures) = (State::Open, 0);
                (self.subscribed, self.positioned) = (Some(now), true);
                None
            }
            ReadOutcome::Event { continuation, answer } => {
                self.state = match continuation {
                    Some(sequence) => {
                        self.start = Start::After(sequence);
                        State::Open
                    }
                    None => State::End,
                };
                Some(answer)
            }
            ReadOutcome::Ended => {
                self.closed(now, Duration::ZERO);
                None
            }
            ReadOutcome::ExpiredIterator => {
                self.state = State::NeedsIterator;
                None
            }
            ReadOutcome::Throttled | ReadOutcome::Failed => {
                self.fail(now);
                None
            }
        }
    }

    fn read_up_to(&mut self, answer: &Answer<W>) {
        if let Some(last) = answer.records.last() {
            self.start = Start::After(last.sequence.clone());
        }
    }

    fn fail(&mut self, now: Time) {
        let Some((interval, ..)) = self.rules.polls else {
            let delay = RESUBSCRIBE_BASE * (1 << self.failures);
            self.failures = (self.failures + 1).min(RESUBSCRIBE_DOUBLINGS);
            return self.closed(now, delay);
        };
        self.failures = (self.failures + 1).min(BACKOFF_DOUBLINGS);
        self.failed += 1;
        // By chance, or of two pollers in step the later one would find the calls of its second gone every time.
        let share: f64 = self.waits.at((self.ticket.shard as u64) << 40 ^ self.failed).random();
        self.due = now + interval + (interval * ((1 << self.failures) - 1)).mul_f64(share);
        // The iterator that failed is as good as before.
        let used = std::mem::replace(&mut self.state, State::NeedsIterator);
        if let State::Busy(Some(iterator)) = used {
            self.state = State::Ready(iterator);
        }
    }

    /// Subscribes again, but not before the service takes it: it refuses what follows too soon, even if the earlier one is over.
    fn closed(&mut self, now: Time, delay: Duration) {
        let allowed = self.subscribed.map_or(Time::ZERO, |at| at + self.rules.resubscribe_after);
        self.state = State::Closed;
        self.due = (now + delay).max(allowed);
    }
}
