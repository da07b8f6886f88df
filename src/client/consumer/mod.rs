//! Consumers: how a consumer application decides what to ask next, shard by shard.

mod efo;
mod polling;

pub use efo::{FanOutConsumer, Subscribe, SubscriptionInput};
pub use polling::{PollCall, PollOutcome, PollingConsumer};

/// Where a consumer starts in a shard, or goes on after an interruption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record.
    TrimHorizon,
    /// With the next record to be put.
    Latest,
    /// After the record of this sequence number.
    After(String),
}
