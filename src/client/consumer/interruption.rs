//! What can happen to a consumer, and what it did.

use std::time::Duration;

use super::leases::LeaseCounts;
use super::on_failure::OnFailure;
use super::processing::ProcessingCounts;
use crate::time::Time;

/// What happens to a consumer from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// It stops in good order: batches under way end, and it notes how far it has got.
    Stop,
    /// It dies: what it has not noted is forgotten.
    Kill,
    /// It starts where it has noted to be, with all its workers.
    Start,
    /// One of the workers of a KCL application dies.
    KillWorker(u32),
    /// A worker joins a KCL application.
    AddWorker,
}

/// An interruption of the whole consumer, and how it got over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it ended.
    pub stopped: Time,
    /// When it was started again.
    pub started: Option<Time>,
    /// When it had read and processed up to the tip of every shard again: what was the tip less than a second ago, or as long ago as was
    /// usual before its first outage.
    pub caught_up: Option<Time>,
}

/// What a consumer did, beside its calls.
#[derive(Debug, Clone, Default)]
pub struct ConsumerCounts {
    /// Batches.
    pub processing: ProcessingCounts,
    /// Times that it noted how far it has got in a shard.
    pub checkpoints: u64,
    /// Use of the lease table of a KCL application.
    pub leases: LeaseCounts,
    /// Shards that it began to read.
    pub shards: u64,
    /// What went to the on-failure destination.
    pub on_failure: OnFailure,
    /// Interruptions.
    pub outages: Vec<Outage>,
    /// How long ago it had read and processed every shard that it knows of, up to its end or to what was its tip then; of a
    /// consumer that is stopped, how long before that.
    pub read_everything: Option<Duration>,
}
