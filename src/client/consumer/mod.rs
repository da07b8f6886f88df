//! Consumers: how a consumer application decides what to ask next, shard by shard.

mod efo;
mod polling;

pub use efo::{FanOutConsumer, Subscribe, SubscriptionInput};
pub use polling::{PollCall, PollOutcome, PollingConsumer};

use crate::time::Time;

/// Where a consumer starts in a shard, or goes on after an interruption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record.
    TrimHorizon,
    /// With the next record to be put.
    Latest,
    /// With the first record put at this time or after it.
    At(Time),
    /// After the record of this sequence number.
    After(String),
}

impl Start {
    /// The position is taken at `now`: whoever loses it before the first record goes on from there, since the latest record
    /// would be another one by then.
    fn fix(&mut self, now: Time) {
        if *self == Self::Latest {
            *self = Self::At(now);
        }
    }
}
