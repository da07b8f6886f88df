//! The polling consumer: GetRecords on every shard at a fixed interval (fact sheet, section 1.3).

use std::time::Duration;

use super::Start;
use crate::time::Time;

/// A consumer that polls every shard.
#[derive(Debug)]
pub struct PollingConsumer {
    interval: Duration,
    shards: Vec<Shard>,
}

#[derive(Debug)]
struct Shard {
    /// Where to go on if the iterator is lost.
    start: Start,
    state: State,
    due: Time,
    failures: u32,
    /// How long the first GetRecords waits after the first iterator.
    turn: Duration,
    /// It has had an iterator.
    positioned: bool,
}

#[derive(Debug)]
enum State {
    NeedsIterator,
    Ready(String),
    Busy,
    /// The shard is closed and read to its end.
    Finished,
}

/// A call to make. `shard` is an index into the shard map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollCall {
    /// GetShardIterator.
    GetShardIterator {
        /// The shard.
        shard: usize,
        /// From where.
        start: Start,
    },
    /// GetRecords.
    GetRecords {
        /// The shard.
        shard: usize,
        /// The iterator.
        iterator: String,
    },
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollOutcome {
    /// GetShardIterator gave an iterator.
    Iterator(String),
    /// GetRecords gave records, or none.
    Records {
        /// Where to read on; `None` at the end of a closed shard.
        next: Option<String>,
        /// Sequence number of the last record, if there was one.
        last: Option<String>,
    },
    /// The read capacity of the shard is used up.
    Throttled,
    /// The iterator is older than five minutes.
    ExpiredIterator,
    /// Another failure.
    Failed,
}

/// The longest wait after repeated failures, as a multiple of the interval (a power of two).
const BACKOFF_DOUBLINGS: u32 = 4;

impl PollingConsumer {
    /// A consumer of `shards` shards that polls each of them every `interval`.
    ///
    /// All of them get their iterators at once. Then the shards take turns within the interval, as a consumer application's
    /// workers do that were not started at once.
    pub fn new(shards: usize, interval: Duration, start: &Start) -> Self {
        let shard = |index: usize| Shard {
            start: start.clone(),
            state: State::NeedsIterator,
            due: Time::ZERO,
            failures: 0,
            turn: interval.mul_f64(index as f64 / shards.max(1) as f64),
            positioned: false,
        };
        Self { interval, shards: (0..shards).map(shard).collect() }
    }

    /// The next call to make now.
    pub fn poll_call(&mut self, now: Time) -> Option<PollCall> {
        let due = |shard: &Shard| shard.due <= now && matches!(shard.state, State::NeedsIterator | State::Ready(_));
        let index = self.shards.iter().position(due)?;
        let shard = &mut self.shards[index];
        match std::mem::replace(&mut shard.state, State::Busy) {
            State::NeedsIterator => Some(PollCall::GetShardIterator { shard: index, start: shard.start.clone() }),
            State::Ready(iterator) => {
                // The interval counts from call to call; a slow answer does not stretch it.
                shard.due = now + self.interval;
                Some(PollCall::GetRecords { shard: index, iterator })
            }
            other @ (State::Busy | State::Finished) => {
                shard.state = other;
                None
            }
        }
    }

    /// Takes the outcome of the call on `shard`; `iterator` is the one that was used, if the call was GetRecords.
    pub fn handle_outcome(&mut self, now: Time, shard: usize, iterator: Option<String>, outcome: PollOutcome) {
        let interval = self.interval;
        let Some(shard) = self.shards.get_mut(shard) else { return };
        let again = iterator.map_or(State::NeedsIterator, State::Ready);
        let failures = std::mem::take(&mut shard.failures);
        shard.state = match outcome {
            PollOutcome::Iterator(iterator) => {
                if !shard.positioned {
                    shard.positioned = true;
                    shard.due = now + shard.turn;
                    shard.start.fix(now);
                }
                State::Ready(iterator)
            }
            PollOutcome::Records { next, last } => {
                if let Some(last) = last {
                    shard.start = Start::After(last);
                }
                next.map_or(State::Finished, State::Ready)
            }
            PollOutcome::ExpiredIterator => State::NeedsIterator,
            PollOutcome::Throttled | PollOutcome::Failed => {
                shard.failures = (failures + 1).min(BACKOFF_DOUBLINGS);
                shard.due = now + interval * (1 << shard.failures);
                again
            }
        };
    }

    /// When to call [`Self::poll_call`] again; `None` while every shard waits for an outcome.
    pub fn poll_timeout(&self) -> Option<Time> {
        let idle = |shard: &&Shard| matches!(shard.state, State::NeedsIterator | State::Ready(_));
        self.shards.iter().filter(idle).map(|shard| shard.due).min()
    }

    /// Whether every shard has had an iterator, so that nothing put from now on is missed.
    pub fn is_positioned(&self) -> bool {
        self.shards.iter().all(|shard| shard.positioned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(200);

    fn ms(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    fn positioned() -> PollingConsumer {
        let mut consumer = PollingConsumer::new(1, INTERVAL, &Start::TrimHorizon);
        let call = consumer.poll_call(ms(0)).unwrap();
        assert_eq!(call, PollCall::GetShardIterator { shard: 0, start: Start::TrimHorizon });
        assert!(!consumer.is_positioned());
        consumer.handle_outcome(ms(1), 0, None, PollOutcome::Iterator("a".into()));
        assert!(consumer.is_positioned());
        consumer
    }

    fn read(next: &str, last: Option<&str>) -> PollOutcome {
        PollOutcome::Records { next: Some(next.into()), last: last.map(str::to_owned) }
    }

    fn get(iterator: &str) -> Option<PollCall> {
        Some(PollCall::GetRecords { shard: 0, iterator: iterator.into() })
    }

    #[test]
    fn a_shard_is_polled_at_its_interval_whatever_the_answer_takes() {
        let mut consumer = positioned();
        assert_eq!(consumer.poll_call(ms(10)), get("a"));
        consumer.handle_outcome(ms(150), 0, Some("a".into()), read("b", None));
        assert_eq!((consumer.poll_call(ms(209)), consumer.poll_timeout()), (None, Some(ms(210))));
        assert_eq!(consumer.poll_call(ms(210)), get("b"));
    }

    #[test]
    fn throttling_backs_off_with_the_same_iterator() {
        let mut consumer = positioned();
        consumer.poll_call(ms(0));
        consumer.handle_outcome(ms(10), 0, Some("a".into()), PollOutcome::Throttled);
        assert_eq!(consumer.poll_timeout(), Some(ms(410)));
        assert_eq!(consumer.poll_call(ms(410)), get("a"));
        consumer.handle_outcome(ms(420), 0, Some("a".into()), PollOutcome::Throttled);
        assert_eq!(consumer.poll_timeout(), Some(ms(1_220)));
    }

    #[test]
    fn an_expired_iterator_is_replaced_after_the_last_record() {
        let mut consumer = positioned();
        consumer.poll_call(ms(0));
        consumer.handle_outcome(ms(10), 0, Some("a".into()), read("b", Some("49")));
        consumer.poll_call(ms(200));
        consumer.handle_outcome(ms(210), 0, Some("b".into()), PollOutcome::ExpiredIterator);
        let again = PollCall::GetShardIterator { shard: 0, start: Start::After("49".into()) };
        assert_eq!(consumer.poll_call(ms(400)), Some(again));
    }

    #[test]
    fn every_shard_is_positioned_at_once_and_read_in_its_turn() {
        let mut consumer = PollingConsumer::new(2, INTERVAL, &Start::TrimHorizon);
        assert!(consumer.poll_call(ms(0)).is_some() && consumer.poll_call(ms(0)).is_some());
        consumer.handle_outcome(ms(5), 1, None, PollOutcome::Iterator("b".into()));
        consumer.handle_outcome(ms(10), 0, None, PollOutcome::Iterator("a".into()));
        assert_eq!(consumer.poll_call(ms(10)), get("a"));
        assert_eq!((consumer.poll_call(ms(104)), consumer.poll_timeout()), (None, Some(ms(105))));
    }

    #[test]
    fn a_lost_latest_goes_on_where_it_stood() {
        let mut consumer = PollingConsumer::new(1, INTERVAL, &Start::Latest);
        let first = PollCall::GetShardIterator { shard: 0, start: Start::Latest };
        assert_eq!(consumer.poll_call(ms(0)), Some(first));
        consumer.handle_outcome(ms(7), 0, None, PollOutcome::Iterator("a".into()));
        consumer.poll_call(ms(10));
        consumer.handle_outcome(ms(20), 0, Some("a".into()), PollOutcome::ExpiredIterator);
        let again = PollCall::GetShardIterator { shard: 0, start: Start::At(ms(7)) };
        assert_eq!(consumer.poll_call(ms(400)), Some(again));
    }

    #[test]
    fn a_closed_shard_is_read_to_its_end() {
        let mut consumer = positioned();
        consumer.poll_call(ms(0));
        let end = PollOutcome::Records { next: None, last: None };
        consumer.handle_outcome(ms(10), 0, Some("a".into()), end);
        assert_eq!((consumer.poll_call(ms(1_000)), consumer.poll_timeout()), (None, None));
        assert!(consumer.is_positioned());
    }
}
