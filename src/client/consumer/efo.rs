//! The enhanced fan-out consumer: one subscription per shard, renewed when it ends (fact sheet, section 1.4).

use std::time::Duration;

use super::Start;
use crate::time::Time;

/// A consumer that subscribes to every shard.
#[derive(Debug)]
pub struct FanOutConsumer {
    /// A second SubscribeToShard within this time after a successful one is refused.
    resubscribe_after: Duration,
    shards: Vec<Shard>,
}

#[derive(Debug)]
struct Shard {
    start: Start,
    state: State,
    /// When the service last accepted a subscription.
    subscribed: Option<Time>,
    failures: u32,
}

#[derive(Debug, PartialEq)]
enum State {
    Closed {
        due: Time,
    },
    Opening,
    Open,
    /// The shard is closed and read to its end.
    Finished,
}

/// A SubscribeToShard call to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Index into the shard map.
    pub shard: usize,
    /// From where.
    pub start: Start,
}

/// What comes in from a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionInput {
    /// The service accepted it.
    Opened,
    /// Records came, or none; go on from here after an interruption. `None` means that the shard is closed and at its end.
    Records {
        /// The continuation sequence number.
        continuation: Option<String>,
    },
    /// It ended in good order, as it does after five minutes.
    Ended,
    /// The call or the subscription failed.
    Failed,
}

/// SubscribeToShard may be called once per second for a consumer and shard.
const RETRY_BASE: Duration = Duration::from_secs(1);
const RETRY_DOUBLINGS: u32 = 4;

impl FanOutConsumer {
    /// A consumer of `shards` shards.
    pub fn new(shards: usize, resubscribe_after: Duration, start: &Start) -> Self {
        let shard =
            |_| Shard { start: start.clone(), state: State::Closed { due: Time::ZERO }, subscribed: None, failures: 0 };
        Self { resubscribe_after, shards: (0..shards).map(shard).collect() }
    }

    /// The next subscription to open now.
    pub fn poll_call(&mut self, now: Time) -> Option<Subscribe> {
        let due = |shard: &Shard| matches!(shard.state, State::Closed { due } if due <= now);
        let index = self.shards.iter().position(due)?;
        let shard = &mut self.shards[index];
        shard.state = State::Opening;
        Some(Subscribe { shard: index, start: shard.start.clone() })
    }

    /// Takes what came in from the subscription to `shard`.
    pub fn handle_input(&mut self, now: Time, shard: usize, input: SubscriptionInput) {
        let Some(shard) = self.shards.get_mut(shard) else { return };
        match input {
            SubscriptionInput::Opened => {
                shard.state = State::Open;
                shard.start.fix(now);
                shard.subscribed = Some(now);
                shard.failures = 0;
            }
            SubscriptionInput::Records { continuation: Some(number) } => shard.start = Start::After(number),
            SubscriptionInput::Records { continuation: None } => shard.state = State::Finished,
            SubscriptionInput::Ended | SubscriptionInput::Failed if shard.state == State::Finished => {}
            SubscriptionInput::Ended | SubscriptionInput::Failed => {
                let delay = if input == SubscriptionInput::Failed {
                    shard.failures = (shard.failures + 1).min(RETRY_DOUBLINGS);
                    RETRY_BASE * (1 << (shard.failures - 1))
                } else {
                    Duration::ZERO
                };
                // The service refuses a subscription that follows too soon, even if the earlier one is over.
                let allowed = shard.subscribed.map_or(Time::ZERO, |at| at + self.resubscribe_after);
                shard.state = State::Closed { due: (now + delay).max(allowed) };
            }
        }
    }

    /// When to call [`Self::poll_call`] again; `None` while every shard is subscribed.
    pub fn poll_timeout(&self) -> Option<Time> {
        let due = |shard: &Shard| match shard.state {
            State::Closed { due } => Some(due),
            State::Opening | State::Open | State::Finished => None,
        };
        self.shards.iter().filter_map(due).min()
    }

    /// Whether every shard is subscribed (or read to its end), so that nothing put from now on is missed.
    pub fn is_positioned(&self) -> bool {
        self.shards.iter().all(|shard| matches!(shard.state, State::Open | State::Finished))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer() -> FanOutConsumer {
        FanOutConsumer::new(1, Duration::from_secs(5), &Start::TrimHorizon)
    }

    fn open(consumer: &mut FanOutConsumer, at: Time) -> Start {
        let call = consumer.poll_call(at).unwrap();
        consumer.handle_input(at, 0, SubscriptionInput::Opened);
        call.start
    }

    #[test]
    fn a_subscription_that_ends_is_renewed_where_it_stopped() {
        let mut consumer = consumer();
        assert_eq!(open(&mut consumer, Time::ZERO), Start::TrimHorizon);
        assert!(consumer.is_positioned() && consumer.poll_timeout().is_none());
        let records = SubscriptionInput::Records { continuation: Some("49".into()) };
        consumer.handle_input(Time::from_secs(1), 0, records);
        consumer.handle_input(Time::from_secs(300), 0, SubscriptionInput::Ended);
        assert_eq!(open(&mut consumer, Time::from_secs(300)), Start::After("49".into()));
    }

    #[test]
    fn a_lost_subscription_waits_until_the_service_takes_it_again() {
        let mut consumer = consumer();
        open(&mut consumer, Time::ZERO);
        consumer.handle_input(Time::from_secs(2), 0, SubscriptionInput::Failed);
        assert!(!consumer.is_positioned());
        assert_eq!((consumer.poll_call(Time::from_secs(4)), consumer.poll_timeout()), (None, Some(Time::from_secs(5))));
        open(&mut consumer, Time::from_secs(5));
    }

    #[test]
    fn repeated_failures_back_off() {
        let mut consumer = consumer();
        let mut at = Time::ZERO;
        for seconds in [1, 2, 4, 8, 8] {
            assert!(consumer.poll_call(at).is_some());
            consumer.handle_input(at, 0, SubscriptionInput::Failed);
            at = at + Duration::from_secs(seconds);
            assert_eq!(consumer.poll_timeout(), Some(at));
        }
    }

    #[test]
    fn the_end_of_a_shard_is_the_end() {
        let mut consumer = consumer();
        open(&mut consumer, Time::ZERO);
        consumer.handle_input(Time::from_secs(1), 0, SubscriptionInput::Records { continuation: None });
        consumer.handle_input(Time::from_secs(1), 0, SubscriptionInput::Ended);
        assert_eq!(consumer.poll_timeout(), None);
    }
}
